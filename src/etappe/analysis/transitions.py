"""Transitions: which touchpoint directly follows which, how often, and after how long.

Unit of count: the pair of neighbouring touchpoints for `count`, `share` and the times; the journey for `journeys`.
The same touchpoint twice in a row is a transition too. Nothing leads out of the last touchpoint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import medians_by_key, or_none, shares
from etappe.analysis.kernel import WORD, arrays_of, join, kernel
from etappe.analysis.partials import Base, Partial, base_of, merged, rounding, tallied
from etappe.arrays import Int, distinct, over_parts
from etappe.journeys.columns import Journeys

LIGHT: Final = True
TIMES: Final = ("pauses",)
DIRECT: Final = 64
"""Up to so many touchpoints every pair has a slot of its own."""
TABLE: Final = 1024
"""Up to so many a table of all pairs leads to slots for those that occur; beyond, they are searched."""
BUCKETS: Final = ((21, 236, 2**20), (23, 59, 2**22))
"""Bits of a 32-bit float to drop, buckets that then hold every time, and for how many counters it is worth it.

The first divides each power of two in four. Beyond them there is one bucket: every time is looked at again."""
ROOM: Final = 2**62
MASK: Final = 2**WORD - 1


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
def _slot(before: Any, after: Any, k: int, direct: bool, table: NDArray[Any], keys: Int) -> Any:
    """Where a pair is counted: at once, by table, or by search among the pairs that occur."""
    pair = np.uint64(before) * np.uint64(k) + np.uint64(after)
    if direct:
        return pair
    if len(table) > 0:
        return np.uint64(table[pair])
    return np.uint64(np.searchsorted(keys, np.int64(pair)))


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
    direct: bool,
    table: NDArray[Any],
    keys: Int,
    slots: int,
    drop: int,
    most: int,
    first: int,
    last: int,
) -> tuple[NDArray[Any], Int, Int]:
    """For each slot: histogram of times (where most > 1); count, sum of times, journeys; high words of the sums. O(t).

    A journey's times add up to its span. When the spans might fill 64 bits, what lies above 32 bits moves to the high
    words: sums are exact, and the inner loop adds once.
    """
    histogram = np.zeros((slots, most), np.int32)
    sums = np.zeros((slots, 4), np.int64)  # count, sum, journeys, last journey seen (from 1): one cache line
    high = np.zeros(slots, np.int64)
    room = ROOM
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        if len(codes) < 2:
            continue
        room -= times[len(times) - 1] - times[0]
        if room < 0:
            room = ROOM - (times[len(times) - 1] - times[0])
            for x in range(slots):
                high[x] += sums[x, 1] >> 32
                sums[x, 1] &= 0xFFFFFFFF
        for i in range(1, len(codes)):
            slot = _slot(codes[i - 1], codes[i], k, direct, table, keys)
            pause = times[i] - times[i - 1]
            if most > 1:
                histogram[slot, np.uint64(_bucket(pause, drop, most))] += 1
            sums[slot, 0] += 1
            sums[slot, 1] += pause
            sums[slot, 2] += sums[slot, 3] != c + 1
            sums[slot, 3] = c + 1
    return histogram, sums, high


@kernel
def _locate(histogram: Int, lower: Int, upper: Int, below: Int) -> None:
    """For each slot: the buckets of the middle two (or one, twice), and how many times lie below them. O(buckets)."""
    for x in range(len(histogram)):
        row = histogram[x]
        n = 0
        for b in range(len(row)):
            n += row[b]
        reached = 0
        found = False
        for b in range(len(row)):
            if not found and reached + row[b] > max(n - 1, 0) // 2:
                found = True
                lower[x] = b
                below[x] = reached
            reached += row[b]
            if reached > n // 2:
                upper[x] = b
                break


@kernel
def _collect(
    offsets: Int,
    time_us: Int,
    touchpoint: NDArray[Any],
    k: int,
    direct: bool,
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
            slot = _slot(codes[i - 1], codes[i], k, direct, table, keys)
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
    """Where pairs are counted: pair p * k + q itself, at table[pair], or at its rank among `pairs`."""

    pairs: Int
    table: NDArray[Any]
    direct: bool = False


def _slots(journeys: Journeys) -> _Slots:
    offsets, _, touchpoint = arrays_of(journeys)
    k = len(journeys.touchpoints)
    if k <= DIRECT:
        return _Slots(np.arange(k * k), np.empty(0, np.int32), direct=True)
    if k <= TABLE:
        partials = over_parts(offsets, lambda a, b: _present(offsets, touchpoint, k, a, b))
        present = np.logical_or.reduce([np.zeros(k * k, bool), *partials])
        table = np.cumsum(present, dtype=np.int32) - np.int32(1)
        return _Slots(np.flatnonzero(present), table)
    inner = np.ones(max(0, journeys.events - 1), bool)
    inner[offsets[(offsets > 0) & (offsets < journeys.events)] - 1] = False
    keys = touchpoint[:-1].astype(np.int64) * k + touchpoint[1:]
    return _Slots(distinct(keys[inner]), np.empty(0, np.int32))


@dataclass(frozen=True)
class _Counted:
    """What was counted, and what is needed to look for the medians."""

    slots: _Slots
    total: Int
    pairs: Int
    """(m, 5) the pairs that occur: the pair, how often, in how many journeys, its times' sum in two words."""
    histograms: dict[int, Any]
    buckets: tuple[int, int]


