"""Attribution: credit for each conversion, shared among the touches before it.

Unit of count: the conversion, every touchpoint `goal` (`per="journey"`: a journey's first alone). A touch is a
touchpoint that has a value in the dimension `by` and is no goal; it counts where it comes before the conversion, after
the journey's previous one (`reuse`: regardless of it), and at most `window` before it, edge included. At the same
instant the order of receipt counts. A conversion without a touch is credited to the row "(none)": nothing is dropped.

Credits add up to the conversions (participation does not: it says so), values to the conversions' values. `shapley`
with `rate` and `markov` also read paths that end without a conversion: the touches since the previous conversion, at
most `window` before the last of them. Rules stand in credit.py, the two games in shapley.py and markov.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

import numpy as np

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution, listed
from etappe.analysis.attribution_count import Games, counted, game_of, quick, whole_of
from etappe.analysis.attribution_models import adding_up, credits_of
from etappe.analysis.costs import Costs, costs_of, costs_texts, returns
from etappe.analysis.credit import CREDIT, JOURNEYS, TOUCHES, UNIT, VALUED
from etappe.analysis.groups import within_group
from etappe.analysis.markov import chain_shares
from etappe.analysis.partials import Base, Partial, base_of
from etappe.analysis.touches import NONE, credit, currency_of, rule_of, touches_of
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


def _only_chain(whole: Partial, question: Attribution, base: Base) -> Finding:
    """The shares of the chain alone."""
    names, conversions = whole["names"].tolist(), int(whole["conversions"][0])
    shares, steps = chain_shares(whole["steps"], len(names), question.order), whole["steps"]
    seen = int(steps[steps[:, 0] % (len(names) + 2) == len(names), 1].sum())
    unseen = conversions - seen
    credit = adding_up((shares * seen).tolist(), seen)
    shown = sorted((s for s in range(len(names)) if credit[s]), key=lambda s: (-credit[s], names[s]))
    held = [*(credit[s] for s in shown), *([float(unseen)] if unseen else [])]
    columns = {
        "model": ["markov"] * len(held),
        question.row_label(): [*(names[s] for s in shown), *([NONE] if unseen else [])],
        "credit": np.array(held, np.float64),
        "share": [one / conversions for one in held],
        "low": [None] * len(held),
        "high": [None] * len(held),
    }
    bases = {"journeys": base.journeys, "conversions": conversions, "unseen": unseen}
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


def adds(question: Attribution) -> bool:
    """Whether parts add up: a game is solved anew in each repetition of a bootstrap, from journeys."""
    return not (question.bootstrap and any(game_of(question, model) for model in question.models()))


def needs(question: Attribution) -> tuple[str | None, ...]:
    """The columns that it reads beside touchpoints and times."""
    return question.by, "value", "currency"


def partial(journeys: Journeys, question: Attribution) -> Partial:
    """What some journeys contribute, under the names of the dimension."""
    return counted(journeys, question, *touches_of(journeys, question))[0]


def total(partials: Sequence[Partial], question: Attribution, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    return _finding(whole_of(partials, question), question, base, {})


def find(journeys: Journeys, question: Attribution) -> Finding:
    """Count in one group of journeys."""
    touches, names = touches_of(journeys, question)
    costs_of(question.costs, names, question.row_label())  # refuses before any work
    found, games = counted(journeys, question, touches, names)
    return _finding(found, question, base_of(journeys), games)


def _finding(whole: Partial, question: Attribution, base: Base, games: Games) -> Finding:
    """The table, from what all contribute; with a bootstrap, games are counted again."""
    names: list[str] = whole["names"].tolist()
    by, k = question.row_label(), len(names)
    costs = costs_of(question.costs, names, by)
    if quick(question):
        return _only_chain(whole, question, base)
    currency = currency_of(whole["currencies"].tolist(), question.goal)
    conversions, valued = whole["conversions"][:2].tolist()
    columns: dict[str, list[Any]] = {"model": [], by: [], **{name: [] for name in NUMBERS}}
    if costs:
        columns |= {"cost": [], "roas": [], "roi": []}
    shares: dict[str, dict[str, float]] = {}
    unseen, seen = 0, 0
    for model, found in credits_of(whole, question, games):
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
    bases = {"journeys": base.journeys, "conversions": conversions, "touches": seen, "unseen": unseen}
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
        return np.flatnonzero(credit(touches, [rule], wanted=wanted)[2]).astype(np.int64)

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
