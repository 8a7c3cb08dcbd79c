"""What can be looked at: a result with one figure, and one that is a page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from matplotlib.figure import Figure


class Shown(ABC):
    """Shows itself: in a notebook, or in the desktop's picture viewer."""

    @abstractmethod
    def figure(self) -> Figure:
        """Draw it."""

    def show(self) -> None:
        """Show the figure: inline in a notebook, elsewhere in the desktop's picture viewer."""
        from seewhy.show.display import show_png

        show_png(self._repr_png_())

    def _repr_png_(self) -> bytes:
        from seewhy.show.saving import figure_bytes

        return figure_bytes(self.figure(), "png")


class Paged:
    """Shows itself as a page, in a file or in a notebook; of `seewhy.run.reporting`'s results."""

    def report(self, path: str | PathLike[str], *, title: str | None = None) -> Path:
        """Write it as one page to look at; see `seewhy.write_report`.

        Parameters
        ----------
        path : path
            A file that ends in ".html", or a folder, into which ``report.html`` goes.
        title : str, optional
            Default: the picture's name.

        Returns
        -------
        Path
            The page to open.
        """
        from seewhy.run.reporting import checked_result, write_report

        return write_report(checked_result(self), path, title=title)

    def _repr_html_(self) -> str:
        from seewhy.run.reporting import checked_result, notebook_of

        return notebook_of(checked_result(self))
