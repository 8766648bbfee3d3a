"""Model: the structs of `journey-map/1`, the same for YAML, JSON and the schema."""

import re
from typing import Any, Final, Literal, get_args

import msgspec

from etappe.vocabulary import Atom, Contact, I18n, Medium

LaneType = Literal[
    "thoughts", "actions", "emotion", "arc", "metric", "channel", "pain", "gain", "need", "motivation", "goal",
    "opportunity", "evidence", "frontstage", "backstage", "support", "owner", "text", "image",
]  # fmt: skip
"""`need`, `motivation` and `goal` are ours: sources 002 and 003 ask for them at every touchpoint."""
Truth = Literal["zmot", "fmot", "smot", "umot", "other"]
Kind = Literal["as_is", "to_be", "template"]
Unit = Literal["journeys", "events", "percent", "days", "hours", "minutes", "seconds", "score", "nps", "money", "count"]
Status = Literal["idea", "planned", "running", "done", "dropped"]
"""How far an opportunity is."""
Basis = Literal["measured", "derived", "researched", "assumed"]

State = Literal["fresh", "stale", "few", "changed", "failed", "none", "held", "hidden"]
"""fresh · stale: the data end before the window · few: below min_n, hidden · changed: outside the interval held in the
file · failed: cannot be asked so · none: there is no such data yet · held: the number stands in the file · hidden: so
few people are behind it that a page that is passed on does not show it."""

SHOWN = frozenset(("fresh", "stale", "changed", "held"))
"""States in which a value may be seen."""

SCHEMA: Final = "journey-map/1"
BASES: Final[tuple[Basis, ...]] = get_args(Basis)


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a map; keys that stand at their default are not written."""


class Owner(_Part, frozen=True):
    """Who answers for a map: a department, and perhaps a person."""

    department: I18n = ""
    person: str = ""


class Population(_Part, frozen=True):
    """Whose journeys the map is about: a filter over events and customer attributes, or a segment."""

    event_filter: str | None = None
    segment: str | None = None


class Window(_Part, frozen=True, rename={"start": "from", "end": "to"}):
    """Which time the numbers are about: the last `rolling` of the data, or fixed days (the last one included)."""

    rolling: str | None = None
    start: str | None = None
    end: str | None = None
    timezone: str | None = None


class Touchpoint(_Part, frozen=True):
    """A contact on the map; medium and contact are the 2x2 category of source 004."""

    id: str
    title: I18n
    channel: str
    medium: Medium
    contact: Contact
    observe: Literal["event", "survey", "code", "call", "manual"] = "event"
    match: str | None = None
    """Which events are this contact; without it, events of this id or of the registry's names for it."""
    owner: I18n | None = None
    media: Literal["paid", "owned", "earned"] | None = None
    goal: I18n = ""
    """What this contact is for; source 002 asks for one at every touchpoint."""


class Step(_Part, frozen=True):
    """What happens at one point of the journey."""

    id: str
    title: I18n
    touchpoint: str | None = None
    kind: Literal["communication", "action"] = "communication"
    initiator: Literal["customer", "company", "partner", "third_party"] = "customer"
    receiver: str | None = None
    truth: Truth | None = None
    optional: bool = False
    duration_hint: str | None = None


class Stage(_Part, frozen=True):
    """A named part of the journey with its steps; `atoms` is its place in the crosswalk between templates."""

    id: str
    title: I18n
    text: I18n = ""
    goal_customer: I18n = ""
    goal_business: I18n = ""
    entry: str | None = None
    atoms: tuple[Atom, ...] = ()
    steps: tuple[Step, ...] = ()


class Lane(_Part, frozen=True):
    """A row of the map."""

    id: str
    type: LaneType
    title: I18n
    persona: str | None = None
    collapsed: bool = False
    to_be: bool = False
    """How it should be, not how it is: a curve is drawn dotted, and claims nothing."""


class Quote(_Part, frozen=True):
    """What somebody said, and where it was heard."""

    text: I18n
    source: str = ""


