"""Transitions: which touchpoint directly follows which, how often, and after how long.

Unit of count: the pair of neighbouring touchpoints for `count`, `share` and the times; the journey for `journeys`.
The same touchpoint twice in a row is a transition too. Nothing leads out of the last touchpoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Finding, Question, answer
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import arrays_of, join, kernel
from etappe.arrays import Int, over_parts
from etappe.journeys.columns import Journeys

DIRECT: Final = 64
"""Up to so many touchpoints every pair has a slot of its own."""
TABLE: Final = 1024
"""Up to so many a table of all pairs leads to slots for those that occur; beyond, they are searched."""
BUCKETS: Final = ((20, 472, 2**20), (23, 59, 2**22))
"""Bits of a 32-bit float to drop, buckets that then hold every time, and for how many counters it is worth it.

The first divides each power of two in eight. Beyond them there is one bucket: every time is looked at again."""


class Transitions(Question, frozen=True, kw_only=True):
    """Which touchpoint directly follows which, how often, and after how long."""

    label: ClassVar[str] = "from"
    bar: ClassVar[str] = "share"
    medians: bool = True
    """Also the exact median time; without it the answer is quicker."""


@kernel
def _present(offsets: Int, touchpoint: NDArray[Any], k: int, first: int, last: int) -> NDArray[np.bool_]:
    """Which of the k * k pairs occur. O(t)."""
    found = np.zeros(k * k, np.bool_)
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        for i in range(1, len(codes)):
            found[np.int64(codes[i - 1]) * k + np.int64(codes[i])] = True
    return found


@kernel
def _slot(pair: Any, table: NDArray[Any], keys: Int) -> Any:
    """Where a pair is counted: by table, or by search among the pairs that occur."""
    if len(table) > 0:
        return np.int64(table[pair])
    return np.int64(np.searchsorted(keys, pair))


@kernel
def _bucket(pause: Any, drop: int, most: int) -> Any:
    """A bucket that rises with the time: its power of two, and so many more bits. The last one holds the rest."""
    bits = np.int64(np.float32(pause + 1).view(np.int32))
    return min(most - 1, (bits >> drop) - (127 << (23 - drop)))


@kernel
def _count(
    offsets: Int,
    time_us: Int,
    touchpoint: NDArray[Any],
    k: int,
    table: NDArray[Any],
    keys: Int,
    slots: int,
    drop: int,
    most: int,
    first: int,
    last: int,
) -> tuple[NDArray[Any], Int]:
    """Histogram of times for each slot; and its journeys and sum of times in two words. O(t)."""
    histogram = np.zeros((slots, most), np.int32)
    sums = np.zeros((slots, 4), np.int64)  # last journey seen (from 1), journeys, high word, low word: one cache line
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        for i in range(1, len(codes)):
            slot = np.uint64(_slot(np.int64(codes[i - 1]) * k + np.int64(codes[i]), table, keys))
            pause = times[i] - times[i - 1]
            if most == 1:
                histogram[slot, 0] += 1
            else:
                histogram[slot, np.uint64(_bucket(pause, drop, most))] += 1
            if sums[slot, 0] != c + 1:
                sums[slot, 0] = c + 1
                sums[slot, 1] += 1
            sums[slot, 2] += pause >> 32
            sums[slot, 3] += pause & 0xFFFFFFFF
    return histogram, sums


@kernel
def _collect(
    offsets: Int,
    time_us: Int,
    touchpoint: NDArray[Any],
    k: int,
    table: NDArray[Any],
    keys: Int,
    drop: int,
    most: int,
    lower: Int,
    upper: Int,
    place: Int,
    out: Int,
    first: int,
    last: int,
) -> None:
    """Write the times that lie in a slot's two buckets around the median to its place. O(t)."""
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        for i in range(1, len(codes)):
            slot = np.uint64(_slot(np.int64(codes[i - 1]) * k + np.int64(codes[i]), table, keys))
            pause = times[i] - times[i - 1]
            bucket = 0 if most == 1 else _bucket(pause, drop, most)
            if bucket == lower[slot] or bucket == upper[slot]:
                out[np.uint64(place[slot])] = pause
                place[slot] += 1


@kernel
def _select(values: Int, rank: int) -> Any:
    """The value of a rank (from 0); smaller ones end up before it (Hoare's quickselect, median of three)."""
    low, high = 0, len(values) - 1
    while low < high:
        a, b, c = values[low], values[(low + high) >> 1], values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return values[rank]


@kernel
def _middles(start: Int, below: Int, total: Int, out: Int, medians: Int, first: int, last: int) -> None:
    """Each slot's median from the times collected around it; of an even count the middle two's mean, rounded down."""
    for slot in range(first, last):
        n = total[slot]
        if n == 0:
            continue
        values = out[start[slot] : start[slot + 1]]
        rank = n // 2 - below[slot]
        upper = _select(values, rank)
        lower = upper
        if n % 2 == 0:
            lower = values[0]
            for i in range(1, rank):
                lower = max(lower, values[i])
        medians[slot] = lower + (upper - lower) // 2


@dataclass(frozen=True)
class _Slots:
    """Where pairs are counted: pair p * k + q has the slot table[pair], or its rank among `pairs`."""

    pairs: Int
    table: NDArray[Any]


