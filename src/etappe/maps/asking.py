"""Asking: the question behind each metric, and the number in its answer, with base and interval."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer
from etappe.analysis.ask import ask
from etappe.analysis.intervals import clustered_median, ratio_interval, total_interval
from etappe.analysis.show import SHARES
from etappe.errors import BadQuestion, unknown
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.maps.scores import SCALES, score
from etappe.units import MONEY, NO_VALUE

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number found in an answer: shares are shares of 1, times microseconds, money 1/10,000."""

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    currency: str | None = None
    answer: Answer | None = None
    question: Row | None = None
    row: Row | None = None
    without: Row | None = None
    registry: Registry | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a metric asks, with its parameters resolved to names of touchpoints as the map sees them."""

    journeys: Journeys
    registry: Registry | None
    touchpoint: str | None = None
    start: str | None = None
    end: str | None = None
    within: str | None = None
    agg: str | None = None
    stage: str | None = None
    model: str | None = None
    survey: str | None = None
    """The column that holds the answers of a survey."""
    entered: tuple[str, str] | None = None
    """First and last day on which a journey may begin what is asked; what follows may come later."""

    def ask(self, question: Row) -> tuple[Answer, list[Row]]:
        """The answer and its rows."""
        found = ask(self.journeys, question, self.registry)
        return found, found.rows()


def _reach(request: Request) -> Number:
    question = {"question": "reach", "touchpoints": [request.touchpoint]}
    answer, rows = request.ask(question)
    row = rows[0]
    low, high = (None if row[end] is None else row[end] * answer.n for end in ("low", "high"))
    return Number(value=row["journeys"], n=answer.n, low=low, high=high, answer=answer, question=question, row=row)


def _reach_share(request: Request) -> Number:
    question = {"question": "reach", "touchpoints": [request.touchpoint]}
    answer, rows = request.ask(question)
    row = rows[0]
    return Number(
        value=row["share"], n=answer.n, low=row["low"], high=row["high"], answer=answer, question=question, row=row
    )


def _funnel(request: Request, end: str | None) -> tuple[Answer, list[Row], Row]:
    question: Row = {"question": "funnel", "steps": [request.start, end]}
    if request.within is not None:
        question["within"] = request.within
    if request.entered is not None:
        question |= {"entered_from": request.entered[0], "entered_to": request.entered[1]}
    answer, rows = request.ask(question)
    return answer, rows, question


def _conversion(request: Request) -> Number:
    answer, rows, question = _funnel(request, request.end)
    row = rows[1]
    return Number(
        value=row["step_conversion"], n=rows[0]["reached"], low=row["step_low"], high=row["step_high"],
        answer=answer, question=question, row=row,
    )  # fmt: skip


def _dropoff(request: Request) -> Number:
    answer, rows, question = _funnel(request, request.end)
    row = rows[1]

    def rest(share: float | None) -> float | None:
        return None if share is None else 1 - share

    return Number(
        value=rest(row["step_conversion"]), n=rows[0]["reached"], low=rest(row["step_high"]),
        high=rest(row["step_low"]), answer=answer, question=question, row=rows[0], without=row,
    )  # fmt: skip


def _duration(request: Request) -> Number:
    if request.agg not in (None, "median"):
        raise BadQuestion("agg", f"{request.agg!r} is not computed for a duration.", "Use median.")
    answer, rows, question = _funnel(request, request.end)
    row = rows[1]
    return Number(
        value=row["median_us"], n=row["reached"], low=row["median_low_us"], high=row["median_high_us"],
        answer=answer, question=question, row=row,
    )  # fmt: skip


def _repeat(request: Request) -> Number:
    answer, rows, question = _funnel(Request(**{**vars(request), "start": request.touchpoint}), request.touchpoint)
    row = rows[1]
    return Number(
        value=row["step_conversion"], n=rows[0]["reached"], low=row["step_low"], high=row["step_high"],
        answer=answer, question=question, row=row,
    )  # fmt: skip


def _transition(request: Request) -> Number:
    question: Row = {"question": "transitions"}
    answer, rows = request.ask(question)
    leaving = [row for row in rows if row["from"] == request.start]
    base = sum(row["count"] for row in leaving)
    found = [row for row in leaving if row["to"] == request.end]
    if not found:
        return Number(value=0.0 if base else None, n=base, answer=answer, question=question)
    low, high = transition_interval(request)
    return Number(
        value=found[0]["share"], n=base, low=low, high=high, answer=answer, question=question, row=found[0]
    )  # fmt: skip


def _transitions(request: Request) -> tuple[Journeys, NDArray[np.bool_], NDArray[np.bool_]]:
    """The touchpoints from which a journey goes on from `start`, and those from which it goes to `end`."""
    j = request.journeys
    codes = j.touchpoint
    leaving = codes == j.touchpoints.index(str(request.start))
    leaving[j.offsets[1:][np.diff(j.offsets) > 0] - 1] = False
    taken = leaving.copy()
    taken[:-1] &= codes[1:] == j.touchpoints.index(str(request.end))
    return j, leaving, taken


def wait_interval(request: Request) -> tuple[float | None, float | None]:
    """Of the median wait between two touchpoints that follow each other, over customers."""
    j, _, taken = _transitions(request)
    at = np.flatnonzero(taken)
    owner = j.subject[np.searchsorted(j.offsets, at, side="right") - 1]
    return clustered_median(j.time_us[at + 1] - j.time_us[at], owner) or (None, None)


def transition_interval(request: Request) -> tuple[float | None, float | None]:
    """The transitions of one customer are not independent of each other: they vary together."""
    j, leaving, taken = _transitions(request)
    found = ratio_interval(_by_subject(j, taken), _by_subject(j, leaving))
    return (None, None) if found is None else (max(0.0, found[0]), min(1.0, found[1]))


def _by_subject(journeys: Journeys, values: NDArray[Any]) -> NDArray[np.float64]:
    """Values of touchpoints, summed for each customer."""
    sums = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
    each = sums[journeys.offsets[1:]] - sums[journeys.offsets[:-1]]
    if journeys.subjects == len(journeys):
        return each
    _, owner = np.unique(journeys.subject, return_inverse=True)
    return np.bincount(owner, weights=each).astype(np.float64)


def _stage_time(request: Request) -> Number:
    question: Row = {"question": "stages"}
    if request.model is not None:
        question["model"] = request.model
    answer, rows = request.ask(question)
    found = [row for row in rows if row["stage"] == request.stage]
    if not found:
        raise unknown("stage", "stage", str(request.stage), [row["stage"] for row in rows if row["stage"]])
    row = found[0]
    return Number(
        value=row["median_us"], n=row["journeys"], low=row.get("median_low_us"), high=row.get("median_high_us"),
        answer=answer, question=question, row=row,
    )  # fmt: skip


def _count(request: Request) -> Number:
    question: Row = {"question": "reach"}
    answer, _ = request.ask(question)
    _, owner = np.unique(request.journeys.subject, return_inverse=True)
    low, high = total_interval(np.bincount(owner)) if answer.n else (None, None)
    return Number(value=answer.n, n=answer.n, low=low, high=high, answer=answer, question=question)


def _money(request: Request) -> tuple[Answer, list[Row], float, str | None, Row]:
    question: Row = {"question": "reach", **({"touchpoints": [request.touchpoint]} if request.touchpoint else {})}
    answer, rows = request.ask(question)
    currencies = sorted({row["currency"] for row in rows if row.get("currency")})
    mixed = [name for name in answer.table.column_names if name.startswith("value_")]
    if len(currencies) > 1 or mixed:
        known = ", ".join(currencies or [name.removeprefix("value_") for name in mixed])
        raise BadQuestion("revenue", f"the values are in several currencies ({known}).", "Filter by one of them.")
    total = sum(row["value"] for row in rows if row["value"] is not None)
    return answer, rows, float(total), currencies[0] if currencies else None, question


def _revenue(request: Request) -> Number:
    answer, rows, total, currency, question = _money(request)
    row = rows[0] if request.touchpoint else None
    n = row["journeys"] if row else answer.n
    low, high = total_interval(_values(request)) if n else (None, None)
    return Number(
        value=total, n=n, low=low, high=high, currency=currency, answer=answer, question=question, row=row
    )  # fmt: skip


def _values(request: Request) -> NDArray[np.float64]:
    """The values that each customer's touchpoints have, of one touchpoint where one is named."""
    j = request.journeys
    counted = j.value != NO_VALUE
    if request.touchpoint:
        counted &= j.touchpoint == j.touchpoints.index(request.touchpoint)
    return _by_subject(j, np.where(counted, j.value, 0))