class Cell(_Part, frozen=True, rename={"start": "from", "end": "to"}):
    """What stands in a lane at a step, at a stage, or from one step to another."""

    lane: str
    step: str | None = None
    stage: str | None = None
    start: str | None = None
    end: str | None = None
    text: I18n = ""
    score: float | None = None
    arc: float | None = None
    severity: int | None = None
    quotes: tuple[Quote, ...] = ()
    image: str | None = None
    researched: tuple[str, ...] = ()
    """Studies that it rests on, by id, or in words."""
    validated: bool = False
    """A study has confirmed it."""
    evidence: str | tuple[str, ...] | None = None
    opportunity: str | None = None

    @property
    def refs(self) -> tuple[str, ...]:
        """The evidence of the cell, always as a tuple."""
        if self.evidence is None:
            return ()
        return (self.evidence,) if isinstance(self.evidence, str) else self.evidence


class Edge(_Part, frozen=True, rename={"start": "from", "end": "to"}):
    """A way from one step to another: the flow view of source 003."""

    start: str
    end: str
    label: I18n = ""
    kind: Literal["next", "branch", "loop", "drop"] = "next"
    condition: str | None = None


class Parameters(_Part, frozen=True, rename={"start": "from", "end": "to"}):
    """What a metric needs to know: steps or touchpoints of the map, a window, a stage."""

    touchpoint: str | None = None
    start: str | None = None
    end: str | None = None
    within: str | None = None
    agg: Literal["median", "mean", "p90"] | None = None
    stage: str | None = None
    model: str | None = None
    survey: str | None = None


class Pick(_Part, frozen=True):
    """Which number of an answer: a column, and the row by equal values or by a condition."""

    column: str
    where: dict[str, str | int | float] | str = ""


class Held(_Part, frozen=True):
    """A number as it was held in the file, so that a printed map can be reproduced."""

    value: float | None = None
    n: int | None = None
    ci: tuple[float, float] | None = None
    at: str | None = None
    query_hash: str | None = None
    data_until: str | None = None


class Evidence(_Part, frozen=True):
    """A number bound to cells: a metric of the published table, or a question in full with the value picked from it."""

    id: str
    title: I18n = ""
    metric: str | None = None
    parameters: Parameters | None = None
    question: dict[str, Any] | None = None
    value: Pick | float | None = None
    """Of a question: which number. Of the metric `manual`: the number itself."""
    n: int | None = None
    source: str = ""
    """Of the metric `manual`: where the number comes from."""
    filter: str | None = None
    segment: str | None = None
    window: Window | None = None
    unit: str | None = None
    better: Literal["up", "down"] | None = None
    target: float | None = None
    warn: float | None = None
    min_n: int = 30
    snapshot: Held | None = None


class Solution(_Part, frozen=True):
    """One way to use an opportunity."""

    title: I18n
    automation: str | None = None
    experiment: str | None = None
    ticket: str | None = None


class Opportunity(_Part, frozen=True):
    """Something to improve: what it addresses, how much it may bring and cost, and how far it is."""

    id: str
    title: I18n
    addresses: tuple[str, ...] = ()
    impact: int | None = None
    effort: int | None = None
    owner: I18n = ""
    status: Status = "idea"
    solutions: tuple[Solution, ...] = ()
    result: str | None = None
    """The evidence by which it is measured; without it, all that it addresses."""
    finding: I18n = ""
    """What was found, with its numbers, in the words of the day on which it was recorded."""
    started: str | None = None
    """The first day on which the change may have reached a customer."""
    finished: str | None = None
    """The first day from which on it reaches all that it is for."""


class Study(_Part, frozen=True):
    """What was asked of people or observed: a survey, interviews, a usability test."""

    id: str
    title: I18n
    kind: Literal["survey", "interview", "usability", "diary", "observation", "desk", "other"] = "other"
    date: str | None = None
    n: int | None = None
    """How many people took part."""
    notes: I18n = ""
    link: str = ""


