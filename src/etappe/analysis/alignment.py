"""Alignment: each journey against a plan, on the way that leaves out and adds the fewest steps, and what that says.

A dynamic programme over the touchpoints of a journey: for each step that may have been the last one taken, the best way
so far is known. It takes O(touchpoints * steps that a touchpoint may be * steps): linear in the length of a journey.

Of ways with as few steps left out or added, the one with the fewest late steps and steps in another channel; then the
one that takes most steps, and of equal touchpoints the later one: time runs since a step was last taken.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import kernel
from etappe.arrays import Int

FAR: Final = 2**30

ALL: Final = 0
PLANNED: Final = 1
FITTING: Final = 2
STEPS: Final = 3
"""Keys below it are no step's; from it on, each step has one of every kind that follows."""
REACHED: Final = 0
SKIPPED: Final = 1
LATE: Final = 2
OPEN: Final = 3
TURNED: Final = 4
ELSEWHERE: Final = 5
KINDS: Final = 6

JOURNEYS: Final = 0
EVENTS: Final = 1
FINISHED: Final = 2
FITNESS: Final = 3
HIGH: Final = 4
LOW: Final = 5
SUMS: Final = 6
"""Of each key: journeys, occurrences, finished journeys and their fitness in units of ONE, value in two words."""
ONE: Final = 2**36
"""A fitness of 1 as a whole number, so that sums are exact in any order."""

Bool = NDArray[np.bool_]
Short = NDArray[np.int32]


@kernel
def _best(
    time_us: Int, touchpoint: NDArray[Any], channel: NDArray[Any], at: Int, items: Int, counted: Bool, limited: Bool,
    right: Bool, skips: Short, allowed: Int, rest: Short, waits: Int, until_us: int, state: Int, fresh: Int, nodes: Int,
) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """Cost, touchpoints that count, the last node of the best way (-1: none), and 1 where it goes on.

    Rows of `state` are steps: cost less the touchpoints so far, further deviations, and node; of the best way that ends
    with the step, then of the one that took it last. Rows of `nodes`: touchpoint, step, node before, steps taken.
    The cost is -1 where no touchpoint is a step.
    """
    s = len(rest) - 1
    state[:, 0] = FAR
    state[:, 2], state[:, 5] = -1, -1
    state[0, 0], state[0, 1] = 0, 0
    count, made, in_plan = 0, 0, False
    for t in range(len(touchpoint)):
        code = np.int64(touchpoint[t])
        if not counted[code]:
            continue
        count += 1
        low, high = at[code], at[code + 1]
        for x in range(low, high):
            step = items[x]
            in_plan = True
            cost, strange, taken, before = np.int64(FAR), np.int64(0), np.int64(0), np.int64(-1)
            for q in range(s + 1):
                if state[q, 0] == FAR or skips[q, step] == FAR:
                    continue
                here = state[q, 0] + skips[q, step] - 1
                if here > cost:
                    continue
                node = state[q, 2]
                more = state[q, 1]
                steps = np.int64(0)
                if node >= 0:
                    steps = nodes[node, 3]
                    if time_us[t] - time_us[nodes[node, 0]] > allowed[q, step]:
                        more += 1
                if here < cost or more < strange or (more == strange and steps > taken):
                    cost, strange, taken, before = here, more, steps, node
            if limited[step] and not right[step, channel[t]]:
                strange += 1
            fresh[x - low, 0], fresh[x - low, 1] = cost, strange
            fresh[x - low, 2], fresh[x - low, 3] = before, taken + 1
        for x in range(low, high):  # only now, as no touchpoint is two steps
            cost, strange, step = fresh[x - low, 0], fresh[x - low, 1], items[x]
            nodes[made, 0], nodes[made, 1] = t, step
            nodes[made, 2], nodes[made, 3] = fresh[x - low, 2], fresh[x - low, 3]
            state[step, 3], state[step, 4], state[step, 5] = cost, strange, made
            if cost < state[step, 0] or (cost == state[step, 0] and strange <= state[step, 1]):
                state[step, 0], state[step, 1], state[step, 2] = cost, strange, made
            made += 1
    if not in_plan:
        return -1, count, -1, 0
    # The end: what is missing then is left out, unless it may still come.
    cost, strange, taken, chosen, goes_on = np.int64(FAR), np.int64(0), np.int64(0), np.int64(-1), 0
    for q in range(s + 1):
        for turn in range(2):
            here, more, node = state[q, 3 * turn], state[q, 3 * turn + 1], state[q, 3 * turn + 2]
            if (q > 0 and node < 0) or (q == 0 and turn == 1):
                continue
            may, steps = 0, np.int64(0)
            if q > 0:
                steps = nodes[node, 3]
                if waits[q] >= 0 and until_us - time_us[nodes[node, 0]] <= waits[q]:
                    may = 1
            if may == 0:
                here += rest[q]
            if here < cost or (here == cost and (more < strange or (more == strange and steps > taken))):
                cost, strange, taken, chosen, goes_on = here, more, steps, node, may
    return cost + count, count, chosen, goes_on


