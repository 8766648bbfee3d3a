"""Friction: at which touchpoints and transitions journeys stop, turn round, wait or complain.

Unit of count: the journey for `journeys`, `base` and the shares; the touch for `count`. What each signal means stands
in signals.py. `share` is of the journeys that touch the touchpoint (make the transition); of low scores, of those that
then gave a score. `friction` is the sum over a touchpoint's signals of weight times share: a plain sum that anyone can
redo. It ranks touchpoints, it is no probability.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import MIN_N, Answer, Finding, answer, listed
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import kernel, plain
from etappe.analysis.signals import LOW_SCORE, SCORED, SIGNALS, Signals, named, place, signals
from etappe.arrays import Int, over_parts
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys

BITS = 9
"""The signals, and that a score followed."""


class Friction(Signals, frozen=True, kw_only=True):
    """Where journeys stop, turn round, wait or complain, and a sum of it for each touchpoint or transition."""

    label: ClassVar[str] = "touchpoint"
    bar: ClassVar[str] = "share"
    weights: tuple[str, ...] = ()
    """Weights of signals in the sum, such as exit=2 or long-wait=0.5; 1 where not given."""


@kernel
def _tally(offsets: Int, keys: NDArray[Any], flags: NDArray[np.uint16], u: int, first: int, last: int) -> Int:
    """(u, 1 + BITS, 2): for each key all its touches, and those with each bit: journeys and touches. O(t * bits)."""
    found = np.zeros((u, 1 + BITS, 2), np.int64)
    stamp = np.full(u, -1, np.int64)
    held = np.zeros(u, np.int64)
    for c in range(first, last):
        mine = keys[offsets[c] : offsets[c + 1]]
        signs = flags[offsets[c] : offsets[c + 1]]
        for i in range(len(mine)):
            key = mine[i]
            if key < 0:
                continue
            if stamp[key] != c:
                stamp[key] = c
                held[key] = 0
                found[key, 0, 0] += 1
            found[key, 0, 1] += 1
            sign = np.int64(signs[i])
            if sign == 0:
                continue
            for bit in range(BITS):
                if sign >> bit & 1:
                    found[key, 1 + bit, 1] += 1
                    found[key, 1 + bit, 0] += 1 - (held[key] >> bit & 1)
            held[key] |= sign
    return found


def _weights(texts: Sequence[str]) -> list[float]:
    """A weight for each signal."""
    found = dict.fromkeys(SIGNALS, 1.0)
    for i, text in enumerate(texts):
        name, _, number = text.partition("=")
        where = f"friction: weights[{i}]"
        if name not in found:
            raise unknown(where, "signal", name, SIGNALS)
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = -1.0
        if not (isfinite(found[name]) and found[name] >= 0):
            raise BadQuestion(where, f"{text!r} gives no weight of zero or more.", f"Write {name}=2.")
    return [found[name] for name in SIGNALS]


def find(journeys: Journeys, question: Friction) -> Finding:
    """Count in one group of journeys."""
    weights = _weights(question.weights)
    seen = signals(journeys, question, "friction")
    offsets, flags, u = plain(journeys.offsets), plain(seen.flags), len(seen.rows)
    partials = over_parts(offsets, lambda a, b: _tally(offsets, seen.keys, flags, u, a, b))
    found = sum(partials, np.zeros((u, 1 + BITS, 2), np.int64))
    held = np.flatnonzero(found[:, 0, 0])
    base = np.repeat(found[:, 0, 0][:, None], len(SIGNALS), axis=1)
    base[:, LOW_SCORE.bit_length() - 1] = found[:, SCORED.bit_length(), 0]
    share, low, high = shares(found[:, 1 : 1 + len(SIGNALS), 0], base)
    each = np.nan_to_num(share[:, seen.asked]) * np.array([weights[bit] for bit in seen.asked])
    friction = each.sum(axis=1)
    order = sorted(held.tolist(), key=lambda key: (found[key, 0, 0] < MIN_N, -friction[key], seen.rows[key]))
    rows = [(key, bit) for key in order for bit in seen.asked]
    at = (np.array([key for key, _ in rows], np.int64), np.array([bit for _, bit in rows], np.int64))
    columns = {
        **named([seen.rows[key] for key, _ in rows], question.per),
        "signal": [SIGNALS[bit] for _, bit in rows],
        "journeys": found[:, 1:, 0][at],
        "base": base[at],
        "share": or_none(share[at]),
        "low": or_none(low[at]),
        "high": or_none(high[at]),
        "count": found[:, 1:, 1][at],
        "weight": np.array([weights[bit] for _, bit in rows], np.float64),
        "friction": friction[at[0]],
    }
    return Finding(columns, {"journeys": len(journeys)}, (len(journeys),), seen.said)


def who(journeys: Journeys, question: Friction, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that show the row's signal there."""

    def held(some: Journeys) -> Int:
        seen = signals(some, question, "friction")
        key, bit = place(seen, row, question.per, "friction")
        rows = np.flatnonzero((seen.keys == key) & (seen.flags >> bit & 1 == 1))
        return np.unique(np.searchsorted(some.offsets, rows, side="right") - 1).astype(np.int64)

    return within_group(journeys, question.by, row, "friction", held)


def friction(
    journeys: Journeys, goal: str | None = None, *, per: Literal["touchpoint", "transition"] = "touchpoint",
    errors: Sequence[str] = (), support: Sequence[str] = (), score: str | None = None, low_score: float = 6.0,
    slow: str | None = None, dwell: str = "30s", near: int = 3, within: str = "7d", weights: Sequence[str] = (),
    by: str | None = None,
) -> Answer:  # fmt: skip
    """Where journeys stop, turn round, wait or complain, and a sum of it for each touchpoint or transition.

    Parameters
    ----------
    goal : who reached it has not left at the end of the journey
    per : a row for each touchpoint, or for each transition to the next (which has no exits)
    errors, support : touchpoints that are errors; that are a complaint or a contact with support
    score, low_score : a column of numbers, and up to which one a score is low
    slow : a longer pause is a long wait; by default the 90th percentile of all pauses (said in a caution)
    dwell, near, within : the limits of u-turns, of errors (in touches), of contacts with support and of scores
    weights : such as "exit=2"; 1 where not given
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        touchpoint (of a transition also `to`, the next); signal; journeys that show it there; base, of so many; share
        with low and high (Wilson, 95 %); count of touches; weight; friction, the sum of weight times share over the
        signals of this touchpoint. The most friction first, after all others what fewer than 30 journeys touch.

    Raises
    ------
    UnknownName
        A touchpoint, `score` or a weight's signal is not there.
    BadQuestion, BadDuration
        A limit, a weight or a score is none.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 3, 4], [0, 5, 9, 0], [0, 1, 0, 0], ["cart", "fees"])
    >>> rows = friction(shop, slow="1h").rows()
    >>> [row["journeys"] for row in rows if (row["touchpoint"], row["signal"]) == ("fees", "u-turn")]
    [1]
    """
    question = Friction(
        goal=goal,
        per=per,
        errors=listed(errors, "friction: errors"),
        support=listed(support, "friction: support"),
        score=score,
        low_score=low_score,
        slow=slow,
        dwell=dwell,
        near=near,
        within=within,
        weights=listed(weights, "friction: weights"),
        by=by,
    )
    return answer(journeys, question, find)
