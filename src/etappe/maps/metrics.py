"""Metrics: the published table of names that a map may bind, and the question that each one asks."""

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from etappe.condition import Both, Compare, Node, to_text
from etappe.expression import parse
from etappe.maps.model import Evidence, Parameters

Needs = Literal["data", "surveys", "texts", "tickets", "pages", "automations", "hand"]


class Metric(msgspec.Struct, frozen=True):
    """A metric: what it needs, its parameters, and how its number is found in the answer of a question.

    `how` picks one way of `etappe.maps.evidence` to read the answer; `unit` is the default; `basis` says whether the
    number counts as measured or as derived.
    """

    name: str
    needs: Needs
    unit: str = "percent"
    how: str = ""
    parameters: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    derived: bool = False


METRICS: Final[dict[str, Metric]] = {
    m.name: m
    for m in (
        Metric("touchpoint.reach", "data", "journeys", "reach", ("touchpoint",)),
        Metric("touchpoint.share_of_journeys", "data", "percent", "reach_share", ("touchpoint",)),
        Metric("step.conversion", "data", "percent", "conversion", ("from",), ("to", "within")),
        Metric("step.dropoff", "data", "percent", "dropoff", ("from",), ("to", "within")),
        Metric("step.duration", "data", "duration", "duration", ("from",), ("to", "within", "agg")),
        Metric("transition.share", "data", "percent", "transition", ("from",), ("to",)),
        Metric("stage.time", "data", "duration", "stage_time", ("stage",), ("model",)),
        Metric("journey.count", "data", "journeys", "count"),
        Metric("journey.repeat_rate", "data", "percent", "repeat", (), ("touchpoint", "within")),
        Metric("revenue.sum", "data", "money", "revenue", (), ("touchpoint",)),
        Metric("revenue.per_journey", "data", "money", "revenue_per_journey", (), ("touchpoint",)),
        Metric("survey.csat", "surveys", "score", "csat", (), ("touchpoint", "survey")),
        Metric("survey.nps", "surveys", "nps", "nps", (), ("touchpoint", "survey")),
        Metric("survey.ces", "surveys", "score", "ces", (), ("touchpoint", "survey")),
        Metric("survey.topic_share", "surveys", "percent", "", (), ("touchpoint", "survey"), derived=True),
        Metric("text.sentiment", "texts", "score", "", (), ("touchpoint",), derived=True),
        Metric("attribution.share", "data", "percent", "attribution", ("touchpoint",), ("to", "model"), derived=True),
        Metric("support.contact_rate", "tickets", "percent", "", (), ("touchpoint",)),
        Metric("page.rage_click_rate", "pages", "percent", "", (), ("touchpoint",), derived=True),
        Metric("page.error_rate", "pages", "percent", "", (), ("touchpoint",)),
        Metric("automation.sent", "automations", "count", "", (), ()),
        Metric("automation.open", "automations", "percent", "", (), ()),
        Metric("automation.click", "automations", "percent", "", (), ()),
        Metric("automation.goal", "automations", "percent", "", (), ()),
        Metric("manual", "hand", "count", "manual"),
    )
}
"""Names as published. `attribution.share{markov}` is written with the model in braces or as a parameter."""

SCORES: Final[dict[str, Callable[[float], float]]] = {
    "survey.csat": lambda x: x - 3,
    "survey.nps": lambda x: x / 50,
    "survey.ces": lambda x: (x - 4) / 1.5,
    "text.sentiment": lambda x: 2 * x,
}
"""How an answer becomes a feeling from -2 to 2: CSAT 1..5, NPS -100..100, CES 1..7, sentiment -1..1."""

SELF_REPORTED: Final = ("survey.csat", "survey.nps", "survey.ces")
"""Only what people say of themselves measures a feeling (the rule of CJML)."""


def units_of(kind: str) -> tuple[str, ...]:
    """The units in which a number of a kind may be said.

    Examples
    --------
    >>> units_of("percent")
    ('percent',)
    """
    if kind == "duration":
        return ("days", "hours", "minutes", "seconds")
    return ("journeys", "events", "count") if kind in ("journeys", "count") else (kind,)


def base_name(metric: str) -> str:
    """The name without a model in braces.

    Examples
    --------
    >>> base_name("attribution.share{markov}")
    'attribution.share'
    """
    return metric.partition("{")[0]


def feeling(metric: str, value: float) -> float | None:
    """The score from -2 to 2 that an answer means, or None where the metric says nothing of a feeling.

    Examples
    --------
    >>> feeling("survey.nps", 55)
    1.1
    """
    formula = SCORES.get(base_name(metric))
    return None if formula is None else max(-2.0, min(2.0, formula(value)))


def parameters_of(evidence: Evidence) -> tuple[Parameters, str | None, tuple[str, ...]]:
    """The parameters of a metric, the filter that is left, and the names that had to be taken out of the filter.

    Parameters belong under `parameters`; where a filter such as "from = 's4' and to = 's5'" holds them, they are
    understood all the same.

    Examples
    --------
    >>> mixed = Evidence(id="e", metric="step.conversion", filter="from = 's4' and to = 's5'")
    >>> found, rest, lifted = parameters_of(mixed)
    >>> (found.start, found.end, rest, lifted)
    ('s4', 's5', None, ('from', 'to'))
    """
    given = evidence.parameters or Parameters()
    metric = METRICS.get(base_name(evidence.metric or ""))
    if evidence.metric and "{" in evidence.metric and given.model is None:
        given = msgspec.structs.replace(given, model=evidence.metric.partition("{")[2].rstrip("}"))
    if metric is None or evidence.filter is None:
        return given, evidence.filter, ()
    known = {*metric.parameters, *metric.optional}
    lifted: dict[str, str] = {}
    rest: list[str] = []
    for node in _conjuncts(parse(evidence.filter, "filter", journeys=True).tree):
        name = "touchpoint" if isinstance(node, Compare) and node.column == "step" else getattr(node, "column", "")
        if isinstance(node, Compare) and node.op == "=" and name in known and name not in lifted:
            lifted[name] = str(node.values[0])
        else:
            rest.append(f"({to_text(node)})" if isinstance(node, Both) else to_text(node))
    fields = {"from": "start", "to": "end"}
    found = msgspec.structs.replace(given, **{fields.get(name, name): value for name, value in lifted.items()})
    return found, " and ".join(rest) or None if lifted else evidence.filter, tuple(lifted)


def _conjuncts(node: Node) -> list[Node]:
    if isinstance(node, Both) and node.op == "and":
        return [*_conjuncts(node.left), *_conjuncts(node.right)]
    return [node]
