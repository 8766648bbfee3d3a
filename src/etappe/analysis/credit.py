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

from math import exp, factorial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import kernel, plain
from etappe.arrays import Int

UNIT: Final = 58_198_140_000
"""232,792,560 (what 1 to 20 divide) times 250: divided by 1,000 too."""
POSITION, LINEAR, DECAY, DISTINCT, EACH, NOT_DIRECT, SAME, TOUCHED = range(8)
"""How a conversion is shared; DISTINCT: equally among the different states; EACH: one to every different state;
TOUCHED: not at all, only touches are counted."""
CREDIT, HIGH, LOW, TOUCHES, JOURNEYS, VALUED, SEEN, OWN = range(8)
"""Columns of a state: credit; credit times value in two words; touches; journeys; touches where there is a value."""
SHIFT: Final = 24
FOREVER: Final = 2**62

Bool = NDArray[np.bool_]
POISSON: Final = plain(
    np.array(np.cumsum([exp(-1) / factorial(x) for x in range(10)]) * 2**32, np.uint64).astype(np.uint64)
)
"""A 32-bit draw counts as often as many of these it reaches."""


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
def _share(
    mode: int, units: Int, half_life: float, direct: Bool,
    states: NDArray[np.uint64], at: Int, m: int, turn_of: Int, turn: int, share: Int,
) -> None:  # fmt: skip
    """Share one conversion among its m > 1 touches; `turn_of` says for a state in which turn it was met last."""
    if mode == POSITION and m == 2:
        share[0], share[1] = units[3], units[4]
    elif mode == POSITION:
        share[0], left, each = units[0], UNIT - units[0], units[1] // (m - 2)
        for j in range(1, m - 1):
            share[j] = each
        share[m - 1] = left - each * (m - 2)
    elif mode == LINEAR:
        each = UNIT // m
        for j in range(m):
            share[j] = each
        share[m - 1] = UNIT - each * (m - 1)
    elif mode == DECAY:
        # Measured from the last touch, which changes no ratio and never underflows to nothing.
        total, left = 0.0, UNIT
        for j in range(m):
            total += 2.0 ** ((at[j] - at[m - 1]) / half_life)
        for j in range(m - 1):
            share[j] = np.int64(2.0 ** ((at[j] - at[m - 1]) / half_life) / total * UNIT)
            left -= share[j]
        share[m - 1] = left
    elif mode == NOT_DIRECT:
        chosen = m - 1
        for j in range(m):
            share[j] = 0
            if not direct[states[j]]:
                chosen = j
        share[chosen] = UNIT
    elif mode == TOUCHED:
        for j in range(m):
            share[j] = 0
    else:
        different = 0
        for j in range(m):
            share[j] = turn_of[states[j]] != turn
            different += share[j]
            turn_of[states[j]] = turn
        each = UNIT if mode == EACH else UNIT // different
        left = 0 if mode == EACH else UNIT - each * different
        for j in range(m):
            if share[j] > 0:
                share[j] = each + left
                left = 0


