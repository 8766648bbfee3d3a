"""Opportunities: where friction goes with missed goals, how many people it touches, and what that is worth.

Unit of count: the journey, once a row. Affected are those that show the signal at a touchpoint (or in a transition), at
the first touch that shows it. Comparable are those that touch it too, at their first touch, and have not shown it by
then. Only what came before counts: a journey ends with its first goal, and both are followed from the moment at which
the signal is known, not from the touch: who turns back has by then not reached the goal, so who did must not be
compared with them. That moment is the next touch for u-turns, back-steps and long waits, the one after it for loops,
the score for low scores, and the error or the contact with support, for which comparable journeys are followed from as
many touches later as the affected (spread evenly). Both have gone on until then without the goal. So an exit is no row.

Both convert if they reach the goal within `horizon` after that moment; moments later than `horizon` before the end of
the data are left out. Affected and comparable are compared within strata of the touch's position in the journey (1,
2-3, 4-7, ... from 128 on), weighted as the affected are. `loss` is the difference times the affected, value that times
the mean value of a goal. It is an association: a row says where to look first, a test whether it is a cause.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Caution, Finding, answer, caution, listed
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import Float, Z, or_none
from etappe.analysis.kernel import arrays_of, plain, total
from etappe.analysis.opportunity_count import LAGS, STRATA, tables_of
from etappe.analysis.signals import EXIT, SIGNALS, Seen, Signals, named, place, signals
from etappe.analysis.significance import adjusted, two_sided
from etappe.arrays import Int, over_parts
from etappe.errors import BadQuestion
from etappe.journeys.columns import Journeys
from etappe.units import NO_VALUE, duration_us

CHUNK: Final = 4096
"""So many keys are counted at once: a table of strata for each."""


class Opportunities(Signals, frozen=True, kw_only=True):
    """Where friction goes with missed goals: people affected, loss against comparable journeys, value at stake."""

    label: ClassVar[str] = "touchpoint"
    bar: ClassVar[str] = "loss"
    goal: str
    """The touchpoint that is to be reached."""
    horizon: str = "30d"
    """The longest time from the moment at which the signal is known to the goal."""
    top: int = 50
    """So many rows, of the largest loss."""


def _counted(
    journeys: Journeys, question: Opportunities, seen: Seen, low: int, high: int, chosen: int = -1
) -> tuple[Int, NDArray[np.bool_], int]:
    """The tables of the keys from `low` to `high`, the journeys that show the signal `chosen`, and touches too late."""
    offsets, time_us, touchpoint = arrays_of(journeys)
    goal = journeys.code(question.goal, "opportunities: goal")
    horizon = duration_us(question.horizon, "opportunities: horizon")
    known = journeys.origin.seen_until_us
    until = known if known is not None else int(time_us.max()) if len(time_us) else 0
    limits = plain(np.array([low, high, goal, horizon, until], np.int64))
    bits = plain(np.array([bit for bit in seen.asked if 1 << bit != EXIT], np.int64))
    shown = np.zeros(len(journeys), bool)

    def counted(lags: Int) -> tuple[Int, Int, int]:
        parts = over_parts(
            offsets,
            lambda a, b: tables_of(
                offsets, time_us, touchpoint, seen.keys, plain(seen.flags), plain(seen.role), seen.scored, bits, limits,
                plain(lags), chosen, shown, a, b,
            ),
        )  # fmt: skip
        found = np.zeros((high - low, len(SIGNALS), 2, STRATA, 2), np.int64)
        return (
            sum((part[0] for part in parts), found),
            sum((part[1] for part in parts), np.zeros((high - low, len(SIGNALS), LAGS), np.int64)),
            sum(int(part[2]) for part in parts),
        )

    found, lags, late = counted(np.zeros((high - low, len(SIGNALS), LAGS), np.int64))
    if question.errors or question.support:
        found, _, late = counted(lags)
    return found, shown, late


def _checked(journeys: Journeys, question: Opportunities) -> Seen:
    """The signals until the first goal; refuses what cannot be asked."""
    duration_us(question.horizon, "opportunities: horizon")
    if question.top < 1:
        raise BadQuestion("opportunities: top", f"{question.top} is not above zero.", "Ask for 1 or more.")
    return signals(journeys, question, "opportunities", stop=True)


def _values(journeys: Journeys, goal: int) -> dict[str | None, float]:
    """The mean value of a goal, in each currency: sums divided by all goals that have a value."""
    rows = np.flatnonzero(journeys.touchpoint == goal)
    value = journeys.value[rows] if journeys.lazy_value is not None else np.empty(0, np.int64)
    rows, value = rows[: len(value)][value != NO_VALUE], value[value != NO_VALUE]
    names: tuple[str | None, ...] = (None,)
    codes = np.zeros(len(rows), np.int64)
    if "currency" in journeys.columns:
        column = journeys.column("currency")
        names, codes = column.names, column.codes[rows].astype(np.int64)
    means: dict[str | None, float] = {}
    for code in np.unique(codes).tolist():
        means[names[code]] = means.get(names[code], 0.0) + total(value[codes == code]) / len(value)
    return means


@dataclass(frozen=True)
class _Compared:
    """For each row, of the affected that have comparable journeys; NaN where none have."""

    n: Int
    affected: Float
    comparable: Float
    half: Float
    p: list[float | None]

    @property
    def loss(self) -> Float:
        return self.n * (self.comparable - self.affected)


def _compared(tables: Int) -> _Compared:
    """Affected against comparable, from tables (rows, 2, strata, 2); each stratum weighs as many as it has affected.

    The variance takes one more of each kind (Agresti and Caffo 2000), so that a stratum in which all or none convert is
    not taken as certain.
    """
    m, b, n, a = tables[:, 0, :, 0], tables[:, 0, :, 1], tables[:, 1, :, 0], tables[:, 1, :, 1]
    both = (m > 0) & (n > 0)
    held = (n * both).sum(axis=1)
    base = np.where(held > 0, held, np.nan)
    weight = n * both / base[:, None]
    p, q = (a + 1) / (n + 2), (b + 1) / (m + 2)
    error = np.sqrt((weight**2 * (p * (1 - p) / (n + 2) + q * (1 - q) / (m + 2))).sum(axis=1))
    affected = (a * both).sum(axis=1) / base
    comparable = (weight * b / np.maximum(m, 1)).sum(axis=1)
    z = or_none((comparable - affected) / error)
    chance = [None if one is None else two_sided(one * one) for one in z]
    return _Compared(held, affected, comparable, Z * error, chance)


def find(journeys: Journeys, question: Opportunities) -> Finding:
    """Count in one group of journeys."""
    seen = _checked(journeys, question)
    rows: list[tuple[int, int, Int]] = []
    late = 0
    for low in range(0, len(seen.rows), CHUNK):
        found, _, late = _counted(journeys, question, seen, low, min(low + CHUNK, len(seen.rows)))
        keys, held = np.nonzero(found[:, :, 1, :, 0].sum(axis=2))
        for key, bit in zip(keys.tolist(), held.tolist(), strict=True):
            rows.append((low + key, bit, found[key, bit]))
    tables = np.array([table for _, _, table in rows], np.int64).reshape(-1, 2, STRATA, 2)
    compared = _compared(tables)
    q = adjusted(compared.p)
    loss, half = compared.loss, compared.n * compared.half

    def rank(r: int) -> tuple[Any, ...]:
        return bool(np.isnan(loss[r])), -loss[r], seen.rows[rows[r][0]], rows[r][1]

    order = sorted(range(len(rows)), key=rank)[: question.top]
    losses = or_none(loss[order])
    columns = {
        **named([seen.rows[rows[r][0]] for r in order], question.per),
        "signal": [SIGNALS[rows[r][1]] for r in order],
        "journeys": tables[order, 1, :, 0].sum(axis=1),
        "compared": compared.n[order],
        "conversion": or_none(compared.affected[order]),
        "comparable": tables[order, 0, :, 0].sum(axis=1),
        "comparable_conversion": or_none(compared.comparable[order]),
        "loss": losses,
        "loss_low": or_none((loss - half)[order]),
        "loss_high": or_none((loss + half)[order]),
        "p": [compared.p[r] for r in order],
        "q": [q[r] for r in order],
    }
    means = _values(journeys, journeys.code(question.goal, "opportunities: goal"))
    worth = {name: [None if one is None else round(one * mean) for one in losses] for name, mean in means.items()}
    said: list[Caution] = [*seen.said, caution("association")]
    if late:
        said.append(caution("left-out-late", touches=late, within=question.horizon))
    nothing: list[Any] = [None] * len(order)
    if len(worth) <= 1:
        (currency, held_values) = next(iter(worth.items()), (None, nothing))
        columns |= {"value": held_values, "currency": [v if v is None else currency for v in held_values]}
    else:
        ordered = sorted(worth, key=lambda name: name or "?")
        columns |= {"value": nothing, "currency": nothing}
        columns |= {f"value_{name or '?'}": worth[name] for name in ordered}
        said.append(caution("mixed-currencies", currencies=", ".join(name or "?" for name in ordered)))
    return Finding(columns, {"journeys": len(journeys), "rows": len(rows)}, (len(journeys),), tuple(said))


def who(journeys: Journeys, question: Opportunities, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys affected by the row's signal there, before their goal."""

    def held(some: Journeys) -> Int:
        seen = _checked(some, question)
        key, bit = place(seen, row, question.per, "opportunities")
        return np.flatnonzero(_counted(some, question, seen, key, key + 1, bit)[1]).astype(np.int64)

    return within_group(journeys, question.by, row, "opportunities", held)


