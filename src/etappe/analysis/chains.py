"""Chains: how far each unit gets through steps under any of the funnel's rules, and at which touchpoints.

Unit of count: the unit, a journey or a part of one. For a touchpoint that may serve step s, the chain behind it that
started last is kept: at this touchpoint a later start dominates. The touchpoints that may serve the step before it and
still count (not too long ago, nothing excluded since) are a stretch that only moves on, so one queue for each step
finds the latest start: O(t * k) whatever the rules.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import arrays_of, kernel, plain
from etappe.analysis.sieve import NEVER
from etappe.arrays import Int, over_parts
from etappe.journeys.columns import Journeys

FOREVER: Final = 2**60
"""A window or a limit that nothing exceeds."""
MOST: Final = 60
"""Steps of a funnel with rules: which of them a unit reaches is kept in one word."""


class Rules(NamedTuple):
    """What a chain must keep to. Names are numbered: name_of gives each touchpoint's code its number, 0 for no part."""

    name_of: NDArray[Any]
    serves: NDArray[np.bool_]
    """(k+1, names): whether a name serves a step (steps from 1)."""
    excluded: NDArray[np.bool_]
    """(k+1, names): whether a name must not come between a step and the one before it."""
    optional: NDArray[np.bool_]
    """(k+1,): whether a step may be left out."""
    window: int = FOREVER
    """From step 1 to any step, its edge included."""
    limit: int = FOREVER
    """From one step to the next, its edge included."""
    strict: bool = False
    """Each step directly after the one before: nothing between."""
    rising: bool = False
    """Each step at a later instant than the one before."""
    by_step: bool = False
    """At the same instant the lower step comes first, whatever was received first."""
    first_only: bool = False
    """Step 1 is served by the first touchpoint of its kind only."""
    start_us: int = -(2**62)
    end_us: int = 2**62
    """Step 1 lies from `start_us` on and before `end_us`."""
    now_us: int = 2**62
    """Until when the data reach: a unit whose time is not over yet is still on its way."""


class Found(NamedTuple):
    """What was found of each unit."""

    reached: Int
    """(n,) bit s is set where step s is reached."""
    places: Int
    """(n, k) the row of the touchpoint that serves each step of the unit's best chain; -1 where there is none."""
    running: NDArray[np.bool_]
    """(n,) not at the last step yet, and its time is not over."""


