"""Opportunity count: the kernel that follows affected and comparable journeys from when a signal is known.

What it counts and why stands in opportunities.py, what the signals mean in signals.py.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import kernel
from etappe.analysis.signals import ERROR, ERROR_ROLE, LOW_SCORE, SCORED, SIGNALS, SUPPORT, SUPPORT_ROLE
from etappe.arrays import Int

STRATA: Final = 8
LAGS: Final = 32
"""Touches from a touch to its error or contact with support; from 31 on they count as 31."""
LAG: Final = (0, 2, 1, 1, 1, 0, 0, 0)
"""Touches until each signal is known; 0 where that differs."""
GOLDEN: Final = 0x9E3779B97F4A7C15
"""2**64 / golden ratio: its multiples, modulo 2**64, lie evenly however many there are (Knuth, TAOCP 3, 6.4)."""
NONE: Final = 2**62


@kernel
def tables_of(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], keys: NDArray[Any], flags: NDArray[np.uint16],
    role: NDArray[np.uint8], scored: NDArray[np.bool_], bits: Int, limits: Int, lags: Int, chosen: int,
    shown: NDArray[np.bool_], first: int, last: int,
) -> tuple[Int, Int, int]:  # fmt: skip
    """(keys, signals, 2, strata, 2): of the comparable and the affected, how many there are and how many convert.

    Also how many touches later each signal was known (keys, signals, LAGS), which a second round takes as `lags`, and
    the touches too late for an answer. Keys are those from `low` to `high`. In `shown` it marks the journeys that
    show the signal `chosen`. O(t * signals).
    """
    low, high, goal, horizon, until = limits
    u = high - low
    found = np.zeros((u, len(SIGNALS), 2, STRATA, 2), np.int64)
    known = np.zeros((u, len(SIGNALS), LAGS), np.int64)
    stamp = np.full(u, -1, np.int64)
    touched = np.zeros(u, np.int64)
    start = np.zeros(u, np.int64)
    sign_at_start = np.zeros(u, np.int64)
    score_at_start = np.zeros(u, np.int64)
    at = np.zeros((u, len(SIGNALS)), np.int64)
    moment = np.zeros((u, len(SIGNALS)), np.int64)
    shown_at = np.zeros(u, np.int64)
    followed = np.zeros((u, 3, STRATA, 2), np.int64)
    lags_of = np.zeros((u, len(SIGNALS)), np.int64)
    for key in range(u):
        for bit in bits:
            lags_of[key, bit] = lags[key, bit].sum() if 1 << bit != LOW_SCORE else 1
    stratum = np.zeros(1 << (STRATA - 1), np.int64)
    for i in range(1, len(stratum)):
        stratum[i] = stratum[(i + 1) // 2 - 1] + 1
    late = 0
    for c in range(first, last):
        names = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        mine = keys[offsets[c] : offsets[c + 1]]
        signs = flags[offsets[c] : offsets[c + 1]]
        m = len(names)
        reached = 0
        while reached < m and names[reached] != goal:
            reached += 1
        count, error, support, score = 0, NONE, NONE, NONE
        # Backwards: what is written last is the first touch.
        for i in range(min(reached, m - 1), -1, -1):
            if len(scored) > 0 and scored[offsets[c] + i]:
                score = i
            key = np.int64(mine[i]) - low
            if i < min(reached, m - 1):
                late += times[i] > until - horizon
                if 0 <= key < u:
                    if stamp[key] != c:
                        stamp[key] = c
                        touched[count] = key
                        count += 1
                        shown_at[key] = 0
                    sign = np.int64(signs[i])
                    start[key] = i
                    sign_at_start[key] = sign
                    score_at_start[key] = score
                    shown_at[key] |= sign
                    for bit in bits:
                        if sign >> bit & 1:
                            at[key, bit] = i
                            moment[key, bit] = i + LAG[bit]
                            if 1 << bit == ERROR:
                                moment[key, bit] = error
                            elif 1 << bit == SUPPORT:
                                moment[key, bit] = support
                            elif 1 << bit == LOW_SCORE:
                                moment[key, bit] = score
            if role[names[i]] & ERROR_ROLE:
                error = i
            if role[names[i]] & SUPPORT_ROLE:
                support = i
        end = min(reached, m)
        for x in range(count):
            key = touched[x]
            i = start[key]
            s = stratum[min(i, len(stratum) - 1)]
            for lag in range(1, 3):
                r = i + lag
                if r < end and times[r] <= until - horizon:
                    followed[key, lag, s, 0] += 1
                    followed[key, lag, s, 1] += reached < m and times[min(reached, m - 1)] - times[r] <= horizon
            for bit in bits:
                shows = shown_at[key] >> bit & 1
                if not shows and (LAG[bit] > 0 or lags_of[key, bit] == 0):
                    continue
                r = i + LAG[bit]
                if 1 << bit == LOW_SCORE:
                    r = score_at_start[key] if sign_at_start[key] & (SCORED | LOW_SCORE) == SCORED else NONE
                elif LAG[bit] == 0:
                    rank = np.int64(
                        (((np.uint64(c + 1) * np.uint64(GOLDEN)) >> np.uint64(32)) * np.uint64(lags_of[key, bit]))
                        >> np.uint64(32)
                    )
                    r = i
                    while r < i + LAGS - 1 and rank >= lags[key, bit, r - i]:
                        rank -= lags[key, bit, r - i]
                        r += 1
                if r < end and times[r] <= until - horizon:
                    converts = reached < m and times[min(reached, m - 1)] - times[r] <= horizon
                    known_by_then = shows and moment[key, bit] <= r
                    # Those with a fixed lag are all counted above: who shows the signal is taken away again.
                    add = -1 if LAG[bit] > 0 and known_by_then else 1 if LAG[bit] == 0 and not known_by_then else 0
                    found[key, bit, 0, s, 0] += add
                    found[key, bit, 0, s, 1] += add * converts
                if shows and moment[key, bit] < end and times[moment[key, bit]] <= until - horizon:
                    r = moment[key, bit]
                    own = stratum[min(at[key, bit], len(stratum) - 1)]
                    found[key, bit, 1, own, 0] += 1
                    found[key, bit, 1, own, 1] += reached < m and times[min(reached, m - 1)] - times[r] <= horizon
                    known[key, bit, min(r - at[key, bit], LAGS - 1)] += 1
                    shown[c] |= bit == chosen
    for key in range(u):
        for bit in bits:
            if LAG[bit] > 0:
                found[key, bit, 0] += followed[key, LAG[bit]]
    return found, known, late
