"""Conformance: planned against measured: which journeys follow a plan, and where the others deviate from it.

Unit of count: the journey; `events` counts how often. A journey is aligned with the plan (plan.py has its language) on
the way that leaves out and adds the fewest steps: each step left out costs 1, each touchpoint that does not fit costs
1. Fitness is 1 - cost / (touchpoints that count + the fewest touchpoints that follow the plan): 1 where all fits.

Deviations: `skipped`, a step the plan asks for; `extra`, a touchpoint where the plan has none; `out_of_order`, a step
that is not at its place but at another one (one deviation, of two touchpoints: `step` came before `other`);
`late`, more than the step's limit since the step before it, where one was left out with its limit added;
`other_channel`, `other` is the one it was. Being late or elsewhere costs no fitness.

Journeys without a touchpoint of the plan are not judged. A journey is `open`, shown apart from skipped, while its next
step may still come: the time since its last step is within the limit of the next one, or within `wait` where that one
has none. It counts for the deviations that it has already, not for fitness. Touchpoints that the plan does not name are
ignored, or extras, as `others` says. A plan that is followed again and again is asked of split journeys.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, ClassVar, Final, Literal

import msgspec
import numpy as np
import pyarrow as pa

from etappe.analysis.alignment import ALL, EVENTS, FINISHED, FITNESS, HIGH, JOURNEYS, LOW, ONE, SUMS
from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution
from etappe.analysis.conformance_count import OF_STEP, WHERE, Keys, Label, keys_of, partial_of, plan_of, run
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import Z, or_none, shares
from etappe.analysis.kernel import WORD
from etappe.analysis.partials import Base, Partial, base_of, merged, tallied
from etappe.analysis.plan import Plan, ways_of
from etappe.analysis.table import arrow_table
from etappe.arrays import Int
from etappe.errors import unknown
from etappe.journeys.columns import Journeys

LISTED: Final = ("fits",)
NEEDS: Final = ("value", "currency")
DEVIATIONS: Final = ("skipped", "extra", "out_of_order", "late", "other_channel")
SHOWN: Final = ("all", "as_planned", *DEVIATIONS, "open")
TENTHS: Final = 10


class Conformance(Question, frozen=True, kw_only=True):
    """Which journeys follow a plan, and where the others deviate from it."""

    label: ClassVar[str] = "step"
    plan: str
    """Such as "visit -> cart? -> order within 7d via [web app] -> (parcel->review|pickup)"."""
    others: Literal["ignore", "extra"] = "ignore"
    """What touchpoints are that the plan does not name: nothing, or extras."""
    wait: str | None = None
    """How long a next step without a limit may still come; none: it is skipped at once."""
    channel: str = "channel"
    """The column that holds the channel."""
    places: bool = False
    """Tell extras apart by the step after which they came."""


def needs(question: Conformance) -> tuple[str, ...]:
    """The columns that it reads beside the touchpoints."""
    return (question.channel,)


def partial(journeys: Journeys, question: Conformance) -> Partial:
    """What some journeys contribute: sums for each deviation, and how many have which cost and length."""
    return partial_of(journeys, question)


class Fitness(msgspec.Struct, frozen=True):
    """How well finished journeys follow a plan."""

    journeys: int
    mean: float | None
    low: float | None
    high: float | None
    """The 95 % interval of the mean, by its standard error."""
    median: float | None
    tenths: tuple[int, ...]
    """Journeys with a fitness below 0.1, below 0.2, ... and up to 1."""
    perfect: int
    """Those with a fitness of 1."""


def fitness_of(whole: Partial, plan: Plan) -> Fitness:
    """The distribution of fitness in a partial."""
    return _fitness(tallied(whole["fits"], 2), int(ways_of(plan).rest[0]))


def _fitness(rows: Int, shortest: int) -> Fitness:
    """From rows of cost, length and how many journeys have them."""
    tenths = [0] * TENTHS
    n = int(rows[:, 2].sum()) if len(rows) else 0
    if n == 0:
        return Fitness(0, None, None, None, None, tuple(tenths), 0)
    base = rows[:, 1] + shortest
    values = (base - rows[:, 0]) / base
    order = np.lexsort((base, values))
    values, counts = values[order], rows[order, 2]
    mean = float((values * counts).sum() / n)
    spread = float(((values - mean) ** 2 * counts).sum() / max(1, n - 1))
    half = Z * sqrt(spread / n)
    ends = np.cumsum(counts)
    middle = [float(values[np.searchsorted(ends, rank, side="right")]) for rank in ((n - 1) // 2, n // 2)]
    places = np.minimum((base - rows[:, 0]) * TENTHS // base, TENTHS - 1)
    np.add.at(held := np.zeros(TENTHS, np.int64), places, rows[:, 2])
    known = n > 1
    return Fitness(
        n,
        mean,
        max(0.0, mean - half) if known else None,
        min(1.0, mean + half) if known else None,
        sum(middle) / 2,
        tuple(held.tolist()),
        int(rows[rows[:, 0] == 0, 2].sum()),
    )


def fitness(journeys: Journeys, question: Conformance) -> Fitness:
    """The distribution of fitness over finished journeys.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> round(fitness(shop, Conformance(plan="visit->order")).mean, 3)
    0.833
    """
    return fitness_of(partial(journeys, question), plan_of(journeys.touchpoints, question))


def rows_of(whole: Partial, keys: Keys) -> list[tuple[Label, Int]]:
    """Every label with its sums."""
    found = list(zip(keys.labels(), whole["keys"], strict=True))
    for name, strange in sorted((name, array) for name, array in whole.items() if name.startswith("channel ")):
        used = name.partition(" ")[2]
        for number, (step, sums) in enumerate(zip(keys.plan.names, strange, strict=True), start=1):
            found.append((Label("other_channel", step, used, number), sums))
    return found


def total(partials: Sequence[Partial], question: Conformance, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    whole = merged(partials, LISTED)
    keys = keys_of(base.touchpoints, question)
    spread = fitness_of(whole, keys.plan)
    judged, finished = int(whole["keys"][ALL, JOURNEYS]), spread.journeys
    found = [(label, sums) for label, sums in rows_of(whole, keys) if label.deviation in SHOWN]
    found = [one for one in found if one[0].deviation in SHOWN[:2] or one[1][JOURNEYS]]
    order = {"all": 0, "as_planned": 1, "open": 3}
    found.sort(key=lambda one: (order.get(one[0].deviation, 2), -one[1][JOURNEYS], *_alphabetical(one[0])))
    labels, sums = [label for label, _ in found], np.array([sums for _, sums in found]).reshape(-1, SUMS)
    bases = [finished if label.deviation == "as_planned" else judged for label in labels]
    share, low, high = shares(sums[:, JOURNEYS], bases)
    money = {name.partition(" ")[2]: int(counts[0]) for name, counts in whole.items() if name.startswith("currency ")}
    said: tuple[Caution, ...] = ()
    if len(money) > 1:
        said = (caution("values-not-added", currencies=", ".join(sorted(name or "?" for name in money))),)
    valued = len(money) == 1
    worth = [(int(one[HIGH]) << WORD) + int(one[LOW]) if valued else None for one in sums]
    columns: dict[str, Any] = {
        "deviation": [label.deviation for label in labels],
        "step": [label.step for label in labels],
        "position": [label.position for label in labels],
        "other": [label.other for label in labels],
        "journeys": sums[:, JOURNEYS],
        "base": np.array(bases, np.int64),
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "events": sums[:, EVENTS],
        "fitness": [one[FITNESS] / one[FINISHED] / ONE if one[FINISHED] else None for one in sums],
        "value": worth,
        "currency": [(next(iter(money)) or None) if valued else None] * len(labels),
    }
    columns["fitness"][0] = spread.mean
    columns["median_fitness"] = [spread.median, *[None] * (len(labels) - 1)]
    held = {label.deviation: int(one[JOURNEYS]) for label, one in found[:2]}
    denominators = {
        "journeys": base.journeys,
        "judged": judged,
        "finished": finished,
        "open": judged - finished,
        "fitting": spread.perfect,
        "as_planned": held["as_planned"],
        "outside": base.journeys - judged,
    }
    return Finding(columns, denominators, (judged, finished), said)


def _alphabetical(label: Label) -> tuple[int, int, str, str]:
    """The order of labels with as many journeys."""
    return (
        DEVIATIONS.index(label.deviation) if label.deviation in DEVIATIONS else 0,
        label.position or 0,
        (label.step or ""),
        label.other or "",
    )


def find(journeys: Journeys, question: Conformance) -> Finding:
    """Count in one group of journeys."""
    return total([partial(journeys, question)], question, base_of(journeys))


def who(journeys: Journeys, question: Conformance, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys behind a row; also of "fitting" (cost 0), and of a step what OF_STEP has."""
    kinds = (*SHOWN, "fitting", *OF_STEP)
    if row.get("deviation") not in kinds:
        raise unknown(f"{WHERE}: row", "deviation", str(row.get("deviation")), kinds)
    wanted = Label(row["deviation"], row.get("step"), row.get("other"))
    if wanted.deviation == "extra":
        journeys.code(str(wanted.step), f"{WHERE}: row")
    elif wanted.deviation in (*DEVIATIONS, *OF_STEP):
        steps = plan_of(journeys.touchpoints, question).names
        if wanted.step not in steps:
            raise unknown(f"{WHERE}: row", "step", str(wanted.step), steps)

    def held(some: Journeys) -> Int:
        return np.flatnonzero(run(some, question, wanted=wanted, value=False).member)

    return within_group(journeys, question.by, row, WHERE, held)


