"""What a check found, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "advice", "fault", "not judged"]

MARKS: Mapping[Verdict, str] = MappingProxyType(
    {"ok": "✓", "advice": "!", "fault": "✗", "not judged": "·"}
)
"""How verdicts are shown."""
WORDS: Mapping[Verdict, str] = MappingProxyType(
    {"ok": "ok", "advice": "advice", "fault": "FAULT", "not judged": "-"}
)
"""Likewise, where only ASCII can be shown."""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check : str
        What was looked at, in a word or two: ``"colour order"``.
    verdict : {"ok", "advice", "fault", "not judged"}
        A fault makes explanations wrong; advice may be heeded or not.
    says : str
        What was found, and the way out, in a sentence.
    remedy : mapping, optional
        The whole preprocessing to declare instead, as ``--preprocess FILE.json`` reads it.
    """

    check: str
    verdict: Verdict
    says: str
    remedy: Mapping[str, Any] | None = None
