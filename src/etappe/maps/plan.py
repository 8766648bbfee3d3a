"""Plan: a journey map as a plan that journeys are held against; what cannot be said as one is told in a sentence.

The steps of the map in their order, each by its touchpoint: `optional` steps may be left out, `duration_hint` is the
longest time since the step before, the touchpoint's channel is asked for where the data know it. Without a `flow` each
step follows the one before; a flow says which may follow which, an edge back (or a `loop`) that it begins again there.
A flow of loops and branches alone adds to the order. Steps that cannot be counted are passed over.
"""

from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from etappe.analysis.conformance import Conformance
from etappe.analysis.plan import quoted
from etappe.errors import BadQuestion
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.maps.binder import Binder, both
from etappe.maps.model import JourneyMap, Step
from etappe.maps.seen import Seen
from etappe.units import duration_text, duration_us
from etappe.vocabulary import I18n


class MapPlan(msgspec.Struct, frozen=True):
    """The plan of a map."""

    text: str
    steps: tuple[Step, ...]
    """The steps of the map that are the steps of the plan, in the same order."""
    said: tuple[I18n, ...]
    """What the map says and the plan cannot, a sentence each."""


def plan_of(document: JourneyMap, seen: Seen, *, repeats: bool = False) -> MapPlan:
    """A map as a plan over the touchpoints that it sees; with `repeats` each step may be done several times in a row.

    Raises
    ------
    BadQuestion
        No step of the map can be counted.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> from etappe.maps.draft import draft
    >>> from etappe.maps.seen import see
    >>> shop = journeys_of([0, 3, 4], [0, 5, 6, 1], [0, 1, 0, 0], ["visit", "order"])
    >>> made = draft(shop).map
    >>> plan_of(made, see(made, shop)).text
    'visit -> order'
    """
    said: list[I18n] = []
    points = {point.id: point for point in document.touchpoints}
    known = {id for id, of in seen.names.items() if of}
    counted = []
    for step in document.steps:
        point = points.get(step.touchpoint or "")
        if point is None:
            said.append(both("map.plan.no_touchpoint", step=step.title))
        elif point.id in seen.problems:
            said.append(both("map.plan.not_asked", step=step.title, why=seen.problems[point.id]))
        elif point.id not in known:
            said.append(both("map.plan.unseen", step=step.title, touchpoint=point.title))
        else:
            counted.append(step)
    edges = _edges(document, said)
    ways = _Ways(document, edges, {step.id for step in counted})
    steps = [step for step in counted if ways.reached(step.id)]
    said += [both("map.plan.no_way", step=step.title) for step in counted if step not in steps]
    if not steps:
        where = f"map {document.id}"
        raise BadQuestion(where, "no step of it can be counted.", "Give steps touchpoints that the data hold.")
    channels = _channels(seen)
    texts, unknown_channels = [], set()
    for step in steps:
        text = quoted(str(step.touchpoint))
        if step.duration_hint:
            text += f" within {duration_text(duration_us(step.duration_hint, f'step {step.id}: duration_hint'))}"
        channel = points[str(step.touchpoint)].channel
        if channel in channels:
            text += f" via {quoted(channel)}"
        elif channels and channel:
            unknown_channels.add(channel)
        texts.append(text)
    if unknown_channels:
        said.append(both("map.plan.channels", channels=", ".join(sorted(unknown_channels))))
    return MapPlan(_text(steps, texts, ways, repeats), tuple(steps), tuple(said))


def _edges(document: JourneyMap, said: list[I18n]) -> set[tuple[str, str]]:
    """Which step may follow which."""
    ids = [step.id for step in document.steps]
    titles = {step.id: step.title for step in document.steps}
    flow = [edge for edge in document.flow if edge.start in titles and edge.end in titles]
    found = {(edge.start, edge.end) for edge in flow if edge.kind != "drop"}
    if not any(edge.kind == "next" for edge in flow):
        found |= set(pairwise(ids))
    for edge in flow:
        if edge.kind == "drop":
            said.append(both("map.plan.drop", start=titles[edge.start], end=titles[edge.end]))
        elif edge.condition:
            said.append(both("map.plan.condition", start=titles[edge.start], end=titles[edge.end]))
    return found


