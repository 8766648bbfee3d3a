"""Portrait: what the data say of a persona: its fields measured, its profile, stages, touchpoints, and real journeys.

Unit of count: the customer's journey. Whoever belongs to the persona is compared with all others. Nothing leaves this
file about a single customer but representative journeys, and they carry no name, no value and no date: times count from
their first touchpoint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.ask import ask
from etappe.analysis.behaviour import compared, needed, scaled
from etappe.analysis.features import Features, kind_of, measure, names_of
from etappe.analysis.intervals import Z, median, shares
from etappe.analysis.purchases import purchases_of
from etappe.analysis.reach import reach
from etappe.analysis.significance import adjusted, compare, ratio
from etappe.arrays import Column, Int
from etappe.errors import EtappeError, unknown
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.maps.asking import in_unit, period_for
from etappe.maps.asking import kind_of as kind_of_column
from etappe.maps.model import Basis, State
from etappe.maps.persona import Field, Measured
from etappe.maps.picking import pick

Bool = NDArray[np.bool_]
PEOPLE: Final = 10
"""Fewer customers are shown nothing of (small cells)."""
LONGEST: Final = 40
"""Touchpoints of a representative journey that are shown."""
SAMPLE: Final = 50_000
"""Customers on either side from whom effects are computed; their medians and shares are of all."""
TOLD: Final = 12
"""Features of a profile, those with the largest differences."""
MOST_TEXTS: Final = 40
"""An attribute with more values is told as a number, if it is one."""
BELIEVED: Final = 0.05
"""Differences whose q is above are not told as such."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A measured number: per cent from 0 to 100, times in their unit."""

    state: State
    unit: str = "count"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    min_n: int = 30
    currency: str | None = None
    question: Mapping[str, Any] | None = None
    """What is asked, so that anybody can ask it again."""
    snapshot: str | None = None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Trait:
    """One feature or attribute of a persona beside all others."""

    name: str
    kind: str
    """count, days, money, share; of customer attributes: attribute (a share), or number (a median)."""
    text: str | None
    """Of an attribute: the text whose share it is."""
    value: float | None
    low: float | None
    high: float | None
    n: int
    others: float | None
    others_n: int
    effect: float
    """Difference of means on the feature's scale, in standard deviations; of attributes, difference of shares by
    Cohen's h."""
    q: float | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A persona in a stage."""

    stage: str
    journeys: int
    n: int
    share: float | None
    low: float | None
    high: float | None
    events: int
    median_us: int | None
    median_low_us: int | None
    median_high_us: int | None
    onward: int
    """Journeys that reach a later stage of the model afterwards."""
    conversion: float | None
    conversion_low: float | None
    conversion_high: float | None


@dataclass(frozen=True, kw_only=True)
class Relevance:
    """A touchpoint's share of a persona's journeys against its share of all others'."""

    touchpoint: str
    journeys: int
    share: float | None
    low: float | None
    high: float | None
    others: int
    others_share: float | None
    lift: float | None
    lift_low: float | None
    lift_high: float | None
    p: float | None
    q: float | None


@dataclass(frozen=True)
class Step:
    """A touchpoint of a representative journey."""

    touchpoint: str
    channel: str | None
    stage: str | None
    after_us: int
    """Since the first touchpoint."""


@dataclass(frozen=True)
class Example:
    """A real journey, without who it was and when."""

    steps: tuple[Step, ...]
    touchpoints: int
    distance: float
    """To the middle of the persona, in standard deviations over all features."""


def basis_of(field: Field, known: Known | None) -> Basis:
    """What a field rests on: a number that may be shown, else a study, else nothing."""
    if known is not None and known.state == "fresh":
        return "measured"
    return "researched" if field.studies else "assumed"


def known_of(m: Measured, mine: Journeys, registry: Registry | None, goal: str | None) -> Known:
    """A field's number over a persona's journeys."""
    if not len(mine):
        return Known(state="none", min_n=m.min_n)
    try:
        found = _asked(m, mine, registry, goal)
    except EtappeError as error:
        return Known(state="failed", why=str(error), min_n=m.min_n)
    if found.n < m.min_n:
        return Known(state="few", n=found.n, unit=found.unit, question=found.question, min_n=m.min_n)
    return found


