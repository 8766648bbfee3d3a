"""CJML: a planned journey in the XML of the Customer Journey Modelling Language 2.0 (SINTEF, cjml.no), out and in.

What is carried: the steps in order, who begins each and who receives it, its channel, and the stages as phases.
Feelings, numbers and other lanes are not: CJML keeps experience to actual journeys. The schema was not to be had; the
names of elements are those of the published example and of what CJML's public editor writes and reads. Phases that list
their touchpoints, as Etappe once wrote them, are read too.
"""

import re
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from etappe.maps.applied import new_id
from etappe.maps.bound import BoundMap
from etappe.maps.document import BadMap, Fault
from etappe.maps.model import JourneyMap, Stage, Step, Touchpoint
from etappe.vocabulary import say

LARGEST: Final = 5_000_000
CUSTOMER: Final = "customer"
PROVIDERS: Final = ("company", "partner", "third_party")


def to_cjml(bound: BoundMap, lang: str = "de") -> bytes:
    """The planned journey of a map as CJML.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> from etappe.maps.evidence import bind
    >>> b"<plannedCommunicationPoint>" in to_cjml(bind(template("five-stages")))
    True
    """
    m = bound.map
    root = Element("CJML", version="2.0")
    journey = SubElement(root, "plannedJourney")
    SubElement(journey, "journeyID").text = m.id
    SubElement(journey, "journeyTitle").text = say(m.title, lang)
    phases = SubElement(journey, "journeyPhases")
    for stage in m.stages:
        phase = SubElement(phases, "journeyPhase", phaseID=stage.id)
        SubElement(phase, "phaseName").text = say(stage.title, lang)
        SubElement(phase, "phaseDescription").text = say(stage.text, lang)
    actors = SubElement(journey, "actors")
    user = SubElement(actors, "endUser", actorID=CUSTOMER)
    SubElement(user, "actorName").text = ", ".join(m.personas) or "Customer"
    used = {step.initiator for step in m.steps} | {step.receiver or "" for step in m.steps} | {"company"}
    for name in (one for one in PROVIDERS if one in used):
        provider = SubElement(actors, "serviceProvider", actorID=name)
        department = say(m.owner.department, lang) if m.owner and name == "company" else ""
        SubElement(provider, "companyName").text = department or name
    points = {point.id: point for point in m.touchpoints}
    touchpoints = SubElement(journey, "touchpoints")
    for stage in m.stages:
        for step in stage.steps:
            _touchpoint(touchpoints, stage, step, points.get(step.touchpoint or ""), lang)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'.encode()


def _touchpoint(into: Element, stage: Stage, step: Step, point: Touchpoint | None, lang: str) -> None:
    communication = step.kind == "communication"
    made = SubElement(into, "plannedCommunicationPoint" if communication else "plannedAction")
    SubElement(made, "touchpointID").text = step.id
    SubElement(made, "belongsTo", phaseIDref=stage.id)
    initiator = SubElement(made, "initiator")
    SubElement(initiator, "refersTo", actorIDref=step.initiator)
    SubElement(initiator, "initiatorLabel").text = say(step.title, lang)
    if communication:
        receiver = SubElement(made, "receiver")
        other = step.receiver or ("company" if step.initiator == CUSTOMER else CUSTOMER)
        SubElement(receiver, "refersTo", actorIDref=other)
        SubElement(receiver, "receiverLabel").text = say(point.title, lang) if point else say(step.title, lang)
        if point is not None:
            channel = SubElement(made, "channel")
            SubElement(channel, "channelName").text = point.channel


