"""Friction: each signal by itself, its base, and the plain sum over them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_signals as naive
from etappe import arrays
from etappe.analysis.friction import friction, who
from etappe.analysis.signals import SIGNALS
from etappe.errors import BadDuration, BadQuestion, UnknownName
from etappe.journeys.columns import journeys_of
from etappe.units import duration_text
from journeys_text import NAMES, PROPERTY, built, journeys, many


def told(answer, *, pairs=False):
    names = ("touchpoint", "to") if pairs else ("touchpoint",)
    return {(*(r[n] for n in names), r["signal"]): (r["journeys"], r["base"], r["count"]) for r in answer.rows()}


def one(signal, *texts, **options):
    found = told(friction(journeys(*texts), slow="1h", **options))
    return {name: counts[0] for (name, sign), counts in found.items() if sign == signal and counts[0]}


def test_the_last_touch_of_a_journey_without_the_goal_is_an_exit():
    texts = ("0 a, 1 order, 2 thanks", "0 a, 1 b", "0 b")
    assert one("exit", *texts, goal="order") == {"b": 2}
    assert one("exit", *texts) == {"b": 2, "thanks": 1}


def test_three_in_a_row_are_a_loop_and_four_are_one_too():
    assert one("loop", "0 a, 1 a", "0 b, 1 b, 2 b", "0 c, 1 c, 2 c, 3 c") == {"b": 1, "c": 1}
    found = told(friction(journeys("0 a, 1 a, 2 a, 3 b, 4 a, 5 a, 6 a, 7 a"), slow="1h"))
    assert found["a", "loop"] == (1, 1, 2)


def test_a_u_turn_is_quick_and_its_edge_counts():
    texts = ("0 a, 5 b, 15 a", "0 a, 5 c, 16 a", "0 a, 5 d, 6 e, 7 a")
    assert one("u-turn", *texts, dwell="10us") == {"b": 1}
    assert one("back-step", *texts, dwell="10us") == {"c": 1, "e": 1}


def test_the_same_touchpoint_again_is_no_step_back():
    assert one("back-step", "0 a, 1 a, 2 a") == {}


def test_a_long_wait_is_longer_than_nine_in_ten_pauses():
    held = journeys(*["0 a, 1 b"] * 18, "0 a, 9 c, 10 d", "0 a, 0 b")
    found = told(friction(held))
    assert found["a", "long-wait"] == (1, 20, 1)
    assert found["c", "long-wait"] == (0, 1, 0)
    assert ("slow-measured", {"slow_us": 1}) in [(said.code, said.values) for said in friction(held).warnings]
    assert "slow-measured" not in [said.code for said in friction(held, slow="5us").warnings]


def test_a_measured_limit_is_rounded_up_to_a_readable_one():
    hour = 3_600_000_000
    for pause, said in ((26 * hour + 1, "27h"), (2 * hour + 1, "121m"), (1_000_001, "2s"), (1_000_000, "1s")):
        (warning,) = [w for w in friction(journeys(f"0 a, {pause} b")).warnings if w.code == "slow-measured"]
        assert duration_text(warning.values["slow_us"]) == said


def test_an_error_counts_for_the_touches_just_before_it():
    assert one("error", "0 a, 1 b, 2 c, 3 err, 4 d", errors=["err"], near=2) == {"b": 1, "c": 1}


@pytest.mark.requirement("003-03")
def test_a_later_complaint_or_low_score_counts_for_the_touches_before_it():
    assert one("support", "0 a, 1 b, 11 call", "0 b", support=["call"], within="10us") == {"b": 1}
    held = journeys("0 a, 1 b", "0 a, 1 b", "0 a", columns={"nps": [None, "6", None, "7", None]})
    found = told(friction(held, score="nps", within="10us"))
    assert found["a", "low-score"] == (1, 2, 1)  # of three journeys two gave a score
    assert told(friction(held, score="nps", low_score=7))["b", "low-score"] == (2, 2, 2)


@pytest.mark.requirement("000-15")
def test_the_sum_can_be_redone_by_hand():
    held = journeys("0 a, 1 b, 2 a", "0 a", "0 b, 1 c")
    answer = friction(held, slow="1h", weights=["exit=2", "u-turn=0.5"])
    for row in answer.rows():
        mine = [r for r in answer.rows() if r["touchpoint"] == row["touchpoint"]]
        assert row["friction"] == pytest.approx(sum(r["weight"] * (r["share"] or 0) for r in mine))
    sums = {r["touchpoint"]: r["friction"] for r in answer.rows()}
    assert list(sums) == ["a", "c", "b"]
    assert sums["a"] == sums["c"] == 2
    assert sums["b"] == 0.25


def test_a_transition_shows_what_follows_its_first_touch():
    held = journeys("0 a, 5 b, 6 a, 7 c")
    found = told(friction(held, per="transition", slow="4us"), pairs=True)
    assert found["b", "a", "u-turn"] == (1, 1, 1)
    assert found["a", "b", "long-wait"] == (1, 1, 1)
    assert {key[2] for key in found} == {"loop", "u-turn", "back-step", "long-wait"}


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"goal": "ordr"}, UnknownName, "friction: goal: no touchpoint named 'ordr'. Did you mean 'order'?"),
        ({"errors": ["x"]}, UnknownName, "friction: errors[0]"),
        ({"support": "call"}, BadQuestion, "one text, not a list"),
        ({"score": "nsp"}, UnknownName, "Did you mean 'nps'"),
        ({"score": "word"}, BadQuestion, "holds 'bad', which is no number"),
        ({"slow": "9"}, BadDuration, "friction: slow"),
        ({"dwell": "0s"}, BadDuration, "friction: dwell"),
        ({"within": "x"}, BadDuration, "friction: within"),
        ({"near": 0}, BadQuestion, "friction: near"),
        ({"weights": ["exits=1"]}, UnknownName, "Did you mean 'exit'"),
        ({"weights": ["exit=-1"]}, BadQuestion, "friction: weights[0]"),
        ({"weights": ["exit"]}, BadQuestion, "Write exit=2"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields, kind, text):
    held = journeys("0 order", columns={"nps": ["3"], "word": ["bad"]})
    with pytest.raises(kind) as refused:
        friction(held, **fields)
    assert text in str(refused.value)


def test_no_touchpoints_have_no_friction():
    for nothing in (journeys(), journeys("", ""), journeys(names=["a"])):
        assert friction(nothing).rows() == []
        assert friction(nothing, per="transition").rows() == []


@PROPERTY
@given(many(), st.sampled_from(["touchpoint", "transition"]), st.integers(1, 4), st.integers(1, 6), st.data())
def test_friction_is_its_definition(lists, per, near, within, data):
    scores = [[data.draw(st.sampled_from([None, None, "3", "9"])) for _ in journey] for journey in lists]
    held = built(lists, names=NAMES, columns={"nps": [score for mine in scores for score in mine]})
    options = {"errors": ["c"], "support": ["d", "c"], "score": "nps", "near": near, "per": per, "dwell": "2us"}
    answer = friction(held, "b", within=f"{within}us", **options)
    limits = (2, naive.slow(lists), near, within)
    low = [[None if score is None else score == "3" for score in mine] for mine in scores]
    found = [naive.marks(j, "b", "c", "cd", mine, limits) for j, mine in zip(lists, low, strict=True)]
    expected = {}
    for key, signs in naive.tally(lists, found, per == "transition").items():
        for sign in SIGNALS[per == "transition" :]:
            base = signs.get("scored" if sign == "low-score" else "", [0, 0])[0]
            expected[*key, sign] = (signs.get(sign, [0, 0])[0], base, signs.get(sign, [0, 0])[1])
    assert told(answer, pairs=per == "transition") == expected
    for asked in (answer, friction(held, "b", within=f"{within}us", by="touchpoint", **options)):
        for row in asked.rows():
            assert len(who(held, asked.question, row)) == row["journeys"]


@PROPERTY
@given(many())
def test_groups_add_up_to_the_whole(lists):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    grouped = friction(held, "b", slow="2us", by="g").rows()
    for (name, sign), counts in told(friction(held, "b", slow="2us")).items():
        mine = [r for r in grouped if (r["touchpoint"], r["signal"]) == (name, sign)]
        assert tuple(sum(r[n] for r in mine) for n in ("journeys", "base", "count")) == counts


@pytest.mark.parametrize("names", [4, 300])
def test_many_names_and_threads_agree_with_the_definition(monkeypatch, names):
    rng = np.random.default_rng(names)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 3000, 200)), [3000, 3000]))
    times, codes = np.cumsum(rng.integers(0, 20, 3000)), rng.integers(0, names, 3000) * (rng.random(3000) < 0.5)
    texts = [f"t{i:03}" for i in range(names)]
    held = journeys_of(offsets, times, codes, texts)
    whole = friction(held, per="transition", dwell="9us").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    answer = friction(held, per="transition", dwell="9us")
    assert answer.to_arrow().equals(whole)
    lists = [[(int(times[i]), texts[codes[i]]) for i in range(a, b)] for a, b in pairwise(offsets)]
    found = [naive.marks(j, "", "", "", [None] * len(j), (9, naive.slow(lists), 3, 0)) for j in lists]
    rows = naive.tally(lists, found, True)
    assert {(*key, sign): signs.get(sign, [0])[0] for key, signs in rows.items() for sign in SIGNALS[1:5]} == {
        key: counts[0] for key, counts in told(answer, pairs=True).items()
    }
