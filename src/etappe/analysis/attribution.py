"""Attribution: credit for each conversion, shared among the touches before it.

Unit of count: the conversion, every touchpoint `goal` (`per="journey"`: a journey's first alone). A touch is a
touchpoint that has a value in the dimension `by` and is no goal; it counts where it comes before the conversion, after
the journey's previous one (`reuse`: regardless of it), and at most `window` before it, edge included. At the same
instant the order of receipt counts. A conversion without a touch is credited to the row "(none)": nothing is dropped.

Credits add up to the conversions (participation does not: it says so), values to the conversions' values. `shapley`
with `rate` and `markov` also read paths that end without a conversion: the touches since the previous conversion, at
most `window` before the last of them. Rules stand in credit.py, the two games in shapley.py and markov.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, fsum
from typing import Any, ClassVar, Final, Literal

import numpy as np

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution, listed
from etappe.analysis.costs import Costs, costs_of, costs_texts, returns
from etappe.analysis.credit import CREDIT, HIGH, JOURNEYS, LOW, SHIFT, TOUCHES, UNIT, VALUED
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import Float
from etappe.analysis.markov import markov_shares
from etappe.analysis.shapley import rate_shares
from etappe.analysis.touches import NONE, Touches, credit, rule_of, touches_of, worth_of
from etappe.arrays import Int
from etappe.errors import unknown
from etappe.journeys.columns import Journeys

MODELS: Final = (
    "first", "last", "last_non_direct", "linear", "u_shaped", "j_shaped", "inverse_j", "custom", "time_decay",
    "participation", "same_touch", "shapley", "markov",
)  # fmt: skip
ELSEWISE: Final = ("participation", "same_touch")
"""They answer another question than the rest, and are not held against them."""
NUMBERS: Final = ("credit", "share", "low", "high", "value", "currency", "touches", "journeys")
COUNTS: Final = ("value", "currency", "touches", "journeys")
DISAGREE: Final = 0.10
"""Models disagree where a share differs by more, or where none is first in all of them."""


class Attribution(Question, frozen=True, kw_only=True):
    """Credit for each conversion, shared among the touches before it."""

    label: ClassVar[str] = "touchpoint"
    goal: str
    """The touchpoint that is a conversion."""
    model: Literal[
        "first", "last", "last_non_direct", "linear", "u_shaped", "j_shaped", "inverse_j", "custom", "time_decay",
        "participation", "same_touch", "shapley", "markov", "all",
    ] = "linear"  # fmt: skip
    """How credit is shared; "all" puts the models side by side."""
    by: str | None = "touchpoint"
    """What is credited: touchpoint, channel or any other column over touchpoints."""
    window: str | None = "30d"
    """Lookback: a touch counts at most so long before its conversion; "none": however long."""
    reuse: bool = False
    """Also touches before the previous conversion."""
    per: Literal["conversion", "journey"] = "conversion"
    """Each conversion, or a journey's first alone."""
    half_life: str = "7d"
    """Time decay: after so long a touch weighs half."""
    direct: tuple[str, ...] = ("direct",)
    """Last non-direct: what it passes over."""
    weights: tuple[float, ...] = ()
    """Custom: weights of the first touch, of all middle ones together, and of the last."""
    value_function: Literal["subset", "rate"] = "subset"
    """Shapley: the worth of a set is its conversions, or its share of conversions (reads those that do not convert)."""
    order: int = 1
    """Markov: the next touch depends on so many before it, 1 to 3."""
    loops: Literal["collapse", "keep"] = "collapse"
    """Markov: a touch repeated is one, or a step of its own (a difference from order 2 on)."""
    bootstrap: int = 0
    """Repetitions over customers for the interval; 0: none, 200 is usual."""
    costs: tuple[str, ...] = ()
    """What a value of the dimension cost: "email=120.50", in the currency of the conversions."""
    counts: bool = True
    """Also touches, journeys and value; without them, interval and costs, Markov is quicker."""
    groups: str | None = None
    """A customer attribute, or a column read at the journey's first touchpoint: one answer a group."""

    def group_by(self) -> str | None:
        """`by` is what is credited here."""
        return self.groups

    def row_label(self) -> str:
        """The column that names a row."""
        return self.by or "touchpoint"

    def models(self) -> tuple[str, ...]:
        """Those that are asked for; of all, custom only where it has weights."""
        return tuple(m for m in MODELS if m != "custom" or self.weights) if self.model == "all" else (self.model,)