def opportunities(
    journeys: Journeys, goal: str, *, horizon: str = "30d", top: int = 50,
    per: Literal["touchpoint", "transition"] = "touchpoint", errors: Sequence[str] = (), support: Sequence[str] = (),
    score: str | None = None, low_score: float = 6.0, slow: str | None = None, dwell: str = "30s", near: int = 3,
    within: str = "7d", by: str | None = None,
) -> Answer:  # fmt: skip
    """Where friction goes with missed goals: people affected, loss against comparable journeys, value at stake.

    Parameters
    ----------
    goal : the touchpoint to reach
    horizon : the longest time from the moment at which the signal is known to the goal
    top : so many rows (of each group); q is over all
    per, errors, support, score, low_score, slow, dwell, near, within : what is friction, as in `friction`
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        touchpoint (of a transition also `to`); signal; journeys affected; compared, those with comparable journeys at
        the same position; their conversion; comparable journeys; comparable_conversion, at the affected's positions;
        loss in journeys that would have converted, with loss_low and loss_high (95 %); p (of the same difference and
        error) and q (Benjamini-Hochberg); value at stake in 1/10,000 and its currency. Several currencies are never
        added: each has a column such as `value_EUR`. The largest loss first; below zero, the affected convert more
        often.

    Raises
    ------
    UnknownName, BadQuestion, BadDuration
        As for `friction`; `horizon` has no unit, `top` is not above zero.

    References
    ----------
    Agresti and Caffo 2000, The American Statistician 54, p. 280; direct standardisation to the affected.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 5, 6], [0, 50, 0, 5, 9, 999], [0, 1, 0, 1, 2, 0], ["cart", "faq", "order"])
    >>> opportunities(shop, "order", horizon="100us", slow="20us").column("loss")
    [1.0]
    """
    question = Opportunities(
        goal=goal,
        horizon=horizon,
        top=top,
        per=per,
        errors=listed(errors, "opportunities: errors"),
        support=listed(support, "opportunities: support"),
        score=score,
        low_score=low_score,
        slow=slow,
        dwell=dwell,
        near=near,
        within=within,
        by=by,
    )
    return answer(journeys, question, find)
