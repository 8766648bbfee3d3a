"""Personas of a workspace: documents of kind persona, the centres they were found at, and who belongs to them.

Stored are the documents and the centres, nothing about a customer. A change names the revision that it saw; where
somebody saved another one since, it is refused with what to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from etappe.analysis.behaviour import Centres, Drift, drift_of
from etappe.errors import BadDocument, WorkspaceBusy, unknown
from etappe.journeys.columns import Journeys
from etappe.language import LANGUAGES, word
from etappe.maps.belonging import digest, members, with_personas
from etappe.maps.binder import both
from etappe.maps.draft import TEMPLATES, Draft, draft
from etappe.maps.model import Cell, Lane, Population
from etappe.maps.persona import Field, Measured, Persona, check, dump_persona, read_persona
from etappe.maps.portrait import membership, profile
from etappe.store import documents

if TYPE_CHECKING:
    from etappe.analysis.clusters import Clusters, Tell
    from etappe.apps.workspace import Workspace

PERSONA: Final = "persona"
CENTRES: Final = "persona-centres"
SAID: Final = 3
"""Features and attributes that a new persona begins with."""
EFFECT: Final = 0.2
"""Differences below are small (Cohen 1988), and not told."""


@dataclass(frozen=True)
class Told:
    """The personas with their revisions, the centres, and what of both the journeys depend on."""

    personas: tuple[Persona, ...]
    revisions: Mapping[str, int]
    at_us: Mapping[str, int]
    centres: Centres | None
    digest: str

    def on(self, journeys: Journeys) -> Journeys:
        """Journeys with the personas' columns."""
        return with_personas(journeys, self.personas, self.centres)


@lru_cache(64)
def _persona(body: str, where: str) -> Persona:
    return read_persona(body, where)


@lru_cache(4)
def _centres(body: str) -> Centres:
    return msgspec.json.decode(body, type=Centres)


def told(ws: "Workspace") -> Told | None:
    """The personas of a workspace; None where it has none."""
    with ws.engine.connect() as connection:
        found = documents.newest(connection, PERSONA)
        kept = documents.get(connection, CENTRES, CENTRES)
    if not found and kept is None:
        return None
    personas = tuple(_persona(one.body, one.id) for one in found)
    centres = _centres(kept.body) if kept is not None else None
    revisions = {one.id: one.revision for one in found}
    times = {one.id: one.at_us for one in found}
    return Told(personas, revisions, times, centres, digest(personas, centres))


def stored(ws: "Workspace", persona_id: str) -> tuple[Persona, int]:
    """A persona at its newest revision, and its number."""
    with ws.engine.connect() as connection:
        found = documents.get(connection, PERSONA, persona_id)
        names = [one.id for one in documents.newest(connection, PERSONA)] if found is None else []
    if found is None:
        raise unknown("personas", "persona", persona_id, names)
    return _persona(found.body, found.id), found.revision


def history(ws: "Workspace", persona_id: str) -> list[documents.Revision]:
    """The revisions of a persona, the newest first."""
    with ws.engine.connect() as connection:
        return documents.revisions(connection, PERSONA, persona_id)


def centres_of(ws: "Workspace") -> Centres | None:
    """The centres that were kept last."""
    found = told(ws)
    return found.centres if found else None


def refuse_faults(ws: "Workspace", persona: Persona) -> None:
    """Refuse a persona with an error in it."""
    centres = centres_of(ws)
    known = [centre.id for centre in centres.centres] if centres else None
    faults = check(persona, ws.registry(), ws.journeys(), model=ws.settings.stage_model, centres=known)
    errors = [fault for fault in faults if fault.level == "error"]
    if errors:
        raise BadDocument("", str(errors[0]))


def put(ws: "Workspace", persona: Persona, body: str | None = None) -> documents.Document:
    """Store a persona as its newest revision."""
    refuse_faults(ws, persona)
    with ws.writing(), ws.engine.begin() as connection:
        return documents.put(connection, PERSONA, persona.id, body or dump_persona(persona))