def deviations(journeys: Journeys, question: Conformance) -> pa.Table:
    """Every deviation of every journey: journey (its position), subject, deviation, step, other, time_us, fitness.

    Steps that were skipped have no time. Also a row `open` for a journey that goes on.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [1, 0, 0], ["visit", "order"])
    >>> [(row["journey"], row["deviation"], row["step"], row["other"])
    ...     for row in deviations(shop, Conformance(plan="visit->order")).to_pylist()]
    [(0, 'out_of_order', 'order', 'visit'), (1, 'skipped', 'order', None)]
    """
    done = run(journeys, question, records=True, value=False)
    labels = {int(key): done.keys.label(int(key)) for key in np.unique(done.records[:, 1])}
    told = [key for key, label in labels.items() if label.deviation in (*DEVIATIONS, "open")]
    rows = done.records[np.isin(done.records[:, 1], told)]
    named = [labels[key] for key in rows[:, 1].tolist()]
    each = done.fitness()[rows[:, 0]]
    times = [int(journeys.time_us[t]) if t >= 0 else None for t in rows[:, 2].tolist()]
    return arrow_table({
        "journey": rows[:, 0],
        "subject": journeys.subject[rows[:, 0]],
        "deviation": [label.deviation for label in named],
        "step": [label.step for label in named],
        "other": [label.other for label in named],
        "time_us": times,
        "fitness": or_none(each),
    })  # fmt: skip