def _slots(journeys: Journeys) -> _Slots:
    offsets, _, touchpoint = arrays_of(journeys)
    k = len(journeys.touchpoints)
    if k <= DIRECT:
        return _Slots(np.arange(k * k), np.arange(k * k, dtype=np.int32))
    if k <= TABLE:
        partials = over_parts(offsets, lambda a, b: _present(offsets, touchpoint, k, a, b))
        present = np.logical_or.reduce([np.zeros(k * k, bool), *partials])
        table = np.cumsum(present, dtype=np.int32) - np.int32(1)
        return _Slots(np.flatnonzero(present), table)
    inner = np.ones(max(0, journeys.events - 1), bool)
    inner[offsets[(offsets > 0) & (offsets < journeys.events)] - 1] = False
    keys = touchpoint[:-1].astype(np.int64) * k + touchpoint[1:]
    return _Slots(np.unique(keys[inner]), np.empty(0, np.int32))


def find(journeys: Journeys, question: Transitions) -> Finding:
    """Count in one group of journeys."""
    offsets, time_us, touchpoint = arrays_of(journeys)
    k, slots = len(journeys.touchpoints), _slots(journeys)
    u = len(slots.pairs)
    drop, most = 0, 1
    if question.medians:
        drop, most = next(((drop, most) for drop, most, worth in BUCKETS if u * most <= worth), (0, 1))

    def counted(first: int, last: int) -> tuple[int, Any, Any]:
        found = _count(offsets, time_us, touchpoint, k, slots.table, slots.pairs, u, drop, most, first, last)
        return first, *found

    partials = list(over_parts(offsets, counted))
    histograms = {first: histogram for first, histogram, _ in partials}
    histogram = sum((h.astype(np.int64) for h in histograms.values()), np.zeros((u, most), np.int64))
    sums = sum((part for _, _, part in partials), np.zeros((u, 4), np.int64))
    total = histogram.sum(axis=1)
    columns: dict[str, Any] = {}
    if question.medians:
        medians = _medians(journeys, slots, histograms, histogram, (drop, most))
    rows = np.flatnonzero(total)
    names = journeys.touchpoints
    before, after = slots.pairs[rows] // max(k, 1), slots.pairs[rows] % max(k, 1)
    order = sorted(range(len(rows)), key=lambda r: (-int(total[rows[r]]), names[before[r]], names[after[r]]))
    rows, before, after = rows[order], before[order], after[order]
    leaving = np.bincount(before, weights=total[rows], minlength=k)[before] if len(rows) else np.zeros(0)
    share, low, high = shares(total[rows], leaving)
    exact = join(sums[rows, 2], sums[rows, 3])
    columns = {
        "from": [names[code] for code in before],
        "to": [names[code] for code in after],
        "count": total[rows],
        "journeys": sums[rows, 1],
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "mean_us": [whole // int(n) for whole, n in zip(exact, total[rows], strict=True)],
    }
    if question.medians:
        columns["median_us"] = medians[rows]
    pairs = int(total.sum())
    return Finding(columns, {"transitions": pairs, "journeys": len(journeys)}, (pairs,))


def _medians(
    journeys: Journeys, slots: _Slots, histograms: dict[int, Any], whole: Int, buckets: tuple[int, int]
) -> Int:
    """Exact medians: the bucket that holds it is known from the histogram; its times are collected and searched."""
    offsets, time_us, touchpoint = arrays_of(journeys)
    k, u = len(journeys.touchpoints), len(slots.pairs)
    total, reached = whole.sum(axis=1), np.cumsum(whole, axis=1)
    last = whole.shape[1] - 1
    lower = np.minimum((reached <= ((np.maximum(total, 1) - 1) // 2)[:, None]).sum(axis=1), last)
    upper = np.minimum((reached <= (total // 2)[:, None]).sum(axis=1), last)
    every = np.arange(u)
    below = np.where(lower > 0, reached[every, np.maximum(lower - 1, 0)], 0)
    # Each part writes to a stretch of its own, slot by slot.
    held = {f: h[every, lower] + np.where(lower != upper, h[every, upper], 0) for f, h in histograms.items()}
    start = np.concatenate(([0], np.cumsum(sum(held.values(), np.zeros(u, np.int64))))).astype(np.int64)
    out = np.empty(start[-1], np.int64)
    places, at = {}, start[:-1]
    for first, count in held.items():
        places[first] = at.copy()
        at = at + count

    def collect(first: int, last: int) -> None:
        _collect(
            offsets, time_us, touchpoint, k, slots.table, slots.pairs, *buckets,
            lower, upper, places[first], out, first, last,
        )  # fmt: skip

    over_parts(offsets, collect)
    medians = np.zeros(u, np.int64)
    over_parts(start, lambda a, b: _middles(start, below, total, out, medians, a, b))
    return medians


def who(journeys: Journeys, question: Transitions, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys in which the row's `to` directly follows its `from`, at least once."""

    def held(some: Journeys) -> Int:
        before, after = some.code(row["from"], "transitions: row"), some.code(row["to"], "transitions: row")
        rows = np.flatnonzero((some.touchpoint[:-1] == before) & (some.touchpoint[1:] == after))
        owner = np.searchsorted(some.offsets, rows, side="right") - 1
        return np.unique(owner[rows + 1 < some.offsets[owner + 1]]).astype(np.int64)

    return within_group(journeys, question.by, row, "transitions", held)


def transitions(journeys: Journeys, *, medians: bool = True, by: str | None = None) -> Answer:
    """Which touchpoint directly follows which, how often, and after how long.

    Parameters
    ----------
    medians : also the exact median time; without it the answer is quicker
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        from; to; count; journeys (in which it happens); share of all that leave `from`, with low and high (Wilson,
        95 %; repeats within one journey are taken as independent, so it is rather too narrow); mean_us and median_us,
        rounded down to the microsecond. The most frequent first.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> transitions(journeys_of([0, 3], [0, 5, 9], [0, 1, 1], ["visit", "order"])).column("median_us")
    [4, 5]
    """
    return answer(journeys, Transitions(medians=medians, by=by), find)
