"""Sieve: how far each journey gets through ordered steps within a window: the kernel behind the plain funnel.

Unit of count: the journey. A touchpoint serves one step; for each step the latest start of a chain that reaches it is
kept, since a later start dominates; so one pass over the touchpoints for each step is exact.

Whole journeys that fit into the processor's cache are worked on together. A first pass lists, without a branch, the
touchpoints that are a step at all, each with its place and its journey in one word; then step by step the list is
sieved to those that may serve a later step, and each of them is told the chain that was open before it. Nothing is
guessed by the processor, so it never guesses wrong; that is what a loop over each journey loses most of its time with.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import kernel
from etappe.arrays import Int, over_parts

BLOCK: Final = 8191
"""So many touchpoints at once, and at most so many journeys; a word has bits for no more than 65,534."""
NEVER: Final = -(2**61)
"""A start so long ago that no window reaches it."""
PLACE: Final = 8
"""A word: bits 0-7 the step's name, 8-23 the place in the block, 24-39 the journey, from 40 on the open chain."""
JOURNEY: Final = 24
CHAIN: Final = 40
BITS: Final = 0xFFFF
WORD: Final = (1 << CHAIN) - 1
NOBODY: Final = BITS << JOURNEY
"""A chain of no journey."""


@kernel
def _level(codes: NDArray[Any], times: Int, name_of: NDArray[Any], serves: NDArray[Any], k: int, window: int) -> int:
    """How far one journey gets: the definition, one touchpoint after the other. O(t * k)."""
    began = np.full(k + 1, NEVER, np.int64)
    level = 0
    for i in range(len(codes)):
        name = name_of[codes[i]]
        if name == 0:
            continue
        began[0] = times[i]
        for s in range(k, 0, -1):  # the last step first, so that one touchpoint never serves two
            if serves[s, name] and times[i] - began[s - 1] <= window:
                began[s] = began[s - 1]
                level = max(level, s)
    return level


@kernel
def _levels(
    offsets: Int,
    time_us: Int,
    touchpoint: NDArray[Any],
    name_of: NDArray[Any],
    serves: NDArray[Any],
    latest: NDArray[Any],
    window: int,
    block: int,
    first: int,
    last: int,
    levels: NDArray[Any],
) -> Int:
    """Write how far each journey gets, and count the journeys that reach each step. O(t + matches * k)."""
    k = len(serves) - 1
    starts_here = np.zeros(block + 1, np.uint16)
    found = np.empty(block + 1, np.int64)
    chains = np.full((2, block + 2), NOBODY, np.int64)
    reached = np.zeros(k + 1, np.int64)
    touched = np.int64(0)
    c = first
    while c < last:
        at = offsets[c]
        most = min(last, c + block)
        d = c + 1
        while d < most and offsets[d + 1] - at <= block:
            starts_here[np.uint64(offsets[d] - at)] += np.uint16(1)
            d += 1
        codes = touchpoint[at : offsets[d]]
        times = time_us[at : offsets[d]]
        if len(codes) > block:
            levels[c] = _level(codes, times, name_of, serves, k, window)
            c = d
            continue
        level = levels[c:d]
        for q in range(len(times)):  # read in order first: later the times are picked out here and there
            touched ^= times[q]
        word = np.int64(-(1 << PLACE))
        m = 0
        for q in range(len(codes)):
            name = name_of[codes[q]]
            word += (1 << PLACE) + (np.int64(starts_here[q]) << JOURNEY)
            found[np.uint64(m)] = word + name
            m += name != 0
        starts_here[: len(codes) + 1] = 0
        begun = chains[0]
        a, e = 1, 0
        serve = serves[1]
        for r in range(m):
            word = found[np.uint64(r)]
            name = word & 0xFF
            begun[np.uint64(a)] = word
            found[np.uint64(e)] = word + ((a - 1) << CHAIN)
            a += serve[np.uint64(name)]
            e += latest[np.uint64(name)] > 1
        for i in range(1, a):
            level[np.uint64((begun[np.uint64(i)] >> JOURNEY) & BITS)] = 1
        s = 2
        while s <= k and e > 0:
            before, begun = chains[s & 1], chains[(s + 1) & 1]
            begun[0] = NOBODY
            serve = serves[s]
            m, a, e = e, 1, 0
            for r in range(m):
                word = found[np.uint64(r)]
                name = word & 0xFF
                chain = before[np.uint64(word >> CHAIN)]
                word &= WORD
                begun[np.uint64(a)] = chain
                found[np.uint64(e)] = word + ((a - 1) << CHAIN)
                fits = (((chain ^ word) >> JOURNEY) & BITS) == 0
                fits &= times[np.uint64((word >> PLACE) & BITS)] - times[np.uint64((chain >> PLACE) & BITS)] <= window
                a += fits & serve[np.uint64(name)]
                e += latest[np.uint64(name)] > s
            for i in range(1, a):
                level[np.uint64((begun[np.uint64(i)] >> JOURNEY) & BITS)] = s
            s += 1
        c = d
    reached[0] = touched  # or the compiler leaves the reading out
    mine = levels[first:last]
    for s in range(1, k + 1):
        count = 0
        for i in range(len(mine)):
            count += mine[i] >= s
        reached[s] = count
    return reached