@kernel
def _is(step: Any, code: Any, at: Int, items: Int) -> bool:
    """Whether a touchpoint may be a step."""
    found = False
    for x in range(at[code], at[code + 1]):
        found |= items[x] == step
    return found


@kernel
def _near(way: Int, place: Any, touch: Any) -> tuple[Any, Any]:
    """Which step a touchpoint came before, and 1; or which came before it, and 0: the nearest taken on either side.

    It should have been between rows place - 1 and place of the way. (0, 0): neither.
    """
    i = place - 1
    while i >= 0 and way[i, 1] < 0:
        i -= 1
    if i >= 0 and way[i, 1] > touch:
        return way[i, 0], 1
    i = place
    while i < len(way) and way[i, 1] < 0:
        i += 1
    if i < len(way) and way[i, 1] < touch:
        return way[i, 0], 0
    return 0, 0


@kernel
def _slot(way: Int, step: Any, skips: Short, rest: Short, goes_on: int) -> Any:
    """Where a step that is not on the way could stand on it; -1 for nowhere."""
    before = np.int64(0)
    for i in range(len(way)):
        if skips[before, step] == 0 and skips[step, way[i, 0]] == 0:
            return i
        before = way[i, 0]
    return len(way) if skips[before, step] == 0 and rest[step] == 0 and goes_on == 0 else -1


