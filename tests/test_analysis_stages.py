"""Stage shares and times: nothing is forced into a stage, and every touchpoint is in one row."""

import numpy as np
import pytest
from hypothesis import given

import naive
from etappe import arrays
from etappe.analysis.ask import ask
from etappe.analysis.ask import who as who_of
from etappe.analysis.stages import Stages, stages, who
from etappe.errors import UnknownName
from etappe.journeys.columns import journeys_of
from etappe.journeys.stages import UNASSIGNED, atoms_of, default_registry, extend
from etappe.vocabulary import ATOMS
from journeys_text import PROPERTY, built, journeys, many

NAMES = ("visit", "order", "ad_view", "delivery", "review", "something_else")


def by_stage(answer):
    return {row["stage"]: row for row in answer.rows()}


def test_time_in_a_stage_runs_from_entering_to_leaving():
    rows = by_stage(stages(journeys("0 visit, 4 visit, 10 order"), model="m4"))
    assert (rows["purchase"]["journeys"], rows["purchase"]["median_us"]) == (1, 0)
    entered = [row for row in rows.values() if row["median_us"] == 10]
    assert len(entered) == 1
    assert (entered[0]["events"], entered[0]["time_share"]) == (2, 1.0)


def test_what_no_stage_covers_and_what_no_one_knows_have_rows_of_their_own():
    model = default_registry().model("m4")
    assert model.atoms["receive"] is None
    rows = stages(journeys("0 delivery, 5 something_else, 7 order"), model="m4").rows()
    last = {row["kind"]: (row["stage"], row["journeys"], row["events"], row["median_us"]) for row in rows[-2:]}
    assert last == {"not_covered": ("not_covered", 1, 1, 5), "unassigned": ("unassigned", 1, 1, 2)}
    assert [row["stage"] for row in rows[:-2]] == [stage.id for stage in model.stages]


def test_an_unknown_model_is_refused():
    with pytest.raises(UnknownName, match="stages: model: no stage model named 'm9'"):
        stages(journeys("0 visit"), model="m9")


def test_a_changed_registry_changes_the_snapshot():
    held = journeys("0 visit")
    text = """
touchpoints:
  - {id: visit, title: Visit, medium: digital, contact: direct, channel: web, atom: buy, owner: Sales, goal: Sell}
"""
    other = extend(default_registry(), text, "own.yaml")
    before, after = stages(held, model="m4"), stages(held, model="m4", registry=other)
    assert before.snapshot != after.snapshot
    assert by_stage(after)["purchase"]["journeys"] == 1
    question = {"question": "stages", "model": "m4"}
    assert ask(held, question, other).snapshot == after.snapshot
    assert who_of(held, question, {"stage": "purchase"}, other).tolist() == [0]


@PROPERTY
@given(many(names=NAMES))
def test_stages_are_their_definition(lists):
    held = built(lists, names=NAMES)
    registry = default_registry()
    for id in ("m1", "m4", "m6"):
        model = registry.model(id)
        atoms = iter(atoms_of(held, registry).tolist())
        named = [[(time, _stage(next(atoms), model)) for time, _ in journey] for journey in lists]
        expected = naive.stages(named)
        whole = sum(sum(times) for _, _, times in expected.values())
        answer = stages(held, model=id)
        for row in answer.rows():
            count, events, times = expected.get(row["stage"], (0, 0, []))
            assert (row["journeys"], row["events"], row["median_us"]) == (count, events, naive.median(times))
            assert row["time_share"] == (sum(times) / whole if whole else None)
            assert len(who(held, answer.question, row)) == count
        assert sum(answer.column("events")) == held.events


def _stage(atom, model):
    return "unassigned" if atom == UNASSIGNED else model.atoms[ATOMS[atom]] or "not_covered"


@PROPERTY
@given(many(names=NAMES))
def test_groups_add_up_to_the_whole(lists):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    grouped = stages(held, by="g")
    for row in stages(held).rows():
        mine = [r for r in grouped.rows() if r["stage"] == row["stage"]]
        assert sum(r["journeys"] for r in mine) == row["journeys"]
        assert sum(r["events"] for r in mine) == row["events"]
    for row in grouped.rows() if lists else []:
        assert len(who(held, Stages(by="g"), row)) == row["journeys"]


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(5)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 4000, 300)), [4000]))
    held = journeys_of(offsets, np.cumsum(rng.integers(0, 50, 4000)), rng.integers(0, 6, 4000), NAMES)
    one = stages(held).to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert stages(held).to_arrow().equals(one)
