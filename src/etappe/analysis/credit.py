"""Credit: kernels that follow journeys to their conversions, share out each conversion, and count steps and sets.

A path is the touches before an end: before a conversion, or before the journey's last touch where no conversion
follows. It begins after the previous conversion (with `reuse` it does not), and no earlier than the window before its
end, edge included. A touch has a state, `state_of[what[i]]`, or none (-1) and then it is no touch; the goal itself is
none.

Credit is a whole number of 1/UNIT of a conversion, so that sums are exact and parts add up in any order. UNIT is
divided by all numbers up to 20 and by 1,000. What division leaves goes to the last touch; it is below one in 10**9.

Intervals come from a bootstrap over subjects: in repetition r a subject counts Poisson(1) times, drawn from a hash of
the subject and r (Chamandy et al. 2012, "Estimating Uncertainty for Massive Data Streams"): no order, no state, any
engine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, factorial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import kernel, plain
from etappe.arrays import Int, over_parts
from etappe.units import NO_VALUE

UNIT: Final = 58_198_140_000
"""232,792,560 (what 1 to 20 divide) times 250: divided by 1,000 too."""
POSITION, LINEAR, DECAY, DISTINCT, EACH, NOT_DIRECT, SAME = range(7)
"""How a conversion is shared; DISTINCT: equally among the different states; EACH: one to every different state."""
CREDIT, HIGH, LOW, TOUCHES, JOURNEYS, VALUED = range(6)
"""Columns of what is counted: credit; credit times value in two words; touches, journeys, touches of valued ones."""
SHIFT: Final = 24
FOREVER: Final = 2**62
ROOM: Final = 2**22
"""Counters of a bootstrap held at a time, in each part of the journeys."""

Bool = NDArray[np.bool_]
POISSON: Final = plain(
    np.array(np.cumsum([exp(-1) / factorial(x) for x in range(10)]) * 2**32, np.uint64).astype(np.uint64)
)
"""A 32-bit draw counts as often as many of these it reaches."""


@dataclass(frozen=True)
class Touches:
    """Journeys as these kernels read them."""

    offsets: Int
    time_us: Int
    touchpoint: NDArray[Any]
    what: NDArray[Any]
    """Codes of the dimension."""
    state_of: Int
    """A code's state, 0 to k - 1, or -1."""
    k: int
    goal: int
    window: int
    reuse: bool
    once: bool
    """Only a journey's first conversion, and nothing after it."""
    value: Int
    """Of each touchpoint; empty where none has one."""
    subject: Int

    def paths(self) -> tuple[Any, ...]:
        """What every kernel begins with."""
        ends = (self.goal, self.window, self.reuse, self.once)
        return self.offsets, self.time_us, self.touchpoint, self.what, self.state_of, *ends


@dataclass(frozen=True)
class Rule:
    """How one conversion is shared."""

    mode: int
    units: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    """Of the first, all middle ones and the last of three or more; of the first and the last of two."""
    half_life: float = 1.0
    direct: Bool | None = None
    """(k,) states that are passed over."""


