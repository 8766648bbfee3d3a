"""Conformance view: a map held against the journeys as plain data for the screen, every text said in one language."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from etappe.analysis.alignment import EVENTS, JOURNEYS
from etappe.analysis.answer import answer_of
from etappe.analysis.conformance import (
    DEVIATIONS,
    Conformance,
    Fitness,
    deviations,
    fitness_of,
    partial,
    rows_of,
    total,
)
from etappe.analysis.conformance_count import Keys, Label, keys_of, run
from etappe.analysis.groups import groups_of
from etappe.analysis.intervals import shares
from etappe.analysis.partials import Partial, base_of
from etappe.arrays import Int
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry
from etappe.language import limit, number, percent, word
from etappe.maps.figures import amount
from etappe.maps.model import JourneyMap
from etappe.maps.plan import MapPlan
from etappe.units import MONEY, iso
from etappe.vocabulary import say

MOST: Final = 200
"""Deviations that are told."""
IN_STEP: Final = {
    "reached": "reached", "skipped": "skipped", "late": "late", "other_channel": "elsewhere", "out_of_order": "turned",
    "open": "open",
}  # fmt: skip
"""What is told of each step, and what the engine calls it."""


@dataclass(frozen=True)
class Names:
    """The words for steps and touchpoints."""

    document: JourneyMap
    plan: MapPlan
    keys: Keys
    registry: Registry
    lang: str

    def step(self, name: str | None) -> str:
        """The title of a step, from its name in the plan."""
        return say(self.plan.steps[self.keys.plan.names.index(str(name))].title, self.lang)

    def touchpoint(self, name: str) -> str:
        """The title of a touchpoint of the map or the registry; else its name."""
        for point in self.document.touchpoints:
            if point.id == name:
                return say(point.title, self.lang)
        known = self.registry.find(name)
        return say(known.title, self.lang) if known is not None else name

    def sentence(self, label: Label, count: dict[str, Any]) -> str:
        """A deviation in words."""
        lang, kind, values = self.lang, label.deviation, {"step": "", "other": "", "limit": "", "asked": ""}
        values |= {"people": count["people_text"], "share": count["text"]}
        if kind == "extra":
            values["step"] = self.touchpoint(str(label.step))
        else:
            values["step"] = self.step(label.step)
            step = self.keys.plan.steps[self.keys.plan.names.index(str(label.step))]
            values["limit"] = "" if step.limit_us is None else limit(step.limit_us, lang)
            values["asked"] = word("map.deviation.or", lang).join(step.channels)
        if kind == "out_of_order":
            values["other"] = self.step(label.other)
        elif kind == "other_channel":
            values["other"] = label.other or word("map.deviation.no_channel", lang)
        return word(f"map.deviation.{kind}", lang, **values)


def conformance_view(
    document: JourneyMap, journeys: Journeys, question: Conformance, plan: MapPlan, registry: Registry, lang: str
) -> dict[str, Any]:
    """Everything that the view of deviations shows; `journeys` and `question` as maps/plan.py gives them."""
    asked = msgspec.structs.replace(question, by=None, places=False)
    whole = partial(journeys, asked)
    finding = total([whole], asked, base_of(journeys))
    size = (len(journeys), journeys.subjects, journeys.events)
    answer = answer_of(asked, [(None, finding, len(journeys))], size, journeys.origin, registry.digest)
    keys = keys_of(journeys.touchpoints, asked)
    names = Names(document, plan, keys, registry, lang)
    n = answer.denominators
    sums = {(label.deviation, label.step, label.other): counts for label, counts in rows_of(whole, keys)}
    spread = fitness_of(whole, keys.plan)
    told = [_deviation(row, names) for row in answer.rows() if row["deviation"] in (*DEVIATIONS, "open")]
    planned = _count(n["as_planned"], n["finished"], {"deviation": "as_planned"}, lang)
    return {
        "id": document.id,
        "title": say(document.title, lang),
        "language": lang,
        "state": "ok" if n["judged"] else "empty",
        "caption": _caption(n, spread, planned, lang),
        "plan": {"text": plan.text, "said": [say(text, lang) for text in plan.said]},
        "counts": n,
        "outside_text": word("map.conformance.outside", lang, count=number(n["outside"], lang)),
        "open_text": word("map.conformance.open", lang, count=number(n["open"], lang)),
        "fitness": _fitness(spread, lang),
        "as_planned": planned,
        "fitting": _count(n["fitting"], n["finished"], {"deviation": "fitting"}, lang),
        "steps": [_step(i, sums, n["judged"], names) for i in range(len(plan.steps))],
        "between": _between(journeys, asked, n["judged"], names),
        "deviations": [one for one in told if one["deviation"] != "open"][:MOST],
        "more": max(0, sum(one["deviation"] != "open" for one in told) - MOST),
        "open": [one for one in told if one["deviation"] == "open"],
        "groups": [] if question.by is None else _groups(journeys, asked, question.by, names),
        "by": question.by,
        "question": msgspec.to_builtins(question),
        "said": [warning.say(lang) for warning in answer.warnings],
        "definition": word("explore.how.conformance", lang),
        "data_until": answer.data_until,
        "snapshot": answer.snapshot,
    }


def _count(journeys: int, base: int, row: dict[str, Any], lang: str) -> dict[str, Any]:
    """A number of people with its share, interval and text, and the row with which they can be listed."""
    share, low, high = (None if np.isnan(x) else float(x) for x in shares(journeys, base))
    interval = None
    if low is not None and high is not None:
        interval = word("map.interval", lang, low=number(low * 100, lang, 1), high=percent(high, lang))
    return {
        "journeys": journeys,
        "n": base,
        "share": share,
        "low": low,
        "high": high,
        "text": "–" if share is None else percent(share, lang),
        "interval_text": interval,
        "people_text": word("map.conformance.people", lang, count=number(journeys, lang), n=number(base, lang)),
        "row": row,
    }


def _caption(n: dict[str, int], spread: Fitness, planned: dict[str, Any], lang: str) -> str:
    if not n["judged"]:
        return word("map.conformance.none", lang)
    if spread.mean is None:
        return word("map.conformance.all_open", lang, count=number(n["judged"], lang))
    return word(
        "map.conformance.caption", lang, people=planned["people_text"], share=planned["text"],
        fitness=percent(spread.mean, lang),
    )  # fmt: skip


def _fitness(spread: Fitness, lang: str) -> dict[str, Any]:
    """Mean with its interval, median, and how many people are in each tenth."""
    interval = None
    if spread.low is not None and spread.high is not None:
        interval = word("map.interval", lang, low=number(spread.low * 100, lang, 1), high=percent(spread.high, lang))
    tenths = []
    for i, journeys in enumerate(spread.tenths):
        share = journeys / spread.journeys if spread.journeys else None
        span = {"low": number(i * 10, lang), "high": percent((i + 1) / 10, lang, 0)}
        tenths.append({
            "from": i / 10,
            "to": (i + 1) / 10,
            "journeys": journeys,
            "share": share,
            "text": word("map.interval", lang, **span),
            "share_text": "–" if share is None else percent(share, lang),
        })  # fmt: skip
    return {
        "value": spread.mean,
        "low": spread.low,
        "high": spread.high,
        "median": spread.median,
        "n": spread.journeys,
        "text": "–" if spread.mean is None else percent(spread.mean, lang),
        "interval_text": interval,
        "median_text": "–" if spread.median is None else percent(spread.median, lang),
        "tenths": tenths,
    }


def _step(i: int, sums: dict[Any, Int], judged: int, names: Names) -> dict[str, Any]:
    """A step of the plan and how many people did what there."""
    step, planned = names.plan.steps[i], names.keys.plan.steps[i]
    found: dict[str, Any] = {
        "id": step.id,
        "title": say(step.title, names.lang),
        "touchpoint": step.touchpoint,
        "touchpoint_title": names.touchpoint(str(step.touchpoint)),
        "name": planned.name,
        "position": i + 1,
        "optional": step.optional,
        "limit_us": planned.limit_us,
        "limit_text": None if planned.limit_us is None else limit(planned.limit_us, names.lang),
        "channels": list(planned.channels),
    }
    for told, kind in IN_STEP.items():
        counts = sums[kind, planned.name, None]
        row = {"deviation": kind, "step": planned.name}
        found[told] = _count(int(counts[JOURNEYS]), judged, row, names.lang)
    return found


def _deviation(row: dict[str, Any], names: Names) -> dict[str, Any]:
    label = Label(row["deviation"], row["step"], row["other"], row["position"])
    key = {name: row[name] for name in ("deviation", "step", "other")}
    count = _count(row["journeys"], row["base"], key, names.lang)
    lang, value = names.lang, row["value"]
    worth = None if not value else amount(value / MONEY, "money", lang, row["currency"])
    steps = names.keys.plan.names
    step_id = names.plan.steps[row["position"] - 1].id if row["position"] else None
    other_id = names.plan.steps[steps.index(row["other"])].id if row["deviation"] == "out_of_order" else None
    sentence = names.sentence(label, count)
    if worth:
        sentence += " " + word("map.deviation.value", lang, value=worth)
    return {
        **count,
        **key,
        "kind_text": word(f"answer.deviation.{label.deviation}", lang),
        "step_id": step_id,
        "step_title": names.touchpoint(row["step"]) if label.deviation == "extra" else names.step(row["step"]),
        "other_id": other_id,
        "other_title": names.step(row["other"]) if other_id else row["other"],
        "sentence": sentence,
        "events": row["events"],
        "fitness": row["fitness"],
        "fitness_text": None if row["fitness"] is None else percent(row["fitness"], lang),
        "value": value,
        "currency": row["currency"],
        "value_text": worth,
    }


def _between(journeys: Journeys, question: Conformance, judged: int, names: Names) -> list[dict[str, Any]]:
    """What came between the steps that the plan does not have there, by the step after which it came."""
    asked = msgspec.structs.replace(question, places=True)
    keys = keys_of(journeys.touchpoints, asked)
    found = [(label, sums) for label, sums in rows_of(partial(journeys, asked), keys) if label.deviation == "extra"]
    places = []
    for after in (None, *names.keys.plan.names):
        mine = sorted(
            ((label, sums) for label, sums in found if label.other == after and sums[JOURNEYS]),
            key=lambda one: (-one[1][JOURNEYS], one[0].step or ""),
        )
        extras = [
            {
                **_count(
                    int(sums[JOURNEYS]), judged,
                    {"deviation": "extra", "step": label.step, "other": after, "places": True}, names.lang,
                ),
                "touchpoint": label.step,
                "title": names.touchpoint(str(label.step)),
                "events": int(sums[EVENTS]),
            }
            for label, sums in mine[:MOST]
        ]  # fmt: skip
        place = None if after is None else names.plan.steps[names.keys.plan.names.index(after)].id
        title = word("map.conformance.start", names.lang) if after is None else names.step(after)
        places.append({"after": place, "title": title, "extras": extras})
    return places


def _groups(journeys: Journeys, question: Conformance, by: str, names: Names) -> list[dict[str, Any]]:
    """Each group of people: its fitness, how many go as planned, and its most frequent deviations."""
    found = []
    for group, at in groups_of(journeys, by, "conformance"):
        some = journeys.select(at)
        whole: Partial = partial(some, question)
        finding = total([whole], question, base_of(some))
        size = (len(some), some.subjects, some.events)
        answer = answer_of(question, [(None, finding, len(some))], size, some.origin)
        n = answer.denominators
        told = [_deviation(row, names) for row in answer.rows() if row["deviation"] in DEVIATIONS]
        for one in told:
            one["row"]["group"] = group
        planned = _count(n["as_planned"], n["finished"], {"deviation": "as_planned", "group": group}, names.lang)
        title = word("map.conformance.nobody", names.lang) if group is None else group
        found.append({
            "group": group,
            "title": title,
            "counts": n,
            "fitness": _fitness(fitness_of(whole, names.keys.plan), names.lang),
            "as_planned": planned,
            "deviations": told[:5],
        })  # fmt: skip
    return found


def told_people(journeys: Journeys, question: Conformance, chosen: Int, names: Names) -> list[dict[str, Any]]:
    """Each of some people (personal): fitness, and what deviates, in words."""
    found: list[dict[str, Any]] = []
    some = journeys.select(chosen)
    asked = msgspec.structs.replace(question, by=None, places=False)
    rows = deviations(some, asked).to_pylist()
    whole = fitness_of_each(some, asked)
    for i, name in enumerate(some.names(np.arange(len(some)))):
        first, last = int(some.offsets[i]), int(some.offsets[i + 1]) - 1
        mine = [row for row in rows if row["journey"] == i]
        value = whole[i]
        found.append({
            "customer": name,
            "touchpoints": last - first + 1,
            "first": iso(int(some.time_us[first])),
            "last": iso(int(some.time_us[last])),
            "fitness": value,
            "fitness_text": "–" if value is None else percent(value, names.lang),
            "deviations": [
                {
                    "deviation": row["deviation"],
                    "text": _short(row, names),
                    "at": None if row["time_us"] is None else iso(row["time_us"]),
                }
                for row in mine
            ],
        })  # fmt: skip
    return found


def fitness_of_each(journeys: Journeys, question: Conformance) -> list[float | None]:
    """The fitness of each journey; None where it is not finished or not judged."""
    return [None if value != value else value for value in run(journeys, question, value=False).fitness().tolist()]


def _short(row: dict[str, Any], names: Names) -> str:
    """A deviation of one person in few words."""
    kind, lang = row["deviation"], names.lang
    step = names.touchpoint(row["step"]) if kind == "extra" else names.step(row["step"])
    text = f"{step}: {word(f'answer.deviation.{kind}', lang)}"
    if kind == "out_of_order":
        return word("map.deviation.turned", lang, step=step, other=names.step(row["other"]))
    return f"{text} ({row['other']})" if kind == "other_channel" and row["other"] else text


def names_for(
    document: JourneyMap, journeys: Journeys, question: Conformance, plan: MapPlan, registry: Registry, lang: str
) -> Names:
    """The words for what is asked."""
    return Names(document, plan, keys_of(journeys.touchpoints, question), registry, lang)