@kernel
def _chains(
    offsets: Int,
    time_us: Int,
    touchpoint: NDArray[Any],
    name_of: NDArray[Any],
    serves: NDArray[Any],
    excluded: NDArray[Any],
    optional: NDArray[Any],
    numbers: Int,
    first: int,
    last: int,
    reached: Int,
    places: Int,
    running: NDArray[Any],
) -> None:
    """Follow the chains of each unit. numbers: window, limit, strict, rising, by_step, first_only, start, end, now."""
    window, limit, strict, rising, by_step, first_only, start_us, end_us, now_us = numbers
    k = len(serves) - 1
    longest = 0
    for c in range(first, last):
        longest = max(longest, offsets[c + 1] - offsets[c])
    row = np.empty(longest, np.int64)
    began = np.empty((k + 1, longest), np.int64)
    parent = np.empty((k + 1, longest), np.int64)
    queue = np.empty(longest, np.int64)
    value = np.empty(longest, np.int64)
    step_of = np.empty(longest, np.int64)
    for c in range(first, last):
        m = 0
        enters = False
        for i in range(offsets[c], offsets[c + 1]):
            name = name_of[touchpoint[i]]
            if name != 0:
                row[m] = i
                m += 1
                enters = enters or serves[1, name]
        if not enters:
            continue
        if by_step == 1:  # a stable sort of each instant by the first step that a touchpoint serves
            for a in range(1, m):
                b, moved = a, row[a]
                own = _earliest(serves, name_of[touchpoint[moved]])
                while b > 0 and time_us[row[b - 1]] == time_us[moved]:
                    if _earliest(serves, name_of[touchpoint[row[b - 1]]]) <= own:
                        break
                    row[b] = row[b - 1]
                    b -= 1
                row[b] = moved
        seen = False
        for r in range(m):
            began[1, r] = NEVER
            moment = time_us[row[r]]
            if serves[1, name_of[touchpoint[row[r]]]]:
                if start_us <= moment < end_us and not (first_only == 1 and seen):
                    began[1, r] = moment
                seen = True
        done = 1  # steps looked at; without a chain to a step that must be, none goes further
        for s in range(2, k + 1):
            some = False
            head, tail, told = 0, 0, 0
            barrier = -1
            for r in range(m):
                moment = time_us[row[r]]
                # What may come before: told to the queue once it lies before this touchpoint.
                while told < r and (rising == 0 or time_us[row[told]] < moment):
                    best, own = NEVER, 0
                    p = s - 1
                    while p >= 1:
                        if began[p, told] > best:
                            best, own = began[p, told], p
                        if not optional[p]:
                            break
                        p -= 1
                    if best > NEVER:
                        while tail > head and value[tail - 1] < best:
                            tail -= 1
                        queue[tail], value[tail], step_of[tail] = told, best, own
                        tail += 1
                    told += 1
                name = name_of[touchpoint[row[r]]]
                while head < tail and (
                    queue[head] < barrier
                    or moment - time_us[row[queue[head]]] > limit
                    or (strict == 1 and row[queue[head]] != row[r] - 1)
                ):
                    head += 1
                began[s, r] = NEVER
                if serves[s, name] and head < tail and moment - value[head] <= window:
                    began[s, r] = value[head]
                    parent[s, r] = queue[head] * (k + 1) + step_of[head]
                    some = True
                if excluded[s, name]:
                    barrier = r
            done = s
            if not some and not optional[s]:
                break
        top = 0
        bits = 0
        for s in range(1, done + 1):
            for r in range(m):
                if began[s, r] > NEVER:
                    bits |= 1 << s
                    top = s
                    break
        reached[c] = bits
        if top == 0:
            continue
        if top < k:
            for r in range(m):
                if began[top, r] > NEVER and now_us - began[top, r] <= window and now_us - time_us[row[r]] <= limit:
                    running[c] = True
        r, s = 0, top
        while began[top, r] == NEVER:
            r += 1
        while s >= 1:
            places[c, s - 1] = row[r]
            if s == 1:
                break
            r, s = parent[s, r] // (k + 1), parent[s, r] % (k + 1)


@kernel
def _earliest(serves: NDArray[Any], name: int) -> int:
    """The first step that a name serves."""
    for s in range(1, len(serves)):
        if serves[s, name]:
            return s
    return len(serves)


@kernel
def _any_order(
    offsets: Int,
    time_us: Int,
    touchpoint: NDArray[Any],
    name_of: NDArray[Any],
    needs: Int,
    k: int,
    numbers: Int,
    first: int,
    last: int,
    reached: Int,
    places: Int,
    running: NDArray[Any],
) -> None:
    """The most steps that lie within the window in any order; needs[name]: how many steps have this name. O(t * k)."""
    window, now_us = numbers[0], numbers[8]
    have = np.zeros(len(needs), np.int64)
    for c in range(first, last):
        have[:] = 0
        done, best, best_from, best_to = 0, 0, 0, 0
        low = offsets[c]
        for i in range(offsets[c], offsets[c + 1]):
            while time_us[i] - time_us[low] > window:
                name = name_of[touchpoint[low]]
                have[name] -= 1
                done -= have[name] < needs[name]
                low += 1
            name = name_of[touchpoint[i]]
            have[name] += 1
            done += have[name] <= needs[name]
            if done > best:
                best, best_from, best_to = done, low, i
        if best == 0:
            continue
        have[:] = 0
        done = 0
        i = best_to
        while done < best:  # the latest start: backwards until all of them are there again
            name = name_of[touchpoint[i]]
            have[name] += 1
            done += have[name] <= needs[name]
            best_from = i
            i -= 1
        have[:] = 0
        done = 0
        for i in range(best_from, best_to + 1):
            name = name_of[touchpoint[i]]
            have[name] += 1
            if have[name] <= needs[name]:
                places[c, done] = i
                done += 1
        for s in range(1, best + 1):
            reached[c] |= 1 << s
        have[:] = 0
        done = 0
        for i in range(offsets[c], offsets[c + 1]):
            if now_us - time_us[i] <= window:
                name = name_of[touchpoint[i]]
                have[name] += 1
                done += have[name] <= needs[name]
        running[c] = best < k and done == best


