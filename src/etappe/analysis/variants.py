"""Variants: which exact sequences of touchpoints occur, and how many journeys are each.

Unit of count: the journey with at least one touchpoint. Two journeys are one variant when they hold the same
touchpoints in the same order; times do not matter.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.analysis.partials import Base, Partial, base_of, merged
from etappe.arrays import Int, over_parts
from etappe.errors import BadQuestion
from etappe.journeys.columns import Journeys

ARROW: Final = " > "
BINS: Final = 64
"""Sequences fall into so many bins by their hash; a bin's table fits the processor's cache, and bins run in threads."""


ONCE: Final = plain(np.empty(0, np.int64))
"""No weights: each journey counts once."""


class Variants(Question, frozen=True, kw_only=True):
    """Which exact sequences of touchpoints occur, and how many journeys are each."""

    label: ClassVar[str] = "path"
    top: int = 20
    """So many of the most frequent."""


@kernel
def _hash(offsets: Int, touchpoint: NDArray[Any], first: int, last: int, out: NDArray[np.uint64]) -> None:
    """A 64-bit hash of each sequence. O(t)."""
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        h = np.uint64(1469598103934665603)
        for i in range(len(codes)):
            h = (h ^ np.uint64(codes[i] + 1)) * np.uint64(0x9E3779B97F4A7C15)
            h ^= h >> np.uint64(29)
        out[c] = h


@kernel
def _group(
    bins: Int,
    members: Int,
    hashes: NDArray[np.uint64],
    offsets: Int,
    touchpoint: NDArray[Any],
    weight: Int,
    first: int,
    last: int,
    heads: Int,
    counts: Int,
) -> None:
    """In each bin: a head (its first journey) and a count for each sequence, from the bin's start on; then zeros.

    A sequence counts as often as `weight` says; where that is empty, once.

    An open-addressing table; on equal hashes the sequences themselves are compared, so the answer is exact. O(t).
    """
    for b in range(first, last):
        start, end = bins[b], bins[b + 1]
        size = 16
        while size < 2 * (end - start):
            size *= 2
        table = np.full(size, -1, np.int64)
        found = start
        for m in range(start, end):
            c = members[m]
            h = hashes[c]
            codes = touchpoint[offsets[c] : offsets[c + 1]]
            at = np.int64(h & np.uint64(size - 1))
            while True:
                held = table[at]
                if held < 0:
                    table[at] = found
                    heads[found] = c
                    counts[found] = weight[c] if len(weight) > 0 else 1
                    found += 1
                    break
                other = heads[held]
                same = hashes[other] == h and offsets[other + 1] - offsets[other] == len(codes)
                if same:
                    theirs = touchpoint[offsets[other] : offsets[other + 1]]
                    for i in range(len(codes)):
                        if theirs[i] != codes[i]:
                            same = False
                            break
                if same:
                    counts[held] += weight[c] if len(weight) > 0 else 1
                    break
                at = (at + 1) & (size - 1)


def _variants(offsets: Int, touchpoint: NDArray[Any], weight: Int) -> tuple[Int, Int]:
    """A first journey and a count for each variant, in no particular order."""
    n = len(offsets) - 1
    hashes = np.empty(n, np.uint64)
    over_parts(offsets, lambda a, b: _hash(offsets, touchpoint, a, b, hashes))
    # The high bits choose the bin, the low ones the place in its table. Empty journeys are no variant.
    own = (hashes >> np.uint64(58)).astype(np.uint8)
    own[offsets[1:] == offsets[:-1]] = BINS
    members = np.argsort(own, kind="stable")
    bins = np.concatenate(([0], np.cumsum(np.bincount(own, minlength=BINS + 1)[:BINS]))).astype(np.int64)
    heads, counts = np.zeros(n, np.int64), np.zeros(n, np.int64)
    over_parts(bins, lambda a, b: _group(bins, members, hashes, offsets, touchpoint, weight, a, b, heads, counts))
    kept = np.flatnonzero(counts)
    return heads[kept], counts[kept]


def _most(heads: Int, counts: Int, top: int) -> Int:
    """Positions of the most frequent, in order; among equals the one that occurs first in the data."""
    if top < len(counts):
        threshold = np.partition(counts, len(counts) - top)[len(counts) - top]
        sure = np.flatnonzero(counts > threshold)
        equal = np.flatnonzero(counts == threshold)
        need = top - len(sure)
        if need < len(equal):
            equal = equal[np.argpartition(heads[equal], need - 1)[:need]]
        chosen = np.concatenate((sure, equal))
    else:
        chosen = np.arange(len(counts))
    return chosen[np.lexsort((heads[chosen], -counts[chosen]))]


def _check(question: Variants) -> None:
    if question.top < 1:
        raise BadQuestion("variants: top", f"{question.top} is not above zero.", "Ask for 1 or more.")


def partial(journeys: Journeys, question: Variants) -> Partial:
    """What some journeys contribute: each sequence with its count, and where it occurs first."""
    _check(question)
    offsets, _, touchpoint = arrays_of(journeys)
    heads, counts = _variants(offsets, touchpoint, ONCE)
    order = np.argsort(heads, kind="stable")
    heads, counts = heads[order], counts[order]
    chosen = journeys.select(heads)
    # Customers come in the order of their numbers, on every engine; several journeys of one in their own order.
    sequences = np.column_stack((np.diff(chosen.offsets), counts, chosen.subject, heads))
    return {"codes": chosen.touchpoint, "sequences": sequences}


def fit(partial: Partial, room: int) -> Partial:
    """A partial of at most `room` sequences: the most frequent, and what the others may have been."""
    sequences = partial["sequences"]
    if len(sequences) <= room:
        return partial
    kept = np.zeros(len(sequences), bool)
    kept[np.argsort(-sequences[:, 1], kind="stable")[:room]] = True
    return {
        "codes": partial["codes"][np.repeat(kept, sequences[:, 0])],
        "sequences": sequences[kept],
        "cut": np.array([[sequences[~kept, 1].max(), sequences[~kept, 1].sum()]]),
    }


def total(partials: Sequence[Partial], question: Variants, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    _check(question)
    whole = merged(partials, ("codes", "sequences", "cut"))
    sequences = whole["sequences"]
    lengths = sequences[:, 0]
    ends = np.cumsum(lengths)
    order = np.lexsort((sequences[:, 3], sequences[:, 2]))
    offsets = np.concatenate(([0], np.cumsum(lengths[order]))).astype(np.int64)
    at = np.repeat((ends - lengths)[order] - offsets[:-1], lengths[order]) + np.arange(offsets[-1])
    arrays = plain(offsets), plain(whole["codes"][at]), plain(sequences[order, 1])
    if "cut" not in whole:
        return _finding(*arrays, question, base)
    # What a part left out it held at most as often as its most frequent of those.
    most, journeys = whole["cut"].sum(axis=0).tolist()
    return _finding(*arrays, question, base, journeys, (caution("cut-variants", n=most),))


def find(journeys: Journeys, question: Variants) -> Finding:
    """Count in one group of journeys."""
    _check(question)
    offsets, _, touchpoint = arrays_of(journeys)
    return _finding(offsets, touchpoint, ONCE, question, base_of(journeys))


def _finding(
    offsets: Int,
    touchpoint: NDArray[Any],
    weight: Int,
    question: Variants,
    base: Base,
    more: int = 0,
    cautions: tuple[Caution, ...] = (),
) -> Finding:
    """The most frequent of some sequences; `more` journeys have others."""
    heads, counts = _variants(offsets, touchpoint, weight)
    chosen = _most(heads, counts, question.top)
    n = int(counts.sum()) + more
    share, low, high = shares(counts[chosen], n)
    sequences = [touchpoint[offsets[h] : offsets[h + 1]] for h in heads[chosen].tolist()]
    columns = {
        "path": [ARROW.join(base.touchpoints[code] for code in sequence.tolist()) for sequence in sequences],
        "length": np.array([len(sequence) for sequence in sequences], np.int64),
        "count": counts[chosen],
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "cumulative": or_none(np.cumsum(counts[chosen]) / max(n, 1)),
    }
    return Finding(columns, {"journeys": n, "variants": len(counts)}, (n,), cautions)


def _readings(text: str, names: Mapping[str, int]) -> Iterator[list[int]]:
    """Every way to read a path as names; a name may hold the arrow itself."""
    if text in names:
        yield [names[text]]
    at = text.find(ARROW)
    while at >= 0:
        if text[:at] in names:
            for rest in _readings(text[at + len(ARROW) :], names):
                yield [names[text[:at]], *rest]
        at = text.find(ARROW, at + 1)


def who(journeys: Journeys, question: Variants, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that are exactly the row's path."""
    names = {name: code for code, name in enumerate(journeys.touchpoints)}

    def held(some: Journeys) -> Int:
        lengths = np.diff(some.offsets)
        for codes in _readings(str(row["path"]), names):
            same = np.flatnonzero(lengths == len(codes))
            for i, code in enumerate(codes):
                same = same[some.touchpoint[some.offsets[same] + i] == code]
            if len(same) and row.get("length", len(codes)) == len(codes):
                return same.astype(np.int64)
        return np.empty(0, np.int64)

    return within_group(journeys, question.by, row, "variants", held)


def variants(journeys: Journeys, *, top: int = 20, by: str | None = None) -> Answer:
    """Which exact sequences of touchpoints occur, and how many journeys are each.

    Parameters
    ----------
    top : so many of the most frequent (of each group); among equals the one that occurs first in the data
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        path (touchpoints joined by " > "); length in touchpoints; count of journeys; share of all journeys with a
        touchpoint, with low and high (Wilson, 95 %); cumulative share. `denominators["variants"]` is how many
        different ones there are in all (of a break-down: the sum over its groups).

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> variants(journeys_of([0, 2, 4, 5], [0, 5, 1, 2, 7], [0, 1, 0, 1, 0], ["visit", "order"])).column("path")
    ['visit > order', 'visit']
    """
    return answer(journeys, Variants(top=top, by=by), find)