class Review(_Part, frozen=True):
    """When the map is looked at again: by the calendar, and once its numbers have moved."""

    every: str | None = None
    """Such as 90d, counted from `last`."""
    last: str | None = None
    """The day on which somebody last went through the map."""
    drift: float = 0.2
    """The share of its held numbers that have left their interval, from which on the map asks for a review."""


class Note(_Part, frozen=True):
    """A remark at a step or lane."""

    id: str
    text: I18n
    step: str | None = None
    lane: str | None = None
    author: str = ""
    at: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where a part of a map stands: the file it came from, and the line of each path such as `cells[12]`."""

    where: str = "map"
    lines: dict[str, int] = {}
    ignored: tuple[tuple[str, str], ...] = ()
    """Unknown keys by path, with what to say about them."""
    misspelt: dict[str, str] = {}
    """Keys of the map that are nearly ones, and what is meant."""
    broken: frozenset[str] = frozenset()
    """Keys of the map that are not wholly known: what refers to them is not checked."""


class JourneyMap(_Part, frozen=True, dict=True):
    """A journey map: stages with steps from left to right, lanes from top to bottom, cells bound to evidence."""

    schema: Literal["journey-map/1"]
    id: str
    title: I18n
    language: str = "de"
    kind: Kind = "as_is"
    revision: int = 0
    basis: str | None = None
    """Always computed; a written one is ignored with a warning."""
    owner: Owner | None = None
    personas: tuple[str, ...] = ()
    scenario: I18n = ""
    expectation: I18n = ""
    population: Population | None = None
    window: Window | None = None
    touchpoints: tuple[Touchpoint, ...] = ()
    stages: tuple[Stage, ...] = ()
    lanes: tuple[Lane, ...] = ()
    cells: tuple[Cell, ...] = ()
    flow: tuple[Edge, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    opportunities: tuple[Opportunity, ...] = ()
    studies: tuple[Study, ...] = ()
    annotations: tuple[Note, ...] = ()
    review: Review | None = None
    parent: str | None = None
    children: tuple[str, ...] = ()

    def _repr_svg_(self) -> str:
        """The picture, in a notebook; its numbers are those held in the file."""
        from etappe.maps.evidence import bind

        return bind(self)._repr_svg_()

    @property
    def place(self) -> Place:
        """Where the map was read from; of a map made in Python, only its id."""
        found = self.__dict__.get("place_read")
        return found if isinstance(found, Place) else Place(f"map {self.id}")

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, from left to right."""
        return tuple(step for stage in self.stages for step in stage.steps)

    def columns(self) -> list[str]:
        """Keys of the columns as drawn: a step's id, or `stage:id` for a stage that has no step."""
        return [key for stage in self.stages for key in stage_columns(stage)]

    def span(self, cell: Cell) -> tuple[int, int] | None:
        """First column and number of columns of a cell; None where its place is unknown or runs backwards."""
        keys = self.columns()
        if cell.step is not None:
            first, last = cell.step, cell.step
        elif cell.stage is not None:
            inside = [key for stage in self.stages if stage.id == cell.stage for key in stage_columns(stage)]
            if not inside:
                return None
            first, last = inside[0], inside[-1]
        elif cell.start is not None and cell.end is not None:
            first, last = cell.start, cell.end
        else:
            return None
        if first not in keys or last not in keys or keys.index(last) < keys.index(first):
            return None
        return keys.index(first), keys.index(last) - keys.index(first) + 1


def stage_columns(stage: Stage) -> list[str]:
    """The columns of one stage: its steps, or one of its own where it has none."""
    return [step.id for step in stage.steps] or [f"stage:{stage.id}"]


def nearest_line(lines: dict[str, int], path: str) -> int | None:
    """The line of a path, or of the nearest part around it."""
    while path:
        if lines.get(path):
            return lines[path]
        path = re.sub(r"(\.[^.\[\]]+|\[[^\]]*\]|^[^.\[\]]+)$", "", path)
    return None