@dataclass(frozen=True)
class _Credits:
    """One model's: an entry for each state, the last one for none."""

    credit: list[float]
    value: list[int]
    counts: Int
    low: list[float | None]
    high: list[float | None]


def whole(exact: Sequence[Fraction], of: int) -> list[int]:
    """Whole numbers that add up to `of`, each its exact part rounded down or up (largest remainder).

    Examples
    --------
    >>> whole([Fraction(10, 3), Fraction(10, 3), Fraction(10, 3)], 10)
    [4, 3, 3]
    """
    down = [floor(part) for part in exact]
    order = sorted(range(len(exact)), key=lambda i: (down[i] - exact[i], i))
    for i in order[: max(0, of - sum(down))]:
        down[i] += 1
    return down


def _adding_up(values: list[float], to: float) -> list[float]:
    """The same numbers, the largest corrected by what rounding took from their sum."""
    if values:
        at = max(range(len(values)), key=lambda i: abs(values[i]))
        values[at] += to - fsum(values)
    return values


def _interval(again: Float, conversions: Any) -> tuple[list[float | None], list[float | None]]:
    """95 % of the shares in all repetitions that have a conversion (percentiles); none without repetitions."""
    has = conversions > 0
    if not has.any():
        return [None] * len(again), [None] * len(again)
    low, high = np.quantile(again[:, has] / conversions[has], [0.025, 0.975], axis=1)
    return low.tolist(), high.tolist()


def _worth(row: Int) -> Fraction:
    """The value that a state is credited with."""
    return Fraction((int(row[HIGH]) << SHIFT) + int(row[LOW]), UNIT)


def _by_rule(model: str, counts: Int, again: Int, worth: int) -> _Credits:
    """Credits that a kernel shared out."""
    units = counts[:, CREDIT].tolist()
    exact = [_worth(row) for row in counts]
    value = whole(exact, int(sum(exact)) if model == "participation" else worth)
    low, high = _interval(again[:-1] / UNIT, again[-1])
    return _Credits(_adding_up([unit / UNIT for unit in units], sum(units) / UNIT), value, counts, low, high)


def _by_shares(shares: Float, drawn: Iterator[Float], counts: Int, again: Int, seen: int, worth: int) -> _Credits:
    """Credits by the shares of a game, of `seen` conversions and their `worth`; the rest has no touch."""
    part = [Fraction(share) for share in shares.tolist()]
    scale = sum(part)
    held = _adding_up([float(p / scale * seen) for p in part], seen) if scale else [0.0] * len(part)
    value = whole([p / scale * worth for p in part], worth) if scale else [0] * len(part)
    none, conversions = again[-2] / UNIT, again[-1]
    each = np.array([*drawn]).reshape(len(none), len(part)).T
    low, high = _interval(np.vstack((each * (conversions - none), none)), conversions)
    return _Credits([*held, counts[-1, CREDIT] / UNIT], [*value, int(_worth(counts[-1]))], counts, low, high)


def _credits(
    touches: Touches, question: Attribution, names: Sequence[str], worth: int
) -> Iterator[tuple[str, _Credits]]:
    """What each model says."""
    often = question.bootstrap
    for model in question.models():
        counts, again, _ = credit(touches, rule_of(question, model, names), bootstrap=often)
        if model == "markov":
            game = markov_shares(touches, question.order, question.loops == "collapse", often)[:2]
        elif model == "shapley" and question.value_function == "rate":
            game = rate_shares(touches, often)
        else:
            yield model, _by_rule(model, counts, again, worth)
            continue
        seen = len(touches.goals) - int(counts[-1, CREDIT]) // UNIT
        yield model, _by_shares(*game, counts, again, seen, worth - int(_worth(counts[-1])))