def _asked(m: Measured, mine: Journeys, registry: Registry | None, goal: str | None) -> Known:
    if m.attribute is not None:
        column = mine.attribute(m.attribute, "measured: attribute")
        n = int(np.count_nonzero(_known(column.codes, column.names)))
        texts = [code for code, text in enumerate(column.names) if text is not None and text == m.is_]
        held = int(np.isin(column.codes, texts).sum())
        share, low, high = (float(x) * 100 for x in shares(held, n)) if n else (None, None, None)
        question = {"attribute": m.attribute, "is": m.is_}
        return Known(
            state="fresh" if n else "none", unit="percent", value=share, low=low, high=high, n=n, min_n=m.min_n,
            question=question,
        )  # fmt: skip
    if m.feature is not None:
        found = measure(mine, needed((m.feature,)), goal)
        value, low, high, n = typical(m.feature, found)
        unit = {"share": "percent", "days": "days", "money": "money"}.get(kind_of(m.feature), "count")
        times = 100.0 if unit == "percent" else 1.0
        low, high = (None if x is None else x * times for x in (low, high))
        number = None if value is None else value * times
        question = {"feature": m.feature}
        state: State = "fresh" if number is not None else "none"
        return Known(
            state=state, unit=unit, value=number, low=low, high=high, n=n, min_n=m.min_n, question=question,
            currency=currency_of(mine, goal) if unit == "money" else None,
        )  # fmt: skip
    if m.question is None or m.value is None:
        return Known(state="failed", why="measured: nothing is asked.", min_n=m.min_n)
    asked = pick(mine, registry, m.question, m.value)
    kind = kind_of_column(m.value.column)
    unit = period_for(asked.value) if kind == "duration" else kind
    value, low, high = (in_unit(x, kind, unit) for x in (asked.value, asked.low, asked.high))
    return Known(
        state="fresh" if value is not None else "none", unit=unit, value=value, low=low, high=high, n=asked.n,
        min_n=m.min_n, currency=asked.currency, question=m.question,
        snapshot=asked.answer.snapshot if asked.answer else None,
    )  # fmt: skip


def currency_of(journeys: Journeys, goal: str | None) -> str | None:
    """The one currency of all purchases, where the data name it."""
    try:
        return purchases_of(journeys, goal, "persona").currency if goal else None
    except EtappeError:
        return None


def _known(codes: Any, names: Sequence[str | None]) -> Bool:
    known: Bool = np.array([name is not None for name in names], bool)[codes]
    return known


def typical(name: str, found: Features) -> tuple[float | None, float | None, float | None, int]:
    """A feature of some customers: mean of a share with its normal interval, else median with its exact one; and n.

    A basket is that of customers who bought, a pause that of customers with two touchpoints.
    """
    x = found.column(name).astype(np.float64)
    if name == "basket" and "purchases" in found.names:
        x = x[found.column("purchases") > 0]
    if name in ("gap", "pause"):
        x = x[found.column("touchpoints") > 1]
    n = len(x)
    if n == 0:
        return None, None, None, 0
    if kind_of(name) == "share":
        mean = float(x.mean())
        half = Z * float(x.std(ddof=1)) / float(np.sqrt(n)) if n > 1 else 0.0
        return mean, max(0.0, mean - half), min(1.0, mean + half), n
    middle, low, high = median(np.round(x * 10_000).astype(np.int64))
    value, bottom, top = (None if one is None else one / 10_000 for one in (middle, low, high))
    return value, bottom, top, n


def profile(journeys: Journeys, mine: Bool, goal: str | None) -> list[Trait]:
    """What sets a persona's customers apart from all others, the largest difference first."""
    if not mine.any() or mine.all():
        return []
    names = tuple(name for name in names_of(journeys, goal) if name not in ("recency", "span"))
    found = measure(journeys, names, goal)
    some = _sample(mine)
    x, _ = scaled(names, Features(names, found.values[some]))
    spread = np.maximum(x.std(axis=0), 1e-9)
    effects = (x[mine[some]].mean(axis=0) - x[~mine[some]].mean(axis=0)) / spread
    inside, outside = Features(names, found.values[mine]), Features(names, found.values[~mine])
    rows = []
    for i in np.argsort(-np.abs(effects), kind="stable")[:TOLD].tolist():
        name = names[i]
        if spread[i] <= 1e-9:
            continue
        value, low, high, n = typical(name, inside)
        others, _, _, m = typical(name, outside)
        rows.append(
            Trait(
                name=name, kind=kind_of(name), text=None, value=value, low=low, high=high, n=n, others=others,
                others_n=m, effect=float(effects[i]),
            )
        )  # fmt: skip
    rows += _attributes(journeys, mine)
    return sorted(rows, key=lambda row: (-abs(row.effect), row.name))


