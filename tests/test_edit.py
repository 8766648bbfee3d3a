"""Edits of a map and the merge of two: nothing that somebody wrote is lost."""

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.errors import EtappeError
from etappe.maps.check import check
from etappe.maps.document import dump_map, read_map
from etappe.maps.draft import TEMPLATES, template
from etappe.maps.edit import edited, edits_of
from etappe.maps.edits import Add, Bind, Change, Move, Remove, Span, Unbind, Write
from etappe.maps.merge import merge
from etappe.maps.parts import put_together, taken_apart
from etappe.maps.rewrite import rewritten
from etappe.vocabulary import say

BASE = template("five-stages")


def steps(document):
    return {stage.id: [step.id for step in stage.steps] for stage in document.stages}


def cell(document, lane, **place):
    return next(
        (c for c in document.cells if c.lane == lane and all(getattr(c, k) == v for k, v in place.items())), None
    )


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_map_taken_apart_is_put_together_the_same(name):
    assert put_together(taken_apart(template(name))) == template(name)


def test_a_cell_is_written_changed_and_emptied():
    shop = edited(BASE, [Write(lane="pain", place="s4", fields={"text": "Versandkosten", "severity": 2})])
    assert cell(shop, "pain", step="s4").severity == 2
    shop = edited(shop, [Write(lane="pain", place="s4", fields={"severity": None})])
    assert cell(shop, "pain", step="s4") == msgspec.structs.replace(cell(shop, "pain", step="s4"), severity=None)
    assert cell(edited(shop, [Write(lane="pain", place="s4", fields={"text": ""})]), "pain", step="s4") is None


@pytest.mark.requirement("002-20")
def test_a_step_is_added_moved_into_another_stage_and_removed_with_its_cells():
    shop = edited(BASE, [Add(kind="step", value={"title": "fragt im Chat"}, after="s2")])
    assert steps(shop)["awareness"] == ["s1", "s2", "s9"]
    shop = edited(shop, [Write(lane="pain", place="s9", fields={"text": "wartet"})])
    shop = edited(shop, [Move(kind="step", id="s9", after="interest")])
    assert steps(shop)["interest"][0] == "s9"
    assert cell(shop, "pain", step="s9").text == "wartet"
    assert cell(edited(shop, [Remove(kind="step", id="s9")]), "pain", step="s9") is None


def test_a_span_shrinks_with_its_steps_and_becomes_one_step():
    shop = edited(BASE, [Write(lane="pain", place="s3..s5", fields={"text": "lang"})])
    shop = edited(shop, [Remove(kind="step", id="s5")])
    assert (cell(shop, "pain", text="lang").start, cell(shop, "pain", text="lang").end) == ("s3", "s4")
    shop = edited(shop, [Remove(kind="step", id="s3")])
    assert cell(shop, "pain", text="lang").step == "s4"


def test_a_span_turns_when_its_ends_change_sides():
    shop = edited(
        BASE, [Write(lane="pain", place="s1..s3", fields={"text": "x"}), Move(kind="step", id="s1", after="s4")]
    )
    found = cell(shop, "pain", text="x")
    assert (found.start, found.end) == ("s3", "s1")
    assert check(shop) == check(msgspec.structs.replace(shop))


def test_a_cell_moves_to_a_span():
    shop = edited(BASE, [Write(lane="pain", place="s1", fields={"text": "x"})])
    shop = edited(shop, [Span(lane="pain", place="s1", to_place="s3..s1")])
    assert (cell(shop, "pain", text="x").start, cell(shop, "pain", text="x").end) == ("s1", "s3")


def test_a_stage_moves_with_its_steps_and_goes_with_them():
    shop = edited(BASE, [Move(kind="stage", id="awareness", after="purchase")])
    assert list(steps(shop)) == ["interest", "decision", "purchase", "awareness", "retention"]
    assert steps(shop)["awareness"] == ["s1", "s2"]
    shop = edited(shop, [Remove(kind="stage", id="awareness")])
    assert not {"s1", "s2"} & {c.step for c in shop.cells}


def test_evidence_is_bound_shown_twice_and_dropped_with_its_last_cell():
    bind = Bind(lane="pain", place="s4", evidence={"metric": "journey.count"})
    shop = edited(BASE, [bind, Bind(lane="pain", place="s5", evidence={"id": "journey-count"})])
    assert [e.id for e in shop.evidence][-1] == "journey-count"
    one = edited(shop, [Unbind(lane="pain", place="s4", evidence="journey-count")])
    assert "journey-count" in [e.id for e in one.evidence]
    none = edited(one, [Remove(kind="step", id="s5")])
    assert "journey-count" not in [e.id for e in none.evidence]


