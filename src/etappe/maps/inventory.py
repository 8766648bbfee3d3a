"""Inventory: every touchpoint that occurs in the data or stands in the registry, and what of the data that explains.

Unit of count: the journey for reach, friction and change; the event for `events`. Names in the data that mean the same
touchpoint count as one. A touchpoint is `measured` (known, and in the data), `discovered` (in the data, not known),
`dark` (known, in no data, and of a kind that no log holds: analogue or indirect) or `absent` (known, in no data).

Every number is the answer of a question in `etappe.analysis`; none is defined here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from re import fullmatch
from statistics import median
from typing import Final, Literal

import numpy as np

from etappe.analysis.answer import MIN_N
from etappe.analysis.ask import ask
from etappe.analysis.friction import Friction
from etappe.analysis.reach import Reach
from etappe.analysis.significance import difference
from etappe.arrays import code_type
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.maps.guessing import Guess, guesses
from etappe.maps.scores import scores_of
from etappe.vocabulary import Contact, Medium, Touchpoint, say

State = Literal["measured", "discovered", "dark", "absent"]
SUPPORT: Final = ("complaint", "customer_service_call", "digital_support")
"""Touchpoints of the registry at which people ask for help."""
APART: Final = 0.05
"""So far above the typical touchpoint a share of friction must lie to be a sign: five points."""
FEWEST: Final = 3
"""So many touchpoints must have enough journeys for a typical one to mean anything."""
UNKNOWN: Final = "?"


@dataclass(frozen=True)
class Share:
    """A share with its base and interval (95 %); None where there is none."""

    count: int
    n: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def few(self) -> bool:
        """Whether it rests on too few to be relied on."""
        return self.n < MIN_N


@dataclass(frozen=True)
class Change:
    """A share in the last period against that in the one before."""

    now: Share
    before: Share
    difference: float | None
    low: float | None
    high: float | None

    @property
    def direction(self) -> Literal["up", "down", "even", "few"]:
        """Whether it rose or fell; even where the interval holds zero, few where a base is too small."""
        if self.low is None or self.high is None or self.now.few or self.before.few:
            return "few"
        return "up" if self.low > 0 else "down" if self.high < 0 else "even"


@dataclass(frozen=True)
class Sign:
    """What stands out at a touchpoint: a share against that of the typical touchpoint, or a state."""

    kind: str
    share: Share | None = None
    typical: float | None = None


@dataclass(frozen=True)
class Period:
    """The last period and the one before, each so long: [start, middle) and [middle, end)."""

    start_us: int
    middle_us: int
    end_us: int
    days: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A touchpoint of the inventory."""

    id: str
    state: State
    touchpoint: Touchpoint | None
    names: tuple[str, ...]
    """Its names in the data."""
    stage: str | None
    """Of the model; None where it has none for the atom, or the touchpoint is not known."""
    reach: Share
    events: int
    friction: Mapping[str, Share]
    change: Change | None
    signs: tuple[Sign, ...]
    guess: Guess | None = None

    @property
    def key(self) -> str:
        """The id as it can stand in an address."""
        return self.id if fullmatch(r"[\w.-]+", self.id) else "~" + sha256(self.id.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Category:
    """A field of the 2x2 matrix of source 004: how many touchpoints, how many of them measured, and their reach."""

    medium: Medium
    contact: Contact
    touchpoints: int
    measured: int
    events: int
    reach: Share


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What the registry explains of the data, and what the data cannot show."""

    events: Share
    journeys: Share
    """Journeys of which every event is known."""
    digital: Share
    """Events at digital touchpoints, of all that are known: how far contacts are digitised."""
    categories: tuple[Category, ...]
    goalless: tuple[str, ...]
    """Known touchpoints in the data that have no goal."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Inventory:
    """All touchpoints, the widest reach first, those that are not in the data last."""

    entries: tuple[Entry, ...]
    coverage: Coverage
    model: str
    goals: tuple[str, ...]
    goal: str | None
    """The goal that most journeys reach; an exit is an end without it."""
    score: str | None
    """The column with what people say of their satisfaction."""
    low_score: float
    period: Period | None
    journeys: int
    events: int

    def __repr__(self) -> str:
        counts = Counter(entry.state for entry in self.entries)
        said = ", ".join(f"{count} {state}" for state, count in counts.items())
        return f"<Inventory: {said}; {self.events:,} events of {self.journeys:,} journeys>"

    def find(self, name: str) -> Entry | None:
        """A touchpoint by its id, its key, or one of its names in the data."""
        for entry in self.entries:
            if name in (entry.id, entry.key):
                return entry
        return next((entry for entry in self.entries if name in entry.names), None)


def renamed(journeys: Journeys, names: Sequence[str], note: str) -> Journeys:
    """Journeys whose touchpoints have other names, one for each old one; those of one name become one.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> renamed(journeys_of([0, 2], [0, 1], [0, 1], ["visit", "Visit"]), ["page", "page"], "").touchpoints
    ('page',)
    """
    labels = tuple(dict.fromkeys(names))
    at = {name: code for code, name in enumerate(labels)}
    table = np.asarray([at[name] for name in names], code_type(max(1, len(labels))))
    origin = replace(journeys.origin, filters=(*journeys.origin.filters, note))
    codes = table[journeys.touchpoint] if len(table) else journeys.touchpoint
    return replace(journeys, touchpoint=codes, touchpoints=labels, origin=origin)


def as_known(journeys: Journeys, registry: Registry) -> Journeys:
    """Journeys under the ids of the registry; what it does not know keeps its name."""
    found = [registry.find(name) for name in journeys.touchpoints]
    names = [name if known is None else known.id for name, known in zip(journeys.touchpoints, found, strict=True)]
    return renamed(journeys, names, f"by registry {registry.digest[:16]}")


def share_of(row: Mapping[str, object], count: str, n: int, value: str = "share") -> Share:
    """A share out of a row of an answer."""
    number, low, high = (None if row[k] is None else float(str(row[k])) for k in (value, "low", "high"))
    return Share(int(str(row[count])), n, number, low, high)


def reaches(journeys: Journeys) -> tuple[dict[str, Share], dict[str, int]]:
    """Reach and events of each touchpoint."""
    found = ask(journeys, Reach())
    rows = found.rows()
    return (
        {row["touchpoint"]: share_of(row, "journeys", found.n) for row in rows},
        {row["touchpoint"]: row["events"] for row in rows},
    )


def changes(journeys: Journeys, period: Period) -> dict[str, Change]:
    """Reach of each touchpoint in the last period against the one before."""
    before, _ = reaches(journeys.between(period.start_us, period.middle_us))
    now, _ = reaches(journeys.between(period.middle_us, period.end_us))
    return {name: change_of(now[name], before[name]) for name in now}


def change_of(now: Share, before: Share) -> Change:
    """Two shares against each other, as of independent samples."""
    apart, low, high = (float(x) for x in difference(now.count, now.n, before.count, before.n))
    if apart != apart:
        return Change(now, before, None, None, None)
    return Change(now, before, apart, low, high)


def frictions(journeys: Journeys, goal: str | None, score: str | None, low: float) -> dict[str, dict[str, Share]]:
    """The shares of each signal of friction at each touchpoint."""
    support = tuple(name for name in SUPPORT if name in journeys.touchpoints)
    asked = Friction(goal=goal, support=support, score=score, low_score=low)
    found: dict[str, dict[str, Share]] = {}
    for row in ask(journeys, asked).rows() if journeys.events else ():
        found.setdefault(row["touchpoint"], {})[row["signal"]] = share_of(row, "journeys", row["base"])
    return found


def typical(friction: Mapping[str, Mapping[str, Share]]) -> dict[str, float]:
    """For each signal the median of its share over the touchpoints with enough journeys."""
    held: dict[str, list[float]] = {}
    for shares in friction.values():
        for signal, share in shares.items():
            if not share.few and share.value is not None:
                held.setdefault(signal, []).append(share.value)
    return {signal: median(values) for signal, values in held.items() if len(values) >= FEWEST}


def inventory(
    journeys: Journeys,
    registry: Registry,
    *,
    model: str = "m4",
    goals: Sequence[str] = (),
    period: Period | None = None,
    everything: Journeys | None = None,
) -> Inventory:
    """All touchpoints with their reach, friction and change, what is not known, and what cannot be seen.

    Parameters
    ----------
    model : the stage model
    goals : touchpoints to be reached, by id or by a name in the data
    period : the last period and the one before, for the change; none: no change
    everything : the journeys of both periods where `journeys` hold one only

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> from etappe.journeys.stages import default_registry
    >>> shop = journeys_of([0, 3], [0, 1, 2], [0, 1, 0], ["kiosk", "visit"])
    >>> found = inventory(shop, default_registry())
    >>> [(entry.id, entry.state) for entry in found.entries][:2], found.coverage.events.value
    ([('kiosk', 'discovered'), ('page_view', 'measured')], 0.3333333333333333)
    """
    known = as_known(journeys, registry)
    stages = registry.model(model, "model")
    reach, events = reaches(known)
    wanted = tuple(name for name in known.touchpoints if name in _ids(goals, registry))
    goal = max(wanted, key=lambda name: (reach[name].count, name), default=None)
    score, low = scores_of(known)
    friction = frictions(known, goal, score, low)
    usual = typical(friction)
    moved = changes(as_known(everything or journeys, registry), period) if period else {}
    guessed = guesses(known, registry)
    by_id = {point.id: point for point in registry.touchpoints}
    shares = [share.value for share in reach.values() if share.count and share.value is not None]
    middle = median(shares) if len(shares) >= FEWEST else None

    def entry(id: str) -> Entry:
        point = by_id.get(id)
        names = tuple(name for name in journeys.touchpoints if (f := registry.find(name)) and f.id == id)
        state: State = "discovered" if point is None else "measured" if id in reach else _unseen(point)
        mine = reach.get(id, Share(0, len(known), 0.0 if len(known) else None, None, None))
        marks = friction.get(id, {})
        found = Entry(
            id=id, state=state, touchpoint=point, names=names or ((id,) if point is None else ()),
            stage=None if point is None else stages.atoms.get(point.atom), reach=mine, events=events.get(id, 0),
            friction=marks, change=moved.get(id), signs=(), guess=guessed.get(id),
        )  # fmt: skip
        return replace(found, signs=signs_of(found, usual, middle))

    every = [entry(id) for id in dict.fromkeys((*known.touchpoints, *by_id))]
    order = {"measured": 0, "discovered": 0, "dark": 1, "absent": 2}
    atoms = {id: i for i, id in enumerate(by_id)}
    every.sort(key=lambda e: (order[e.state], -e.reach.count, atoms.get(e.id, 0), e.id))
    return Inventory(
        entries=tuple(every),
        coverage=_coverage(known, every),
        model=model,
        goals=wanted,
        goal=goal,
        score=score,
        low_score=low,
        period=period,
        journeys=len(known),
        events=known.events,
    )


def _ids(names: Sequence[str], registry: Registry) -> set[str]:
    return {known.id if (known := registry.find(name)) else name for name in names}


def _unseen(point: Touchpoint) -> State:
    return "dark" if point.medium == "analog" or point.contact == "indirect" else "absent"


def signs_of(entry: Entry, usual: Mapping[str, float], middle: float | None) -> tuple[Sign, ...]:
    """What stands out at a touchpoint; of shares only where enough journeys and the whole interval say so."""
    found: list[Sign] = []
    if entry.state == "discovered":
        found.append(Sign("unknown"))
    elif entry.state == "dark":
        found.append(Sign("dark"))
    point = entry.touchpoint
    if point is not None and entry.state == "measured":
        if not say(point.goal, "en").strip():
            found.append(Sign("no-goal"))
        if point.contact == "indirect":
            found.append(Sign("indirect"))
    for signal, share in entry.friction.items():
        at = usual.get(signal)
        if at is None or share.few or share.low is None or share.value is None:
            continue
        if share.low > at and share.value >= at + APART:
            found.append(Sign(signal, share, at))
    high = None if entry.reach.few or entry.state != "measured" else entry.reach.high
    if high is not None and middle is not None and high < middle:
        found.append(Sign("narrow", entry.reach, middle))
    if entry.change is not None and entry.change.direction == "down":
        found.append(Sign("falling", entry.change.now, entry.change.before.value))
    return tuple(found)


def _coverage(known: Journeys, entries: Sequence[Entry]) -> Coverage:
    points = {entry.id: entry.touchpoint for entry in entries}
    names = [f"{p.medium} {p.contact}" if (p := points.get(name)) else UNKNOWN for name in known.touchpoints]
    fields, counts = reaches(renamed(known, names, "by category"))
    strange = fields.get(UNKNOWN)
    wholly = len(known) - (strange.count if strange else 0)
    explained = known.events - counts.get(UNKNOWN, 0)
    digital = sum(count for name, count in counts.items() if name.startswith("digital"))
    nothing = Share(0, len(known), 0.0 if len(known) else None, None, None)

    def category(medium: Medium, contact: Contact) -> Category:
        mine = [e for e in entries if e.touchpoint and (e.touchpoint.medium, e.touchpoint.contact) == (medium, contact)]
        name = f"{medium} {contact}"
        seen = sum(e.events > 0 for e in mine)
        return Category(medium, contact, len(mine), seen, counts.get(name, 0), fields.get(name, nothing))

    kinds: tuple[tuple[Medium, Contact], ...] = (
        ("analog", "direct"), ("analog", "indirect"), ("digital", "direct"), ("digital", "indirect"),
    )  # fmt: skip
    return Coverage(
        events=plain_share(explained, known.events),
        journeys=plain_share(wholly, len(known)),
        digital=plain_share(digital, explained),
        categories=tuple(category(medium, contact) for medium, contact in kinds),
        goalless=tuple(e.id for e in entries if any(sign.kind == "no-goal" for sign in e.signs)),
    )


def plain_share(count: int, n: int) -> Share:
    """A share of a whole that is counted in full: it has no interval."""
    return Share(count, n, count / n if n else None, None, None)
