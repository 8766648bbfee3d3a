"""Shapley: the worth of a touch as its mean contribution over all orders in which touches can come together.

Two value functions, which give different numbers. `subset`: v(S) = conversions of paths whose touches all lie in S.
Its value has a closed form, R(T) / |T| for each touch of a set T of R(T) conversions, so that it is the equal share
among the different touches of each conversion (kernel in credit.py); paths without conversion have no say. `rate`:
v(S) = the share of conversions among all paths whose touches lie in S; it can be negative, and needs all 2**n sets
(here).
"""

from dataclasses import replace
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.kernel import plain
from etappe.analysis.touches import Steps, Touches
from etappe.arrays import Int
from etappe.errors import BadQuestion

Float = NDArray[np.float64]
MOST: Final = 16
"""So many touches have 65,536 sets."""


def rate_values(converted: Int, paths: Int, n: int) -> Float:
    """Each touch's Shapley value under the rate form, from counts by set (bit t of the index: touch t is in it).

    The values add up to v(all), the share of conversions. O(n * 2**n).

    Examples
    --------
    Of 20 paths with touch 0 alone 10 convert, of 20 with 1 alone 4, of 20 with both 6: v = 0.5, 0.2, 1/3.

    >>> rate_values(np.array([0, 10, 4, 6]), np.array([0, 20, 20, 20]), 2).round(6).tolist()
    [0.316667, 0.016667]
    """
    inside = np.stack((converted, paths)).astype(np.float64)
    for t in range(n):  # sums over all subsets, one touch at a time (the zeta transform)
        halves = inside.reshape(2, -1, 2, 1 << t)
        halves[:, :, 1, :] += halves[:, :, 0, :]
    worth = np.divide(inside[0], inside[1], out=np.zeros(1 << n), where=inside[1] > 0)
    size = np.array([bin(s).count("1") for s in range(1 << n)])
    weight = np.array([factorial(s) * factorial(n - 1 - s) / factorial(n) for s in range(n)])
    values = np.empty(n)
    for t in range(n):
        halves = worth.reshape(-1, 2, 1 << t)
        without = size.reshape(-1, 2, 1 << t)[:, 0, :]
        values[t] = (weight[without] * (halves[:, 1, :] - halves[:, 0, :])).sum()
    return values


def players_of(touches: Touches) -> Int:
    """The states that occur, rising."""
    often = np.bincount(touches.what[touches.touchpoint != touches.goal], minlength=len(touches.state_of))
    used = np.unique(touches.state_of[np.flatnonzero(often)])
    return used[used >= 0]


def _places(n: int) -> int:
    """How many sets of n touches there are, each with each end.

    Raises
    ------
    BadQuestion
        There are more different touches than sets can be tried for.
    """
    if n > MOST:
        what = f"{n} different touches have 2**{n} sets; up to {MOST} touches are possible."
        hint = "Choose value_function: subset, or a by with fewer values, such as channel or stage."
        raise BadQuestion("attribution: value_function", what, hint)
    return (1 << n) * (n + 2)


def path_sets(touches: Touches, players: Int) -> Steps:
    """The sets of touches on paths, to be counted: a set has bit i for the i-th player."""
    n = len(players)
    size = _places(n)
    few = np.full(touches.k + 1, -1)  # the last one is what a code without a state becomes
    few[players] = np.arange(n)
    small = replace(touches, k=n, state_of=plain(few[touches.state_of]))
    return Steps(small, size, sets=True)


def moved_sets(rows: Int, player: Int, n: int) -> Int:
    """Sets at their places among n players, where player i is `player[i]`.

    Examples
    --------
    Player 0 of one alone, converting, is player 1 of two.

    >>> moved_sets(np.array([[3 + 1, 5]]), np.array([1]), 2).tolist()
    [[10, 5]]
    """
    held, end = np.divmod(rows[:, 0], len(player) + 2)
    moved = sum(((held >> i & 1) << int(to) for i, to in enumerate(player)), np.zeros(len(rows), np.int64))
    return np.column_stack((moved * (n + 2) + n + end - len(player), rows[:, 1]))


def rate_shares(rows: Int, players: Int, k: int) -> Float:
    """Shares of the values in the rate form, of k states, from the sets that occur."""
    n = len(players)
    table = np.zeros(_places(n), np.int64)
    table[rows[:, 0]] = rows[:, 1]
    converted, not_converted = table.reshape(-1, n + 2)[:, n:].T
    worth = rate_values(converted, converted + not_converted, n)
    values = np.zeros(k)
    values[players] = worth / worth.sum() if converted.any() else 0.0
    return values
