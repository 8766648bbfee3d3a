"""Outcomes: a figure for each of the five benefits that work on journeys is to have (source 000), and how it moves.

The benefits: customers' needs are understood, marketing is used well, more journeys reach their goal, customers come
back, and what is spent pays. A workspace's board names the figure of each; where it names none, one is proposed from
what the data hold. Periods are whole weeks; the last one ends as late as the data still follow what began in it for as
long as the figure asks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite
from typing import Any, Final, Literal, get_args

import msgspec

from etappe.analysis.reach import reach
from etappe.documents import load
from etappe.errors import BadDocument
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.maps.binder import Binder, both
from etappe.maps.bound import SHOWN, Bound, BoundMap
from etappe.maps.check import check
from etappe.maps.evidence import bind_one
from etappe.maps.metrics import METRICS, base_name
from etappe.maps.model import BASES, Evidence, JourneyMap, Parameters, Pick
from etappe.maps.periods import WEEK, Measured, Period, Verdict, covered, difference, follow_up, verdict
from etappe.maps.scores import column_of
from etappe.vocabulary import I18n, say

Benefit = Literal["needs", "marketing", "conversion", "retention", "roi"]
BENEFITS: Final[tuple[Benefit, ...]] = get_args(Benefit)
DAYS: Final = 28
LONGEST: Final = 364
BACK: Final = 6
"""So many periods are shown, the newest last."""
EARLY: Final = ("aware", "research", "compare", "decide")
"""What comes before a goal."""
SOON: Final = "14d"
"""Within so long a purchase counts for a contact; a period ends so long before the data, so that all have as long."""


class Chosen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a workspace has decided about one benefit."""

    evidence: Evidence | None = None
    """The figure, as in a map; without it the one that is proposed."""
    target: float | None = None
    """What it shall come to, in its unit."""