def save(ws: "Workspace", persona: Persona, revision: int) -> int:
    """Store a persona that was made from a revision (0: there was none); the new revision.

    Raises
    ------
    WorkspaceBusy
        Somebody saved another revision since.
    """
    refuse_faults(ws, persona)
    with ws.writing(), ws.engine.begin() as connection:
        old = documents.get(connection, PERSONA, persona.id)
        now = old.revision if old else 0
        if now != revision or not documents.append(connection, PERSONA, persona.id, now + 1, dump_persona(persona)):
            what = f"is at revision {now} now, and your change was made on revision {revision}."
            raise WorkspaceBusy(f"persona {persona.id}", what, "Load it again, and make your change there.")
    return now + 1


def delete(ws: "Workspace", persona_id: str) -> None:
    """Delete a persona with its revisions; the centre stays for the next time personas are found."""
    stored(ws, persona_id)
    with ws.writing(), ws.engine.begin() as connection:
        documents.remove(connection, PERSONA, persona_id)


def last_drift(ws: "Workspace", journeys: Journeys) -> Drift | None:
    """How the last search that was kept moved the personas of the one before; None where there was only one."""
    with ws.engine.connect() as connection:
        now = documents.get(connection, CENTRES, CENTRES)
        if now is None or now.revision < 2:
            return None
        before = documents.get(connection, CENTRES, CENTRES, now.revision - 1)
    return drift_of(_centres(before.body), _centres(now.body), journeys) if before is not None else None


def goal_of(ws: "Workspace", journeys: Journeys) -> str | None:
    """The touchpoints that are purchases, by their names in the data; None where there is none."""
    registry, goals = ws.registry(), ws.settings.goals
    known = {name: registry.find(name) for name in journeys.touchpoints}
    bought = [name for name, point in known.items() if point is not None and point.atom == "buy"]
    named = [name for name, point in known.items() if name in goals or (point is not None and point.id in goals)]
    return " | ".join(bought or named) or None


def find(
    ws: "Workspace",
    journeys: Journeys | None = None,
    *,
    k: int | None = None,
    traits: Sequence[str] = (),
    least: int = 2,
    seed: int = 0,
    tell: "Tell | None" = None,
) -> "Clusters":
    """Kinds of behaviour among the customers, beside those that were kept before; nothing is stored."""
    from etappe.analysis.clusters import find as find_clusters

    some = journeys if journeys is not None else ws.journeys()
    former = centres_of(ws)
    return find_clusters(
        some, goal=goal_of(ws, some), k=k, traits=traits, least=least, seed=seed,
        former=former if former is not None and former.centres else None, tell=tell or (lambda done, total: None),
    )  # fmt: skip


