"""Lanes: how the cells of each type of lane are measured and drawn; measured first, so that nothing overlaps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from etappe.language import word
from etappe.maps.curve import HEIGHT, draw_curve
from etappe.maps.figures import interval_text, n_text, state_text, target_text, title_text, value_text
from etappe.maps.ink import Ink
from etappe.maps.letters import BOLD, fitting, width, wrap
from etappe.maps.model import SHOWN
from etappe.vocabulary import say

if TYPE_CHECKING:
    from etappe.maps.bound import Bound, BoundCell, BoundMap

PAD: Final = 8.0
GAP: Final = 6.0
"""Space between two columns, and between two cells below each other."""
BESIDE: Final = 12.0
"""Room of the mark that says what a text rests on."""
CARDS: Final = frozenset(("pain", "gain", "opportunity"))
CURVES: Final = frozenset(("emotion", "arc"))
NUMBERS: Final = frozenset(("metric", "evidence"))

_BARS: Final = {"pain": "bad", "gain": "good", "opportunity": "good"}


@dataclass(frozen=True)
class Block:
    """A drawn cell: its height, and how it is drawn at a place."""

    height: float
    draw: Callable[[float, float], None]
    """Left edge and top."""


@dataclass(frozen=True)
class Frame:
    """Where the columns stand."""

    left: float
    column: float
    count: int
    lang: str

    @property
    def right(self) -> float:
        """The right edge of the last column."""
        return self.left + self.column * self.count

    def x(self, cell: "BoundCell") -> float:
        """The left edge of a cell."""
        return self.left + cell.first * self.column

    def room(self, cell: "BoundCell") -> float:
        """The width of a cell."""
        return cell.span * self.column - GAP


def _joined(parts: list[str], room: float) -> list[str]:
    """Small facts on one line with a dot between them, or each on a line of its own where that is too wide."""
    said = [part for part in parts if part]
    if width(" · ".join(said), 10) <= room:
        return [" · ".join(said)] if said else []
    return [line for part in said for line in wrap(part, room, 10)]


def _number(ink: Ink, b: "Bound", room: float, lang: str) -> Block:
    """A big number with its label, base, target and interval; or why there is none."""
    text = value_text(b, lang)
    shown = b.value is not None and b.state in SHOWN
    mark = 22 if b.verdict else 14 if b.state in ("changed", "stale") else 0
    size = fitting(text, room - mark, 17, BOLD, least=11)
    label = wrap(say(b.label, lang), room, 10.5, most=3)
    small = _joined([n_text(b, lang), target_text(b, lang)], room) if shown else []
    interval = interval_text(b, lang)
    small += wrap(word("map.interval.short", lang, interval=interval), room, 10) if interval else []
    note = wrap(state_text(b, lang), room, 10, most=4) if b.state not in ("fresh", "held") else []
    height = 20 + 13 * len(label) + 12.5 * (len(small) + len(note))

    def draw(x: float, y: float) -> None:
        ink.open(title_text(b, lang))
        colour = {"good": "good", "bad": "bad", None: "ink"}[b.verdict] if shown else "mute"
        ink.text(x, y + 16, text, size=size, weight=BOLD, fill=colour)
        after = x + width(text, size, BOLD) + 8
        if b.verdict and shown:
            over = b.target is not None and b.value is not None and b.value > b.target
            ink.verdict(after, y + 10, b.verdict, up=over)
        elif b.state in ("changed", "stale"):
            ink.path(f"M{after:.1f} {y + 11:.1f}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z", fill="warn")
        at = ink.lines(x, y + 31, label, size=10.5, leading=13, fill="mute")
        at = ink.lines(x, at, small, size=10, leading=12.5, fill="mute")
        ink.lines(x, at, note, size=10, leading=12.5, fill="warn" if shown else "mute")
        ink.close()

    return Block(height, draw)


def _evidence_lines(b: "Bound", room: float, lang: str) -> list[str]:
    """A number beside a text: "41,7 % brechen ab · n = 1.715", the base on a line of its own where it must."""
    if b.value is None or b.state not in SHOWN:
        return wrap(f"{say(b.label, lang)}: {state_text(b, lang)}", room, 10)
    return _joined([f"{value_text(b, lang)} {say(b.label, lang)}", n_text(b, lang)], room)


@dataclass(frozen=True)
class _Words:
    """The lines of a cell: text, quotes, and the numbers behind them."""

    body: list[str]
    quotes: list[str]
    small: list[str]

    @property
    def height(self) -> float:
        return 16 * len(self.body) + 15 * len(self.quotes) + 13 * len(self.small)

    def draw(self, ink: Ink, x: float, y: float, fill: str) -> None:
        at = ink.lines(x, y + 12, self.body, size=12, leading=16, fill=fill)
        at = ink.lines(x, at - 0.5, self.quotes, size=11.5, leading=15, fill=fill)
        ink.lines(x, at - 1, self.small, size=10, leading=13, fill="mute")


def _words(bound: "BoundMap", c: "BoundCell", room: float, lang: str, weight: int = 400) -> _Words:
    text = say(c.cell.text, lang)
    if not text and c.cell.opportunity:
        found = [o for o in bound.map.opportunities if o.id == c.cell.opportunity]
        text = say(found[0].title, lang) if found else ""
    if not text and c.cell.image:
        text = c.cell.image
    quotes: list[str] = []
    small: list[str] = []
    marks = ("„", "“") if lang == "de" else ("“", "”")
    for quote in c.cell.quotes:
        quotes += wrap(f"{marks[0]}{say(quote.text, lang)}{marks[1]}", room, 11.5)
        small += wrap(quote.source, room, 10) if quote.source else []
    for b in bound.of(c.cell):
        small += _evidence_lines(b, room, lang)
    return _Words(wrap(text, room, 12, weight) if text else [], quotes, small)


def _title(bound: "BoundMap", c: "BoundCell", lang: str) -> str:
    parts = [say(c.cell.text, lang)]
    if c.basis:
        parts.append(word(f"map.basis.{c.basis}", lang))
    if c.cell.severity:
        parts.append(word("map.severity", lang, value=c.cell.severity))
    return " · ".join([p for p in parts if p] + [title_text(b, lang) for b in bound.of(c.cell)])


def _card(ink: Ink, bound: "BoundMap", c: "BoundCell", room: float, lang: str) -> Block:
    """A card: the bar's colour says pain or gain, its width how severe; a dashed edge says assumed."""
    bar = 2.0 + (c.cell.severity or 1)
    words = _words(bound, c, room - bar - 2 * PAD - BESIDE, lang)
    height = words.height + 14

    def draw(x: float, y: float) -> None:
        ink.open(_title(bound, c, lang))
        assumed = c.basis == "assumed"
        ink.rect(x, y, room, height, fill="surface", stroke="line", radius=6, dash="3 3" if assumed else "")
        ink.rect(x, y, bar, height, fill=_BARS[c.lane.type], radius=1.5)
        if c.basis:
            ink.point(x + bar + PAD + 3, y + 15, c.basis, colour="mute", radius=3.5)
        words.draw(ink, x + bar + PAD + BESIDE, y + 7, "mute" if assumed else "ink")
        ink.close()

    return Block(height, draw)


