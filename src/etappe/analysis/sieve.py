"""Sieve: how far each journey gets through ordered steps within a window: the kernel behind the plain funnel.

Unit of count: the journey. A touchpoint serves one step; for each step the latest start of a chain that reaches it is
kept, since a later start dominates; so one pass over the touchpoints for each step is exact.

Whole journeys that fit into the processor's cache are worked on together. The touchpoints that start a chain are
listed, and those that may go on with one; then step by step the second list is sieved to those that may serve a later
step, and each of them is told the chain that was open before it. Nothing is guessed by the processor, so it never
guesses wrong; that is what a loop over each journey loses most of its time with. Places are listed eight at a time.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import kernel
from etappe.analysis.lanes import COUNTS, GATHER, PLACES, SUMS, fetch, put_places
from etappe.arrays import Int, over_parts

BLOCK: Final = 8191
"""So many touchpoints at once: a place in a block has 16 bits, and the lists of a block stay in the cache."""
JOURNEYS: Final = 255
"""So many journeys at once: the number of a journey in its block has 8 bits, the highest for no journey."""
FEW: Final = 16
"""Up to so many codes are compared one by one with eight or more touchpoints at once; more are looked up."""
NEVER: Final = -(2**61)
"""A start so long ago that no window reaches it."""
BYTE: Final = np.uint64(8)
TOP: Final = np.uint64(56)
PLACE: Final = np.uint64(0xFFFF)
"""A touchpoint of the sieve: bits 0-15 its place in the block, from 16 on the chain open before it."""
CHAIN: Final = np.uint64(16)
GROUP: Final = np.uint64(3)
ONE: Final = np.uint64(1)


@kernel
def _level(codes: NDArray[Any], times: Int, serves: NDArray[Any], latest: NDArray[Any], window: int) -> int:
    """How far one journey gets: the definition, one touchpoint after the other. O(t * k)."""
    k = len(serves) - 1
    began = np.full(k + 1, NEVER, np.int64)
    level = 0
    for i in range(len(codes)):
        code = codes[i]
        if latest[code] == 0:
            continue
        began[0] = times[i]
        for s in range(k, 0, -1):  # the last step first, so that one touchpoint never serves two
            if serves[s, code] and times[i] - began[s - 1] <= window:
                began[s] = began[s - 1]
                level = max(level, s)
    return level


@kernel
def _listed(
    codes: NDArray[Any],
    wanted: NDArray[Any],
    is_wanted: NDArray[Any],
    hit: NDArray[Any],
    hits: NDArray[Any],
    places: NDArray[Any],
    at: int,
    base: NDArray[Any],
    before: NDArray[Any],
    times: Int,
) -> Any:
    """List the places of the wanted codes from places[at] on, and give the end of the list. O(t).

    How many are listed before a place is base[place >> 3] + its byte of `before`. `hits` are the bytes of `hit`, eight
    in a word.
    """
    flags = hit[: len(codes)]
    if len(wanted) <= FEW:
        flags[:] = 0
        for code in wanted:
            for q in range(len(codes)):
                flags[q] |= codes[q] == code
    else:
        for q in range(len(codes)):
            flags[q] = is_wanted[codes[q]]
    hit[len(codes) : len(codes) + 8] = 0
    m = np.uint64(at)
    for group in range((len(codes) + 7) >> 3):
        g = np.uint64(group)
        fetch(times, group << 3)
        word = hits[g]
        byte = (word * GATHER) >> TOP
        put_places(PLACES, byte, places, m, np.uint16(group << 3))
        base[g] = m - ONE
        before[g] = (word * SUMS) << BYTE
        m += COUNTS[byte]
    return np.int64(m)


@kernel
def _levels(
    offsets: Int,
    time_us: Int,
    touchpoint: NDArray[Any],
    serves: NDArray[Any],
    latest: NDArray[Any],
    starting: NDArray[Any],
    later: NDArray[Any],
    window: int,
    block: int,
    first: int,
    last: int,
    levels: NDArray[Any],
) -> Int:
    """Write how far each journey gets, and count the journeys that reach each step. O(t + matches * k)."""
    k = len(serves) - 1
    size = (block + 32) // 8 * 8  # what is done for eight at once may reach beyond the end
    starts = np.zeros(size, np.uint8)
    journey = np.zeros(size, np.uint8)
    hit = np.zeros(size, np.uint8)
    before, unused_before = np.zeros(size, np.uint8), np.zeros(size // 8, np.uint64)
    base, unused_base = np.zeros(size // 8, np.uint16), np.zeros(size // 8, np.uint16)
    before_8 = before.view(np.uint64)
    starts_8, journey_8, hits = starts.view(np.uint64), journey.view(np.uint64), hit.view(np.uint64)
    nobody = size - 1  # the place of no touchpoint, in no journey
    journey[nobody] = JOURNEYS
    places = np.zeros(size, np.uint16)
    found = np.zeros(size, np.uint32)
    chains = np.zeros((2, size), np.uint16)
    chains[:, 0] = nobody
    is_later = (latest > 1).astype(np.uint8)
    reached = np.zeros(k + 1, np.int64)
    c = first
    while c < last:
        at = offsets[c]
        d = min(last, c + JOURNEYS)
        while d > c + 1 and offsets[d] - at > block:
            d = c + 1 + (d - c - 1) // 2
        codes = touchpoint[at : offsets[d]]
        times = time_us[at : offsets[d]]
        if len(codes) > block:
            levels[c] = _level(codes, times, serves, latest, window)
            c = d
            continue
        inner = offsets[c + 1 : d]
        for i in range(len(inner)):
            starts[np.uint64(inner[i] - at)] += np.uint8(1)
        passed = np.uint64(0)
        for group in range((len(codes) + 8) >> 3):
            g = np.uint64(group)
            sums = starts_8[g] * SUMS
            starts_8[g] = np.uint64(0)
            journey_8[g] = sums + passed * SUMS
            passed += sums >> TOP
        level = levels[c:d]
        begun = chains[0]
        a = _listed(codes, starting, serves[1], hit, hits, begun, 1, base, before_8, times)
        e = _listed(codes, later, is_later, hit, hits, places, 0, unused_base, unused_before, times)
        for i in range(1, a):
            level[journey[begun[np.uint64(i)]]] = 1
        s = 2
        while s <= k and e > 0:
            known, begun = chains[s & 1], chains[(s + 1) & 1]
            serve = serves[s]
            m, a, e = e, 1, 0
            for r in range(m):
                if s == 2:
                    place = np.uint64(places[np.uint64(r)])
                    opened = np.uint64(base[place >> GROUP]) + np.uint64(before[place])
                else:
                    word = np.uint64(found[np.uint64(r)])
                    place, opened = word & PLACE, word >> CHAIN
                chain = np.uint64(known[opened])
                begun[np.uint64(a)] = chain
                found[np.uint64(e)] = place | (np.uint64(a - 1) << CHAIN)
                same = journey[place] == journey[chain]
                fits = same & (times[place] - times[min(chain, place)] <= window)
                code = codes[place]
                a += fits & serve[code]
                e += same & (latest[code] > s)
            for i in range(1, a):
                level[journey[begun[np.uint64(i)]]] = s
            s += 1
        c = d
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
    of_name = np.zeros((k + 1, len(steps_of) + 1), np.uint8)
    for name, steps in enumerate(steps_of, start=1):
        of_name[steps, name] = 1
    serves = np.ascontiguousarray(of_name[:, name_of])
    latest = (serves * np.arange(k + 1, dtype=np.uint8)[:, None]).max(axis=0, initial=0)
    starting = np.flatnonzero(serves[1]).astype(touchpoint.dtype)
    later = np.flatnonzero(latest > 1).astype(touchpoint.dtype)
    levels = np.zeros(len(offsets) - 1, np.uint8)
    rules = (serves, latest, starting, later, window, block)
    partials = over_parts(offsets, lambda a, b: _levels(offsets, time_us, touchpoint, *rules, a, b, levels))
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
