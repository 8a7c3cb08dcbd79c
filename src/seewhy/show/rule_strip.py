"""A strip of small pictures: what keeps a rule, what breaks it, and other rules.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from seewhy.show import palette
from seewhy.show.bars import SMALL
from seewhy.show.layout import MARGIN
from seewhy.show.lettering import write
from seewhy.show.render import RGB, line_width
from seewhy.show.rule_charts import rule_colour
from seewhy.show.rule_words import bound_percent, called, counted
from seewhy.show.sheet import ROOM, Slot, fit, put_picture
from seewhy.show.stage import Stage, in_colour, outline_together
from seewhy.show.words import percent

if TYPE_CHECKING:
    from seewhy.methods.rule import Example, Rule

MOST_OF_A_KIND = 3

_A_LINE = 6
_GAP = 0.1
_BETWEEN = 0.22
_TILE = (ROOM - 3 * _GAP - 2 * _BETWEEN) / _A_LINE
_TALLEST = 1.6
_HEAD = 0.12
_WORDS = 0.46
_BETWEEN_LINES = 0.2


@dataclass(frozen=True, eq=False)
class Tile:
    """A small picture and two lines below it."""

    pixels: RGB
    said: str
    aside: str


@dataclass(frozen=True, eq=False)
class Section:
    """Some tiles of one kind, under a head in their colour."""

    head: str
    colour: str
    tiles: tuple[Tile, ...]

    @property
    def width(self) -> float:
        """In inches."""
        return len(self.tiles) * _TILE + (len(self.tiles) - 1) * _GAP


def sections_of(
    stage: Stage, rule: Rule, names: Mapping[int, str], blanks: Mapping[str | None, RGB]
) -> list[Section]:
    """Return the small pictures of a rule; kinds of which there is none are left out.

    Parameters
    ----------
    stage : Stage
        The picture.
    rule : Rule
        Its examples and alternatives, three of a kind at most.
    names : mapping of int to str
        Class to its name.
    blanks : mapping of str or None to uint8 array (h, w, 3)
        What shows where superpixels are hidden, at the stage's size, by background. An
        example of another background is passed over.
    """
    others = tuple(_alternative(stage, each) for each in rule.alternatives[:MOST_OF_A_KIND])
    # others go on the same line where they leave room for examples
    room = _A_LINE - (len(others) if len(others) < MOST_OF_A_KIND else 0)
    keeps, breaks = (
        [example for example in each if example.background in blanks][:MOST_OF_A_KIND]
        for each in (rule.keeps, rule.breaks)
    )
    keeps = keeps[: max(room // 2, room - len(breaks))]
    breaks = breaks[: room - len(keeps)]
    found = []
    for shown, heads, colour in (
        (keeps, ("one that kept it", "typical pictures that kept it"), palette.FOR),
        (breaks, ("one that broke it", "the worst that broke it"), palette.AGAINST),
    ):
        tiles = tuple(_example(stage, rule, each, names, blanks) for each in shown)
        found.append(Section(heads[len(tiles) > 1], colour, tiles))
    head = "other rules, no region shared" if len(others) > 1 else "another rule"
    found.append(Section(head, palette.FOR, others))
    return [section for section in found if section.tiles]


def strip_height(sections: Sequence[Section]) -> float:
    """Return the room that a strip takes, in inches; 0 for none."""
    lines = _lines(sections)
    return sum(map(_line_height, lines)) + _BETWEEN_LINES * max(0, len(lines) - 1)


def draw_strip(figure: Figure, sections: Sequence[Section], y: float) -> None:
    """Draw sections beside each other, on as many lines as they need."""
    for line in _lines(sections):
        x = MARGIN
        for section in line:
            _draw_section(figure, section, x, y, room=section.width)
            x += section.width + _BETWEEN
        y += _line_height(line) + _BETWEEN_LINES


def _example(
    stage: Stage,
    rule: Rule,
    example: Example,
    names: Mapping[int, str],
    blanks: Mapping[str | None, RGB],
) -> Tile:
    masked = stage.hiding(example.hidden, blanks[example.background])
    width = 2 * line_width(stage.segmentation.shape)
    colour = rule_colour(rule)
    lined = outline_together(
        masked, stage.segmentation, rule.superpixels, colour, width=width, hairlines=False
    )
    others = stage.segmentation.count - len(rule.superpixels)
    aside = f"{len(example.hidden)} of {others} hidden"
    if example.background is not None:
        aside = f"behind: {example.background}"
    return Tile(lined, called(example.becomes, names), aside)


def _alternative(stage: Stage, rule: Rule) -> Tile:
    pixels = in_colour(stage, rule.superpixels, rule_colour(rule))
    size = f"{counted(len(rule.superpixels), 'region')}, {percent(rule.area)}"
    bound = "exactly" if rule.exact else f"at least {bound_percent(rule.precision_lower_bound)}"
    if rule.exact:
        bound = f"holds in {percent(rule.precision)}"
    return Tile(pixels, size, bound)


def _draw_section(figure: Figure, section: Section, x: float, y: float, room: float) -> None:
    write(figure, x, y, section.head, size=SMALL, colour=section.colour, bold=True, width=room)
    for tile in section.tiles:
        slot = Slot(x, y + _HEAD, _TILE, _TALLEST)
        put_picture(figure, tile.pixels, slot)
        bottom = slot.fitting(tile.pixels.shape).bottom
        colour = palette.INK if section.colour == palette.FOR else palette.AGAINST
        said = (figure, x, bottom + 0.17, tile.said)
        write(*said, size=SMALL, colour=colour, bold=True, width=_TILE)
        write(figure, x, bottom + 0.33, tile.aside, size=SMALL, width=_TILE)
        x += _TILE + _GAP


def _line_height(line: Sequence[Section]) -> float:
    tallest = max(
        fit(tile.pixels.shape, _TILE, _TALLEST)[1] for section in line for tile in section.tiles
    )
    return _HEAD + tallest + _WORDS


def _lines(sections: Sequence[Section]) -> list[list[Section]]:
    lines: list[list[Section]] = []
    end = 0.0
    for section in sections:
        if lines and end + _BETWEEN + section.width <= ROOM + 1e-9:
            lines[-1].append(section)
            end += _BETWEEN + section.width
        else:
            lines.append([section])
            end = section.width
    return lines