class Board(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The board of a workspace; every part may be left out."""

    schema: Literal["outcomes/1"] = "outcomes/1"
    needs: Chosen | None = None
    marketing: Chosen | None = None
    conversion: Chosen | None = None
    retention: Chosen | None = None
    roi: Chosen | None = None
    costs: float | None = None
    """What marketing costs in 28 days, in whole units of the data's currency."""

    def of(self, benefit: Benefit) -> Chosen:
        """What is decided about a benefit."""
        found: Chosen | None = getattr(self, benefit)
        return found or Chosen()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One benefit: its figure now and before, and the change with its interval."""

    benefit: Benefit
    label: I18n
    """The name of the figure."""
    source: Literal["chosen", "proposed", "missing"]
    now: Bound
    first: date | None = None
    last: date | None = None
    """First and last day of the period, both included."""
    before: Bound | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict | None = None
    target: float | None = None
    reached: bool | None = None
    periods: tuple[Period, ...] = ()
    """The periods that the data cover, the newest last."""


def read_board(text: str, where: str = "outcomes") -> Board:
    """A board from YAML or JSON.

    Raises
    ------
    BadDocument
        It cannot be read, or a figure in it cannot be asked; the message has its place.

    Examples
    --------
    >>> read_board("schema: outcomes/1\\nconversion: {target: 12}").conversion.target
    12.0
    """
    values = load(text, where)
    try:
        found = msgspec.convert(values, Board)
    except msgspec.ValidationError as error:
        hint = "A board has needs, marketing, conversion, retention, roi (each evidence and target) and costs."
        raise BadDocument(where, f"{str(error).lower()}.", hint) from None
    for benefit in BENEFITS:
        target = found.of(benefit).target
        if target is not None and not isfinite(target):
            raise BadDocument(f"{where}: {benefit}.target", f"{target} is no number.", "Write one, or leave it out.")
    if found.costs is not None and not (found.costs > 0 and isfinite(found.costs)):
        raise BadDocument(
            f"{where}: costs", f"{found.costs:g} is not above zero.", "Leave them out, or say what it is."
        )
    for benefit in BENEFITS:
        e = found.of(benefit).evidence
        alone = JourneyMap(schema="journey-map/1", id="outcomes", title="", evidence=(e,) if e else ())
        faults = [f for f in check(alone) if f.level == "error" and f.place.startswith("evidence")]
        if faults:
            place = faults[0].place.replace("evidence[0]", f"{benefit}.evidence")
            raise BadDocument(f"{where}: {place}", faults[0].what, faults[0].hint)
    return found


def proposals(
    journeys: Journeys, registry: Registry | None, goals: Sequence[str], costs: float | None = None
) -> Mapping[Benefit, tuple[Evidence, ...]]:
    """Figures that the data can give for each benefit, the best one first; `costs` of marketing in the period."""
    counts = {row["touchpoint"]: row["journeys"] for row in reach(journeys).rows() if row["journeys"]}
    goal = max((name for name in goals if name in counts), key=lambda name: counts[name], default=None)
    known = {name: registry.find(name) if registry else None for name in counts}
    point = known.get(goal) if goal else None
    title: I18n = point.title if point else goal or ""
    sent = [name for name, point in known.items() if point is not None and say(point.owner, "en") == "Marketing"]
    sent = [name for name in sent if name != goal]
    needs = [_metric(f"survey.{name}", "up") for name in ("nps", "csat", "ces") if column_of(journeys, name, None)]
    if goal is None:
        return {"needs": tuple(needs), "marketing": (), "conversion": (), "retention": (), "roi": ()}
    others = [
        name for name, point in known.items() if point is not None and point.atom in EARLY and name not in (goal, *sent)
    ]
    conversion = (
        [_funnel("others", " | ".join(others), goal, both("outcome.figure.others", goal=title))] if others else []
    )
    conversion.append(
        Evidence(
            id="reach", title=both("outcome.figure.reach", goal=title), better="up",
            question={"question": "reach", "touchpoints": [goal]},
            value=Pick(column="share", where={"touchpoint": goal}),
        )
    )  # fmt: skip
    marketing = (
        [_funnel("contacted", " | ".join(sent), goal, both("outcome.figure.contacted", goal=title))] if sent else []
    )
    credit = {"question": "attribution", "goal": goal, "by": "owner", "window": "28d", "bootstrap": 200}
    owners = [name for name in _owners(journeys) if name.casefold() == "marketing"] if sent else []
    roi = []
    for owner in owners:
        row: dict[str, str | int | float] = {"owner": owner}
        marketing.append(
            Evidence(
                id="credit", title=both("outcome.figure.credit", goal=title), better="up",
                question=credit, value=Pick(column="share", where=row),
            )
        )  # fmt: skip
        if costs is not None:
            asked = {**credit, "costs": [f"{owner}={costs:g}"]}
            roi.append(
                Evidence(
                    id="roi", title=both("outcome.figure.roi"), better="up", question=asked,
                    value=Pick(column="roi", where=row),
                )
            )  # fmt: skip
    roi.append(_metric("revenue.per_journey", "up"))
    return {
        "needs": tuple(needs), "marketing": tuple(marketing), "conversion": tuple(conversion),
        "retention": (_again(goal, title),), "roi": tuple(roi),
    }  # fmt: skip


def _owners(journeys: Journeys) -> list[str]:
    return [name for name in journeys.column("owner").names if name] if "owner" in journeys.columns else []


def _metric(name: str, better: Any) -> Evidence:
    return Evidence(id=name.replace(".", "-").replace("_", "-"), metric=name, better=better)


def _again(goal: str, title: I18n) -> Evidence:
    return Evidence(
        id="again", title=both("outcome.figure.again", goal=title), metric="journey.repeat_rate", better="up",
        parameters=Parameters(touchpoint=goal, within=SOON),
    )  # fmt: skip


def _funnel(id: str, start: str, goal: str, title: I18n) -> Evidence:
    return Evidence(
        id=id, title=title, better="up", value=Pick(column="step_conversion", where={"step": goal}),
        question={"question": "funnel", "steps": [start, goal], "within": SOON},
    )  # fmt: skip


def outcomes(
    board: Board,
    journeys: Journeys,
    registry: Registry | None,
    goals: Sequence[str],
    maps: Callable[[], Iterable[BoundMap]] = tuple,
    now_us: int = 0,
    days: int = DAYS,
) -> tuple[Outcome, ...]:
    """The five benefits, each with its figure.

    Parameters
    ----------
    goals : the touchpoints that are goals, by their names in the data
    maps : gives the workspace's maps: how much of what they say of customers' needs is known, where no survey tells
    days : the length of a period, whole weeks, at most a year

    Raises
    ------
    BadDocument
        `days` is no whole number of weeks, or more than 52 weeks.
    """
    if not WEEK <= days <= LONGEST or days % WEEK:
        raise BadDocument("days", f"{days} is no whole number of weeks up to 52.", "Write 7, 28 or 84.")
    costs = board.costs * days / DAYS if board.costs is not None else None
    proposed = proposals(journeys, registry, goals, costs)
    binder = Binder(JourneyMap(schema="journey-map/1", id="outcomes", title=""), journeys, registry, now_us)
    found = []
    for benefit in BENEFITS:
        chosen = board.of(benefit)
        own = _with_costs(chosen.evidence, costs) if chosen.evidence else None
        e = own or next(iter(proposed[benefit]), None)
        if e is not None:
            plain = msgspec.structs.replace(e, target=None, snapshot=None)
            one = _outcome(benefit, plain, binder, days)
        else:
            one = _known(tuple(maps())) if benefit == "needs" else _missing(benefit)
        source = "missing" if one.now.state == "none" and e is None else "chosen" if own else "proposed"
        found.append(_aimed(one, chosen.target, e, source))
    return tuple(found)


def _with_costs(e: Evidence, costs: float | None) -> Evidence | None:
    """A return that was chosen is about the costs of now, and of as many days as are asked; None: there are none."""
    question = e.question or {}
    if not question.get("costs") or not isinstance(e.value, Pick) or isinstance(e.value.where, str):
        return e
    if costs is None:
        return None
    owner = e.value.where.get("owner")
    return msgspec.structs.replace(e, question={**question, "costs": [f"{owner}={costs:g}"]})


def _aimed(one: Outcome, target: float | None, e: Evidence | None, source: Any) -> Outcome:
    down = e is not None and e.better == "down"
    value = one.now.value if one.now.state in SHOWN else None
    reached = None if target is None or value is None else (value <= target if down else value >= target)
    return Outcome(**{**vars(one), "target": target, "reached": reached, "source": source})


def _missing(benefit: Benefit) -> Outcome:
    now = Bound(id=benefit, state="none", unit="count", label="", sentence="", why=both(f"outcome.missing.{benefit}"))
    return Outcome(benefit=benefit, label=both(f"outcome.figure.none.{benefit}"), source="missing", now=now)


def _known(maps: tuple[BoundMap, ...]) -> Outcome:
    """Of what the maps claim about customers, how much rests on data or on research."""
    claims = [cell.basis for bound in maps for cell in bound.cells if cell.basis is not None]
    if not claims:
        return _missing("needs")
    sure = sum(basis != BASES[-1] for basis in claims)
    now = Bound(
        id="needs", state="fresh", unit="percent", label=both("outcome.figure.known"), value=100 * sure / len(claims),
        n=len(claims), sentence=both("outcome.how.known", sure=sure, n=len(claims)),
    )  # fmt: skip
    return Outcome(benefit="needs", label=now.label, source="proposed", now=now)


def _outcome(benefit: Benefit, e: Evidence, binder: Binder, days: int) -> Outcome:
    first, last = covered(binder, e)
    if first is None or last is None:
        return _missing(benefit)
    last -= follow_up(e)
    if e.metric is not None and METRICS[base_name(e.metric)].needs == "hand":
        now = bind_one(e, binder)
        return Outcome(benefit=benefit, label=now.label, source="proposed", now=now)
    measured, step = Measured(e, binder, days), timedelta(days=days)
    starts = [last - step * (k + 1) + timedelta(days=1) for k in range(BACK)]
    if starts[0] < first:
        now = Bound(
            id=e.id, state="none", unit="count", label=e.title, sentence="", why=both("outcome.short", days=days)
        )
        return Outcome(benefit=benefit, label=bind_one(e, None).label, source="proposed", now=now)
    newest = measured.of(starts[0], "after")
    unit = newest.bound.unit
    earlier = [measured.of(start, "before", unit) for start in starts[1:] if start >= first]
    before = earlier[0].bound if earlier and earlier[0].bound.state in SHOWN else None
    change = low = high = judged = None
    if before is not None and newest.bound.state in SHOWN:
        change, low, high = difference(before, newest.bound)
        judged = verdict(e, low, high)
    return Outcome(
        benefit=benefit, label=newest.bound.label, source="proposed", now=newest.bound, first=newest.first,
        last=newest.last, before=before, change=change, low=low, high=high, verdict=judged,
        periods=(*reversed(earlier), newest),
    )  # fmt: skip
