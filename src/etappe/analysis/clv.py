"""Customer lifetime value: how many orders customers will place, and what those are worth (BG/NBD, Gamma-Gamma).

Unit of count: the journey as a customer, from the local day of its first `goal` on (journeys must not be split).
Several orders of one local day are one (as in the CDNOW data); times are whole days, told in `unit`. The value of an
order is that of its day; Gamma-Gamma sees the mean of the orders after the first, above 0. A forecast is no promise:
the back-test fits on the days up to `cut`, predicts the rest, and sets it against what came and against "as often as so
far". Nothing is discounted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis import bgnbd
from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution
from etappe.analysis.bgnbd import Customers, Fit
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import Float, or_none
from etappe.analysis.purchases import Purchases, purchases_of, until_day
from etappe.arrays import Int
from etappe.errors import BadQuestion, unknown
from etappe.journeys.clock import EPOCH
from etappe.journeys.columns import Journeys
from etappe.units import DAY_US, MONEY, NO_VALUE, duration_us, read_day

ORDERS: Final = ("r", "alpha", "a", "b")
VALUES: Final = ("p", "q", "v")
LIKELIHOOD: Final = "log_likelihood"
VALUES_LIKELIHOOD: Final = "log_likelihood_of_values"
CORRELATION: Final = "correlation"
ALL: Final = "all"
NOW: Final = "forecast"
TEST: Final = "test"
LEAST: Final = 10
"""With fewer customers who bought again there is nothing to fit."""
CORRELATED: Final = 0.3
OFF: Final = 0.25
"""A back-test whose total is further off than this share of what came is a reason for caution."""
TENTHS: Final = 10
COLUMNS: Final = (
    "kind", "name", "estimate", "estimate_low", "estimate_high", "customers", "alive", "expected", "actual",
    "value_expected", "value_actual", "error", "naive_error",
)  # fmt: skip


class Clv(Question, frozen=True, kw_only=True):
    """How many orders customers will still place, and what those are worth; back-tested."""

    label: ClassVar[str] = "name"
    bar: ClassVar[str] = "expected"
    goal: str = "purchase"
    """The touchpoint that is an order; any of several: "purchase | renewal"."""
    horizon: str = "52w"
    """How far ahead to look from the end of the data."""
    unit: str = "1w"
    """The unit of time in which the parameters are told."""
    cut: str | None = None
    """The last day that the back-test fits on; by default half of the days."""


@dataclass(frozen=True)
class _Model:
    """What is known of the customers on a day, what was fitted to it, and what it says of a time after it."""

    owner: Int
    customers: Customers
    repeated: Int
    """(n,) orders after the first that have a value, where their mean is above 0; else 0."""
    mean: Float
    """(n,) the mean value of those, in whole currency."""
    without_mean: int
    orders: Fit | None
    values: Fit | None
    correlation: float | None
    alive: Float
    expected: Float
    worth: Float | None
    """(n,) the value expected, in whole currency."""
    tenth: Int
    """(n,) 1 for the tenth with the highest expectation, to 10."""

    def fitted(self) -> bool:
        """Whether it says anything of the time to come."""
        return self.orders is not None and bool(np.isfinite(self.expected).all())

    def chosen(self, name: str) -> NDArray[np.bool_]:
        """The customers behind a row, as a mask."""
        if name in (*VALUES, VALUES_LIKELIHOOD, CORRELATION):
            return self.repeated > 0
        found: NDArray[np.bool_] = self.tenth > 0 if name in (ALL, LIKELIHOOD, *ORDERS) else self.tenth == int(name)
        return found


def _model(bought: Purchases, end: int, days: int, unit_days: float) -> _Model:
    """Fitted on what was bought up to the day `end`, for `days` after it."""
    bought = bought.take(bought.day <= end)
    starts = bought.starts()
    counts = np.diff(np.append(starts, len(bought.owner)))
    first = bought.day[starts]
    customers = Customers(counts - 1, (bought.day[starts + counts - 1] - first) / unit_days, (end - first) / unit_days)
    later = np.full(len(bought.owner), True)
    later[starts] = False
    known = later & (bought.value != NO_VALUE)
    repeated, sums = np.zeros(len(starts), np.int64), np.zeros(len(starts), np.int64)
    if len(starts):
        repeated = np.add.reduceat(known.astype(np.int64), starts)
        sums = np.add.reduceat(np.where(known, bought.value, 0), starts)
    without_mean = int(((repeated > 0) & (sums <= 0)).sum())
    repeated = np.where(sums > 0, repeated, 0)
    mean = np.divide(sums, repeated * MONEY, out=np.zeros(len(starts)), where=repeated > 0)

    orders = values = correlation = worth = None
    nothing = np.full(len(starts), np.nan)
    alive, expected, score = nothing, nothing, nothing
    held = repeated > 0
    if (customers.x > 0).sum() >= LEAST:
        orders = bgnbd.fit_orders(customers)
    if held.sum() >= LEAST and len(np.unique(mean[held])) > 1:
        values = bgnbd.fit_values(repeated[held], mean[held])
        if len(np.unique(repeated[held])) > 1:
            correlation = float(np.corrcoef(repeated[held], mean[held])[0, 1])
    if orders is not None:
        alive = bgnbd.alive(orders.estimate, customers)
        expected = score = bgnbd.expected_orders(orders.estimate, customers, days / unit_days)
        if values is not None and values.estimate[1] > 1:
            worth = score = expected * bgnbd.expected_value(values.estimate, repeated, mean)
    tenth = np.empty(len(starts), np.int64)
    tenth[np.argsort(-score, kind="stable")] = 1 + np.arange(len(starts)) * TENTHS // max(len(starts), 1)
    return _Model(
        bought.owner[starts], customers, repeated, mean, without_mean, orders, values, correlation, alive, expected,
        worth, tenth,
    )  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    """The question in days."""

    bought: Purchases
    end: int
    cut: int
    horizon: int
    unit_days: float

    def model(self, kind: str) -> _Model:
        """Of all days, or of those up to the cut."""
        if kind == NOW:
            return _model(self.bought, self.end, self.horizon, self.unit_days)
        return _model(self.bought, self.cut, self.end - self.cut, self.unit_days)


def _asked(journeys: Journeys, question: Clv) -> _Asked:
    unit = duration_us(question.unit, "clv: unit") / DAY_US
    horizon = duration_us(question.horizon, "clv: horizon")
    if horizon % DAY_US:
        raise BadQuestion("clv: horizon", f"{question.horizon!r} is not a number of days.", "Ask for days or weeks.")
    cut = None if question.cut is None else (read_day(question.cut) - EPOCH).days
    bought = purchases_of(journeys, question.goal, "clv").by_day()
    end = until_day(journeys)
    if cut is not None and cut >= end and journeys.events:
        what = f"{question.cut} is not before the day on which the data end."
        raise BadQuestion("clv: cut", what, "Choose an earlier day: the back-test predicts what comes after it.")
    begin = int(bought.day.min()) if len(bought.day) else end
    return _Asked(bought, end, begin + (end - begin) // 2 if cut is None else cut, horizon // DAY_US, unit)


def _parameters(model: _Model) -> list[dict[str, Any]]:
    """A row for each parameter, for the likelihoods, and for the check that Gamma-Gamma asks for."""
    rows: list[dict[str, Any]] = []
    parts = ((ORDERS, LIKELIHOOD, model.orders), (VALUES, VALUES_LIKELIHOOD, model.values))
    for names, likelihood, fit in parts:
        customers = int(model.chosen(names[0]).sum())
        if fit is None:
            rows += [{"name": name, "customers": customers} for name in (*names, likelihood)]
            continue
        for name, estimate, low, high in zip(names, fit.estimate, fit.low, fit.high, strict=True):
            bounds = dict(
                zip(("estimate", "estimate_low", "estimate_high"), map(float, (estimate, low, high)), strict=True)
            )
            rows.append({"name": name, "customers": customers, **bounds})
        rows.append({"name": likelihood, "customers": customers, "estimate": fit.log_likelihood})
    rows.append({"name": CORRELATION, "customers": int(model.chosen(CORRELATION).sum()), "estimate": model.correlation})
    return rows


def _forecasts(model: _Model, came: tuple[Int, Int | None] | None, days: int, unit_days: float) -> list[dict[str, Any]]:
    """A row for each tenth of the customers and for all; with what came, how far the forecast was off."""
    rows = []
    age = model.customers.age
    naive = np.divide(model.customers.x * days / unit_days, age, out=np.zeros(len(age)), where=age > 0)
    fitted = model.fitted()
    for name in (*map(str, dict.fromkeys(np.sort(model.tenth).tolist())), ALL) if fitted else (ALL,):
        mine = model.chosen(name)
        row: dict[str, Any] = {"name": name, "customers": int(mine.sum())}
        if fitted:
            row |= {"alive": float(model.alive[mine].mean()), "expected": float(model.expected[mine].sum())}
        if model.worth is not None:
            row["value_expected"] = round(float(model.worth[mine].sum()) * MONEY)
        if came is not None:
            orders, value = came
            row["actual"] = int(orders[mine].sum())
            if value is not None:
                row["value_actual"] = int(value[mine].sum())
            if len(orders[mine]):
                row["naive_error"] = float(np.abs(naive - orders)[mine].mean())
                row["error"] = float(np.abs(model.expected - orders)[mine].mean()) if fitted else None
        rows.append(row)
    return rows


def _came(bought: Purchases, model: _Model, cut: int) -> tuple[Int, Int | None]:
    """For each customer of the model, the orders after the cut and their value (None where none has one)."""
    later = bought.take(bought.day > cut)
    at = np.searchsorted(model.owner, later.owner)
    mine = np.flatnonzero(at < len(model.owner))
    mine = mine[model.owner[at[mine]] == later.owner[mine]]
    orders, value = np.zeros(len(model.owner), np.int64), np.zeros(len(model.owner), np.int64)
    np.add.at(orders, at[mine], 1)
    known = mine[later.value[mine] != NO_VALUE]
    np.add.at(value, at[known], later.value[known])
    return orders, value if (bought.value != NO_VALUE).any() else None


def find(journeys: Journeys, question: Clv) -> Finding:
    """Fit, forecast and back-test in one group of journeys."""
    asked = _asked(journeys, question)
    now, then = asked.model(NOW), asked.model(TEST)
    came = _came(asked.bought, then, asked.cut)
    tested = _forecasts(then, came, asked.end - asked.cut, asked.unit_days)
    kinds = {
        "parameter": _parameters(now),
        NOW: _forecasts(now, None, asked.horizon, asked.unit_days),
        "test-parameter": _parameters(then),
        TEST: tested,
    }
    rows = [{"kind": kind, **row} for kind, found in kinds.items() for row in found]
    columns: dict[str, Any] = {name: [row.get(name) for row in rows] for name in COLUMNS}
    for name in ("estimate", "estimate_low", "estimate_high"):
        columns[name] = or_none([np.nan if value is None else value for value in columns[name]])
    if asked.bought.currency is not None:
        columns["currency"] = [asked.bought.currency if row.get("value_expected") is not None else None for row in rows]
    bases = {"customers": len(now.owner), "bought_again": int((now.customers.x > 0).sum())}
    return Finding(columns, bases, tuple(bases.values()), _said(now, then, tested[-1]))


def _said(now: _Model, then: _Model, tested: Mapping[str, Any]) -> tuple[Caution, ...]:
    said = []
    for part, model in ((NOW, now), (TEST, then)):
        if len(model.owner) and not model.fitted():
            said.append(caution("clv-not-fitted", part=part, customers=int((model.customers.x > 0).sum())))
        if any(fit is not None and not fit.decided for fit in (model.orders, model.values)):
            said.append(caution("clv-edge", part=part))
    if now.fitted() and now.worth is None:
        said.append(caution("clv-no-value", customers=int((now.repeated > 0).sum())))
    if now.without_mean:
        said.append(caution("clv-no-mean", customers=now.without_mean))
    if now.correlation is not None and abs(now.correlation) > CORRELATED:
        said.append(caution("clv-correlated", percent=round(100 * now.correlation)))
    if tested.get("error") is not None and tested["error"] > tested["naive_error"]:
        errors = {name: f"{tested[name]:.2f}" for name in ("error", "naive_error")}
        said.append(caution("clv-worse", **errors))
    expected, actual = tested.get("expected"), tested.get("actual", 0)
    if expected is not None and abs(expected - actual) > OFF * max(actual, 1):
        said.append(caution("clv-off", expected=round(expected), actual=actual))
    return tuple(said)


def who(journeys: Journeys, question: Clv, row: Mapping[str, Any]) -> Int:
    """Positions of the customers behind a row: those fitted, or a tenth of them."""
    kind, name = str(row["kind"]), str(row["name"])
    tenths = (*map(str, range(1, TENTHS + 1)), ALL)
    parameters = (*ORDERS, LIKELIHOOD, *VALUES, VALUES_LIKELIHOOD, CORRELATION)
    known = {NOW: tenths, TEST: tenths, "parameter": parameters, "test-parameter": parameters}
    if kind not in known:
        raise unknown("clv: row", "kind", kind, known)
    if name not in known[kind]:
        raise unknown("clv: row", "name", name, known[kind])

    def held(some: Journeys) -> Int:
        model = _asked(some, question).model(NOW if kind in (NOW, "parameter") else TEST)
        return model.owner[model.chosen(name)]

    return within_group(journeys, question.by, row, "clv", held)


def clv(
    journeys: Journeys, goal: str = "purchase", *, horizon: str = "52w", unit: str = "1w", cut: str | None = None,
    by: str | None = None,
) -> Answer:  # fmt: skip
    """How many orders customers will still place, and what those are worth (BG/NBD with Gamma-Gamma); back-tested.

    Parameters
    ----------
    goal : the touchpoint that is an order; any of several: "purchase | renewal"
    horizon : how far ahead to look from the end of the data, in whole days
    unit : the unit of time in which the parameters are told
    cut : the last day that the back-test fits on; by default half of the days from the first order to the end
    by : a customer attribute, or a column read at the journey's first touchpoint; each group is fitted by itself

    Returns
    -------
    Answer
        Four kinds of rows. `parameter`: name r, alpha (in `unit`), a, b and log_likelihood of BG/NBD; p, q, v (in the
        currency) and log_likelihood_of_values of Gamma-Gamma; and the correlation of orders and values, which that
        model takes to be 0: estimate, with estimate_low and estimate_high (95 %, from the curvature on the logarithm),
        and the customers fitted. `forecast`: name 1 (the tenth of customers with the highest expectation) to 10 and
        all: customers, alive (mean probability), expected orders within the horizon, value_expected in 1/10,000.
        `test-parameter` and `test`: the same on the days up to the cut for the days after it, with what came (actual,
        value_actual) and the mean absolute error a customer, of the model and of "as often as so far" (naive_error).
        Numbers are null where a model cannot be fitted; where the data do not decide its parameters one by one they
        have no interval, and the answer says so.

    Raises
    ------
    UnknownName
        `goal` is not in the data.
    BadDuration, BadQuestion
        `unit` or `horizon` has no unit, the horizon is not in whole days, the cut is no day or not before the end.
    MixedCurrencies
        The orders' values are in several currencies.

    References
    ----------
    Fader, Hardie and Lee 2005, Marketing Science 24, p. 275. Fader and Hardie 2013, The Gamma-Gamma model.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> few = journeys_of([0, 2, 3], [0, 5, 1], [0, 0, 0], ["purchase"])
    >>> [row["customers"] for row in clv(few).rows() if row["kind"] == "forecast"]
    [2]
    """
    return answer(journeys, Clv(goal=goal, horizon=horizon, unit=unit, cut=cut, by=by), find)
