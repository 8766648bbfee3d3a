"""Flow: the ways between steps as arrows in the row of steps; without a `flow` each step leads to the next."""

from itertools import pairwise
from typing import Final

from etappe.maps.ink import Ink, num
from etappe.maps.letters import width, wrap
from etappe.maps.model import Edge, JourneyMap
from etappe.vocabulary import say

LEVEL: Final = 19.0
"""Height of one level of arcs above the shapes."""
_SHAPE: Final = 14.0


def levels(document: JourneyMap) -> list[tuple[Edge, int, int, int]]:
    """The edges that need an arc, as (edge, first column, last column, level): short ones low, none over another.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> [(edge.start, edge.end, level) for edge, _, _, level in levels(template("event-registration"))][:2]
    [('s3', 's4', 0), ('s1', 's3', 0)]
    """
    keys = document.columns()
    arcs = [
        (e, keys.index(e.start), keys.index(e.end))
        for e in document.flow
        if e.start in keys and e.end in keys and e.start != e.end
    ]
    arcs = [(e, a, b) for e, a, b in arcs if b - a != 1 or e.label or e.kind not in ("next",)]
    taken: list[list[tuple[int, int]]] = []
    found = []
    for e, a, b in sorted(arcs, key=lambda arc: (abs(arc[2] - arc[1]), arc[1])):
        low, high = min(a, b), max(a, b)
        level = 0
        while level < len(taken) and any(low < right and left < high for left, right in taken[level]):
            level += 1
        if level == len(taken):
            taken.append([])
        taken[level].append((low, high))
        found.append((e, a, b, level))
    return found


def room_above(document: JourneyMap) -> float:
    """The height that the arcs need above the shapes."""
    return LEVEL * (1 + max((level for *_, level in levels(document)), default=-1))


def _arrow(ink: Ink, x: float, y: float, *, down: bool) -> None:
    d = f"M{num(x)} {num(y)}l-4-7h8z" if down else f"M{num(x)} {num(y)}l-7-4v8z"
    ink.path(d, fill="strong")


def draw_flow(ink: Ink, document: JourneyMap, centres: dict[str, float], y: float, lang: str) -> None:
    """Lines between neighbours, arcs between others; `centres` are the middles of the shapes."""
    keys = [key for key in document.columns() if key in centres]
    if not document.flow:
        for left, right in pairwise(keys):
            ink.line(centres[left] + 16, y, centres[right] - 16, y, width=2)
        return
    arcs = levels(document)
    drawn = {(e.start, e.end) for e, *_ in arcs}
    for e in document.flow:
        if e.start in centres and e.end in centres and (e.start, e.end) not in drawn and e.start != e.end:
            ink.line(centres[e.start] + 16, y, centres[e.end] - 20, y, stroke="strong", width=1.5)
            _arrow(ink, centres[e.end] - 15, y, down=False)
    for e, a, b, level in arcs:
        way = 1 if b > a else -1
        x1, x2 = centres[e.start] + 5, centres[e.end] - 5  # out on the right, in on the left: they never meet
        top = y - _SHAPE - 10 - level * LEVEL
        dash = "5 4" if e.kind in ("drop", "loop") else ""
        d = (
            f"M{num(x1)} {num(y - _SHAPE)}V{num(top + 6)}Q{num(x1)} {num(top)} {num(x1 + 6 * way)} {num(top)}"
            f"H{num(x2 - 6 * way)}Q{num(x2)} {num(top)} {num(x2)} {num(top + 6)}V{num(y - _SHAPE - 6)}"
        )
        ink.path(d, stroke="strong", width=1.5, dash=dash)
        _arrow(ink, x2, y - _SHAPE, down=True)
        label = say(e.label, lang)
        if label:
            text = wrap(label, abs(x2 - x1) - 24, 10, most=1)[0]
            half = width(text, 10) / 2
            middle = (x1 + x2) / 2
            ink.rect(middle - half - 4, top - 6, 2 * half + 8, 12, fill="bg")
            ink.text(middle, top + 3.5, text, size=10, fill="mute", anchor="middle")
