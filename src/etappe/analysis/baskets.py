"""Baskets: what occurs together, in one journey or in one order, more often than chance would have it.

Unit of count: the basket, that is a journey, or the touchpoints of one journey that share a value of a column such as
`order`; touchpoints without one are in no basket. An item is a touchpoint or a value of a column. However often an item
occurs in a basket, it is in it once. Baskets without an item are not counted. A pair is unordered: `item` is the one in
fewer baskets (of equals the first by name), so that `confidence` is the higher of the two directions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution, listed
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import Float, Z, or_none, shares
from etappe.analysis.kernel import kernel, plain
from etappe.arrays import Int, distinct, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys

JOURNEY: Final = "journey"
MOST: Final = 2048
"""So many items, the most frequent, are paired; a table of all pairs then takes 32 MB."""
SPREAD: Final = 512
"""Up to so many items each thread has a table of its own."""
NO_ITEM: Final = -1


class Baskets(Question, frozen=True, kw_only=True):
    """What occurs together, in one journey or in one order, more often than chance would have it."""

    label: ClassVar[str] = "item"
    bar: ClassVar[str] = "support"
    item: str = "touchpoint"
    """What is in a basket: touchpoint, or a column such as product or channel."""
    basket: str = JOURNEY
    """What a basket is: journey, or a column such as order, within a journey."""
    touch: tuple[str, ...] = ()
    """Only what happens at these touchpoints, such as purchase; at all of them when empty."""
    top: int = 20
    """So many pairs."""
    least: int = 2
    """Only pairs that occur in at least so many baskets."""
    rank: Literal["baskets", "lift"] = "baskets"
    """The pairs in most baskets first, or those whose lift is surely the highest (by the lower end of its interval)."""


@kernel
def _singles(offsets: Int, items: NDArray[Any], k: int, first: int, last: int) -> tuple[Int, int]:
    """In how many baskets each item is, and how many baskets have one. O(t)."""
    found = np.zeros(k, np.int64)
    seen = np.full(k, -1, np.int64)
    held = 0
    for c in range(first, last):
        inside = items[offsets[c] : offsets[c + 1]]
        held += len(inside) > 0
        for code in inside:
            if seen[code] != c:
                seen[code] = c
                found[code] += 1
    return found, held


@kernel
def _pairs(offsets: Int, items: NDArray[Any], rank_of: Int, m: int, first: int, last: int) -> Int:
    """(m, m): in how many baskets two items are, by the order in which they come. O(sum of squares of the baskets)."""
    found = np.zeros((m, m), np.int64)
    seen = np.full(m, -1, np.int64)
    inside = np.empty(m, np.uint64)
    for c in range(first, last):
        n = 0
        for code in items[offsets[c] : offsets[c + 1]]:
            own = rank_of[code]
            if own >= 0 and seen[own] != c:
                seen[own] = c
                row = found[own]
                for x in range(n):
                    row[inside[x]] += 1
                inside[n] = np.uint64(own)
                n += 1
    return found


@dataclass(frozen=True)
class _Filled:
    """Baskets one after the other: basket c holds items[offsets[c]:offsets[c + 1]] and is of the journey owner[c]."""

    offsets: Int
    items: NDArray[Any]
    owner: Int
    names: list[str]

    @cached_property
    def of(self) -> Int:
        """For each item, its basket."""
        return np.repeat(np.arange(len(self.owner)), np.diff(self.offsets))

    def holding(self, code: int) -> Int:
        """The baskets with an item, rising."""
        return distinct(self.of[self.items == code])


def _filled(journeys: Journeys, question: Baskets) -> _Filled:
    for name, value in (("top", question.top), ("least", question.least)):
        if value < 1:
            raise BadQuestion(f"baskets: {name}", f"{value} is not above zero.", "Ask for 1 or more.")
    if question.item == question.basket:
        what = f"{question.item!r} is the basket as well as what is in it."
        raise BadQuestion("baskets: basket", what, "Choose two different columns.")
    chosen = np.zeros(len(journeys.touchpoints), bool)
    for i, name in enumerate(question.touch):
        chosen[journeys.code(name, f"baskets: touch[{i}]")] = True
    by = None if question.basket == JOURNEY else journeys.column(question.basket, "baskets: basket")
    items, names, kept = _items(journeys, question.item)
    if question.touch:
        kept = chosen[journeys.touchpoint] if kept is None else kept & chosen[journeys.touchpoint]
    if by is not None:
        with_basket = np.array([name is not None for name in by.names])[by.codes]
        kept = with_basket if kept is None else kept & with_basket
    if kept is None:
        return _Filled(journeys.offsets, items, np.arange(len(journeys)), names)
    rows = np.flatnonzero(kept)
    if by is None:
        offsets = np.searchsorted(rows, journeys.offsets).astype(np.int64)
        return _Filled(offsets, items[rows], np.arange(len(journeys)), names)
    owner = np.searchsorted(journeys.offsets, rows, side="right") - 1
    key = owner * len(by.names) + by.codes[rows]
    order = np.argsort(key, kind="stable")
    rising = key[order]
    new = np.ones(len(rising), bool)
    np.not_equal(rising[1:], rising[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    return _Filled(np.append(starts, len(rising)).astype(np.int64), items[rows[order]], owner[order[starts]], names)


def _items(journeys: Journeys, item: str) -> tuple[NDArray[Any], list[str], NDArray[np.bool_] | None]:
    """Items as codes into names, and which touchpoints have one (None: all)."""
    if item == "touchpoint" and len(set(journeys.touchpoints)) == len(journeys.touchpoints):
        return journeys.touchpoint, list(journeys.touchpoints), None
    column = journeys.column(item, "baskets: item")
    names = list(dict.fromkeys(name for name in column.names if name is not None))
    place = {name: i for i, name in enumerate(names)}
    # Two codes may carry one name: they are one item.
    of_code = np.array([NO_ITEM if name is None else place[name] for name in column.names], np.int32)
    items = of_code[column.codes]
    return items, names, items != NO_ITEM


def _lift(both: Int, one: Int, other: Int, n: int) -> tuple[Float, Float, Float]:
    """How often two items are together against chance, with low and high (95 %, on the logarithm, by the delta method).

    With shares x of both, a and b of each: variance (x (1/x - 1/a - 1/b)^2 + (a - x)/a^2 + (b - x)/b^2 - 1) / n.
    """
    x, a, b = (count / max(n, 1) for count in (both, one, other))
    lift = x / (a * b)
    variance = (x * (1 / x - 1 / a - 1 / b) ** 2 + (a - x) / a**2 + (b - x) / b**2 - 1) / max(n, 1)
    half = Z * np.sqrt(np.maximum(variance, 0))
    return lift, lift * np.exp(-half), lift * np.exp(half)


def find(journeys: Journeys, question: Baskets) -> Finding:
    """Count in one group of journeys."""
    filled = _filled(journeys, question)
    offsets, items, k = plain(filled.offsets), plain(filled.items), len(filled.names)
    singles = over_parts(offsets, lambda a, b: _singles(offsets, items, k, a, b))
    counts = sum((part[0] for part in singles), np.zeros(k, np.int64))
    n = sum(part[1] for part in singles)
    often = np.flatnonzero(counts >= question.least)
    ranked = sorted(often.tolist(), key=lambda code: (-int(counts[code]), filled.names[code]))[:MOST]
    # Ranks rise with the count, then with the name: the first of a pair is the one that is rarer.
    ranked.sort(key=lambda code: (int(counts[code]), filled.names[code]))
    said: tuple[Caution, ...] = ()
    if len(often) > MOST:
        said = (caution("cut-items", items=len(often), most=MOST),)
    m = len(ranked)
    rank_of = np.full(max(k, 1), NO_ITEM, np.int64)
    rank_of[ranked] = np.arange(m)
    rank_of = plain(rank_of)
    if m <= SPREAD:
        parts = over_parts(offsets, lambda a, b: _pairs(offsets, items, rank_of, m, a, b))
        table = sum(parts, np.zeros((m, m), np.int64))
    else:
        table = _pairs(offsets, items, rank_of, m, 0, len(offsets) - 1)
    table = np.triu(table + table.T, 1)  # whichever came first
    first, second = np.nonzero(table >= question.least)
    both, codes = table[first, second], np.array(ranked, np.int64)
    one, other = counts[codes[first]], counts[codes[second]]
    lift, lift_low, lift_high = _lift(both, one, other, n)
    key = (-both, -lift_low) if question.rank == "baskets" else (-lift_low, -both)
    top = np.lexsort((second, first, key[1], key[0]))[: question.top]
    held = _journeys(filled, codes[first[top]], codes[second[top]], both[top], question)
    support = shares(both[top], n)
    confidence = shares(both[top], one[top])
    columns: dict[str, Any] = {
        "item": [filled.names[code] for code in codes[first[top]].tolist()],
        "other": [filled.names[code] for code in codes[second[top]].tolist()],
        "baskets": both[top],
        "journeys": held,
        "support": or_none(support[0]),
        "low": or_none(support[1]),
        "high": or_none(support[2]),
        "item_baskets": one[top],
        "other_baskets": other[top],
        "confidence": or_none(confidence[0]),
        "confidence_low": or_none(confidence[1]),
        "confidence_high": or_none(confidence[2]),
        "reverse_confidence": both[top] / other[top],
        "lift": lift[top],
        "lift_low": lift_low[top],
        "lift_high": lift_high[top],
    }
    return Finding(columns, {"baskets": n, "items": int((counts > 0).sum()), "pairs": len(both)}, (n,), said)


def _journeys(filled: _Filled, ones: Int, others: Int, both: Int, question: Baskets) -> Int:
    """For each pair, the journeys that have a basket with both."""
    if question.basket == JOURNEY:
        return both
    holding = {code: filled.holding(code) for code in {*ones.tolist(), *others.tolist()}}
    pairs = zip(ones.tolist(), others.tolist(), strict=True)
    return np.array([len(_owners(filled, holding[a], holding[b])) for a, b in pairs], np.int64)


def _owners(filled: _Filled, one: Int, other: Int) -> Int:
    return distinct(filled.owner[np.intersect1d(one, other, assume_unique=True)]).astype(np.int64)


def who(journeys: Journeys, question: Baskets, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that have a basket with both items."""

    def held(some: Journeys) -> Int:
        filled = _filled(some, question)
        for name in ("item", "other"):
            if row[name] not in filled.names:
                raise unknown("baskets: row", name, str(row[name]), filled.names)
        one, other = (filled.holding(filled.names.index(row[name])) for name in ("item", "other"))
        return _owners(filled, one, other)

    return within_group(journeys, question.by, row, "baskets", held)