def _text(ink: Ink, bound: "BoundMap", c: "BoundCell", room: float, lang: str) -> Block:
    """Words, with a mark of what they rest on; over several steps on a band that shows how far it reaches."""
    beside = BESIDE if c.basis else 0.0
    words = _words(bound, c, room - PAD - beside, lang)
    band = c.span > 1 or c.cell.step is None
    height = words.height + (10 if band else 2)

    def draw(x: float, y: float) -> None:
        ink.open(_title(bound, c, lang))
        if band:
            ink.rect(x, y - 4, room, height - 2, fill="sunken", radius=4)
        if c.basis:
            ink.point(x + PAD + 3, y + 8, c.basis, colour="mute", radius=3.5)
        words.draw(ink, x + PAD + beside, y, "mute" if c.basis == "assumed" else "ink")
        ink.close()

    return Block(height, draw)


def _blocks(ink: Ink, bound: "BoundMap", c: "BoundCell", frame: Frame) -> list[tuple[float, Block]]:
    """The blocks of a cell with their left edges, to stand below each other."""
    x, room, lang = frame.x(c), frame.room(c), frame.lang
    if c.lane.type in NUMBERS:
        found = [(x + PAD, _number(ink, b, room - PAD, lang)) for b in bound.of(c.cell)]
        return found if found or not c.cell.text else [(x, _text(ink, bound, c, room, lang))]
    if c.lane.type in CARDS:
        return [(x, _card(ink, bound, c, room, lang))]
    return [(x, _text(ink, bound, c, room, lang))]


def lane_of(
    ink: Ink, bound: "BoundMap", cells: "list[BoundCell]", frame: Frame
) -> tuple[float, Callable[[float], None]]:
    """The height of a lane, and how it is drawn from a top edge on; cells at one place stand below each other."""
    lang = frame.lang
    if cells and cells[0].lane.type in CURVES:

        def curve(y: float) -> None:
            draw_curve(ink, bound, cells, frame.left, frame.column, y, frame.right - GAP, lang)

        return HEIGHT, curve
    if not cells:

        def nothing(y: float) -> None:
            ink.text(frame.left + PAD, y + 20, word("map.nothing", lang), size=11, fill="mute")

        return 36.0, nothing
    bottoms = [0.0] * frame.count
    placed: list[tuple[float, float, Block]] = []
    for c in cells:
        columns = range(c.first, c.first + c.span)
        top = max(bottoms[k] for k in columns)
        for x, block in _blocks(ink, bound, c, frame):
            placed.append((x, top, block))
            top += block.height + GAP
        for k in columns:
            bottoms[k] = top

    def draw(y: float) -> None:
        for x, top, block in placed:
            block.draw(x, y + 8 + top)

    return max(bottoms) - GAP + 16, draw