def _disagreement(shares: Mapping[str, Mapping[str, float]]) -> tuple[Caution, ...]:
    """A caution where models differ much, with the row that they differ on most."""
    held = {model: rows for model, rows in shares.items() if model not in ELSEWISE and rows}
    if len(held) < 2:
        return ()
    firsts = [{name for name, share in rows.items() if share == max(rows.values())} for rows in held.values()]
    names = {name for rows in held.values() for name in rows}
    each = {name: {model: rows.get(name, 0.0) for model, rows in held.items()} for name in names}
    name = max(sorted(each), key=lambda name: max(each[name].values()) - min(each[name].values()))
    least, most = (choose(each[name], key=each[name].__getitem__) for choose in (min, max))
    if each[name][most] - each[name][least] <= DISAGREE and set.intersection(*firsts):
        return ()
    low, high = (round(100 * each[name][model]) for model in (least, most))
    return (caution("models-disagree", name=name, low=low, low_model=least, high=high, high_model=most),)


def _only_markov(journeys: Journeys, question: Attribution, touches: Touches, names: Sequence[str]) -> Finding:
    """The shares of the chain alone: no journey need be followed to its conversion."""
    shares, _, seen = markov_shares(touches, question.order, question.loops == "collapse", 0)
    conversions = int(np.count_nonzero(touches.touchpoint == touches.goal))
    unseen = conversions - seen
    credit = _adding_up((shares * seen).tolist(), seen)
    shown = sorted((s for s in range(touches.k) if credit[s]), key=lambda s: (-credit[s], names[s]))
    held = [*(credit[s] for s in shown), *([float(unseen)] if unseen else [])]
    columns = {
        "model": ["markov"] * len(held),
        question.row_label(): [*(names[s] for s in shown), *([NONE] if unseen else [])],
        "credit": np.array(held, np.float64),
        "share": [one / conversions for one in held],
        "low": [None] * len(held),
        "high": [None] * len(held),
    }
    bases = {"journeys": len(journeys), "conversions": conversions, "unseen": unseen}
    return Finding(columns, bases, (conversions,), _said(question, names, conversions, unseen))


def _said(question: Attribution, names: Sequence[str], conversions: int, unseen: int) -> tuple[Caution, ...]:
    """What to say of the models that are asked for."""
    said = [caution("attribution-is-convention")]
    if unseen:
        said.append(caution("unseen", n=unseen, conversions=conversions))
    if "participation" in question.models():
        said.append(caution("participation"))
    if "last_non_direct" in question.models() and not set(question.direct) & set(names):
        said.append(caution("no-direct", by=question.row_label(), direct=", ".join(question.direct)))
    return tuple(said)


def find(journeys: Journeys, question: Attribution) -> Finding:
    """Count in one group of journeys."""
    touches, names = touches_of(journeys, question)
    by, k = question.row_label(), touches.k
    costs = costs_of(question.costs, names, by)
    if question.model == "markov" and not (question.counts or question.bootstrap or question.costs or touches.once):
        return _only_markov(journeys, question, touches, names)
    valued, worth, currency = worth_of(journeys, touches)
    columns: dict[str, list[Any]] = {"model": [], by: [], **{name: [] for name in NUMBERS}}
    if costs:
        columns |= {"cost": [], "roas": [], "roi": []}
    shares: dict[str, dict[str, float]] = {}
    conversions, unseen, seen = len(touches.goals), 0, 0
    for model, found in _credits(touches, question, names, worth):
        counts = found.counts
        shown = [s for s in range(k) if counts[s, TOUCHES] or found.credit[s] or names[s] in costs]
        shown.sort(key=lambda s: (-found.credit[s], names[s]))
        shares[model] = {names[s]: found.credit[s] / conversions for s in shown if conversions}
        if model != "same_touch":
            unseen, seen = int(counts[k, CREDIT]) // UNIT, int(counts[:, TOUCHES].sum())
        for s in [*shown, *([k] if counts[k, CREDIT] else [])]:
            name = names[s] if s < k else NONE
            value = found.value[s] if valued else None
            if value == 0 and counts[s, VALUED] == 0 and counts[s, TOUCHES] > 0:
                value = None
            cost = costs.get(name)
            roas, roi = returns(value, cost)
            row = {
                "model": model, by: name, "credit": found.credit[s],
                "share": found.credit[s] / conversions if conversions else None,
                "low": found.low[s], "high": found.high[s],
                "value": value, "currency": None if value is None else currency,
                "touches": int(counts[s, TOUCHES]), "journeys": int(counts[s, JOURNEYS]),
                "cost": cost, "roas": roas, "roi": roi,
            }  # fmt: skip
            for column, held in columns.items():
                held.append(row[column])
    cautions = (*_said(question, names, conversions, unseen), *_disagreement(shares))
    bases = {"journeys": len(journeys), "conversions": conversions, "touches": seen, "unseen": unseen}
    numbers = {"credit": np.array(columns["credit"], np.float64)}
    numbers |= {name: np.array(columns[name], np.int64) for name in ("touches", "journeys")}
    left_out = () if question.counts or costs else COUNTS
    kept = {name: held for name, held in {**columns, **numbers}.items() if name not in left_out}
    return Finding(kept, bases, (conversions,), cautions)