def baskets(
    journeys: Journeys, item: str = "touchpoint", *, basket: str = JOURNEY, touch: Sequence[str] = (), top: int = 20,
    least: int = 2, rank: Literal["baskets", "lift"] = "baskets", by: str | None = None,
) -> Answer:  # fmt: skip
    """What occurs together, in one journey or in one order, more often than chance would have it.

    Parameters
    ----------
    item : what is in a basket: touchpoint, or a column such as product or channel
    basket : what a basket is: journey, or a column such as order (its values within one journey)
    touch : only what happens at these touchpoints; by default at all
    top : so many pairs
    least : only pairs that occur in at least so many baskets
    rank : the pairs in most baskets first, or those with the highest lower end of the lift
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        item and other, the pair (item is in fewer baskets); baskets with both; journeys with such a basket; support,
        the share of all baskets, with low and high (Wilson, 95 %); item_baskets and other_baskets, those with each;
        confidence, the share of the baskets with `item` that have `other`, with its interval, and reverse_confidence;
        lift, support over what chance would give, with lift_low and lift_high. denominators: baskets, items, pairs.

    Raises
    ------
    UnknownName
        A column or a touchpoint is not in the data.
    BadQuestion
        `top` or `least` is below 1, or item and basket are the same.

    References
    ----------
    Agrawal, Imielinski and Swami 1993 (support, confidence); Brin et al. 1997 (lift, there called interest).

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 4, 5], [0, 5, 1, 2, 3], [0, 1, 0, 1, 2], ["bread", "butter", "nails"])
    >>> baskets(shop).column("lift")
    [1.5]
    """
    question = Baskets(
        item=item, basket=basket, touch=listed(touch, "baskets: touch"), top=top, least=least, rank=rank, by=by
    )
    return answer(journeys, question, find)
