"""CJML: a planned journey out and in, and files as CJML's public editor writes them."""

from xml.etree import ElementTree

import pytest

from etappe.maps.check import check
from etappe.maps.cjml import from_cjml, to_cjml
from etappe.maps.document import BadMap
from etappe.maps.draft import TEMPLATES, template
from etappe.maps.evidence import bind

EDITOR = """<CJML version="2.0">
<actualJourney><journeyID>A</journeyID><actors/><touchpoints/></actualJourney>
<plannedJourney><journeyID>Pizza</journeyID>
<journeyPhases>
<journeyPhase phaseID="Before"><phaseName>Before</phaseName><phaseDescription></phaseDescription></journeyPhase>
<journeyPhase phaseID="After"><phaseName>After</phaseName><phaseDescription>At home</phaseDescription></journeyPhase>
</journeyPhases>
<actors><endUser actorIDref="Ann"></endUser><serviceProvider actorID="Cook"/></actors>
<touchpoints>
<plannedAction><touchpointID>1</touchpointID><belongsTo phaseIDref="Before"></belongsTo>
<initiator><refersTo actorIDref="Ann"/><initiatorLabel>Reads the menu</initiatorLabel></initiator></plannedAction>
<plannedCommunicationPoint><touchpointID>T2</touchpointID><belongsTo phaseIDref="After"></belongsTo>
<initiator><refersTo actorIDref="Cook"/><initiatorLabel>Calls</initiatorLabel></initiator>
<receiver><refersTo actorIDref="Ann"/><receiverLabel>Is called</receiverLabel></receiver>
<channel><channelName>Phone</channelName></channel></plannedCommunicationPoint>
<plannedAction><touchpointID>3</touchpointID>
<initiator><refersTo actorIDref="Ann"/><initiatorLabel>Eats</initiatorLabel></initiator></plannedAction>
</touchpoints></plannedJourney></CJML>"""


def test_a_file_of_the_public_editor_is_read_with_its_phases():
    document = from_cjml(EDITOR.encode())
    assert [(stage.id, stage.text, [step.id for step in stage.steps]) for stage in document.stages] == [
        ("Before", "", ["1"]),
        ("After", "At home", ["T2"]),
        ("journey", "", ["3"]),
    ]
    assert [(step.kind, step.initiator) for step in document.steps] == [
        ("action", "customer"),
        ("communication", "company"),
        ("action", "customer"),
    ]
    assert [fault.text for fault in check(document) if fault.level == "error"] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_stages_and_steps_come_back_in_order(name):
    document = template(name)
    back = from_cjml(to_cjml(bind(document), "en"))
    assert [(s.id, [step.id for step in s.steps]) for s in back.stages] == [
        (s.id, [step.id for step in s.steps]) for s in document.stages
    ]
    assert [(step.kind, step.initiator) for step in back.steps] == [
        (step.kind, step.initiator) for step in document.steps
    ]


def test_each_touchpoint_says_its_phase_and_its_actors_are_listed():
    root = ElementTree.fromstring(to_cjml(bind(template("five-stages")), "en"))
    phases = {phase.get("phaseID") for phase in root.iter("journeyPhase")}
    actors = {actor.get("actorID") for actor in root.find("plannedJourney/actors")}
    for point in root.find("plannedJourney/touchpoints"):
        assert point.find("belongsTo").get("phaseIDref") in phases
    assert {found.get("actorIDref") for found in root.iter("refersTo")} <= actors


def test_phases_that_list_their_touchpoints_are_read_too():
    text = EDITOR.replace("</journeyPhases>", "</journeyPhases><phases><phase phaseID='x'><phaseName>X</phaseName>"
                          "<refersTo touchpointIDref='3'/></phase></phases>")  # fmt: skip
    assert [stage.id for stage in from_cjml(text.encode()).stages] == ["Before", "After", "x"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]><CJML>&z;</CJML>', "document type or entities"),
        (b"<CJML>&unknown;</CJML>", "cannot be read as XML"),
        ("<CJML/>".encode("utf-16"), "not written in UTF-8"),
        (b"<CJML>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</CJML>", "no journey"),
        (b" " * 5_000_001, "larger than any journey"),
        (EDITOR.replace("T2", "1").encode(), "stands twice"),
    ],
)
def test_what_is_no_journey_is_refused(content, said):
    with pytest.raises(BadMap) as refused:
        from_cjml(content, "a.cjml")
    assert "a.cjml" in str(refused.value)
    assert said in str(refused.value)