def _numbers(rules: Rules) -> Int:
    flags = (rules.strict, rules.rising, rules.by_step, rules.first_only)
    return plain(
        np.array([rules.window, rules.limit, *map(int, flags), rules.start_us, rules.end_us, rules.now_us], np.int64)
    )


def chains(units: Journeys, rules: Rules, *, any_order: bool = False) -> Found:
    """Follow the steps in each unit; with `any_order` step s is reached where s of the steps are done."""
    offsets, time_us, touchpoint = arrays_of(units)
    k = len(rules.serves) - 1
    found = Found(
        np.zeros(len(units), np.int64), np.full((len(units), k), -1, np.int64), np.zeros(len(units), np.bool_)
    )
    name_of, numbers = plain(rules.name_of), _numbers(rules)
    if any_order:
        needs = plain(rules.serves[1:].sum(axis=0).astype(np.int64))
        over_parts(
            offsets,
            lambda a, b: _any_order(offsets, time_us, touchpoint, name_of, needs, k, numbers, a, b, *found),
        )
        return found
    tables = (plain(rules.serves), plain(rules.excluded), plain(rules.optional))
    over_parts(offsets, lambda a, b: _chains(offsets, time_us, touchpoint, name_of, *tables, numbers, a, b, *found))
    return found


def attempts(units: Journeys, rules: Rules) -> tuple[Journeys, Int]:
    """Each unit divided into its attempts, and the unit of each: a new one starts after a complete chain, or at the
    first touchpoint that serves step 1 once the window of the one before is over. What lies between is left out.
    """
    offsets, time_us, touchpoint = arrays_of(units)
    name_of, serves = plain(rules.name_of), plain(rules.serves)
    parts = over_parts(
        offsets, lambda a, b: _attempts(offsets, time_us, touchpoint, name_of, serves, rules.window, a, b)
    )
    first, last, owner = (np.concatenate([np.empty(0, np.int64), *(part[x] for part in parts)]) for x in range(3))
    offsets = np.concatenate(([0], np.cumsum(last - first)))
    rows = np.repeat(first - offsets[:-1], last - first) + np.arange(offsets[-1])
    return units.cut(owner, offsets, rows), owner


@kernel
def _attempts(
    offsets: Int,
    time_us: Int,
    touchpoint: NDArray[Any],
    name_of: NDArray[Any],
    serves: NDArray[Any],
    window: int,
    first: int,
    last: int,
) -> tuple[Int, Int, Int]:
    """First row, row after the last, and unit of each attempt. O(t)."""
    k = len(serves) - 1
    count = 0
    for c in range(first, last):
        for i in range(offsets[c], offsets[c + 1]):
            count += serves[1, name_of[touchpoint[i]]]
    begins, ends, owner = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64)
    n = 0
    for c in range(first, last):
        i = offsets[c]
        while i < offsets[c + 1]:
            if not serves[1, name_of[touchpoint[i]]]:
                i += 1
                continue
            begins[n], owner[n] = i, c
            start = time_us[i]
            level = 1
            i += 1
            while i < offsets[c + 1] and level < k and time_us[i] - start <= window:
                level += serves[level + 1, name_of[touchpoint[i]]]
                i += 1
            ends[n] = i
            n += 1
    return begins[:n], ends[:n], owner[:n]