def who(journeys: Journeys, question: Attribution, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that have a touch of the row before a conversion; for "(none)", one without any."""
    by = question.row_label()
    model = str(row.get("model", question.models()[0]))
    if model not in question.models():
        raise unknown("attribution: row", "model", model, question.models())

    def held(some: Journeys) -> Int:
        touches, names = touches_of(some, question)
        if row[by] not in (*names, NONE):
            raise unknown("attribution: row", by, str(row[by]), (*names, NONE))
        wanted = touches.k if row[by] == NONE else names.index(row[by])
        rule = rule_of(question, model, names)
        return np.flatnonzero(credit(touches, rule, wanted=wanted)[2]).astype(np.int64)

    return within_group(journeys, question.groups, row, "attribution", held)


def attribution(
    journeys: Journeys,
    goal: str,
    *,
    model: str = "linear",
    by: str = "touchpoint",
    window: str | None = "30d",
    costs: Costs = (),
    bootstrap: int = 0,
    **rules: Any,
) -> Answer:
    """Credit for each conversion, shared among the touches before it.

    A share is a convention, not a cause; compare with a group that was not contacted.

    Parameters
    ----------
    goal : the touchpoint that is a conversion
    model : first, last, last_non_direct, linear, u_shaped, j_shaped, inverse_j, custom, time_decay, participation,
        same_touch, shapley, markov; or "all", side by side, with the caution `models-disagree` where they do
    by : what is credited: touchpoint, channel or any other column over touchpoints
    window : lookback before each conversion, its edge included; None: however long
    costs : {"email": 120.5}, ["email=120.50", "@more.csv"] or the path of a CSV file with a name and a cost in each row
    bootstrap : repetitions over customers for low and high; 0: none, 200 is usual
    rules : further fields of `Attribution`: reuse, per, half_life, direct, weights,
        value_function, order, loops, counts, groups

    Returns
    -------
    Answer
        model; the dimension; credit in conversions; share of the conversions with low and high (bootstrap over
        customers, 95 %; null without); value (1/10,000; null where no conversion has one) and its currency; touches
        before conversions; journeys that have one; with costs: cost (1/10,000), roas, roi. The most credited first,
        conversions without a touch last as "(none)".

    Raises
    ------
    UnknownName
        The goal, `by`, a rule or a name with costs is not in the data.
    BadQuestion
        Rules that have no meaning, or a chain or game too large to be solved.
    MixedCurrencies
        Conversions have values in several currencies.

    References
    ----------
    Adobe Customer Journey Analytics (models and lookback); Shapley 1953; Anderl et al. 2016 (removal effects of a
    Markov chain); docs/analyses.md.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 3], [0, 5, 9], [0, 1, 2], ["email", "visit", "order"])
    >>> attribution(shop, "order").column("credit")
    [0.5, 0.5]
    """
    own = ("goal", "model", "by", "window", "costs", "bootstrap")
    known = [name for name in Attribution.__struct_fields__ if name not in own]
    for name in rules:
        if name not in known:
            raise unknown("attribution", "rule", name, known)
    if "direct" in rules:
        rules["direct"] = listed(rules["direct"], "attribution: direct")
    if "weights" in rules:
        rules["weights"] = tuple(rules["weights"])
    chosen: Any = model
    if chosen not in (*MODELS, "all"):
        raise unknown("attribution: model", "model", str(model), (*MODELS, "all"))
    question = Attribution(
        goal=goal, model=chosen, by=by, window=window, costs=costs_texts(costs), bootstrap=bootstrap, **rules
    )
    return answer(journeys, question, find)
