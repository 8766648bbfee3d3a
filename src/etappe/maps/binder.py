"""Binder: the journeys of one map, filtered as it says, and each of its metrics asked of them."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from etappe.analysis.answer import Answer
from etappe.analysis.ask import ask
from etappe.errors import BadQuestion, EtappeError
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry, default_registry
from etappe.language import LANGUAGES, number, word
from etappe.maps.asking import HOW, Number, Request
from etappe.maps.metrics import METRICS, base_name
from etappe.maps.model import Evidence, JourneyMap, Parameters, Pick, Window
from etappe.maps.picking import pick
from etappe.maps.scores import column_of
from etappe.maps.seen import Seen, see
from etappe.units import SECOND_US, UNITS_US, duration_us
from etappe.vocabulary import ATOMS, Atom, I18n, StageModel
from etappe.vocabulary import Stage as KnownStage

_WINDOW_UNITS: Final = (
    ("days", UNITS_US["d"]), ("hours", UNITS_US["h"]), ("minutes", UNITS_US["m"]), ("seconds", UNITS_US["s"]),
    ("microseconds", 1),
)  # fmt: skip


def both(key: str, **values: object) -> I18n:
    """A text of the word list in every language; values may be texts in every language themselves."""
    said = {}
    for lang in LANGUAGES:
        filled = {name: _said(value, lang) for name, value in values.items()}
        said[lang] = word(key, lang, **filled)
    return said


def _said(value: object, lang: str) -> object:
    if isinstance(value, int):
        return number(value, lang)
    return (value.get(lang) or value.get("en") or next(iter(value.values()), "")) if isinstance(value, dict) else value


class Missing(EtappeError):
    """There is no such data yet."""

    def __init__(self, why: I18n) -> None:
        self.why = why
        super().__init__("", str(why))


class Binder:
    """A map beside its journeys; views that several evidences share are made once."""

    def __init__(self, m: JourneyMap, journeys: Journeys, registry: Registry | None, now_us: int) -> None:
        self.map, self.raw, self.registry, self.now_us = m, journeys, registry, now_us
        self.views: dict[tuple[str | None, Window | None, str | None], tuple[Journeys, Seen]] = {}
        self.answers: dict[tuple[int, bytes], Answer] = {}
        self.all = see(m, journeys, registry)

    def knows(self, segment: str) -> bool:
        """Whether a segment is a persona whose customers are known."""
        return f"persona.{segment}" in self.raw.attributes

    def segment(self, e: Evidence | None) -> str | None:
        """Whose journeys an evidence is about: its own segment, else the map's."""
        return (e.segment if e else None) or (self.map.population.segment if self.map.population else None)

    def view(self, condition: str | None, window: Window | None, segment: str | None = None) -> tuple[Journeys, Seen]:
        """The journeys after segment, population, filter and window: under the data's names, and under the map's."""
        key = (condition, window, segment)
        if key not in self.views:
            found = self.raw
            if segment is not None and self.knows(segment):
                found = found.where(f"persona.{segment} = 'yes'")
            if self.map.population and self.map.population.event_filter:
                found = found.where(self.map.population.event_filter)
            if condition:
                found = found.where(condition)
            if window is not None:
                found = found.between(*self.edges(window))
            self.views[key] = found, self.all if found is self.raw else see(self.map, found, self.registry)
        return self.views[key]

    def edges(self, window: Window) -> tuple[int | None, int | None]:
        """First microsecond of a window, and the first after it. A rolling one ends with the data, not the clock."""
        if window.rolling is not None:
            until = self.raw.origin.data_until_us
            return (None, None) if until is None else (until - duration_us(window.rolling) + 1, until + 1)
        zone = ZoneInfo(window.timezone or self.raw.origin.timezone)
        start = _midnight(window.start, zone, 0) if window.start else None
        return start, _midnight(window.end, zone, 1) if window.end else None

    def touchpoint(self, name: str, where: str) -> str:
        """The touchpoint that a step, a touchpoint of the map or a name in the data means; the data must hold it."""
        steps = {step.id: step.touchpoint for step in self.map.steps}
        if name in steps:
            if steps[name] is None:
                raise BadQuestion(where, f"step {name!r} has no touchpoint.", "Give it one, so that it can be counted.")
            name = str(steps[name])
        on_map = {t.id: t.title for t in self.map.touchpoints}
        if name in on_map and not self.all.names[name]:
            if name in self.all.problems:
                raise BadQuestion("", self.all.problems[name])
            raise Missing(both("map.none.touchpoint", name=on_map[name]))
        if name not in self.all.journeys.touchpoints:
            self.all.journeys.code(name, where)
        return name

    def answer(self, journeys: Journeys, question: dict[str, Any]) -> Answer:
        """The answer to a question in full; several numbers may be picked out of one."""
        key = id(journeys), msgspec.json.encode(question, order="sorted")
        if key not in self.answers:
            self.answers[key] = ask(journeys, question, self.registry)
        return self.answers[key]

    def survey(self, e: Evidence, parameters: Parameters) -> str | None:
        """The column of the data that holds the answers which a metric of surveys is made of; None where none does."""
        figure = METRICS[base_name(e.metric or "")].how
        return column_of(self.raw, figure, parameters.survey) if figure else None

    def next_of(self, start: str, where: str) -> str:
        """The step after a step, which is meant where `to` is missing."""
        steps = [step.id for step in self.map.steps]
        if start in steps and steps.index(start) + 1 < len(steps):
            return steps[steps.index(start) + 1]
        raise BadQuestion(where, "the parameter 'to' is missing.", "Name the step or touchpoint that should follow.")

    def buying(self) -> str:
        """The first touchpoint of the map that is a purchase."""
        for step in self.map.steps:
            names = self.all.names.get(step.touchpoint or "", ())
            if any((t := self.registry.find(name)) and t.atom == "buy" for name in names if self.registry):
                return str(step.touchpoint)
        raise BadQuestion("touchpoint", "is missing, and no step of the map is a purchase.", "Name the touchpoint.")

    def ask(
        self, e: Evidence, parameters: Parameters, condition: str | None, entered: tuple[str, str] | None = None
    ) -> tuple[Number, Journeys, dict[str, Any]]:
        """The number of an evidence, the journeys that were asked, and the parameters as they were understood.

        `entered` are the days in which what a funnel asks may begin.
        """
        raw, seen = self.view(condition, e.window or self.map.window, self.segment(e))
        if raw.events == 0:
            raise Missing(both("map.none.window"))
        if e.question is not None and isinstance(e.value, Pick):
            question = e.question
            if entered is not None and question.get("question") == "funnel":
                question = {**question, "entered_from": entered[0], "entered_to": entered[1]}
            found = pick(raw, self.registry, question, e.value, self.answer(raw, question))
            return replace(found, registry=self.registry), raw, {}
        metric = METRICS[base_name(str(e.metric))]
        given: dict[str, Any] = {"within": parameters.within, "agg": parameters.agg}
        given |= {"stage": parameters.stage, "model": parameters.model}
        if parameters.touchpoint:
            given["touchpoint"] = self.touchpoint(parameters.touchpoint, "touchpoint")
        elif metric.how == "repeat":
            given["touchpoint"] = self.buying()
        if metric.needs == "surveys":
            given["survey"] = self.survey(e, parameters)
        if metric.how == "attribution":
            given["end"] = self.touchpoint(parameters.end, "to") if parameters.end else self.buying()
        if "from" in metric.parameters:
            if parameters.start is None:
                raise BadQuestion("from", "is missing.", "Name the step or touchpoint where it starts.")
            end = parameters.end or self.next_of(parameters.start, "to")
            given |= {"start": self.touchpoint(parameters.start, "from"), "end": self.touchpoint(end, "to")}
            if given["start"] == given["end"] and metric.how != "transition":
                what = f"both steps are the touchpoint {given['start']!r}."
                raise BadQuestion("from, to", what, "Give one of them a touchpoint of its own.")
        for name in ("touchpoint", "start", "end"):
            if given.get(name) is not None and given[name] not in seen.journeys.touchpoints:
                raise Missing(both("map.none.window"))
        shown = {name: value for name, value in given.items() if value is not None}
        asked, registry = seen.journeys, self.registry
        if metric.how == "stage_time":
            # atoms are found by the data's own names, not by the map's
            asked, registry = raw, self.registry or default_registry()
            if given["model"] is None and any(s.id == given["stage"] and s.atoms for s in self.map.stages):
                registry, given["model"] = self.with_stages(registry), self.map.id
        found = HOW[metric.how](Request(journeys=asked, registry=registry, entered=entered, **given))
        return replace(found, registry=registry), asked, shown

    def published(
        self, e: Evidence, number: Number, condition: str | None
    ) -> tuple[dict[str, Any] | None, dict[str, str]]:
        """The question as `etappe ask` answers it, where the data have a name for each touchpoint, and its conditions.

        Where they have none, the question keeps the names of the map, and the condition `names` says what they mean.
        """
        population, window = self.map.population, e.window or self.map.window
        conditions = {
            "population": population.event_filter if population else None,
            "persona": self.segment(e),
            "filter": condition,
            "window": window and (window.rolling or f"{window.start or ''}..{window.end or ''}"),
        }
        question, names = number.question, ""
        if e.question is None and question is not None:
            _, seen = self.view(condition, window, self.segment(e))
            keys = [key for key in ("steps", "touchpoints") if key in question]
            used = {name for key in keys for name in question[key]}
            if question["question"] == "transitions":
                used = {id for id, of in seen.names.items() if of}
            other = [t for t in self.map.touchpoints if t.id in used and t.id not in seen.wholly]
            names = "; ".join(f"{t.id}: {t.match or ', '.join(seen.names[t.id])}" for t in other)
            if question.get("model") == self.map.id:
                atoms = [f"{stage.id} = {' + '.join(stage.atoms)}" for stage in self.map.stages if stage.atoms]
                names = f"{self.map.id}: {', '.join(atoms)}"
            if not other:
                said = {key: [seen.wholly.get(name, name) for name in question[key]] for key in keys}
                question = question | said
        return question, {name: str(value) for name, value in {**conditions, "names": names}.items() if value}

    def with_stages(self, registry: Registry) -> Registry:
        """The registry with the map's own stages as a stage model, named like the map."""
        stages = tuple(KnownStage(id=s.id, title=s.title) for s in self.map.stages)
        atoms: dict[Atom, str | None] = {
            atom: next((s.id for s in self.map.stages if atom in s.atoms), None) for atom in ATOMS
        }
        model = StageModel(id=self.map.id, title=self.map.title, source="map", stages=stages, atoms=atoms)
        others = tuple(m for m in registry.models if m.id != self.map.id)
        return msgspec.structs.replace(registry, models=(*others, model))

    def stale(self, window: Window | None) -> bool:
        """Whether the data end before the window that is meant, counted back from now, begins."""
        until = self.raw.origin.data_until_us
        if window is None or window.rolling is None or until is None:
            return False
        return until < self.now_us - duration_us(window.rolling)


def within_text(text: str) -> I18n:
    """A window in words: "7d" is " binnen 7 Tagen"."""
    us = duration_us(text, "within")
    unit, size = next((u, s) for u, s in _WINDOW_UNITS if us % s == 0)
    count = us // size
    key = f"map.within.{unit}.one" if count == 1 else f"map.within.{unit}.other"
    return both(key, count=count)


def _midnight(day: str, zone: ZoneInfo, add: int) -> int:
    moment = datetime.combine(date.fromisoformat(day) + timedelta(days=add), datetime.min.time(), zone)
    return round(moment.timestamp()) * SECOND_US