def _revenue_per_journey(request: Request) -> Number:
    found = _revenue(request)
    if not found.n or found.value is None:
        return Number(**{**vars(found), "value": None, "low": None, "high": None})
    values = _values(request)
    j = request.journeys
    if request.touchpoint:
        here = j.touchpoint == j.touchpoints.index(request.touchpoint)
        reached = np.diff(np.concatenate(([0], np.cumsum(here)))[j.offsets]) > 0
    else:
        reached = np.ones(len(j), bool)
    _, owner = np.unique(j.subject, return_inverse=True)
    low, high = ratio_interval(values, np.bincount(owner, weights=reached)) or (None, None)
    return Number(**{**vars(found), "value": found.value / found.n, "low": low, "high": high})


def _attribution(request: Request) -> Number:
    """The share of the purchases' credit that a touchpoint has; the interval is of the customers (bootstrap)."""
    question: Row = {
        "question": "attribution", "goal": request.end, "model": request.model or "linear", "window": "30d",
        "bootstrap": 200,
    }  # fmt: skip
    answer, rows = request.ask(question)
    found = [row for row in rows if row["touchpoint"] == request.touchpoint]
    n = answer.denominators["conversions"]
    if not found:
        return Number(value=0.0 if n else None, n=n, answer=answer, question=question)
    row = found[0]
    return Number(
        value=row["share"], n=n, low=row["low"], high=row["high"], answer=answer, question=question, row=row
    )  # fmt: skip