class _Ways:
    """The ways between the steps of a map that can be counted; all others, and optional ones, are passed over."""

    def __init__(self, document: JourneyMap, edges: set[tuple[str, str]], counted: set[str]) -> None:
        self.ids = [step.id for step in document.steps]
        place = {id: i for i, id in enumerate(self.ids)}
        self.passed = {step.id for step in document.steps if step.optional or step.id not in counted}
        self.next: dict[str, list[str]] = {id: [] for id in self.ids}
        for start, end in sorted(edges, key=lambda edge: (place[edge[0]], place[edge[1]])):
            self.next[start].append(end)
        # An edge back begins again; it is neither how a step is first reached, nor an end put off.
        forward = {(start, end) for start, end in edges if place[start] < place[end]}
        alone = set(self.ids) - {id for edge in edges for id in edge} if len(self.ids) > 1 else set()
        self.first = [id for id in self.ids if id not in alone and not any(end == id for _, end in forward)]
        self.last = {id for id in self.ids if id not in alone and not any(start == id for start, _ in forward)}

    def _from(self, waiting: list[str]) -> tuple[set[str], bool]:
        """The steps that can be next, and whether nothing need follow."""
        found: set[str] = set()
        ends = False
        waiting = list(waiting)
        for id in waiting:
            if id in found:
                continue
            found.add(id)
            if id in self.passed:
                ends |= id in self.last
                waiting += self.next[id]
        return found, ends

    def after(self, id: str | None) -> tuple[set[str], bool]:
        """The steps that may follow a step (None: the start), and whether the plan may end there."""
        found, ends = self._from(self.first if id is None else self.next[id])
        return found, ends or id in self.last

    def reached(self, id: str) -> bool:
        """Whether a way leads there from the start."""
        found, waiting = set[str](), list(self.first)
        for one in waiting:
            if one not in found:
                found.add(one)
                waiting += self.next[one]
        return id in found


def _text(steps: list[Step], texts: list[str], ways: _Ways, repeats: bool) -> str:
    """The plan as a row where it is one, else step by step with the ways between them."""
    place = {step.id: i + 1 for i, step in enumerate(steps)}
    following = {0: ways.after(None), **{place[step.id]: ways.after(step.id) for step in steps}}
    pairs = {(start, place[id]) for start, (ids, _) in following.items() for id in ids if id in place}
    ends = {start for start, (_, ends) in following.items() if ends}
    optional = [step.optional for step in steps]
    plain_pairs, plain_ends = _row(optional)
    if pairs == plain_pairs and ends - {0} == plain_ends - {0}:
        # The mark stands before what is asked for.
        marks = [("*" if step.optional else "+") if repeats else "?" if step.optional else "" for step in steps]
        return " -> ".join(
            _marked(text, str(step.touchpoint), mark) for text, step, mark in zip(texts, steps, marks, strict=True)
        )
    pairs |= {(x, x) for x in range(1, len(steps) + 1)} if repeats else set()
    more = [f"{start or '^'} -> {end}" for start, end in sorted(pairs) if (start, end) != (0, 1)]
    more += [f"{start} -> $" for start in sorted(ends) if start not in (0, len(steps))]
    return "; ".join([", ".join(texts), *more])


def _marked(text: str, touchpoint: str, mark: str) -> str:
    name = quoted(touchpoint)
    return f"{name}{mark}{text[len(name) :]}"


def _row(optional: list[bool]) -> tuple[set[tuple[int, int]], set[int]]:
    """The pairs and ends of a row of steps, some of which may be left out."""
    pairs, ends = set(), set()
    for start in range(len(optional) + 1):
        for end in range(start + 1, len(optional) + 1):
            pairs.add((start, end))
            if not optional[end - 1]:
                break
        if all(optional[start:]):
            ends.add(start)
    return pairs, ends


def _channels(seen: Seen) -> set[str]:
    """The channels that the data know."""
    if "channel" not in seen.journeys.columns:
        return set()
    column = seen.journeys.column("channel")
    used = np.unique(column.codes[seen.mapped]).tolist()
    return {name for code in used if (name := column.names[code]) is not None}


def asked_of(
    document: JourneyMap, journeys: Journeys, registry: Registry | None, *, repeats: bool = False, **options: Any
) -> tuple[Journeys, Conformance, MapPlan]:
    """The journeys that a map is about, under its names, and what is asked of them.

    A map with a window asks whole journeys: all that have a touchpoint of the map within it. To cut them at its edges
    would make steps look left out.
    """
    binder = Binder(document, journeys, registry, 0)
    _, seen = binder.view(None, None)
    found = seen.journeys
    plan = plan_of(document, seen, repeats=repeats)
    if document.window is not None:
        start, end = binder.edges(document.window)
        inside = seen.mapped.copy()
        inside &= found.time_us >= (start if start is not None else -(2**63))
        inside &= found.time_us < (end if end is not None else 2**63 - 1)
        owner = np.searchsorted(found.offsets, np.flatnonzero(inside), side="right") - 1
        found = found.select(np.unique(owner))
    return found, Conformance(plan=plan.text, **options), plan