def test_lanes_and_opportunities_come_and_go():
    shop = edited(BASE, [Add(kind="lane", value={"type": "gain", "title": {"de": "Schöne Momente"}}, after="pain")])
    assert [lane.id for lane in shop.lanes][[lane.id for lane in shop.lanes].index("pain") + 1] == "schoene-momente"
    shop = edited(shop, [Write(lane="schoene-momente", place="stage:interest", fields={"text": "freut sich"})])
    shop = edited(shop, [Remove(kind="lane", id="schoene-momente")])
    assert shop == BASE


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"edit": "write", "lane": "pian", "place": "s1", "fields": {}}, "Did you mean 'pain'"),
        ({"edit": "write", "lane": "pain", "place": "s99", "fields": {"text": "x"}}, "step"),
        ({"edit": "write", "lane": "pain", "place": "s1", "fields": {"severity": "high"}}, "expected"),
        ({"edit": "write", "lane": "pain", "place": "", "fields": {"text": "x"}}, "step"),
        ({"edit": "write", "lane": "pain", "place": "s1..", "fields": {"text": "x"}}, "step"),
        ({"edit": "add", "kind": "step", "value": {"id": "s1", "title": "x"}}, "is taken"),
        ({"edit": "add", "kind": "step", "value": {"title": 3}}, "expected"),
        ({"edit": "add", "kind": "edge", "value": {"from": "s1", "to": "s77"}}, "s77"),
        ({"edit": "change", "kind": "step", "id": "s1", "fields": {"id": "s77"}}, "not changed so"),
        ({"edit": "change", "kind": "map", "fields": {"cells": []}}, "not changed so"),
        ({"edit": "move", "kind": "step", "id": "s1", "after": "s77"}, "s77"),
        ({"edit": "span", "lane": "pain", "place": "s8..s9"}, "cell"),
        ({"edit": "fly"}, "edits"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(edit, said):
    with pytest.raises(EtappeError, match="edits") as refused:
        edited(BASE, edits_of([edit]))
    assert said in str(refused.value)


def test_what_two_people_write_in_different_cells_is_kept():
    mine = edited(BASE, [Write(lane="pain", place="s1", fields={"text": "mine"})])
    theirs = edited(BASE, [Write(lane="pain", place="s2", fields={"text": "theirs"}), Remove(kind="step", id="s8")])
    both, conflicts = merge(BASE, theirs, mine)
    assert [say(cell(both, "pain", step=step).text, "de") for step in ("s1", "s2")] == ["mine", "theirs"]
    assert "s8" not in [step.id for step in both.steps]
    assert conflicts == ()


def test_what_two_people_write_in_one_field_is_told_and_the_saved_one_stands():
    mine = edited(BASE, [Write(lane="pain", place="s1", fields={"text": "mine", "severity": 3})])
    theirs = edited(BASE, [Write(lane="pain", place="s1", fields={"text": "theirs"})])
    both, conflicts = merge(BASE, theirs, mine)
    assert cell(both, "pain", step="s1").text == "theirs"
    assert cell(both, "pain", step="s1").severity == 3
    assert [(c.kind, c.id, c.field, c.saved, c.wanted) for c in conflicts] == [
        ("cell", "pain @ s1", "text", "theirs", "mine")
    ]


def test_a_step_that_one_removed_and_the_other_wrote_at_stays():
    mine = edited(BASE, [Write(lane="pain", place="s1", fields={"text": "mine"})])
    theirs = edited(BASE, [Remove(kind="stage", id="awareness")])
    both, conflicts = merge(BASE, theirs, mine)
    assert cell(both, "pain", step="s1").text == "mine"
    assert steps(both)["awareness"] == ["s1"]
    assert {c.kind for c in conflicts} == {"step", "stage"}


def test_a_text_is_written_in_one_language_and_stays_in_the_other():
    shop = edited(BASE, [Write(lane="pain", place="s1", fields={"text": "teuer"})])
    shop = edited(shop, [Write(lane="pain", place="s1", fields={"text": "dear"}, lang="en")])
    assert cell(shop, "pain", step="s1").text == {"de": "teuer", "en": "dear"}
    shop = edited(shop, [Change(kind="step", id="s1", fields={"title": "sees an ad"}, lang="en")])
    assert shop.steps[0].title == {"de": "bemerkt eine Anzeige", "en": "sees an ad"}


def test_a_language_added_by_one_and_a_word_changed_by_another_are_both_kept():
    base = edited(BASE, [Write(lane="pain", place="s1", fields={"text": {"de": "teuer"}})])
    mine = edited(base, [Write(lane="pain", place="s1", fields={"text": {"de": "teuer", "en": "dear"}})])
    theirs = edited(base, [Write(lane="pain", place="s1", fields={"text": {"de": "zu teuer"}})])
    both, conflicts = merge(base, theirs, mine)
    assert cell(both, "pain", step="s1").text == {"de": "zu teuer", "en": "dear"}
    assert conflicts == ()


@pytest.mark.parametrize("first", [0, 1])
def test_a_stage_moved_by_one_takes_along_the_step_that_the_other_put_into_it(first):
    changes = [
        edited(BASE, [Move(kind="step", id="s1", after="interest")]),
        edited(BASE, [Move(kind="stage", id="interest", after="decision")]),
    ]
    both, conflicts = merge(BASE, changes[first], changes[1 - first])
    assert list(steps(both))[:3] == ["awareness", "decision", "interest"]
    assert "s1" in steps(both)["interest"]
    assert conflicts == ()


# -- any two series of edits -------------------------------------------------------------------------------------

STEPS = [step.id for step in BASE.steps]
STAGES = [stage.id for stage in BASE.stages]
LANES = [lane.id for lane in BASE.lanes]
TEXTS = st.sampled_from(["", "a", "b", "c"])
EDITS = st.one_of(
    st.builds(Write, lane=st.sampled_from(LANES), place=st.sampled_from([*STEPS, "s1..s3", "s2..s6", "stage:interest"]),
              fields=st.fixed_dictionaries({"text": TEXTS})),
    st.builds(Remove, kind=st.just("step"), id=st.sampled_from(STEPS)),
    st.builds(Remove, kind=st.just("lane"), id=st.sampled_from(LANES)),
    st.builds(Remove, kind=st.just("stage"), id=st.sampled_from(STAGES)),
    st.builds(Move, kind=st.just("step"), id=st.sampled_from(STEPS), after=st.sampled_from([*STEPS, *STAGES])),
    st.builds(Move, kind=st.just("stage"), id=st.sampled_from(STAGES), after=st.sampled_from([*STAGES, None])),
    st.builds(Move, kind=st.just("lane"), id=st.sampled_from(LANES), after=st.sampled_from([*LANES, None])),
    st.builds(Add, kind=st.just("step"), value=st.fixed_dictionaries({"title": TEXTS}), after=st.sampled_from(STEPS)),
    st.builds(Change, kind=st.just("map"), fields=st.fixed_dictionaries({"scenario": TEXTS})),
)  # fmt: skip


def after(edits):
    """The map after those of the edits that fit."""
    document = BASE
    for edit in edits:
        try:
            document = edited(document, [edit])
        except EtappeError:
            continue
    return document


def errors(document):
    return [fault.text for fault in check(document) if fault.level == "error"]


@settings(deadline=None, max_examples=100)
@given(st.lists(EDITS, max_size=4), st.lists(EDITS, max_size=4))
def test_a_merge_keeps_what_either_wrote_and_refers_to_nothing_that_is_gone(first, second):
    saved, wanted = after(first), after(second)
    both, conflicts = merge(BASE, saved, wanted)
    assert [e for e in errors(both) if "has no stages" not in e] == []
    parts, was = taken_apart(both), taken_apart(BASE)
    told = {(c.kind, c.id) for c in conflicts}
    for side in (taken_apart(saved), taken_apart(wanted)):
        for name, value in side.values.items():
            if value != was.values.get(name):  # written by this side
                assert name in parts.values
                assert parts.values[name] == value or name in told or value in (
                    taken_apart(saved).values.get(name), taken_apart(wanted).values.get(name)
                )  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(st.lists(EDITS, max_size=5))
def test_a_merge_with_nothing_is_the_change_itself_and_undoing_it_gives_the_map_before(edits):
    wanted = after(edits)
    assert merge(BASE, BASE, wanted) == (wanted, ())
    assert merge(BASE, wanted, BASE)[0] == wanted
    assert merge(BASE, wanted, wanted) == (wanted, ())
    assert merge(wanted, wanted, BASE) == (BASE, ())


COMMENTED = """# Our map: ask Lena before changing stages
schema: journey-map/1
id: shop
title: Shop  # as on the door
stages:
  # before the purchase
  - id: a
    title: Vorher
    steps:
      - {id: s1, title: besucht}  # the first contact
      - {id: s2, title: vergleicht}  # often twice
  - {id: b, title: Kauf, steps: [{id: s3, title: kauft}]}
lanes:
  - {id: pain, type: pain, title: Hürden}
cells:
  - {lane: pain, step: s1, text: zu laut}  # said by three of five
"""


def test_comments_in_a_file_survive_an_edit():
    document = read_map(COMMENTED)
    edits = [
        Write(lane="pain", place="s1", fields={"text": "zu leise"}), Move(kind="step", id="s1", after="s2"),
        Add(kind="step", value={"title": "denkt nach"}, after="s1"), Change(kind="map", fields={"title": "Laden"}),
    ]  # fmt: skip
    after_edits = edited(document, edits)
    text = rewritten(COMMENTED, after_edits)
    assert read_map(text) == after_edits
    assert text.count("#") == COMMENTED.count("#")
    for said in (
        "{id: s1, title: besucht}  # the first",
        "{id: s2, title: vergleicht}  # often",
        "zu leise}  # said by",
    ):
        assert said in re.sub(r" +#", "  #", text)


@settings(deadline=None, max_examples=30)
@given(st.lists(EDITS, max_size=4))
def test_a_rewritten_file_says_the_map(edits):
    assert read_map(rewritten(dump_map(BASE), after(edits))) == after(edits)
