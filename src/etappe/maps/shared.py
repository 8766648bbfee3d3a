"""Shared: a map as it may be passed on. What could point at a few people is hidden, and so is who said and wrote what.

A number is hidden where fewer than k people are behind it, or fewer than k are left beside it: 95 of 100 tells of the
other five, too. Then its value, interval, base and the sentence that names the base go together.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import msgspec

from etappe.language import LANGUAGES, word
from etappe.maps.binder import both
from etappe.maps.bound import Bound, BoundCell, BoundMap
from etappe.maps.figures import day
from etappe.maps.metrics import feeling
from etappe.maps.model import Cell, JourneyMap, Owner

K: Final = 10
"""People; below it a value is hidden from viewers, exports and shared pages (DESIGN, two thresholds)."""


def for_sharing(bound: BoundMap, k: int = K) -> tuple[BoundMap, int]:
    """A bound map as it may leave the house, and how many of its numbers are hidden.

    Examples
    --------
    >>> from etappe.maps.document import read_map
    >>> from etappe.maps.evidence import bind
    >>> for_sharing(bind(read_map("schema: journey-map/1\\nid: shop\\ntitle: Shop\\n")))[1]
    0
    """
    evidence = {name: _hidden(b, k) if too_few(b, k) else _plain(b) for name, b in bound.evidence.items()}
    document = _public(bound.map)
    cells = tuple(_cell(c, evidence) for c in bound.cells)
    coverage = replace(bound.coverage, unmapped=()) if bound.coverage else None
    hidden = sum(b.state == "hidden" for b in evidence.values())
    found = replace(bound, map=document, evidence=evidence, cells=cells, coverage=coverage, faults=())
    return found, hidden


def too_few(b: Bound, k: int) -> bool:
    """Whether a number tells of fewer than k people.

    Examples
    --------
    >>> share = Bound(id="e", state="fresh", unit="percent", label="", sentence="", value=95.0, n=100)
    >>> too_few(share, 10), too_few(share, 5)
    (True, False)
    """
    if b.n is None or b.metric == "manual":
        return False
    if b.n < k:
        return True
    if b.value is None:
        return False
    people = b.value / 100 * b.n if b.unit == "percent" else b.value if b.unit in ("journeys", "count") else None
    if people is None:
        return False
    return 0.5 <= people < k - 0.5 or 0.5 <= b.n - people < k - 0.5


def _hidden(b: Bound, k: int) -> Bound:
    return Bound(
        id=b.id, state="hidden", unit=b.unit, label=b.label, sentence="", metric=b.metric, min_n=b.min_n,
        data_until=b.data_until, at=b.at, timezone=b.timezone, why=both("map.state.hidden", k=k),
    )  # fmt: skip


def _plain(b: Bound) -> Bound:
    """A number without the journeys behind it."""
    return replace(b, view=None, registry=None)


def _cell(c: BoundCell, evidence: Mapping[str, Bound]) -> BoundCell:
    refs = [evidence[ref] for ref in c.cell.refs if ref in evidence]
    felt = any(b.state == "hidden" and feeling(b.metric or "", 0.0) is not None for b in refs)
    cell = _unsigned(c.cell)
    return replace(c, cell=cell, score=c.cell.score, low=None, high=None) if felt else replace(c, cell=cell)


def _unsigned(cell: Cell) -> Cell:
    """A cell whose quotes do not say whose they are."""
    quotes = tuple(msgspec.structs.replace(quote, source="") for quote in cell.quotes)
    return msgspec.structs.replace(cell, quotes=quotes)


def _public(m: JourneyMap) -> JourneyMap:
    """The document without people's names, remarks among colleagues, and numbers held from other days."""
    return msgspec.structs.replace(
        m,
        owner=Owner(department=m.owner.department) if m.owner else None,
        annotations=(),
        cells=tuple(_unsigned(cell) for cell in m.cells),
        evidence=tuple(msgspec.structs.replace(e, snapshot=None) for e in m.evidence),
    )


def note(bound: BoundMap, hidden: int, lang: str, k: int = K) -> str:
    """What stands at the end of a page that is passed on: when it was made, until when the data go, what is hidden."""
    lang = lang if lang in LANGUAGES else "en"
    made = word("map.shared.made", lang, day=day(bound.at, lang, bound.timezone)) if bound.at else ""
    until = word("map.until", lang, day=day(bound.data_until, lang, bound.timezone)) if bound.data_until else ""
    few = word("map.shared.hidden.one" if hidden == 1 else "map.shared.hidden.other", lang, count=hidden, k=k)
    return " · ".join(part for part in (made, until, few if hidden else word("map.shared.rule", lang, k=k)) if part)
