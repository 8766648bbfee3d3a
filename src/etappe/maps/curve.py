"""Curve: a line through scores that never swings beyond its points; solid only between two that were measured."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from etappe.language import number, word
from etappe.maps.figures import signed, title_text
from etappe.maps.ink import Ink, num
from etappe.maps.letters import BOLD, width
from etappe.maps.model import Basis

if TYPE_CHECKING:
    from etappe.maps.bound import BoundCell, BoundMap

DASH: Final = "6 5"
HEIGHT: Final = 118.0
"""Height of a lane with a curve."""
PAD: Final = 20.0
HIDDEN: Final = 8.0
"""An end of an interval so near is hidden by its point; the number stands in the title."""


@dataclass(frozen=True)
class Point:
    """A score at its place."""

    x: float
    y: float
    basis: Basis
    column: int
    last: int


def segment(a: Point, b: Point) -> tuple[str, bool]:
    """The path between two points, flat at both ends, and whether it is solid.

    Examples
    --------
    >>> segment(Point(0, 0, "measured", 0, 0), Point(10, 4, "measured", 1, 1))
    ('M0 0C5 0 5 4 10 4', True)
    """
    middle = (a.x + b.x) / 2
    d = f"M{num(a.x)} {num(a.y)}C{num(middle)} {num(a.y)} {num(middle)} {num(b.y)} {num(b.x)} {num(b.y)}"
    adjacent = b.column == a.last + 1
    return d, adjacent and a.basis == b.basis == "measured"


def draw_curve(
    ink: Ink, bound: "BoundMap", cells: "list[BoundCell]", left: float, column: float, y: float, right: float, lang: str
) -> None:
    """The curve of an emotion lane (-2 to 2) or an arc lane (1 to 5): grid, line, points, labels, intervals.

    Without room at the left (`left` is 0, in a page) the marks of the scale stand on its lines.
    """
    arc = bool(cells) and cells[0].lane.type == "arc"
    low, high, zero = (1.0, 5.0, 3.0) if arc else (-2.0, 2.0, 0.0)
    scale = (HEIGHT - 2 * PAD) / (high - low)

    def at(score: float) -> float:
        return y + PAD + (high - score) * scale

    for mark in (high, zero, low):
        ink.line(left, at(mark), right, at(mark), width=1.5 if mark == zero else 1)
        text = number(mark, lang) if arc else signed(mark, lang, 0)
        if left:
            ink.text(left - 8, at(mark) + 3.5, text, size=10, fill="mute", anchor="end")
        else:
            ink.text(2, at(mark) - 3, text, size=10, fill="mute")
    placed = sorted((c for c in cells if c.score is not None), key=lambda c: (c.first, c.span))
    points = [
        Point(
            left + (c.first + c.span / 2) * column,
            at(c.score or 0.0),
            c.basis or "assumed",
            c.first,
            c.first + c.span - 1,
        )
        for c in placed
    ]
    for a, b in pairwise(points):
        d, solid = segment(a, b)
        ink.path(d, stroke="accent", width=2.5, dash="" if solid else DASH, cap="round" if solid else "")
    for i, (c, p) in enumerate(zip(placed, points, strict=True)):
        score = c.score or 0.0
        colour = "accent" if arc or -1 < score < 1 else "good" if score > 0 else "bad"
        said = number(score, lang, 1) if arc else signed(score, lang)
        ink.open(_title(bound, c, said, lang))
        for end in (c.high, c.low):
            if end is not None and abs(at(end) - p.y) > HIDDEN:
                ink.line(p.x, p.y, p.x, at(end), stroke=colour, width=1.5)
                ink.line(p.x - 4, at(end), p.x + 4, at(end), stroke=colour, width=1.5)
        ink.point(p.x, p.y, p.basis, colour=colour)
        ends = [at(end) for end in (c.high, c.low) if end is not None]
        _label(ink, p, points[max(0, i - 1) : i] + points[i + 1 : i + 2], ends, said, colour, y)
        ink.close()


def _label(ink: Ink, p: Point, beside: list[Point], ends: list[float], text: str, colour: str, y: float) -> None:
    """The score above its point and its interval, below in a valley of the line, at the side where neither has room."""
    valley = bool(beside) and all(q.y < p.y for q in beside)
    above = min([p.y, *ends]) - 11
    below = max([p.y, *ends]) + 19
    half = width(text, 11, BOLD) / 2
    under = (valley and (len(beside) == 2 or colour == "bad")) or above - 8 <= y
    x, baseline = p.x, below if under and below < y + HEIGHT else above
    if baseline - 8 <= y:
        x, baseline = p.x + half + 12, p.y - 6
    ink.rect(x - half - 2, baseline - 9.5, 2 * half + 4, 12, fill="bg", radius=2)
    ink.text(x, baseline, text, size=11, weight=BOLD, fill=colour, anchor="middle")


def _title(bound: "BoundMap", c: "BoundCell", said: str, lang: str) -> str:
    basis = word(f"map.basis.{c.basis or 'assumed'}", lang)
    what = word("map.arc" if c.lane.type == "arc" else "map.score", lang, score=said)
    return " · ".join([f"{what} ({basis})", *(title_text(b, lang) for b in bound.of(c.cell))])
