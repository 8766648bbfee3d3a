"""Retention count: sizes of cohorts, and how many of each are active in each row of periods; whole numbers only.

A journey's rows are bits of a word, so that the inner loop has no branch to guess; bits gather in bytes, eight rows to
a word, before they are moved to the counts.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import kernel
from etappe.arrays import Int

WORD: Final = 64
LANES: Final = 8
BYTE: Final = 255
FAR: Final = 2**62
NO_ROW: Final = 2**40
ALL: Final = np.uint64(2**64 - 1)
ONE: Final = np.uint64(1)
SPREAD: Final = np.array([sum((x >> i & 1) << 8 * i for i in range(LANES)) for x in range(256)], np.uint64)
"""The bits of a byte, each as a byte."""


@kernel
def _period(time: int, edges: Int, place: NDArray[np.int32], shift: int) -> Any:
    """The period that holds an instant: a table leads to it, or to the one before."""
    p = np.int64(place[np.uint64((time - edges[0]) >> shift)])
    return p + (time >= edges[np.uint64(p + 1)])


@kernel
def _rolled(past: int, rolling: int, inverse: float) -> Any:
    """past // rolling, by a product that is off by one at most."""
    k = np.int64(past * inverse)
    return k + np.int64(past >= (k + 1) * rolling) - np.int64(past < k * rolling)


@kernel
def _add(packed: NDArray[np.uint64], x: Any, w: int, bits: Any) -> None:
    """Count the bits of word `w` in a line of bytes."""
    i = np.uint64(w * LANES)
    while bits:
        packed[x, i] += SPREAD[bits & np.uint64(255)]
        bits >>= np.uint64(LANES)
        i += ONE


@kernel
def _flush(packed: NDArray[np.uint64], counts: Int, x: int) -> None:
    """Move a line's bytes to its counts."""
    for i in range(packed.shape[1]):
        for lane in range(LANES):
            counts[x, i * LANES + lane] += np.int64((packed[x, i] >> np.uint64(8 * lane)) & np.uint64(255))
        packed[x, i] = 0


@kernel
def spans(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], starts: NDArray[np.bool_], again: bool, edges: Int,
    place: NDArray[np.int32], shift: int, first: int, last: int,
) -> Int:  # fmt: skip
    """(cohorts, 2): the earliest and the latest start in each cohort. O(t)."""
    span = np.empty((len(edges) - 1, 2), np.int64)
    span[:, 0] = FAR
    span[:, 1] = -FAR
    for c in range(first, last):
        begun = edges[0]
        for s in range(np.uint64(offsets[c]), np.uint64(offsets[c + 1])):
            start = time_us[s]
            if start < begun or not starts[touchpoint[s]]:
                continue
            cohort = _period(start, edges, place, shift)
            span[cohort, 0] = min(span[cohort, 0], start)
            span[cohort, 1] = max(span[cohort, 1], start)
            if not again:
                break
            begun = edges[cohort + 1]
    return span


@kernel
def count(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], starts: NDArray[np.bool_], returns: NDArray[np.uint64],
    again: bool, edges: Int, place: NDArray[np.int32], shift: int, rolling: int, later: bool, row_of: Int, rows: int,
    wanted: NDArray[np.bool_], row: int, out: NDArray[np.bool_], first: int, last: int,
) -> tuple[Int, Int, Int]:  # fmt: skip
    """Sizes of cohorts; (cohorts, rows) the active ones, and, where journeys start again, those of them that are active
    in the row for the first time, in no cohort before.

    `row_of` leads from a period to its row (empty: the same number); of `later`, a row holds for all before it.
    `out` marks the journeys in a wanted cohort and the row. O(t * words); where journeys start again O(t * periods).
    """
    words = (rows + WORD - 1) // WORD
    cohorts = len(edges) - 1
    sizes = np.zeros(cohorts, np.int64)
    lines = 2 * cohorts if again else cohorts  # the active ones, then those for the first time
    counts = np.zeros((lines, words * WORD), np.int64)
    packed = np.zeros((lines, words * LANES), np.uint64)
    pending = np.zeros(cohorts, np.int64)
    told = np.zeros(words, np.uint64)
    inverse = 1.0 / max(rolling, 1)
    marking = len(out) > 0
    mapped = len(row_of) > 0
    until = len(row_of) - 2 if mapped else rows - 1
    for c in range(first, last):
        begin, end = np.uint64(offsets[c]), np.uint64(offsets[c + 1])
        if later:  # the last return alone says it
            while end > begin and returns[touchpoint[end - ONE]] == 0:
                end -= ONE
        begun = edges[0]
        told[:] = 0
        for s in range(begin, np.uint64(offsets[c + 1])):
            start = time_us[s]
            if start < begun or not starts[touchpoint[s]]:
                continue
            cohort = _period(start, edges, place, shift)
            begun = edges[cohort + 1]
            x = np.uint64(cohort)
            sizes[x] += 1
            for w in range(words):
                low = np.uint64(w * WORD)
                bits = np.uint64(0)
                for i in range(end - ONE if later and end > s else s, end):
                    if rolling > 0:
                        k = _rolled(time_us[i] - start, rolling, inverse)
                    else:
                        k = _period(time_us[i], edges, place, shift) - cohort
                    if again and not later and k > until:
                        break
                    if mapped:
                        k = row_of[np.uint64(min(k, until + 1))]
                    bit = np.uint64(k) - low
                    inside = np.uint64(bit < np.uint64(WORD)) & returns[touchpoint[i]]
                    bits |= inside << (bit & np.uint64(WORD - 1))
                    if later:  # all rows up to it
                        bits = ALL if k - w * WORD >= WORD else bits | (bits - np.uint64(bits > 0))
                if rows - w * WORD < WORD:
                    bits &= (ONE << np.uint64(rows - w * WORD)) - ONE
                if marking and wanted[x] and row // WORD == w:
                    out[c] |= (bits >> np.uint64(row % WORD)) & ONE == ONE
                _add(packed, x, w, bits)
                if again:
                    _add(packed, np.uint64(cohorts + cohort), w, bits & ~told[w])
                    told[w] |= bits
            pending[x] += 1
            if pending[x] == BYTE:
                pending[x] = 0
                for line in range(cohort, lines, cohorts):
                    _flush(packed, counts, line)
            if not again:
                break
    for line in range(lines):
        _flush(packed, counts, line)
    return sizes, counts[:cohorts, :rows].copy(), counts[cohorts:, :rows].copy()