def conformance(
    journeys: Journeys, plan: str, *, others: Literal["ignore", "extra"] = "ignore", wait: str | None = None,
    channel: str = "channel", places: bool = False, by: str | None = None,
) -> Answer:  # fmt: skip
    """Which journeys follow a plan, and where the others deviate from it.

    Parameters
    ----------
    plan : steps joined by `->`: a name, 'a quoted name', `[a b]` or `(a|b)` any of several, `(a->b|c)` one of several
        ways; after any of them `?` (may be left out), `+` (again and again) or `*` (both); after a step `within 7d`,
        the longest time since the step before it, and `via web` or `via [web app]`, its channels; what else can be said
        stands in docs/analyses.md
    others : touchpoints that the plan does not name are ignored, or extras
    wait : how long a next step without a limit of its own may still come, before it counts as skipped
    channel : the column that holds the channel
    places : tell extras apart by the step after which they came (`other`)
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        First `all` (the journeys that are judged) and `as_planned` (finished without any deviation), then a row for
        each deviation, the most frequent first, then those that are open, by the next step. deviation; step, its
        position in the plan, and other, the step or channel; journeys; base, of so many (all that are judged; for
        as_planned all that are finished); share with low and high (Wilson, 95 %); events, how often; fitness, the mean
        of its finished journeys, exact to 1e-11, and median_fitness of all; value of all touchpoints of its journeys in
        1/10,000, and the currency. Denominators also tell how many are fitting (nothing skipped, extra or out of
        order), open, and outside: without a touchpoint of the plan.

    Raises
    ------
    BadQuestion, UnknownName, BadDuration
        The plan cannot be read; the message points to the position.

    References
    ----------
    van der Aalst, Adriansyah and van Dongen 2012, WIREs Data Mining and Knowledge Discovery 2 (2), p. 182: alignments
    and their fitness, as in PM4Py.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 3, 5], [0, 4, 9, 1, 2], [0, 1, 2, 1, 0], ["visit", "cart", "order"])
    >>> for row in conformance(shop, "visit -> cart -> order").rows():
    ...     print(row["deviation"], row["step"], row["other"], row["journeys"])
    all None None 2
    as_planned None None 1
    skipped order None 1
    out_of_order cart visit 1
    """
    question = Conformance(plan=plan, others=others, wait=wait, channel=channel, places=places, by=by)
    return answer(journeys, question, find)
