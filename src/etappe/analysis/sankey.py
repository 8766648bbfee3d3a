"""Sankey: a flow as one SVG picture without script: steps from left to right, as time goes, heights as counts.

The picture shows what the table says, no more; it is for eyes, and the table stands below it.
"""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from etappe.language import number, word

if TYPE_CHECKING:
    from etappe.analysis.answer import Answer

WIDTH, HEIGHT, NODE, GAP, TOP, LINE = 900, 300, 10, 8, 18, 14
"""Of the picture, a node's width, between two nodes, above all of them, and of a line of text; pixels."""
LONGEST: Final = 18
MOST: Final = 8
"""Steps that are drawn; more are in the table."""
ENDS: Final = ("other", "none", "exit", "start")


@dataclass
class _Box:
    """A node: its place, and how much of its height is taken by links on either side."""

    x: float
    y: float = 0.0
    height: float = 0.0
    count: int = 0
    left: float = 0.0
    right: float = 0.0


def _label(name: str, kind: str, lang: str) -> str:
    told = word(f"flow.{kind}", lang) if kind in ENDS else name
    return told if len(told) <= LONGEST else told[: LONGEST - 1] + "…"


def sankey(found: "Answer", lang: str) -> str:
    """The picture of an answer to `flow`; nothing for one in groups, or without journeys."""
    names = found.table.column_names
    rows = [row for row in found.rows() if row["step"] <= MOST]
    if "group" in names or not rows:
        return ""
    back = getattr(found.question, "end", None) is not None
    steps = max(int(row["step"]) for row in rows)

    def x_of(layer: int) -> float:
        room = (WIDTH - 130 - NODE) / steps
        return (steps - layer if back else layer) * room

    boxes: dict[tuple[int, str, str], _Box] = {}
    links = []
    for row in rows:
        before, after = (row["from"], row["from_kind"]), (row["to"], row["to_kind"])
        near, far = (after, before) if back else (before, after)
        first, second = (row["step"] - 1, *near), (row["step"], *far)
        for key in (first, second):
            boxes.setdefault(key, _Box(x_of(key[0])))
        boxes[second].count += row["count"]
        if row["step"] == 1:
            boxes[first].count += row["count"]
        links.append((first, second, row["count"]))
    layers: dict[int, list[_Box]] = {}
    order = sorted(boxes, key=lambda key: (key[0], ENDS.index(key[2]) if key[2] in ENDS else -1, -boxes[key].count))
    for key in order:
        layers.setdefault(key[0], []).append(boxes[key])
    tall = max(len(layer) for layer in layers.values())
    scale = (HEIGHT - TOP - GAP * tall) / max(sum(box.count for box in layer) for layer in layers.values())
    lowest = 0.0
    for layer in layers.values():
        y = float(TOP)
        for box in layer:
            box.y, box.height = y, max(1.0, box.count * scale)
            y += max(box.height + GAP, LINE)
        lowest = max(lowest, y)
    drawn = []
    for first, second, count in sorted(links, key=lambda link: (order.index(link[0]), order.index(link[1]))):
        a, b = (boxes[second], boxes[first]) if back else (boxes[first], boxes[second])
        thick = max(0.5, count * scale)
        y1, y2 = a.y + a.right + thick / 2, b.y + b.left + thick / 2
        a.right += thick
        b.left += thick
        middle = (a.x + NODE + b.x) / 2
        path = f"M{a.x + NODE:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {b.x:.1f} {y2:.1f}"
        title = f"{_label(first[1], first[2], lang)} – {_label(second[1], second[2], lang)}: {number(count, lang)}"
        drawn.append(f'<path d="{path}" stroke-width="{thick:.1f}"><title>{escape(title)}</title></path>')
    for key in order:
        box = boxes[key]
        kind = key[2] if key[2] in ENDS else "touchpoint"
        shape = f'<rect class="{kind}" x="{box.x:.1f}" y="{box.y:.1f}" width="{NODE}" height="{box.height:.1f}"/>'
        text = f"{_label(key[1], key[2], lang)} {number(box.count, lang)}"
        drawn.append(f'{shape}<text x="{box.x + NODE + 4:.1f}" y="{box.y + 11:.1f}">{escape(text)}</text>')
    title = escape(word("answer.title.flow", lang))
    return (
        f'<svg class="flow" viewBox="0 0 {WIDTH} {lowest:.0f}" width="{WIDTH}" role="img" aria-label="{title}">'
        f"{''.join(drawn)}</svg>"
    )