@kernel
def _mix(x: Any) -> Any:
    """A 64-bit number whose bits each depend on all bits of x (splitmix64, Steele et al. 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel
def _draw(subject: int, poisson: NDArray[np.uint64], repetition: int, out: Int) -> None:
    """How often a subject counts in each repetition from `repetition` on."""
    start = _mix(np.uint64(subject) + np.uint64(0x9E3779B97F4A7C15))
    for r in range(len(out)):
        x = _mix(start + np.uint64(repetition + r + 1) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)
        count = 0
        for p in range(10):
            count += x >= poisson[p]
        out[r] = count


@kernel
def _credit(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], what: NDArray[Any], state_of: Int,
    goal: int, window: int, reuse: bool, once: bool,
    value: Int, no_value: int, subject: Int, poisson: NDArray[np.uint64],
    mode: int, units: Int, half_life: float, direct: Bool, k: int,
    wanted: int, marked: Bool, repetition: int, reps: int, first: int, last: int,
) -> tuple[Int, Int]:  # fmt: skip
    """What each state is credited with, the k-th being none; and credits of each repetition, then its conversions.

    `marked` says which journeys have a touch of the state `wanted` before a conversion. O(t + touches before goals).
    """
    out = np.zeros((k + 1, 6), np.int64)
    again = np.zeros((k + 2, reps), np.int64)
    draws = np.zeros(reps, np.int64)
    longest = 1
    for c in range(first, last):
        longest = max(longest, offsets[c + 1] - offsets[c])
    states, at, share = np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(longest, np.int64)
    weight = np.empty(longest, np.float64)
    journey_of, conversion_of = np.full(k + 1, -1, np.int64), np.full(k + 1, -1, np.int64)
    own, touched = np.zeros(k + 1, np.int64), np.empty(k + 1, np.int64)
    conversion = 0
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        begin, found, conversions = 0, 0, 0
        for i in range(len(codes)):
            if codes[i] != goal:
                continue
            whats = what[offsets[c] : offsets[c + 1]]
            times = time_us[offsets[c] : offsets[c + 1]]
            m = 0
            if mode == SAME:
                if state_of[whats[i]] >= 0:
                    states[0], at[0], m = state_of[whats[i]], times[i], 1
            else:
                while begin < i and times[begin] < times[i] - window:
                    begin += 1
                for j in range(begin, i):
                    if codes[j] != goal and state_of[whats[j]] >= 0:
                        states[m], at[m] = state_of[whats[j]], times[j]
                        m += 1
            if m == 0:
                states[0], share[0], m = k, UNIT, 1
            elif m == 1:
                share[0] = UNIT
            elif mode == POSITION and m == 2:
                share[0], share[1] = units[3], units[4]
            elif mode == POSITION:
                share[0], left = units[0], UNIT - units[0]
                for j in range(1, m - 1):
                    share[j] = units[1] // (m - 2)
                    left -= share[j]
                share[m - 1] = left
            elif mode == LINEAR:
                share[:m] = UNIT // m
                share[m - 1] += UNIT % m
            elif mode == DECAY:
                # Measured from the last touch, which changes no ratio and never underflows to nothing.
                total, left = 0.0, UNIT
                for j in range(m):
                    weight[j] = 2.0 ** ((at[j] - at[m - 1]) / half_life)
                    total += weight[j]
                for j in range(m - 1):
                    share[j] = np.int64(weight[j] / total * UNIT)
                    left -= share[j]
                share[m - 1] = left
            elif mode == NOT_DIRECT:
                share[:m] = 0
                chosen = m - 1
                for j in range(m):
                    if not direct[states[j]]:
                        chosen = j
                if direct[states[chosen]]:
                    chosen = m - 1
                share[chosen] = UNIT
            else:
                different = 0
                for j in range(m):
                    if conversion_of[states[j]] != conversion:
                        conversion_of[states[j]] = conversion
                        different += 1
                        share[j] = 1
                    else:
                        share[j] = 0
                left = UNIT % different if mode == DISTINCT else 0
                for j in range(m):
                    share[j] *= UNIT if mode == EACH else UNIT // different
                    if share[j] > 0:
                        share[j] += left
                        left = 0
            held = len(value) > 0 and value[offsets[c] + i] != no_value
            for j in range(m):
                s = states[j]
                if journey_of[s] != c:
                    journey_of[s] = c
                    out[s, JOURNEYS] += 1
                    touched[found] = s
                    found += 1
                    if s == wanted:
                        marked[c] = True
                out[s, CREDIT] += share[j]
                own[s] += share[j]
                out[s, TOUCHES] += s < k
                if held:
                    v = value[offsets[c] + i]
                    low = out[s, LOW] + (v & 0xFFFFFF) * share[j]
                    out[s, HIGH] += (v >> SHIFT) * share[j] + (low >> SHIFT)
                    out[s, LOW] = low & 0xFFFFFF
                    out[s, VALUED] += 1
            conversion += 1
            conversions += 1
            if not reuse:
                begin = i + 1
            if once:
                break
        if reps > 0 and conversions > 0:
            _draw(subject[c], poisson, repetition, draws)
            for r in range(reps):
                again[k + 1, r] += draws[r] * conversions
        for x in range(found):
            s = touched[x]
            for r in range(reps):
                again[s, r] += draws[r] * own[s]
            own[s] = 0
    return out, again


@kernel
def _steps(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], what: NDArray[Any], state_of: Int,
    goal: int, window: int, reuse: bool, once: bool,
    subject: Int, poisson: NDArray[np.uint64],
    k: int, order: int, collapse: bool, sets: bool,
    counts: Int, slot_of: Int, again: Int, repetition: int, first: int, last: int,
) -> None:  # fmt: skip
    """Count the steps of all paths: at h * (k + 2) + next, where h = newest + (k + 1) * before + ..., states from 1 on.

    Next is a state from 0 on, k for a conversion, k + 1 for none. With `sets` it counts whole paths instead: h holds
    one bit for each state. With repetitions, what is at slot_of of that place is counted as often as the subject
    is. O(t).
    """
    reps = again.shape[1]
    draws = np.zeros(reps, np.int64)
    two = k + 1 if order >= 2 else 0
    three = (k + 1) * (k + 1) if order >= 3 else 0
    plainly = order == 1 and reps == 0 and not sets and not reuse and not collapse
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        whats = what[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        begin, after, n = 0, 0, len(codes)
        if reps > 0 and n > 0:
            _draw(subject[c], poisson, repetition, draws)
        for i in range(n + 1):
            if i < n and codes[i] != goal:
                continue
            if window < FOREVER:
                end = i
                if i == n:
                    end = n - 1
                    while end >= after and state_of[whats[end]] < 0:
                        end -= 1
                    if end < after:
                        continue
                while begin < i and times[begin] < times[end] - window:
                    begin += 1
            if i == n and reuse:
                fresh = False
                for j in range(after, n):
                    fresh |= state_of[whats[j]] >= 0
                if not fresh:
                    continue
            newest, before, oldest, h = 0, 0, 0, 0
            if plainly:
                for j in range(begin, i):
                    state = state_of[whats[j]]
                    if state >= 0:
                        counts[h * (k + 2) + state] += 1
                        h = state + 1
                begin = i
            for j in range(begin, i):
                state = state_of[whats[j]]
                if state < 0 or (reuse and codes[j] == goal):
                    continue
                if sets:
                    h |= 1 << state
                    continue
                if collapse and state + 1 == newest:
                    continue
                place = h * (k + 2) + state
                if reps == 0:
                    counts[place] += 1
                else:
                    for r in range(reps):
                        again[slot_of[place], r] += draws[r]
                oldest, before, newest = before, newest, state + 1
                h = newest + before * two + oldest * three
            if h > 0:
                place = h * (k + 2) + (k if i < n else k + 1)
                if reps == 0:
                    counts[place] += 1
                else:
                    for r in range(reps):
                        again[slot_of[place], r] += draws[r]
            after = i + 1
            if not reuse:
                begin = after
            if once and i < n:
                break


def repetitions(slots: int, bootstrap: int) -> Iterator[tuple[int, int]]:
    """Blocks of repetitions (first, how many) whose counters fit."""
    block = max(1, min(bootstrap, ROOM // max(slots, 1)))
    for first in range(0, bootstrap, block):
        yield first, min(block, bootstrap - first)


def credit(touches: Touches, rule: Rule, *, wanted: int = -1, bootstrap: int = 0) -> tuple[Int, Int, Bool]:
    """By a rule: what each state and none are credited with; the repetitions (k + 2, bootstrap); who has `wanted`."""
    k = touches.k
    direct = plain(np.zeros(k + 1, bool) if rule.direct is None else rule.direct)
    marked = np.zeros(len(touches.subject), bool)
    shared = (
        *touches.paths(), touches.value, NO_VALUE, touches.subject, POISSON,
        rule.mode, plain(np.array(rule.units, np.int64)), float(rule.half_life), direct, k, wanted, marked,
    )  # fmt: skip
    out, blocks = np.zeros((k + 1, 6), np.int64), [np.zeros((k + 2, 0), np.int64)]
    for repetition, reps in [*repetitions(k + 2, bootstrap)] or [(0, 0)]:

        def work(a: int, b: int, repetition: int = repetition, reps: int = reps) -> tuple[Int, Int]:
            arguments: tuple[Any, ...] = (*shared, repetition, reps, a, b)
            found: tuple[Int, Int] = _credit(*arguments)
            return found

        partials = over_parts(touches.offsets, work)
        blocks.append(sum((part[1] for part in partials), np.zeros((k + 2, reps), np.int64)))
        if repetition == 0:
            out = sum((part[0] for part in partials), out)
    return out, np.concatenate(blocks, axis=1), marked


@dataclass(frozen=True)
class Steps:
    """The steps of all paths, to be counted: once, or again and again."""

    touches: Touches
    size: int
    """How many places there are."""
    order: int = 1
    collapse: bool = True
    sets: bool = False

    def _counted(self, slot_of: Int, slots: int, repetition: int, reps: int) -> tuple[Int, Int]:
        t = self.touches
        # At order 1 repeats need not be looked for: see markov.py.
        collapse = self.collapse and self.order > 1
        shared = (*t.paths(), t.subject, POISSON, t.k, self.order, collapse, self.sets)

        def work(a: int, b: int) -> tuple[Int, Int]:
            counts, again = np.zeros(0 if reps else self.size, np.int64), np.zeros((slots, reps), np.int64)
            arguments: tuple[Any, ...] = (*shared, counts, slot_of, again, repetition, a, b)
            _steps(*arguments)
            return counts, again

        partials = over_parts(t.offsets, work)
        counts = sum((part[0] for part in partials), np.zeros(0 if reps else self.size, np.int64))
        return counts, sum((part[1] for part in partials), np.zeros((slots, reps), np.int64))

    def count(self) -> Int:
        """How often each step occurs (or each set, with its end), at the places that the kernel says."""
        return self._counted(np.zeros(0, np.int64), 1, 0, 0)[0]

    def again(self, places: Int, bootstrap: int) -> Iterator[Int]:
        """For each repetition: how often the steps at these places (all that occur, rising) occur in it."""
        slot_of = np.zeros(self.size, np.int64)
        slot_of[places] = np.arange(len(places))
        for repetition, reps in repetitions(len(places), bootstrap):
            yield from np.ascontiguousarray(self._counted(slot_of, len(places), repetition, reps)[1].T)
