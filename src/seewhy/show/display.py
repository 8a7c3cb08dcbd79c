"""Put a picture before a person: inline in a notebook, else in the desktop's own viewer."""

from __future__ import annotations

import sys
from io import BytesIO

from PIL import Image as pillow


def show_png(png: bytes) -> None:
    """Show an encoded picture.

    Parameters
    ----------
    png : bytes
        Of a PNG file.
    """
    if _in_notebook():
        from IPython.display import Image, display

        display(Image(data=png))
    else:
        with pillow.open(BytesIO(png)) as picture:
            picture.show()


def _in_notebook() -> bool:
    # a notebook has loaded IPython already; importing it to find out would cost a second
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")
