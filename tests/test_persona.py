"""A persona: read, checked, its customers as a column, and what the data say of it."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from etappe.analysis.behaviour import Centre, Centres
from etappe.analysis.reach import reach
from etappe.errors import BadDocument, UnknownName
from etappe.journeys.stages import default_registry
from etappe.maps.belonging import digest, members, with_personas
from etappe.maps.check import Fault
from etappe.maps.model import Pick
from etappe.maps.persona import GROUPS, Field, Measured, Persona, check, dump_persona, read_persona
from etappe.maps.portrait import (
    basis_of,
    currency_of,
    examples,
    known_of,
    membership,
    profile,
    relevance,
    stages_of,
)
from journeys_text import NAMES, PROPERTY, built, journeys, many

LENA = """
schema: persona/1
id: lena
title: {de: "Lena, die Vergleichende", en: "Lena who compares"}
kind: rule
rule: age = '30-39'
story: Lena vergleicht, bevor sie kauft.
demographics:
  - {text: 30 bis 39, measured: {attribute: age, is: 30-39}}
values:
  - {text: Ehrlichkeit, studies: [Interviews 2026]}
wishes:
  - {text: Weniger Werbung}
needs:
  - {text: Ein ehrlicher Vergleich, stage: interest}
"""


def lena(**changes):
    document = read_persona(LENA, "lena.yaml")
    return type(document)(**{name: getattr(document, name) for name in document.__struct_fields__} | changes)


def texts(faults: list[Fault]) -> list[str]:
    return [fault.text for fault in faults]


@pytest.mark.requirement("000-25")
@pytest.mark.requirement("000-29")
@pytest.mark.requirement("000-30")
@pytest.mark.requirement("000-38")
@pytest.mark.requirement("002-15")
def test_a_persona_holds_every_field_that_the_sources_ask_for():
    assert {"demographics", "values", "ideas", "wishes", "challenges", "behaviour", "preferences"} <= set(GROUPS)
    assert {"messages", "content", "products", "services", "strategies", "measures", "needs"} <= set(GROUPS)
    assert lena().type == "typical"
    assert read_persona(LENA + "prospect: true\nstrategies: [{text: Vergleich anbieten}]\n").prospect
    assert read_persona(LENA + "type: ideal\n").type == "ideal"


def test_a_persona_is_written_as_it_was_read():
    assert read_persona(dump_persona(lena())) == lena()


def test_an_unknown_key_is_refused_with_its_line():
    with pytest.raises(BadDocument, match=r"lena.yaml:4: unknown key 'wishs'. Did you mean 'wishes'"):
        read_persona("schema: persona/1\nid: lena\ntitle: Lena\nwishs: []\n", "lena.yaml")


def test_every_fault_is_a_sentence_with_its_place():
    shop = journeys("0 a", attributes={"age": ["30-39"]})
    good = check(lena(), default_registry(), shop)
    assert good == []
    bad = lena(
        rule="age ==",
        needs=(Field(text="Rat", stage="intrest"), Field(text="Rat")),
        wishes=(Field(), Field(measured=Measured(attribute="agee", is_="x"))),
    )
    told = texts(check(bad, default_registry(), shop))
    assert "persona lena: needs[0].stage: no stage named 'intrest'. Did you mean 'interest'?" in told
    assert "persona lena: wishes[0]: says nothing. Write a text, or how it is measured." in told
    assert "persona lena: wishes[1].measured: no customer attribute named 'agee'. Did you mean 'age'?" in told
    assert any(text.startswith("persona lena: rule: ") for text in told)
    assert any("a need without a stage" in text for text in told)
    hand = texts(check(lena(kind="hand", rule=None)))
    assert any("by hand has no customers" in text for text in hand)
    found = texts(check(lena(kind="found", rule=None, centre="c9"), centres=["c1"]))
    assert any("is gone since the personas were found again" in text for text in found)


@pytest.mark.requirement("000-28")
def test_what_a_field_rests_on_is_computed():
    shop = journeys(*["0 a"] * 40, attributes={"age": ["30-39"] * 30 + [None] * 10})
    mine = members(with_personas(shop, [lena()], None), lena())
    [age] = lena().demographics
    known = known_of(age.measured, mine, None, None)
    assert (known.state, known.value, known.n) == ("fresh", 100.0, 30)
    assert known.low is not None
    assert basis_of(age, known) == "measured"
    assert basis_of(lena().values[0], None) == "researched"
    assert basis_of(lena().wishes[0], None) == "assumed"
    few = known_of(replace_min(age.measured, 31), mine, None, None)
    assert (few.state, few.value) == ("few", None)
    assert basis_of(age, few) == "assumed"


def replace_min(measured, least):
    return Measured(attribute=measured.attribute, is_=measured.is_, min_n=least)


def test_a_field_is_measured_by_a_feature_or_any_question():
    shop = journeys(*["0 a, 86400000000 b"] * 40)
    gap = known_of(Measured(feature="gap"), shop, None, None)
    assert (gap.value, gap.unit, gap.n) == (1.0, "days", 40)
    share = known_of(Measured(feature="touchpoint:a"), shop, None, None)
    assert (share.value, share.unit) == (50.0, "percent")
    asked = {"question": "reach", "touchpoints": ["b"]}
    pick = Pick(column="share", where={"touchpoint": "b"})
    reached = known_of(Measured(question=asked, value=pick), shop, None, None)
    assert (reached.value, reached.n, reached.question) == (100.0, 40, asked)
    assert known_of(Measured(feature="gapp"), shop, None, None).state == "failed"
    assert known_of(Measured(feature="gap"), shop.select(np.zeros(0, np.int64)), None, None).state == "none"


@pytest.mark.requirement("000-26")
def test_every_question_can_be_split_and_filtered_by_persona():
    shop = journeys("0 a, 1 b", "3 a", "4 b", attributes={"age": ["30-39", "40-49", None]})
    told = with_personas(shop, [lena()], None)
    assert told.attributes == ("age", "persona", "persona.lena")
    assert told.where("persona = 'lena'").subjects == 1
    assert told.where("persona.lena = 'no'").subjects == 2
    rows = reach(told, by="persona").rows()
    assert {row["group"]: row["group_n"] for row in rows} == {"lena": 1, None: 2}
    assert len(members(told, lena())) == 1


def test_a_customer_fits_several_rules_and_has_one_persona():
    shop = journeys("0 a, 1 b", "3 a", "4 b")
    both = [lena(id="x", rule="did a"), lena(id="y", rule="touchpoint = 'b'")]
    told = with_personas(shop, both, None)
    assert told.attribute("persona").texts() == ["x", "x", "y"]
    assert told.attribute("persona.y").texts() == ["yes", "no", "yes"]


def test_a_found_persona_goes_before_rules():
    at = (Centre(id="c1", weight=1.0, reach=9.0, at=(0.0,), stability=1.0),)
    scales = {"common": (0.5,), "mean": (0.8,), "scale": (1.0,), "turn": ((1.0,),)}
    centres = Centres(features=("touchpoint:a",), goal=None, least=2, centres=at, **scales)
    shop = journeys("0 a, 1 b", "3 a", "4 b")
    kept = lena(id="found", kind="found", rule=None, centre="c1")
    told = with_personas(shop, [kept, lena(id="x", rule="did a")], centres)
    assert told.attribute("persona").texts() == ["found", None, None]
    assert told.attribute("persona.x").texts() == ["yes", "yes", "no"]
    gone = with_personas(shop, [lena(id="found", kind="found", rule=None, centre="c2")], centres)
    assert gone.attribute("persona").texts() == [None] * 3


def test_who_belongs_depends_on_the_whole_journey_and_survives_filters():
    told = with_personas(journeys("0 a, 1 b", "3 a"), [lena(rule="did b")], None)
    assert told.where("touchpoint = 'a'").attribute("persona").texts() == ["lena", None]
    assert told.split(end="a").attribute("persona").texts() == ["lena", "lena", None]


def test_a_rule_that_the_data_cannot_answer_means_nobody():
    assert with_personas(journeys("0 a"), [lena()], None).attribute("persona").texts() == [None]


def test_a_persona_by_hand_adds_no_column_and_changes_no_snapshot():
    shop = journeys("0 a")
    hand = [lena(kind="hand", rule=None)]
    assert with_personas(shop, hand, None) is shop
    assert digest(hand, None) == ""
    assert digest([lena()], None) != digest([lena(rule="did a")], None)


@PROPERTY
@given(many())
def test_membership_by_rule_is_what_the_rule_says(lists):
    shop = with_personas(built(lists, names=NAMES), [lena(rule="touchpoint = 'a'")], None)
    expected = [any(name == "a" for _, name in one) for one in lists]
    assert membership(shop, "lena").tolist() == expected


@pytest.mark.requirement("000-32")
def test_touchpoints_are_ranked_by_what_a_persona_does_more_than_others():
    shop = journeys(*["0 a, 1 b"] * 50, *["0 a"] * 49, "0 a, 1 b")
    mine = np.arange(100) < 50
    first, second = relevance(shop, mine)
    assert (first.touchpoint, first.journeys, first.others) == ("b", 50, 1)
    assert first.lift == pytest.approx(50.0)
    assert first.lift_low is not None
    assert 1 < first.lift_low < 50 < first.lift_high
    assert first.q is not None
    assert first.q < 0.001
    assert (second.touchpoint, second.lift) == ("a", 1.0)


@pytest.mark.requirement("000-31")
def test_a_persona_in_each_stage_has_share_time_and_way_onward():
    shop = journeys("0 page_view, 10 online_purchase, 15 page_view", "0 page_view", "0 online_purchase, 5 page_view")
    cells = {cell.stage: cell for cell in stages_of(shop.labelled(), default_registry(), "m4")}
    assert (cells["interest"].journeys, cells["interest"].onward) == (2, 1)
    assert cells["interest"].conversion == 0.5
    assert (cells["purchase"].journeys, cells["purchase"].share) == (2, 2 / 3)
    assert cells["retention"].conversion is None  # there is no later stage
    assert cells["interest"].median_us == 5


def test_representative_journeys_tell_no_name_no_date_and_nothing_of_few():
    shop = journeys(*["7 a, 9 b"] * 9, "70 a, 90 b")
    found = examples(shop, None, 2)
    assert [step.after_us for step in found[0].steps] == [0, 2]
    assert examples(shop.select(np.arange(9)), None) == []
    assert {*found[0].__dataclass_fields__} == {"steps", "touchpoints", "distance"}


def test_the_representative_journey_has_the_least_distance_to_all_others():
    shop = journeys(*["0 a, 1 b"] * 5, *["0 a, 1 b, 2 b"] * 6, *["0 a, 1 b, 2 b, 3 b"] * 5)
    assert examples(shop, None, 1)[0].touchpoints == 3


def test_a_profile_says_what_sets_a_persona_apart():
    shop = journeys(*["0 a, 1 b"] * 20, *["0 a"] * 20, attributes={"age": ["x"] * 15 + ["y"] * 25})
    found = {(row.name, row.text): row for row in profile(shop, np.arange(40) < 20, None)}
    assert found["touchpoints", None].effect > 0
    assert found["touchpoint:a", None].effect < 0
    age = found["age", "x"]
    assert (age.value, age.others, age.n) == (0.75, 0.0, 20)
    assert age.q is not None
    assert age.q < 0.001
    assert profile(shop, np.ones(40, bool), None) == []


def test_a_persona_without_customers_is_named_with_those_there_are():
    told = with_personas(journeys("0 a"), [lena(rule="did a")], None)
    with pytest.raises(UnknownName, match="lena"):
        membership(told, "lenna")
    assert len(members(told, lena(id="other"))) == 0


def test_a_copy_of_journeys_keeps_the_columns():
    told = with_personas(journeys("0 a"), [lena(rule="did a")], None)
    assert replace(told).attribute("persona").texts() == ["lena"]
    assert isinstance(lena(), Persona)


def test_an_attribute_of_numbers_is_told_by_its_median():
    ages = [str(20 + i) for i in range(45)]
    shop = journeys(*["0 a, 1 b"] * 45, attributes={"age": ages, "name": [f"n{i}" for i in range(45)]})
    rows = {row.name: row for row in profile(shop, np.arange(45) < 15, None)}
    assert (rows["age"].kind, rows["age"].value, rows["age"].others) == ("number", 27.0, 49.5)
    assert "name" not in rows


def test_an_attribute_persona_of_the_data_stays():
    shop = journeys("0 a", attributes={"persona": ["own"]})
    told = with_personas(shop, [lena(rule="did a")], None)
    assert told.attribute("persona").texts() == ["own"]
    assert told.attribute("persona.lena").texts() == ["yes"]


def test_money_is_told_in_its_currency():
    paid = built(
        [[(0, "order"), (1, "visit")]] * 40, values=[10_000, None] * 40, columns={"currency": ["EUR", None] * 40}
    )
    known = known_of(Measured(feature="value"), paid, None, "order")
    assert (known.value, known.unit, known.currency) == (1.0, "money", "EUR")
    mixed = built([[(0, "order")]] * 2, values=[10_000] * 2, columns={"currency": ["EUR", "USD"]})
    assert currency_of(mixed, "order") is None


def test_the_example_in_the_docs_is_without_an_error():
    page = (Path(__file__).parents[1] / "docs" / "personas.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    shop = journeys("0 coupon_redeemed", attributes={"age": ["25-34"]})
    assert check(read_persona(example), default_registry(), shop) == []
