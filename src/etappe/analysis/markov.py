"""Markov: what a chain over touches loses when one of them is taken out, by exact linear systems.

The chain begins at the start, goes from touch to touch, and ends at the conversion or at nothing. Of order k its
states are the last k touches (fewer at the start). The removal effect of a touch is 1 - P(conversion, the touch leads
to nothing) / P(conversion). Self-loops: `collapse` reads repeats as one touch, `keep` as steps of their own. At order
1 both give the same effects, since the chance to come back to oneself changes nothing in where one gets to.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.touches import Steps, Touches
from etappe.arrays import Int
from etappe.errors import BadQuestion

Float = NDArray[np.float64]
TOLERANCE: Final = 1e-9
STEPS: Final = 2**22
HINT: Final = "Choose a lower order, no bootstrap, or a by with fewer values, such as channel or stage."
STATES, STATES_AGAIN = 2500, 500
"""The most states whose system is solved once (a second or so), and once for each repetition."""


def states_of(places: Int, k: int) -> tuple[Int, Int, Int]:
    """From the places of steps: the states (rising, 0 the start), and each step's state and next touch or end."""
    before, after = np.divmod(places, k + 2)
    states = np.unique(np.concatenate((np.zeros(1, np.int64), before)))
    return states, np.searchsorted(states, before), after


def removal_effects(places: Int, counts: Any, k: int, order: int) -> tuple[Float, float]:
    """The removal effect of each of k touches, and the chain's own share of conversions.

    With N = (I - Q)^-1 over the states, s the start's row and b the chances of a direct conversion, P = s N b. Of the
    paths that meet a set C of states, s N[:, C] N[C, C]^-1 is where they first meet it, and (N b)[C] their chance from
    there: both from one inverse. Cost O(states**3).

    Raises
    ------
    ArithmeticError
        The chain does not give back the share of conversions that it was counted from.

    Examples
    --------
    One path touches 0, 1, 2 and converts; 0 does not; 1, 2 does not: P = 1/3, effects 1/2, 1, 1.

    >>> places = np.array([0, 1, 5 + 1, 5 + 4, 10 + 2, 15 + 3, 15 + 4])
    >>> effects, share = removal_effects(places, np.array([2, 1, 1, 1, 2, 1, 1]), 3, 1)
    >>> effects.round(9).tolist(), round(share, 9)
    ([0.5, 1.0, 1.0], 0.333333333)
    """
    states, row, after = states_of(places, k)
    counts = np.asarray(counts, np.float64)
    leaving = np.bincount(row, weights=counts, minlength=len(states))
    chance = np.divide(counts, leaving[row], out=np.zeros(len(counts)), where=leaving[row] > 0)
    ends = after >= k
    # The state behind a step: its newest touch, with the older ones of the state before moved on by one.
    kept = states[row[~ends]] % (k + 1) ** (order - 1)
    column = np.searchsorted(states, kept * (k + 1) + after[~ends] + 1)
    q, b = np.zeros((len(states), len(states))), np.zeros(len(states))
    np.add.at(q, (row[~ends], column), chance[~ends])
    b[row[after == k]] = chance[after == k]
    inverse = np.linalg.inv(np.eye(len(states)) - q)
    reached, to_conversion = inverse[0], inverse @ b
    base = float(to_conversion[0])
    paths = counts[ends].sum()
    observed = float(counts[after == k].sum() / paths) if paths else 0.0
    if not abs(base - observed) <= TOLERANCE * max(observed, TOLERANCE):
        raise ArithmeticError(f"the chain converts {base}, the paths {observed}")
    effects = np.zeros(k)
    newest = states % (k + 1)
    for touch in np.unique(newest[newest > 0]).tolist() if base > 0 else []:
        at = np.flatnonzero(newest == touch)
        first = np.linalg.solve(inverse[np.ix_(at, at)].T, reached[at])
        effects[touch - 1] = min(1.0, max(0.0, float(first @ to_conversion[at]) / base))
    return effects, base


def chain_steps(touches: Touches, order: int, collapse: bool) -> Steps:
    """The steps of a chain, to be counted."""
    return Steps(touches, _places(touches.k, order), order, collapse)


def _places(k: int, order: int) -> int:
    """How many different steps there can be.

    Raises
    ------
    BadQuestion
        More than are counted.
    """
    size = int((k + 1) ** order * (k + 2))
    if size > STEPS:
        what = f"{k} different touches at order {order} have {size:,} possible steps, more than {STEPS:,}."
        raise BadQuestion("attribution: order", what, HINT)
    return size


def moved_steps(rows: Int, order: int, state: Int, k: int) -> Int:
    """Steps at their places among k touches, where touch i is `state[i]`.

    Examples
    --------
    The start (0) goes to touch 0 of one, which is touch 1 of two.

    >>> moved_steps(np.array([[0, 5]]), 1, np.array([1]), 2).tolist()
    [[1, 5]]
    """
    before, after = np.divmod(rows[:, 0], len(state) + 2)
    up = np.concatenate(([0], state + 1))
    place = sum(up[before // (len(state) + 1) ** i % (len(state) + 1)] * (k + 1) ** i for i in range(order))
    return np.column_stack((place * (k + 2) + np.concatenate((state, [k, k + 1]))[after], rows[:, 1]))


def chain_shares(rows: Int, k: int, order: int, often: int = 0) -> Float:
    """Shares of the removal effects, from the steps that occur, rising; `often` it is to be solved again.

    Raises
    ------
    BadQuestion
        The chain has more steps or states than are solved.
    """
    _places(k, order)
    states = len(states_of(rows[:, 0], k)[0])
    most = STATES_AGAIN if often else STATES
    if states > most:
        times = f"{often} times" if often else "once"
        what = f"the chain has {states:,} states; up to {most:,} are solved {times}."
        raise BadQuestion("attribution: order", what, HINT)
    effects, _ = removal_effects(rows[:, 0], rows[:, 1], k, order)
    return effects / effects.sum() if effects.any() else effects
