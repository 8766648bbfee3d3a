"""Opportunities: where friction goes with missed goals, how many people it touches, and what that is worth.

Unit of count: the journey, once a row, at its first such touch. Affected are those that show the signal at a touchpoint
(or in a transition); comparable are those that touch it too and never show it there. Only what came before counts: a
journey ends with its first goal, and only touches after which it goes on are looked at, since most signals need a next
touch: those who left at once would make the comparable look worse than they are. For the same reason an exit is no row
here: it is itself the missing goal. Both convert if they reach the goal within `horizon` after that touch; touches
later than `horizon` before the end of the data are left out and counted.

Comparable also in how far the journey was: affected and comparable are compared within strata of the touch's position
(1, 2-3, 4-7, ... from 128 on), weighted as the affected are. `loss` is the difference times the affected, value that
times the mean value of a goal. It is an association: a row says where to look first, a test whether it is a cause.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Caution, Finding, answer, caution, listed
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import Float, Z, or_none
from etappe.analysis.kernel import arrays_of, kernel, plain, total
from etappe.analysis.signals import EXIT, LOW_SCORE, SCORED, SIGNALS, Seen, Signals, named, place, signals
from etappe.analysis.significance import adjusted, two_sided
from etappe.arrays import Int, over_parts
from etappe.errors import BadQuestion
from etappe.journeys.columns import Journeys
from etappe.units import NO_VALUE, duration_us

STRATA: Final = 8
CHUNK: Final = 4096
"""So many keys are counted at once: a table of strata for each."""
NOT_SEEN, MISSED, REACHED = 0, 1, 2


class Opportunities(Signals, frozen=True, kw_only=True):
    """Where friction goes with missed goals: people affected, loss against comparable journeys, value at stake."""

    label: ClassVar[str] = "touchpoint"
    bar: ClassVar[str] = "loss"
    goal: str
    """The touchpoint that is to be reached."""
    horizon: str = "30d"
    """The longest time from the touch to the goal."""
    top: int = 50
    """So many rows, of the largest loss."""


@kernel
def _ahead(
    offsets: Int, time_us: Int, touchpoint: NDArray[Any], goal: int, horizon: int, until: int, out: NDArray[np.uint8],
    first: int, last: int,
) -> int:  # fmt: skip
    """For each touch before the first goal and after which the journey goes on: is it reached in time? O(t).

    Gives the number of touches that are too late for an answer.
    """
    late = 0
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        times = time_us[offsets[c] : offsets[c + 1]]
        reached = 0
        while reached < len(codes) and codes[reached] != goal:
            reached += 1
        for i in range(min(reached, len(codes) - 1)):
            if times[i] > until - horizon:
                late += 1
            elif reached < len(codes) and times[reached] - times[i] <= horizon:
                out[offsets[c] + i] = REACHED
            else:
                out[offsets[c] + i] = MISSED
    return late


@kernel
def _tables(
    offsets: Int, keys: NDArray[Any], flags: NDArray[np.uint16], ahead: NDArray[np.uint8], bits: Int, low: int,
    high: int, first: int, last: int,
) -> Int:  # fmt: skip
    """(2, keys, signals, strata, 2): of the comparable and the affected, how many there are and how many convert.

    For keys from `low` to `high`. O(t * signals).
    """
    found = np.zeros((2, high - low, len(SIGNALS), STRATA, 2), np.int64)
    stamp = np.full(high - low, -1, np.int64)
    held = np.zeros(high - low, np.int64)
    # Where and with which end: at the first touch (bit 0 of the last axis: of all), and at the first with each signal.
    stratum = np.zeros((high - low, 1 + len(SIGNALS)), np.int8)
    ends = np.zeros((high - low, 1 + len(SIGNALS)), np.int8)
    touched = np.zeros(high - low, np.int64)
    for c in range(first, last):
        mine = keys[offsets[c] : offsets[c + 1]]
        signs = flags[offsets[c] : offsets[c + 1]]
        after = ahead[offsets[c] : offsets[c + 1]]
        count = 0
        for i in range(len(mine)):
            key = np.int64(mine[i]) - low
            if after[i] == NOT_SEEN or key < 0 or key >= high - low:
                continue
            new = stamp[key] != c
            if new:
                stamp[key] = c
                held[key] = 0
                touched[count] = key
                count += 1
            sign = np.int64(signs[i]) & ~held[key]
            if not new and sign == 0:
                continue
            s = 0
            while s < STRATA - 1 and (i + 1) >> (s + 1) > 0:
                s += 1
            if new:
                stratum[key, 0] = s
                ends[key, 0] = after[i] == REACHED
            for bit in bits:
                if sign >> bit & 1:
                    stratum[key, 1 + bit] = s
                    ends[key, 1 + bit] = after[i] == REACHED
            held[key] |= sign
        for x in range(count):
            key = touched[x]
            for bit in bits:
                if held[key] >> bit & 1:
                    s = stratum[key, 1 + bit]
                    found[1, key, bit, s, 0] += 1
                    found[1, key, bit, s, 1] += ends[key, 1 + bit]
                elif 1 << bit != LOW_SCORE or held[key] & SCORED:
                    s = stratum[key, 0]
                    found[0, key, bit, s, 0] += 1
                    found[0, key, bit, s, 1] += ends[key, 0]
    return found


def _seen(journeys: Journeys, question: Opportunities) -> tuple[Seen, NDArray[np.uint8], int]:
    """The signals until the first goal, how each touch ends, and how many are too late for that."""
    offsets, time_us, touchpoint = arrays_of(journeys)
    goal = journeys.code(question.goal, "opportunities: goal")
    horizon = duration_us(question.horizon, "opportunities: horizon")
    if question.top < 1:
        raise BadQuestion("opportunities: top", f"{question.top} is not above zero.", "Ask for 1 or more.")
    seen = signals(journeys, question, "opportunities", stop=True)
    known = journeys.origin.data_until_us
    until = known if known is not None else int(time_us.max()) if len(time_us) else 0
    ahead = np.zeros(journeys.events, np.uint8)
    late = over_parts(
        offsets, lambda a, b: int(_ahead(offsets, time_us, touchpoint, goal, horizon, until, ahead, a, b))
    )
    return seen, ahead, sum(late)


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
    seen, ahead, late = _seen(journeys, question)
    offsets, flags, u = plain(journeys.offsets), plain(seen.flags), len(seen.rows)
    bits = plain(np.array([bit for bit in seen.asked if 1 << bit != EXIT], np.int64))
    rows: list[tuple[int, int, Int]] = []
    for low in range(0, u, CHUNK):
        high = min(low + CHUNK, u)

        def work(a: int, b: int, low: int = low, high: int = high) -> Int:
            return _tables(offsets, seen.keys, flags, plain(ahead), bits, low, high, a, b)

        found = sum(over_parts(offsets, work), np.zeros((2, high - low, len(SIGNALS), STRATA, 2), np.int64))
        keys, held = np.nonzero(found[1, :, :, :, 0].sum(axis=2))
        for key, bit in zip(keys.tolist(), held.tolist(), strict=True):
            if seen.rows[low + key][-1] != question.goal:  # what leads to the goal has nothing to miss
                rows.append((low + key, bit, found[:, key, bit]))
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
        seen, ahead, _ = _seen(some, question)
        key, bit = place(seen, row, question.per, "opportunities")
        rows = np.flatnonzero((seen.keys == key) & (seen.flags >> bit & 1 == 1) & (ahead != NOT_SEEN))
        return np.unique(np.searchsorted(some.offsets, rows, side="right") - 1).astype(np.int64)

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
    horizon : the longest time from the touch to the goal
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
    >>> shop = journeys_of([0, 3, 5, 6], [0, 5, 9, 0, 5, 99], [0, 0, 0, 0, 1, 0], ["cart", "order"])
    >>> opportunities(shop, "order", horizon="50us", slow="1h").column("loss")
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