def _answers(request: Request, figure: str) -> Number:
    """What people say of their satisfaction, of those who answered at all."""
    found = score(request.journeys, figure, str(request.survey), request.touchpoint)
    answer, _ = request.ask({"question": "reach"})
    return Number(value=found.value, n=found.n, low=found.low, high=found.high, answer=answer)


HOW: Final[Mapping[str, Callable[[Request], Number]]] = {
    "reach": _reach,
    "reach_share": _reach_share,
    "conversion": _conversion,
    "dropoff": _dropoff,
    "duration": _duration,
    "repeat": _repeat,
    "transition": _transition,
    "stage_time": _stage_time,
    "count": _count,
    "attribution": _attribution,
    "revenue": _revenue,
    "revenue_per_journey": _revenue_per_journey,
    **{figure: partial(_answers, figure=figure) for figure in SCALES},
}
"""How each metric of the published table is asked, by `Metric.how`."""


def kind_of(column: str) -> str:
    """The unit that a column's name tells: percent, duration, money or count.

    Examples
    --------
    >>> kind_of("median_us")
    'duration'
    """
    if column.endswith("_us"):
        return "duration"
    if column in SHARES or column == "roi":
        return "percent"
    return "money" if column == "value" or column.startswith("value_") else "count"


def in_unit(number: float | None, kind: str, unit: str) -> float | None:
    """A number of an answer in the unit of the map."""
    periods = {"days": 86_400e6, "hours": 3_600e6, "minutes": 60e6, "seconds": 1e6}
    if number is None:
        return None
    if kind == "percent":
        return number * 100
    if kind == "duration":
        return number / periods[unit]
    return number / MONEY if kind == "money" else float(number)


def period_for(us: float | None) -> str:
    """The largest unit of time in which a duration is at least one.

    Examples
    --------
    >>> period_for(7_200e6)
    'hours'
    """
    for name, size in (("days", 86_400e6), ("hours", 3_600e6), ("minutes", 60e6)):
        if us is not None and us >= size:
            return name
    return "seconds"