@kernel
def _times(
    offsets: Int,
    time_us: Int,
    touchpoint: NDArray[Any],
    name_of: NDArray[Any],
    start: Int,
    steps: Int,
    k: int,
    window: int,
    first: int,
    last: int,
    levels: NDArray[Any],
) -> Int:
    """The times of the best chain of each journey that reaches step 2. O(t + matches * k).

    A chain is kept for each step; it is replaced only by one that starts later, which keeps every step as early as
    it can be. The first time that the journey's level is reached ends the search.
    """
    count = 0
    for c in range(first, last):
        count += levels[c] >= 2
    out = np.zeros((count, k), np.int64)
    chain = np.empty((k + 1, k), np.int64)
    began = np.empty(k + 1, np.int64)
    row = 0
    for c in range(first, last):
        level = np.int64(levels[c])
        if level < 2:
            continue
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        for s in range(k + 1):
            began[s] = NEVER
        done = False
        for i in range(len(codes)):
            own = name_of[codes[i]]
            if own == 0:
                continue
            moment = times[i]
            for x in range(start[own], start[own + 1]):
                s = steps[x]
                if s == 1:
                    began[1] = moment
                    chain[1, 0] = moment
                elif s <= level and moment - began[s - 1] <= window and began[s - 1] > began[s]:
                    began[s] = began[s - 1]
                    for j in range(s - 1):
                        chain[s, j] = chain[s - 1, j]
                    chain[s, s - 1] = moment
                    done = done or s == level
            if done:
                break
        for j in range(level):
            out[row, j] = chain[level, j]
        row += 1
    return out


def levels_of(
    arrays: tuple[Int, Int, NDArray[Any]],
    name_of: NDArray[Any],
    steps_of: list[list[int]],
    k: int,
    window: int,
    block: int = BLOCK,
) -> tuple[NDArray[np.uint8], Int]:
    """How far each journey gets, and how many reach each of the k steps.

    `name_of` gives each code a number of its step name (0: no step), and steps_of[name - 1] that name's steps, from 1.
    """
    offsets, time_us, touchpoint = arrays
    serves = np.zeros((k + 1, 256), np.uint8)
    latest = np.zeros(256, np.uint8)
    for name, steps in enumerate(steps_of, start=1):
        serves[steps, name] = 1
        latest[name] = max(steps)
    levels = np.zeros(len(offsets) - 1, np.uint8)
    partials = over_parts(
        offsets,
        lambda a, b: _levels(offsets, time_us, touchpoint, name_of, serves, latest, window, block, a, b, levels),
    )
    return levels, sum((part[1:] for part in partials), np.zeros(k, np.int64))


def times_of(
    arrays: tuple[Int, Int, NDArray[Any]],
    name_of: NDArray[Any],
    steps_of: list[list[int]],
    k: int,
    window: int,
    levels: NDArray[np.uint8],
) -> Int:
    """The times of the best chain of each journey that reaches step 2, one row each, in the order of the journeys."""
    offsets, time_us, touchpoint = arrays
    start = np.concatenate(([0, 0], np.cumsum([len(steps) for steps in steps_of]))).astype(np.int64)
    steps = np.concatenate([np.array(sorted(steps, reverse=True), np.int64) for steps in steps_of])

    def work(first: int, last: int) -> Int:
        return _times(offsets, time_us, touchpoint, name_of, start, steps, k, window, first, last, levels)

    return np.concatenate([np.zeros((0, k), np.int64), *over_parts(offsets, work)])