def _sample(mine: Bool) -> Int:
    """Positions on which effects are computed: all, or as many of both sides as SAMPLE; the same ones every time."""
    rng = np.random.default_rng(0)
    sides = (np.flatnonzero(mine), np.flatnonzero(~mine))
    taken = [side if len(side) <= SAMPLE else rng.choice(side, SAMPLE, replace=False) for side in sides]
    return np.sort(np.concatenate(taken))


def _attributes(journeys: Journeys, mine: Bool) -> list[Trait]:
    """Shares of every attribute's texts among those of whom it is known."""
    found: list[Trait] = []
    tests: list[float | None] = []
    for name in journeys.attributes:
        if name == "persona" or name.startswith("persona."):
            continue
        column = journeys.attribute(name)
        if len(column.names) > MOST_TEXTS:
            found += _numbers(name, column, mine)
            tests += [None] * (len(found) - len(tests))
            continue
        known = _known(column.codes, column.names)
        n, m = int((known & mine).sum()), int((known & ~mine).sum())
        for code, text in enumerate(column.names):
            if text is None or not n or not m:
                continue
            here = column.codes == code
            a, b = int((here & mine).sum()), int((here & ~mine).sum())
            share, low, high = (float(one) for one in shares(a, n))
            effect = 2 * np.arcsin(np.sqrt(a / n)) - 2 * np.arcsin(np.sqrt(b / m))
            tests.append(compare(a, n, b, m)[0])
            found.append(
                Trait(
                    name=name, kind="attribute", text=text, value=share, low=low, high=high, n=n, others=b / m,
                    others_n=m, effect=float(effect),
                )
            )  # fmt: skip
    return [replace(row, q=q) for row, q in zip(found, adjusted(tests), strict=True)]


def _numbers(name: str, column: Column, mine: Bool) -> list[Trait]:
    """The median of an attribute that holds numbers; nothing of one that holds anything else."""
    try:
        numbers = [None if text is None else float(text) for text in column.names]
    except ValueError:
        return []
    of = np.array([np.nan if one is None or not np.isfinite(one) else one for one in numbers])[column.codes]
    known = ~np.isnan(of)
    x, y = of[known & mine], of[known & ~mine]
    if not len(x) or not len(y):
        return []
    told = [median(np.round(some * 10_000).astype(np.int64)) for some in (x, y)]
    value, low, high = (None if one is None else one / 10_000 for one in told[0])
    others = told[1][0]
    effect = float((x.mean() - y.mean()) / max(float(of[known].std()), 1e-9))
    return [
        Trait(
            name=name, kind="number", text=None, value=value, low=low, high=high, n=len(x),
            others=None if others is None else others / 10_000, others_n=len(y), effect=effect,
        )
    ]  # fmt: skip


def stages_of(journeys: Journeys, registry: Registry, model: str) -> list[Cell]:
    """Some customers in each stage: how many touch it, how long they stay, and how many go on to a later one."""
    column = journeys.column(f"stage.{model}") if f"stage.{model}" in journeys.columns else None
    order = [stage.id for stage in registry.model(model).stages]
    rows = ask(journeys, {"question": "stages", "model": model}, registry).rows()
    owner = np.repeat(np.arange(len(journeys)), np.diff(journeys.offsets))
    place = np.full(journeys.events, -1)
    if column is not None:
        place = np.array([order.index(name) if name in order else -1 for name in column.names])[column.codes]
    cells = []
    for row in rows:
        if row["stage"] not in order:
            continue
        s = order.index(row["stage"])
        onward = _onward(owner, place, s, len(journeys))
        n = int(row["journeys"])
        rate, low, high = (float(x) for x in shares(onward, n)) if n else (None, None, None)
        last = s == len(order) - 1
        cells.append(
            Cell(
                stage=row["stage"], journeys=n, n=len(journeys), share=row["share"], low=row["low"], high=row["high"],
                events=row["events"], median_us=row["median_us"], median_low_us=row["median_low_us"],
                median_high_us=row["median_high_us"], onward=onward, conversion=None if last else rate,
                conversion_low=None if last else low, conversion_high=None if last else high,
            )
        )  # fmt: skip
    return cells


