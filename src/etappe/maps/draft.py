"""Draft: a first map from a template, or from measured journeys: the most reached touchpoints in the template's stages.

Unit of count: the journey. Touchpoints come to the stages by their atom, so that every template can be used; what a
template has no stage for, and what the registry does not know, is listed and never forced into a stage.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np

from etappe.analysis.reach import reach
from etappe.arrays import code_type
from etappe.errors import BadDocument, unknown
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry, default_registry
from etappe.maps.binder import both
from etappe.maps.document import read_map
from etappe.maps.model import Cell, Evidence, JourneyMap, Lane, Parameters, Stage, Step, Touchpoint
from etappe.vocabulary import ATOMS, Atom
from etappe.vocabulary import Touchpoint as Known

TEMPLATES: Final = (
    "five-stages", "four-stages", "crm-stages", "experience-stages", "three-phases", "service-blueprint",
    "event-registration", "b2b-lead",
)  # fmt: skip
"""The templates that come with Etappe; the first is the default."""
MOST_STEPS: Final = 12
LEAST_SHARE: Final = 0.005
"""A touchpoint that fewer journeys reach is no step of a draft."""


class Draft(msgspec.Struct, frozen=True):
    """A drafted map, and the touchpoints that found no place in it, with their journeys."""

    map: JourneyMap
    left_out: tuple[tuple[str, int], ...]


@cache
def template(id: str = TEMPLATES[0]) -> JourneyMap:
    """A template by its id, with its texts in German and English.

    Raises
    ------
    UnknownName
        There is no such template; the message proposes the nearest.

    Examples
    --------
    >>> [stage.title["en"] for stage in template("five-stages").stages]
    ['Awareness', 'Interest', 'Decision', 'Purchase', 'Retention']
    """
    if id not in TEMPLATES:
        raise unknown("template", "template", id, TEMPLATES)
    text = files("etappe.maps").joinpath("templates", f"{id}.yaml").read_text(encoding="utf-8")
    return read_map(text, f"template {id}")


def switch(document: JourneyMap, to: str) -> JourneyMap:
    """The same steps, lanes and cells in the stages of another template, by the crosswalk of atoms.

    A step goes to the stage that has the first atom of its stage; a step that the other template does not cover stays
    in a stage of its own at the end, as it was. Cells at a whole stage go with the steps of that stage.

    Examples
    --------
    >>> [len(stage.steps) for stage in switch(template("five-stages"), "three-phases").stages]
    [5, 1, 2]
    """
    target = template(to)
    into: dict[str, list[Step]] = {stage.id: [] for stage in target.stages}
    home = {atom: stage.id for stage in target.stages for atom in stage.atoms}
    kept: list[Stage] = []
    ends = {stage.id: (stage.steps[0].id, stage.steps[-1].id) for stage in document.stages if stage.steps}
    for stage in document.stages:
        found = next((home[atom] for atom in stage.atoms if atom in home), None)
        if found is None:
            kept.append(stage)
        else:
            into[found] += stage.steps
    stages = tuple(msgspec.structs.replace(stage, steps=tuple(into[stage.id])) for stage in target.stages)
    left = {stage.id for stage in kept}

    def moved(cell: Cell) -> Cell:
        if cell.stage is None or cell.stage in left or cell.stage not in ends:
            return cell
        first, last = ends[cell.stage]
        if first == last:
            return msgspec.structs.replace(cell, stage=None, step=first)
        return msgspec.structs.replace(cell, stage=None, start=first, end=last)

    return msgspec.structs.replace(
        document, stages=(*stages, *kept), cells=tuple(moved(cell) for cell in document.cells)
    )


def _as_touchpoint(id: str, names: tuple[str, ...], known: Known) -> Touchpoint:
    """A touchpoint of the map from the registry, and the names in the data that mean it where they are several."""
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return Touchpoint(
        id=id, title=known.title, channel=known.channel, medium=known.medium, contact=known.contact,
        match=f"touchpoint in ({quoted})" if len(names) > 1 else None,
    )  # fmt: skip


def _merged(journeys: Journeys, registry: Registry) -> tuple[Journeys, dict[str, tuple[str, ...]]]:
    """The journeys with one name for what the registry takes for one touchpoint, and the names in the data behind it.

    A name that is alone stays; several become the registry's id.
    """
    counts = np.bincount(journeys.touchpoint, minlength=len(journeys.touchpoints))
    behind: dict[str, list[int]] = {}
    for code in np.argsort(-counts, kind="stable").tolist():
        known = registry.find(journeys.touchpoints[code]) if counts[code] else None
        behind.setdefault(known.id if known else journeys.touchpoints[code], []).append(code)
    labels = {key if len(codes) > 1 else journeys.touchpoints[codes[0]]: codes for key, codes in behind.items()}
    code_now = np.zeros(len(journeys.touchpoints), code_type(max(1, len(labels))))
    for at, codes in enumerate(labels.values()):
        code_now[codes] = at
    merged = replace(journeys, touchpoint=code_now[journeys.touchpoint], touchpoints=tuple(labels))
    return merged, {label: tuple(journeys.touchpoints[code] for code in codes) for label, codes in labels.items()}


def _evidence(names: Mapping[str, str], bought: Collection[str]) -> tuple[list[Evidence], list[Cell]]:
    """Reach of every step, conversion and time to the next, and whether a purchase is made again."""
    evidence: list[Evidence] = []
    cells: list[Cell] = []
    ids = list(names)
    for step, after in zip(ids, [*ids[1:], None], strict=True):
        here = [
            Evidence(
                id=f"{step}_reach", metric="touchpoint.share_of_journeys", unit="percent",
                parameters=Parameters(touchpoint=names[step]),
            )
        ]  # fmt: skip
        if after is not None:
            way = Parameters(start=step, end=after)
            here.append(Evidence(id=f"{step}_next", metric="step.conversion", unit="percent", parameters=way))
            here.append(Evidence(id=f"{step}_time", metric="step.duration", parameters=way))
        evidence += here
        if names[step] in bought:
            again = Parameters(touchpoint=names[step], within="90d")
            evidence.append(
                Evidence(
                    id=f"{step}_again", metric="journey.repeat_rate", unit="percent", better="up", parameters=again
                )
            )
            cells.append(Cell(lane="again", step=step, evidence=f"{step}_again"))
        lanes = ("reach", "next", "time")
        cells += [Cell(lane=lane, step=step, evidence=e.id) for lane, e in zip(lanes, here, strict=False)]
    return evidence, cells


def draft(
    journeys: Journeys, registry: Registry | None = None, template_id: str = TEMPLATES[0], lang: str = "de"
) -> Draft:
    """A map drafted from measured journeys: its steps are the touchpoints most reached, its numbers are bound.

    What the registry takes for one touchpoint is one step, however many names the data have for it. Within a stage the
    steps stand in the order of their atoms, then by reach. Thoughts and feelings stay empty: no event tells of them.

    Parameters
    ----------
    template_id : gives the stages
    lang : the language that the map is written on in

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2, 3], [0, 5, 1], [0, 1, 0], ["visit", "order"])
    >>> [step.touchpoint for step in draft(shop).map.steps]
    ['visit', 'order']
    """
    registry = registry or default_registry()
    base = template(template_id)
    if not journeys.events:
        raise BadDocument("draft", "there are no journeys to draft a map from.", "Import events first.")
    home = {atom: stage.id for stage in base.stages for atom in stage.atoms}
    placed: list[tuple[str, Atom]] = []
    left_out: list[tuple[str, int]] = []
    merged, behind = _merged(journeys, registry)
    for row in reach(merged).rows():
        name, count, share = row["touchpoint"], row["journeys"], row["share"]
        known = registry.find(name)
        atom = known.atom if known else None
        if not count:
            continue
        if atom is None or atom not in home or share < LEAST_SHARE or len(placed) >= MOST_STEPS:
            left_out.append((", ".join(behind[name]), count))
        else:
            placed.append((name, atom))
    placed.sort(key=lambda pair: ATOMS.index(pair[1]))  # stable: the wider reach first within an atom
    stage_order = [stage.id for stage in base.stages]
    placed.sort(key=lambda pair: stage_order.index(home[pair[1]]))
    entries = {name: entry for name, _ in placed if (entry := registry.find(name))}
    touchpoints = tuple(_as_touchpoint(name, behind[name], entry) for name, entry in entries.items())
    titles = {t.id: t.title for t in touchpoints}
    steps = {f"s{i}": name for i, (name, _) in enumerate(placed, 1)}
    into: dict[str, list[Step]] = {stage.id: [] for stage in base.stages}
    for (name, atom), step in zip(placed, steps, strict=True):
        into[home[atom]].append(Step(id=step, title=titles[name], touchpoint=name))
    stages = tuple(msgspec.structs.replace(stage, steps=tuple(into[stage.id])) for stage in base.stages)
    evidence, cells = _evidence(steps, [name for name, atom in placed if atom == "buy"])
    again = Lane(id="again", type="metric", title=both("map.draft.again"))
    lanes = (
        Lane(id="thoughts", type="thoughts", title=both("map.draft.thoughts")),
        Lane(id="feeling", type="emotion", title=both("map.draft.feeling")),
        Lane(id="reach", type="metric", title=both("map.draft.reach")),
        Lane(id="next", type="metric", title=both("map.draft.next")),
        Lane(id="time", type="metric", title=both("map.draft.time")),
        *([again] if any(cell.lane == "again" for cell in cells) else []),
        Lane(id="pain", type="pain", title=both("map.draft.pain")),
        Lane(id="opportunity", type="opportunity", title=both("map.draft.opportunity")),
    )
    document = JourneyMap(
        schema="journey-map/1",
        id=f"draft-{template_id}",
        title=both("map.draft.title"),
        language=lang,
        kind="as_is",
        scenario=both("map.draft.scenario", template=base.title),
        touchpoints=touchpoints,
        stages=stages,
        lanes=lanes,
        cells=tuple(cells),
        evidence=tuple(evidence),
    )
    return Draft(document, tuple(left_out))