def keep(
    ws: "Workspace", clusters: "Clusters", names: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[Persona, ...]:
    """Keep what was found: its centres, and a persona for each centre that has none.

    Parameters
    ----------
    names : for the id of a centre the `id` and `title` that its persona shall have
    """
    if not clusters.model.centres:
        raise BadDocument("personas", "none were found, so there is nothing to keep.", "Write one by rule or by hand.")
    before = told(ws)
    owned = {p.centre for p in before.personas if p.kind == "found"} if before else set()
    taken = {p.id for p in before.personas} if before else set()
    fresh = [centre.id for centre in clusters.model.centres if centre.id not in owned]
    wanted = dict(names or {})
    for name, value in wanted.items():
        if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
            raise BadDocument(f"names: {name}", "is no id and title.", 'Write {"c1": {"id": "lena", "title": "Lena"}}.')
        if name not in [centre.id for centre in clusters.model.centres]:
            raise unknown("names", "centre", name, [centre.id for centre in clusters.model.centres])
    bare = []
    for id in fresh:
        title = wanted.get(id, {}).get("title") or both("persona.title", number=int(id[1:]))
        name = wanted.get(id, {}).get("id") or id
        if name in taken:
            what = f"there is a persona {name!r} already."
            raise BadDocument(f"names: {id}", what, "Give this one another id.")
        taken.add(name)
        bare.append(Persona(schema="persona/1", id=name, title=title, kind="found", centre=id))
    made = tuple(described(ws, persona, clusters.model) for persona in bare)
    with ws.writing(), ws.engine.begin() as connection:
        documents.put(connection, CENTRES, CENTRES, msgspec.json.encode(clusters.model).decode())
        for persona in made:
            documents.put(connection, PERSONA, persona.id, dump_persona(persona))
    return made


def described(ws: "Workspace", persona: Persona, centres: Centres | None) -> Persona:
    """A persona with the fields that set it apart, each measured, for people to go on from."""
    journeys = with_personas(ws.journeys(), [persona], centres)
    mine = membership(journeys, persona.id)
    traits = profile(journeys, mine, goal_of(ws, journeys))
    telling = [one for one in traits if abs(one.effect) >= EFFECT and not one.name.startswith(_REPEATED)]
    behaviour = [
        one.name for one in telling if one.kind not in ("attribute", "number") and not one.name.startswith(_PREFERRED)
    ]
    preferred = [one.name for one in telling if one.name.startswith(_PREFERRED) and one.effect > 0]
    told_of = [one for one in telling if one.kind == "attribute" and one.effect > 0 and (one.q or 0) <= 0.05]

    def measured(names: Sequence[str]) -> tuple[Field, ...]:
        return tuple(Field(text=feature_text(name), measured=Measured(feature=name)) for name in names[:SAID])

    return msgspec.structs.replace(
        persona,
        behaviour=measured(behaviour),
        preferences=measured(preferred),
        demographics=tuple(
            Field(text=f"{one.name}: {one.text}", measured=Measured(attribute=one.name, is_=one.text))
            for one in told_of[:SAID]
        ),
    )


_REPEATED: Final = ("stage:", "category:", "sessions", "pause")
"""Features that say once more what others say, and are left out of a new persona."""
_PREFERRED: Final = ("touchpoint:", "channel:", "hours:", "weekend")


def feature_text(name: str) -> dict[str, str]:
    """What a feature is called, in every language."""
    return {lang: feature_word(name, lang) for lang in LANGUAGES}


def feature_word(name: str, lang: str) -> str:
    """What a feature is called."""
    column, _, text = name.partition(":")
    if not text:
        return word(f"persona.feature.{name}", lang)
    if column == "hours":
        return word("persona.feature.hours", lang, first=int(text), last=int(text) + 6)
    return word(
        f"persona.share.{column}" if column in _SHARES else "persona.share.other", lang, column=column, text=text
    )


_SHARES: Final = ("touchpoint", "channel", "stage", "category")


def draft_map(ws: "Workspace", persona_id: str, template: str = TEMPLATES[0], lang: str = "de") -> Draft:
    """A map drafted from the journeys of a persona's customers, told from its view, with its needs in a lane."""
    persona, _ = stored(ws, persona_id)
    journeys = ws.journeys()
    mine = members(journeys, persona)
    if persona.kind == "hand" or not mine.events:
        mine = journeys  # nobody is counted: the map begins with what all do, and says whose it shall be
    made = draft(mine, ws.registry(), template, lang)
    counted = persona.kind != "hand" and f"persona.{persona.id}" in journeys.attributes
    stages = {stage.id for stage in made.map.stages}
    needs = [need for need in persona.needs if need.stage in stages]
    cells = tuple(Cell(lane="need", stage=need.stage, text=need.text, researched=need.studies) for need in needs)
    lane = Lane(id="need", type="need", title=both("map.draft.need"))
    document = msgspec.structs.replace(
        made.map,
        id=f"draft-{persona.id}",
        title=both("persona.map.title", title=persona.title),
        personas=(persona.id,),
        population=Population(segment=persona.id) if counted else None,
        lanes=(lane, *made.map.lanes) if needs else made.map.lanes,
        cells=(*cells, *made.map.cells),
    )
    return Draft(document, made.left_out)