def _counted(journeys: Journeys, medians: bool) -> _Counted:
    offsets, time_us, touchpoint = arrays_of(journeys)
    k, slots = len(journeys.touchpoints), _slots(journeys)
    u = len(slots.pairs)
    drop, most = 0, 1
    if medians:
        drop, most = next(((drop, most) for drop, most, worth in BUCKETS if u * most <= worth), (0, 1))

    def counted(first: int, last: int) -> tuple[int, Any, Any, Any]:
        return first, *_count(
            offsets, time_us, touchpoint, k, slots.direct, slots.table, slots.pairs, u, drop, most, first, last
        )

    parts = list(over_parts(offsets, counted))
    sums = sum((part[2] for part in parts), np.zeros((u, 4), np.int64))
    rows = np.flatnonzero(sums[:, 0])
    # Low words are below 2**63 in each part: they are cut to 32 bits before they are added.
    low = sum((part[2][rows, 1] & MASK for part in parts), np.zeros(len(rows), np.int64))
    high = sum((part[3][rows] + (part[2][rows, 1] >> WORD) for part in parts), np.zeros(len(rows), np.int64))
    pairs = np.column_stack((slots.pairs[rows], sums[rows, 0], sums[rows, 2], high + (low >> WORD), low & MASK))
    histograms = {first: histogram if most > 1 else part[:, :1] for first, histogram, part, _ in parts}
    return _Counted(slots, sums[:, 0], pairs, histograms if medians else {}, (drop, most))


def partial(journeys: Journeys, question: Transitions) -> Partial:
    """What some journeys contribute: the pairs that occur, and for medians every time between two neighbours."""
    found: Partial = {"pairs": _counted(journeys, medians=False).pairs}
    if question.medians:
        inner = np.ones(max(0, journeys.events - 1), bool)
        inner[journeys.offsets[(journeys.offsets > 0) & (journeys.offsets < journeys.events)] - 1] = False
        keys = journeys.touchpoint[:-1].astype(np.int64) * len(journeys.touchpoints) + journeys.touchpoint[1:]
        pauses = np.diff(journeys.time_us)[inner]
        found["pauses"] = np.column_stack((keys[inner], pauses, np.ones(len(pauses), np.int64)))
    return found


def total(partials: Sequence[Partial], question: Transitions, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    whole = merged(partials, ("pairs", *TIMES))
    medians = medians_by_key(whole["pauses"]) if question.medians else None
    return _finding(tallied(whole["pairs"], keys=1), medians, base, rounding(whole))


def find(journeys: Journeys, question: Transitions) -> Finding:
    """Count in one group of journeys; on one machine exact medians need no list of all times."""
    counted = _counted(journeys, question.medians)
    medians = None
    if question.medians:
        found = _medians(journeys, counted.slots, counted.histograms, counted.total, counted.buckets)
        medians = found[np.flatnonzero(counted.total)]
    return _finding(counted.pairs, medians, base_of(journeys))


def _finding(pairs: Int, medians: Int | None, base: Base, cautions: tuple[Caution, ...] = ()) -> Finding:
    """The table, from the pairs that occur (rising) and their medians."""
    names = base.touchpoints
    sources, targets = np.divmod(pairs[:, 0], max(len(names), 1))
    before, after, counts = sources.tolist(), targets.tolist(), pairs[:, 1].tolist()
    order = sorted(range(len(pairs)), key=lambda r: (-counts[r], names[before[r]], names[after[r]]))
    leaving = np.bincount(sources, weights=pairs[:, 1], minlength=1)[sources]
    share, low, high = shares(pairs[:, 1], leaving)
    exact = join(pairs[:, 3], pairs[:, 4])
    columns: dict[str, Any] = {
        "from": [names[before[r]] for r in order],
        "to": [names[after[r]] for r in order],
        "count": pairs[order, 1],
        "journeys": pairs[order, 2],
        "share": or_none(share[order]),
        "low": or_none(low[order]),
        "high": or_none(high[order]),
        "mean_us": [exact[r] // counts[r] for r in order],
    }
    if medians is not None:
        columns["median_us"] = medians[order]
    every = int(pairs[:, 1].sum())
    return Finding(columns, {"transitions": every, "journeys": base.journeys}, (every,), cautions)


def _medians(
    journeys: Journeys, slots: _Slots, histograms: dict[int, Any], total: Int, buckets: tuple[int, int]
) -> Int:
    """Exact medians: the bucket that holds it is known from the histogram; its times are collected and searched."""
    offsets, time_us, touchpoint = arrays_of(journeys)
    k, u = len(journeys.touchpoints), len(slots.pairs)
    lower, upper, below = np.zeros(u, np.int64), np.zeros(u, np.int64), np.zeros(u, np.int64)
    whole = np.zeros((u, buckets[1]), np.int64)
    for histogram in histograms.values():
        whole += histogram
    _locate(whole, lower, upper, below)
    every = np.arange(u)
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
            offsets, time_us, touchpoint, k, slots.direct, slots.table, slots.pairs, *buckets,
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
        return distinct(owner[rows + 1 < some.offsets[owner + 1]]).astype(np.int64)

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