@kernel
def align(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], channel: NDArray[Any], high: Int, low: Int, at: Int,
    items: Int, counted: Bool, limited: Bool, right: Bool, skips: Short, allowed: Int, through: Short, rest: Short,
    rest_through: Short, waits: Int, until_us: int, places: int, wanted: int, member: Bool, cost: Int, length: Int,
    records: Int, first: int, last: int,
) -> Int:  # fmt: skip
    """Sums for each key, in the journeys from first to last. O(touchpoints * steps).

    `items[at[c]:at[c + 1]]` are the steps that touchpoint c may be; `counted` says which touchpoints count at all;
    `right[s, x]` whether x is a channel that step s asks for, `limited[s]` whether it asks. Of each journey are
    written: its cost (-1 without a touchpoint of the plan, -2 - cost where it goes on), its length, and whether it has
    key `wanted`; and in records, as far as they hold, rows of journey, key and touchpoint (-1: none).
    """
    s, channels = len(rest) - 1, right.shape[1]
    pairs = STEPS + KINDS * s
    strange = pairs + s * s
    extras = strange + s * channels
    found = np.zeros((extras + (len(at) - 1) * places, SUMS), np.int64)
    mark = np.full(len(found), -1, np.int64)
    longest, most = np.int64(0), np.int64(1)
    for c in range(first, last):
        longest = max(longest, offsets[c + 1] - offsets[c])
    for code in range(len(at) - 1):
        most = max(most, at[code + 1] - at[code])
    state, fresh = np.empty((s + 1, 6), np.int64), np.empty((most, 4), np.int64)
    nodes = np.empty((longest * most + 1, 4), np.int64)
    whole = np.empty((2 * longest + s + 1, 2), np.int64)
    own = np.empty(longest, np.int64)
    on_way, cursor = np.empty(s + 1, np.bool_), np.empty(s + 1, np.int64)
    told = np.empty((6 * len(whole) + longest + 4, 2), np.int64)
    written = 0
    for c in range(first, last):
        begin, end = offsets[c], offsets[c + 1]
        codes, times = touchpoint[begin:end], time_us[begin:end]
        used = channel[begin:end] if len(channel) > 0 else channel
        price, count, node, goes_on = _best(
            times, codes, used, at, items, counted, limited, right, skips, allowed, rest, waits, until_us,
            state, fresh, nodes,
        )  # fmt: skip
        length[c] = count
        cost[c] = price if goes_on == 0 else -2 - price
        if price < 0:
            continue
        # The way: rows of step and touchpoint, -1 where the step is left out. Touchpoints know their step in `own`.
        own[: end - begin] = 0
        steps = 0
        while node >= 0:
            whole[steps, 0], whole[steps, 1] = nodes[node, 1], nodes[node, 0]
            own[nodes[node, 0]] = nodes[node, 1]
            steps += 1
            node = nodes[node, 2]
        taken, before = steps, np.int64(0)
        on_way[:], cursor[:] = False, 0
        # Turned, and to the end of the buffer, so that the way can be laid out from its start.
        lines, n = len(whole) - taken, 0
        for i in range(taken):
            whole[lines + i, 0], whole[lines + i, 1] = whole[taken - 1 - i, 0], whole[taken - 1 - i, 1]
        tells = 0
        for i in range(taken + 1):
            if i == taken and goes_on == 1:
                break
            step = whole[lines + i, 0] if i < taken else np.int64(0)
            touch = whole[lines + i, 1] if i < taken else np.int64(-1)
            left = np.int64(through[before, step] if i < taken else rest_through[before])
            while left > 0:
                whole[n, 0], whole[n, 1], on_way[left] = left, -1, True
                n += 1
                left = np.int64(through[left, step] if i < taken else rest_through[left])
            if i < taken:
                whole[n, 0], whole[n, 1], on_way[step] = step, touch, True
                n += 1
            before = step
        way = whole[:n]
        previous = np.int64(-1)
        before = np.int64(0)
        for i in range(n):
            step, touch = way[i, 0], way[i, 1]
            if touch >= 0:
                told[tells, 0], told[tells, 1] = STEPS + KINDS * (step - 1) + REACHED, touch
                tells += 1
                if before > 0 and times[touch] - times[previous] > allowed[before, step]:
                    told[tells, 0], told[tells, 1] = STEPS + KINDS * (step - 1) + LATE, touch
                    tells += 1
                if limited[step] and not right[step, used[touch]]:
                    told[tells, 0], told[tells, 1] = strange + (step - 1) * channels + used[touch], touch
                    told[tells + 1, 0], told[tells + 1, 1] = STEPS + KINDS * (step - 1) + ELSEWHERE, touch
                    tells += 2
                previous, before = touch, step
                continue
            # Left out here, but done elsewhere: one deviation.
            key, place = STEPS + KINDS * (step - 1) + SKIPPED, np.int64(-1)
            t = cursor[step]
            while t < end - begin and (own[t] != 0 or not _is(step, codes[t], at, items)):
                t += 1
            cursor[step] = t
            if t < end - begin:
                other, early = _near(way, i, t)
                if other > 0:
                    own[t], place = -step, t
                    one, two = (step, other) if early == 1 else (other, step)
                    key = pairs + (one - 1) * s + two - 1
                    told[tells, 0], told[tells, 1] = STEPS + KINDS * (one - 1) + TURNED, t
                    told[tells + 1, 0], told[tells + 1, 1] = STEPS + KINDS * (two - 1) + TURNED, t
                    tells += 2
            told[tells, 0], told[tells, 1] = key, place
            tells += 1
        after = np.int64(0)
        for t in range(end - begin):
            if own[t] > 0:
                after = own[t]
            if own[t] != 0 or not counted[codes[t]]:
                continue
            own_code = np.int64(codes[t])
            named = extras + own_code * places + min(after, places - 1)
            for x in range(at[own_code], at[own_code + 1]):
                step = items[x]
                if on_way[step]:
                    continue
                # What may be left out was done, but elsewhere.
                place = _slot(way, step, skips, rest, goes_on)
                if place >= 0:
                    other, early = _near(way, place, t)
                    if other > 0:
                        own[t], on_way[step] = -step, True
                        one, two = (step, other) if early == 1 else (other, step)
                        named = pairs + (one - 1) * s + two - 1
                        told[tells, 0], told[tells, 1] = STEPS + KINDS * (one - 1) + TURNED, t
                        told[tells + 1, 0], told[tells + 1, 1] = STEPS + KINDS * (two - 1) + TURNED, t
                        tells += 2
                        break
            told[tells, 0], told[tells, 1] = named, t
            tells += 1
        for t in range(end - begin):
            if own[t] < 0 and limited[-own[t]] and not right[-own[t], used[t]]:
                told[tells, 0], told[tells, 1] = strange + (-own[t] - 1) * channels + used[t], t
                told[tells + 1, 0], told[tells + 1, 1] = STEPS + KINDS * (-own[t] - 1) + ELSEWHERE, t
                tells += 2
        deviations = tells
        for i in range(tells):
            key = told[i, 0]
            kind = (key - STEPS) % KINDS
            if STEPS <= key < pairs and kind in (REACHED, TURNED, ELSEWHERE):
                deviations -= 1
        told[tells, 0], told[tells, 1] = ALL, -1
        tells += 1
        if goes_on == 1:
            step = before
            left = np.int64(rest_through[step])
            told[tells, 0], told[tells, 1] = STEPS + KINDS * (left - 1) + OPEN, previous
            tells += 1
        else:
            if price == 0:
                told[tells, 0], told[tells, 1] = FITTING, -1
                tells += 1
            if deviations == 0:
                told[tells, 0], told[tells, 1] = PLANNED, -1
                tells += 1
        base = count + rest[0]
        fitness = ONE - (price * ONE + base // 2) // base
        for i in range(tells):
            key = told[i, 0]
            found[key, EVENTS] += 1
            if mark[key] != c:
                mark[key] = c
                found[key, JOURNEYS] += 1
                if goes_on == 0:
                    found[key, FINISHED] += 1
                    found[key, FITNESS] += fitness
                if len(high) > 0:
                    found[key, HIGH] += high[c]
                    found[key, LOW] += low[c]
            if key == wanted:
                member[c] = True
            if written < len(records):
                records[written, 0], records[written, 1], records[written, 2] = c, key, told[i, 1]
                if told[i, 1] >= 0:
                    records[written, 2] += begin
                written += 1
    return found
