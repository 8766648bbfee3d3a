import pytest

from etappe.errors import UnknownName
from etappe.journeys.stages import default_registry
from etappe.maps.document import check, dump_map, read_map
from etappe.maps.draft import TEMPLATES, switch, template
from etappe.maps.evidence import bind
from etappe.vocabulary import say


def all_texts(document):
    yield from (document.title, document.scenario)
    for stage in document.stages:
        yield from (stage.title, stage.text)
        yield from (step.title for step in stage.steps)
    yield from (lane.title for lane in document.lanes)
    yield from (touchpoint.title for touchpoint in document.touchpoints)
    yield from (cell.text for cell in document.cells)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_no_fault(name):
    found = check(template(name), default_registry())
    expected = ["the map ends at the purchase; what comes after it belongs to the journey, too."]
    assert [f.what for f in found] == (expected if name == "four-stages" else [])


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_speaks_german_and_english(name):
    for text in all_texts(template(name)):
        if text:
            assert isinstance(text, dict), text
            assert text["de"], text
            assert text["en"], text


@pytest.mark.parametrize("name", TEMPLATES)
def test_everything_in_a_template_is_assumed(name):
    shares = bind(template(name)).shares
    assert shares == {"measured": 0, "derived": 0, "researched": 0, "assumed": 1}


@pytest.mark.requirement("002-19")
def test_the_default_is_the_five_stages_of_source_002_with_its_texts():
    document = template()
    assert [say(stage.title, "de") for stage in document.stages] == [
        "Bewusstsein",
        "Interesse",
        "Entscheidung",
        "Kauf",
        "Bindung",
    ]
    assert [say(stage.title, "en") for stage in document.stages] == [
        "Awareness",
        "Interest",
        "Decision",
        "Purchase",
        "Retention",
    ]
    said = [say(stage.text, "de") for stage in document.stages]
    assert said[0] == "erfährt zum ersten Mal von Ihrer Marke"
    assert said[1].startswith("recherchiert")
    assert said[1].endswith("und vergleicht es mit anderen")
    assert said[2:] == ["entscheidet sich zum Kauf", "kauft", "bleibt loyal und kauft wieder"]


@pytest.mark.requirement("002-20")
def test_a_stage_can_hold_several_steps():
    assert max(len(stage.steps) for stage in template().stages) >= 2


@pytest.mark.requirement("003-08")
def test_needs_problems_and_motivations_have_lanes_of_their_own():
    types = {lane.type for lane in template("event-registration").lanes}
    assert {"need", "pain", "motivation"} <= types


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_touchpoint_of_a_template_has_the_category_of_the_catalogue(name):
    for t in template(name).touchpoints:
        known = default_registry().find(t.id)
        assert (t.medium, t.contact, t.channel) == (known.medium, known.contact, known.channel)


@pytest.mark.parametrize("to", TEMPLATES)
def test_a_map_can_switch_to_another_template_and_loses_nothing(to):
    document = template()
    switched = switch(document, to)
    assert {step.id for step in switched.steps} == {step.id for step in document.steps}
    assert len(switched.cells) == len(document.cells)
    assert not [f.text for f in check(switched) if f.level == "error"]
    assert read_map(dump_map(switched)) == switched


def test_an_unknown_template_proposes_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'five-stages'"):
        template("five-stage")
