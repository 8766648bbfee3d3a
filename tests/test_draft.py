import pytest

from etappe.errors import BadDocument
from etappe.journeys.stages import default_registry, extend
from etappe.maps.document import check, dump_map, read_map
from etappe.maps.draft import draft
from etappe.maps.evidence import bind
from etappe.units import DAY_US
from journeys_text import journeys

SHOP = journeys(
    *[f"0 visit, {DAY_US} add_to_cart, {2 * DAY_US} order"] * 40,
    *["0 visit"] * 40,
    *["0 newsletter, 5 visit, 9 kiosk"] * 20,
)


def test_the_most_reached_touchpoints_stand_in_the_stages_of_the_template():
    found = draft(SHOP)
    stages = {stage.id: [step.touchpoint for step in stage.steps] for stage in found.map.stages}
    assert stages["interest"] == ["visit"]
    assert stages["purchase"] == ["order"]
    assert found.left_out == (("kiosk", 20),)
    assert not [f.text for f in check(found.map) if f.level == "error"]
    assert read_map(dump_map(found.map)) == found.map


def test_the_numbers_of_a_draft_are_measured():
    bound = bind(draft(SHOP).map, SHOP, default_registry(), 100 * DAY_US)
    steps = {step.touchpoint: step.id for step in bound.map.steps}
    reach = bound.evidence[f"{steps['order']}_reach"]
    assert (reach.state, reach.value, reach.n) == ("fresh", 40.0, 100)
    time = bound.evidence[f"{steps['add_to_cart']}_time"]
    assert (time.value, time.unit, time.n) == (1.0, "days", 40)
    assert bound.shares["measured"] == 1
    assert not [c for c in bound.cells if c.lane.type == "emotion"]  # no event tells of a feeling


def test_what_a_template_has_no_stage_for_is_listed_and_not_forced():
    shop = journeys(*["0 visit, 5 order, 9 delivery"] * 40)
    assert ("delivery", 40) in draft(shop, template_id="four-stages").left_out
    assert ("delivery", 40) not in draft(shop, template_id="three-phases").left_out


def test_a_workspace_registry_places_its_own_touchpoints():
    yaml = (
        "touchpoints: [{id: kiosk, title: Kiosk, medium: analog, contact: direct, channel: store, atom: buy, "
        "owner: Filialen, goal: G}]"
    )
    found = draft(SHOP, extend(default_registry(), yaml, "shop.yaml"))
    assert found.left_out == ()
    assert "kiosk" in [step.touchpoint for step in found.map.steps]


def test_names_that_the_registry_takes_for_one_touchpoint_are_one_step():
    shop = journeys(*["0 visit, 5 kauf"] * 40, *["0 visit, 5 Bestellung"] * 20, *["0 visit, 5 kauf, 9 Bestellung"] * 10)
    yaml = (
        "touchpoints: [{id: online_purchase, title: Online-Kauf, medium: digital, contact: direct, channel: shop, "
        "atom: buy, owner: Shop, goal: G, match: [kauf, Bestellung]}]"
    )
    registry = extend(default_registry(), yaml, "shop.yaml")
    found = draft(shop, registry).map
    assert [(step.touchpoint, step.title) for step in found.steps][1:] == [("online_purchase", "Online-Kauf")]
    assert found.touchpoints[1].match == "touchpoint in ('kauf', 'Bestellung')"
    bound = bind(read_map(dump_map(found)), shop, registry, 100 * DAY_US)
    assert (bound.evidence["s2_reach"].value, bound.evidence["s2_reach"].n) == (100.0, 70)
    assert not [f.text for f in bound.faults if f.level == "error"]


def test_a_draft_needs_journeys():
    with pytest.raises(BadDocument, match="no journeys"):
        draft(journeys())