def _onward(owner: Int, place: Any, s: int, n: int) -> int:
    """Journeys in which something of a later stage comes after the first touchpoint of stage s."""
    here, later = np.flatnonzero(place == s), np.flatnonzero(place > s)
    first = np.full(n, len(place), np.int64)
    first[owner[here[::-1]]] = here[::-1]  # the earliest is written last
    last = np.full(n, -1, np.int64)
    last[owner[later]] = later
    return int((last > first).sum())


def relevance(journeys: Journeys, mine: Bool) -> list[Relevance]:
    """The touchpoints of a persona, those that matter more to it than to others first.

    Lift is the share of its journeys over that of all others, with the interval of Katz; q by Benjamini and Hochberg.
    First come those that are surely above (by the lower end of the lift), then the rest by share.
    """
    inside, outside = journeys.select(mine), journeys.select(~mine)
    own = {row["touchpoint"]: row for row in reach(inside).rows()}
    rest = {row["touchpoint"]: row["journeys"] for row in reach(outside).rows()}
    n, m = len(inside), len(outside)
    rows = []
    tests = []
    for name, row in own.items():
        a, b = int(row["journeys"]), int(rest.get(name, 0))
        if a + b == 0:
            continue
        lift, low, high = (float(x) if np.isfinite(x) else None for x in ratio(a, n, b, m))
        p = compare(a, n, b, m)[0]
        tests.append(p)
        rows.append((name, a, row, b, lift, low, high, p))
    found = [
        Relevance(
            touchpoint=name, journeys=a, share=row["share"], low=row["low"], high=row["high"], others=b,
            others_share=b / m if m else None, lift=lift, lift_low=low, lift_high=high, p=p, q=q,
        )
        for (name, a, row, b, lift, low, high, p), q in zip(rows, adjusted(tests), strict=True)
    ]  # fmt: skip

    def order(one: Relevance) -> tuple[int, float, str]:
        surely = one.q is not None and one.q <= BELIEVED and (one.lift_low or 0) > 1
        return (0, -(one.lift_low or 0), one.touchpoint) if surely else (1, -(one.share or 0), one.touchpoint)

    return sorted(found, key=order)


def examples(mine: Journeys, goal: str | None, count: int = 3) -> list[Example]:
    """Representative journeys: real ones, nearest to the mean of all features; none of fewer than PEOPLE customers.

    The journey nearest to the mean is the medoid under squared distance: the one whose squared distances to all others
    add up to the least.
    """
    if len(mine) < PEOPLE:
        return []
    names = compared(names_of(mine, goal), channels=False)
    x, _ = scaled(names, measure(mine, needed(names), goal))
    z = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9)
    apart = np.sqrt((z**2).mean(axis=1))
    chosen = np.argsort(apart, kind="stable")[:count]
    return [Example(_steps(mine, int(i)), int(mine.offsets[i + 1] - mine.offsets[i]), float(apart[i])) for i in chosen]


def _steps(mine: Journeys, i: int) -> tuple[Step, ...]:
    first = int(mine.offsets[i])
    last = min(int(mine.offsets[i + 1]), first + LONGEST)
    columns = {name: mine.column(name) for name in ("channel", "stage") if name in mine.columns}
    told = {name: [column.names[c] for c in column.codes[first:last].tolist()] for name, column in columns.items()}
    start = int(mine.time_us[first])
    return tuple(
        Step(
            mine.touchpoints[int(mine.touchpoint[at])],
            told["channel"][at - first] if "channel" in told else None,
            told["stage"][at - first] if "stage" in told else None,
            int(mine.time_us[at]) - start,
        )
        for at in range(first, last)
    )


def membership(journeys: Journeys, id: str, where: str = "persona") -> Bool:
    """(n,) which journeys are of a persona's customers."""
    name = f"persona.{id}"
    if name not in journeys.attributes:
        known = [one.removeprefix("persona.") for one in journeys.attributes if one.startswith("persona.")]
        raise unknown(where, "persona with customers", id, known)
    column = journeys.attribute(name)
    inside: Bool = np.array([text == "yes" for text in column.names], bool)[column.codes]
    return inside