@kernel
def share_out(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], what: NDArray[Any], state_of: Int,
    goal: int, window: int, reuse: bool,
    goals: Int, value: Int, no_value: int, subject: Int, poisson: NDArray[np.uint64],
    modes: Int, units: Int, half_life: float, direct: Bool, k: int,
    wanted: int, marked: Bool, repetition: int, reps: int, first: int, last: int,
) -> tuple[Int, Int]:  # fmt: skip
    """By each rule: what each state is credited with, the k-th being none; each repetition's credits and conversions.

    Rules are side by side in `modes` and `units`; what does not depend on them is counted in the first one's place.
    SAME stands alone, since its touches are others. `goals` are the rows of the conversions, `value` theirs; `marked`
    says which journeys have a touch of the state `wanted` before one. O(journeys + touches before goals * rules).
    """
    rules = len(modes)
    out = np.zeros((rules, k + 1, 8), np.int64)  # a state's counters in one line of the cache
    again = np.zeros((rules, k + 2, reps), np.int64)
    met = out[0]
    same, timed = modes[0] == SAME, False
    for rule in range(rules):
        timed |= modes[rule] == DECAY
    draws = np.zeros(reps, np.int64)
    longest = 1
    for x in range(first, last):
        longest = max(longest, offsets[x + 1] - offsets[x])
    states, at, share = np.empty(longest, np.uint64), np.empty(longest, np.int64), np.empty(longest, np.int64)
    turn_of, touched = np.zeros(k + 1, np.int64), np.empty(k + 1, np.uint64)
    conversion, turn, c = 0, 0, first
    g = np.searchsorted(goals, offsets[first])
    while g < len(goals) and goals[g] < offsets[last]:
        while offsets[c + 1] <= goals[g]:
            c += 1
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        whats = what[offsets[c] : offsets[c + 1]]
        begin, found, before = 0, 0, conversion
        while g < len(goals) and goals[g] < offsets[c + 1]:
            i = goals[g] - offsets[c]
            g += 1
            conversion += 1
            m = 0
            if same:
                if state_of[whats[i]] >= 0:
                    states[0], m = state_of[whats[i]], 1
            else:
                if window < FOREVER:
                    times = time_us[offsets[c] : offsets[c + 1]]
                    while begin < i and times[begin] < times[i] - window:
                        begin += 1
                for j in range(begin, i):
                    state = state_of[whats[j]]
                    if state >= 0 and (not reuse or codes[j] != goal):
                        states[m] = state
                        if timed:
                            at[m] = time_us[offsets[c] + j]
                        m += 1
            seen = m > 0
            if not seen:
                states[0], m = k, 1
            v = value[g - 1]
            for rule in range(rules):
                turn += 1
                if m == 1:
                    share[0] = 0 if modes[rule] == TOUCHED and seen else UNIT
                else:
                    _share(modes[rule], units[rule], half_life, direct, states, at, m, turn_of, turn, share)
                credited = out[rule]
                for j in range(m):
                    s = states[j]
                    if rule == 0:
                        if met[s, SEEN] != c + 1:
                            met[s, SEEN] = c + 1
                            met[s, JOURNEYS] += 1
                            touched[found] = s
                            found += 1
                            if s == np.uint64(wanted):
                                marked[c] = True
                        met[s, TOUCHES] += 1
                        met[s, VALUED] += v != no_value
                    if share[j] == 0:
                        continue
                    credited[s, CREDIT] += share[j]
                    credited[s, OWN] += share[j]
                    if v != no_value:
                        low = credited[s, LOW] + (v & 0xFFFFFF) * share[j]
                        credited[s, HIGH] += (v >> SHIFT) * share[j] + (low >> SHIFT)
                        credited[s, LOW] = low & 0xFFFFFF
            if not reuse:
                begin = i + 1
        if reps > 0 and conversion > before:
            _draw(subject[c], poisson, repetition, draws)
            for rule in range(rules):
                for r in range(reps):
                    again[rule, k + 1, r] += draws[r] * (conversion - before)
                for x in range(found):
                    s = touched[x]
                    for r in range(reps):
                        again[rule, s, r] += draws[r] * out[rule, s, OWN]
                    out[rule, s, OWN] = 0
    met[k, TOUCHES] = 0
    return out, again


@kernel
def count_pairs(offsets: Int, touchpoint: NDArray[Any], k: int, first: int, last: int) -> Int:
    """Which of k codes follows which, begins (row k) and ends (column k) a journey; every row is looked at once.

    O(t). All neighbours are counted first, across journeys too, so that no loop ends with a journey; those are then
    taken off. Two tables in turn: the same pair twice in a row would wait for itself.
    """
    one, two = np.zeros((k + 1) * (k + 1), np.int64), np.zeros((k + 1) * (k + 1), np.int64)
    row = np.uint64(k + 1)
    codes = touchpoint[offsets[first] : offsets[last]]
    before = codes[:-1] if len(codes) > 0 else codes
    after = codes[1:] if len(codes) > 0 else codes
    for i in range(len(after) // 2):
        one[np.uint64(before[2 * i]) * row + np.uint64(after[2 * i])] += 1
        two[np.uint64(before[2 * i + 1]) * row + np.uint64(after[2 * i + 1])] += 1
    if len(after) % 2 == 1:
        one[np.uint64(before[len(before) - 1]) * row + np.uint64(after[len(after) - 1])] += 1
    previous = np.uint64(k)
    for c in range(first, last):
        if offsets[c] == offsets[c + 1]:
            continue
        start = np.uint64(touchpoint[offsets[c]])
        if previous < np.uint64(k):
            one[previous * row + start] -= 1
        previous = np.uint64(touchpoint[offsets[c + 1] - 1])
        one[np.uint64(k) * row + start] += 1
        one[previous * row + np.uint64(k)] += 1
    return one + two


@kernel
def count_steps(
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
    conversion, nothing, row = np.uint64(k), np.uint64(k + 1), np.uint64(k + 2)
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        whats = what[offsets[c] : offsets[c + 1]]
        n = len(codes)
        if plainly and (window >= FOREVER or n == 0 or time_us[offsets[c + 1] - 1] - time_us[offsets[c]] <= window):
            # No window cuts anything off: one look at each touchpoint is enough.
            line = np.uint64(0)
            for i in range(n):
                if codes[i] == goal:
                    if line > 0:
                        counts[line + conversion] += 1
                    line = np.uint64(0)
                    if once:
                        break
                else:
                    state = state_of[whats[i]]
                    if state >= 0:
                        counts[line + np.uint64(state)] += 1
                        line = np.uint64(state + 1) * row
            if line > 0:
                counts[line + nothing] += 1
            continue
        times = time_us[offsets[c] : offsets[c + 1]]
        begin, after = 0, 0
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