def from_cjml(content: bytes, where: str = "map.cjml") -> JourneyMap:
    """A map from CJML: the first journey in it, planned or actual, as steps and stages.

    Raises
    ------
    BadMap
        It is no CJML, or holds what XML should not (a document type, entities).

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> from etappe.maps.evidence import bind
    >>> [stage.id for stage in from_cjml(to_cjml(bind(template("three-phases")))).stages]
    ['pre_purchase', 'purchase', 'post_purchase']
    """
    root = _read(content, where)
    journey = next((found for name in ("plannedJourney", "actualJourney") for found in root.iter(name)), None)
    if root.tag != "CJML" or journey is None:
        fault = Fault(where, "", None, "holds no journey of CJML.", "It begins with <CJML><plannedJourney>.")
        raise BadMap(where, [fault])
    ids = [user.get("actorID") or user.get("actorIDref") or "" for user in journey.iter("endUser")]
    names = [_text(user, "actorName") or id for user, id in zip(journey.iter("endUser"), ids, strict=True)]
    users = set(ids)
    steps: dict[str, Step] = {}
    homes: dict[str, str] = {}
    points: dict[str, Touchpoint] = {}
    for i, one in enumerate(journey.iterfind("touchpoints/*")):
        step, point = _step(one, f"s{i + 1}", users, points)
        if step.id in steps:
            raise BadMap(where, [Fault(where, step.id, None, f"the touchpoint {step.id!r} stands twice.")])
        steps[step.id] = step
        if (home := one.find("belongsTo")) is not None:
            homes[step.id] = home.get("phaseIDref", "")
        if point is not None:
            points[point.id] = point
    stages = _stages(journey, steps, homes)
    personas = tuple(name for name in dict.fromkeys(names) if name and name.lower() != CUSTOMER)
    id = new_id(_text(journey, "journeyID") or "cjml", set(), "map")
    title = _text(journey, "journeyTitle") or _text(journey, "journeyName") or _text(journey, "journeyID") or id
    return JourneyMap(
        schema="journey-map/1", id=id, title=title, personas=personas, touchpoints=tuple(points.values()), stages=stages
    )


def _read(content: bytes, where: str) -> Element:
    def refused(what: str, hint: str = "") -> BadMap:
        return BadMap(where, [Fault(where, "", None, what, hint)])

    if len(content) > LARGEST:
        raise refused("is larger than any journey.", f"At most {LARGEST // 1_000_000} MB are read.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused("is not written in UTF-8.", "Save it as UTF-8.") from None
    if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise refused("holds a document type or entities.", "Take them out: a journey needs none.")
    try:
        return ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))  # noqa: S314  # without entities
    except ElementTree.ParseError as error:
        raise refused(f"cannot be read as XML: {error}.") from None


def _text(element: Element, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())


def _actor(element: Element, path: str, users: set[str]) -> str:
    found = element.find(f"{path}/refersTo")
    name = found.get("actorIDref", "") if found is not None else ""
    return CUSTOMER if name in users or not name else name if name in PROVIDERS else "company"


def _step(one: Element, id: str, users: set[str], known: dict[str, Touchpoint]) -> tuple[Step, Touchpoint | None]:
    label = _text(one, "initiator/initiatorLabel") or _text(one, "touchpointName") or id
    channel = _text(one, "channel/channelName")
    received = _text(one, "receiver/receiverLabel")
    point = None
    if channel:
        same = [p.id for p in known.values() if (p.title, p.channel) == (received or label, channel)]
        name = same[0] if same else new_id(received or label, set(known), "touchpoint")
        point = Touchpoint(id=name, title=received or label, channel=channel, medium="digital", contact="direct")
    initiator = _actor(one, "initiator", users)
    return Step(
        id=_text(one, "touchpointID") or id,
        title=label,
        touchpoint=point.id if point else None,
        kind="communication" if one.tag.endswith("CommunicationPoint") else "action",
        initiator=initiator,  # type: ignore[arg-type]  # one of the names that _actor gives
    ), point


def _stages(journey: Element, steps: dict[str, Step], homes: dict[str, str]) -> tuple[Stage, ...]:
    found: dict[str, Stage] = {}
    used = set[str]()
    for i, phase in enumerate([*journey.iterfind("journeyPhases/journeyPhase"), *journey.iterfind("phases/phase")]):
        id = phase.get("phaseID") or f"stage-{i + 1}"
        listed = [ref.get("touchpointIDref", "") for ref in phase.iterfind("refersTo")]
        mine = [step for step in [*listed, *(step for step in steps if homes.get(step) == id)] if step in steps]
        mine = [step for step in dict.fromkeys(mine) if step not in used]
        used |= set(mine)
        own = new_id(id, set(found), "stage") if id in found else id
        found[own] = Stage(
            id=own,
            title=_text(phase, "phaseName") or f"{i + 1}",
            text=_text(phase, "phaseDescription"),
            steps=tuple(steps[step] for step in mine),
        )
    rest = tuple(step for id, step in steps.items() if id not in used)
    if rest or not found:
        id = new_id("journey", set(found), "stage")
        found[id] = Stage(id=id, title={"de": "Journey", "en": "Journey"}, steps=rest)
    return tuple(found.values())
