"""What can be looked at: a result with one figure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
