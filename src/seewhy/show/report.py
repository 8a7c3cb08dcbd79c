"""View documents as pages that need nothing else: no server, no network, no folder beside them.

A page holds the viewer, its data, and a policy (CSP) under which a browser runs the two scripts
whose digests it names, and nothing else: what a picture or a class is called can do no harm.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from typing import Any

from seewhy.show.viewer import viewer_script, viewer_style

Json = Mapping[str, Any]

NOTEBOOK_HEIGHT = 640

GENERATOR = '<meta name="generator" content="Seewhy'
"""By what a page is known to be one of these."""

_BOOT = """window.seewhy = window.Seewhy.mount(
document.getElementById("seewhy"),
JSON.parse(document.getElementById("seewhy-data").textContent),
{{compact: {compact}}});"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Seewhy {version}">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main id="seewhy"></main>
<noscript>This page draws its pictures with JavaScript, which is turned off here.</noscript>
<script type="application/json" id="seewhy-data">{data}</script>
<script>{script}</script>
<script>{boot}</script>
</body>
</html>
"""

_FRAME = """<div style="position: relative; min-height: 2.5em">
<p style="position: absolute; margin: 0.5em">The viewer is not shown where a notebook is not \
trusted: run this cell again, or call <code>.show()</code> for a figure.</p>
<iframe title="{title}" sandbox="allow-scripts" width="100%" height="{height}" \
style="position: relative; display: block; border: 0" srcdoc="{page}"></iframe>
</div>
"""


def report_html(document: Json, *, compact: bool = False, shards: bool = False) -> str:
    """Turn a view document into one page that shows it.

    Parameters
    ----------
    document : mapping
        Of `seewhy.run.viewing.view_document`; every text in it is taken to be hostile.
    compact : bool
        Leave out what takes room, as in a notebook.
    shards : bool
        Let the viewer load scripts that lie beside the page and hold further items.

    Returns
    -------
    str
        HTML; equal documents give equal pages.
    """
    style, script = viewer_style(), viewer_script()
    boot = _BOOT.format(compact=json.dumps(compact))
    return _PAGE.format(
        policy=escape(_policy(style, script, boot, beside=shards)),
        version=escape(str(document["seewhy"])),
        title=escape(_line(document["title"]) or "Seewhy"),
        style=style,
        data=inline_json(document),
        script=script,
        boot=boot,
    )


def notebook_html(document: Json, *, height: int = NOTEBOOK_HEIGHT) -> str:
    """Turn a view document into a frame for a notebook's output, cut off from the notebook.

    Parameters
    ----------
    document : mapping
        Of `seewhy.run.viewing.view_document`.
    height : int
        Of the frame, in pixels.
    """
    page = report_html(document, compact=True)
    return _FRAME.format(
        title=escape(_line(document["title"])), height=int(height), page=escape(page)
    )


def inline_json(value: Any) -> str:
    r"""Write JSON that ends no script element early, and that no old parser breaks a line in.

    Examples
    --------
    >>> inline_json({"label": "</script>"})
    '{"label":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    # half of a surrogate pair, which a file's name may hold, is no UTF-8
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _line(text: object) -> str:
    """One line that can be written as UTF-8, whatever a file was called."""
    return " ".join(str(text).encode("utf-8", "replace").decode("utf-8").split())


def _policy(style: str, script: str, boot: str, *, beside: bool) -> str:
    scripts = f"{_digest(script)} {_digest(boot)}"
    if beside:
        # what the viewer itself loads, and nothing that markup names; for any scheme
        scripts += " 'strict-dynamic'"
    return (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {scripts}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
