"""Opportunities: affected against comparable journeys, in fair strata, before the goal, with the time to reach it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_opportunities as naive
import naive_signals
from etappe import arrays
from etappe.analysis import opportunities as module
from etappe.analysis.opportunities import opportunities, who
from etappe.arrays import column_of
from etappe.errors import BadDuration, BadQuestion, UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many

END = "999 end"
SLOW = {"slow": "20us", "horizon": "100us"}


def rows_of(answer, *names):
    names = names or ("journeys", "compared", "comparable", "loss")
    return {(r["touchpoint"], r["signal"]): tuple(r[n] for n in names) for r in answer.rows()}


@pytest.mark.requirement("000-07")
def test_the_weakest_spot_comes_first_with_people_loss_and_value():
    waited, went_on = "0 cart, 50 faq", "0 cart, 5 faq"
    bought = ["0 cart, 5 faq, 9 order"] * 8
    held = journeys(
        *[waited] * 9, "0 cart, 50 faq, 60 order", *bought, *[went_on] * 2, END,
        values=[None] * 20 + [300_000] + [None, None, 100_000] * 8 + [None] * 5,
    )  # fmt: skip
    answer = opportunities(held, "order", **SLOW)
    (row,) = answer.rows()
    assert (row["touchpoint"], row["signal"], row["journeys"], row["comparable"]) == ("cart", "long-wait", 10, 10)
    assert (row["conversion"], row["comparable_conversion"]) == (0.1, 0.8)
    assert row["loss"] == pytest.approx(7)
    assert row["value"] == round(7 * 1_100_000 / 9)
    assert row["loss_low"] < row["loss"] < row["loss_high"]
    assert row["p"] == row["q"] < 0.01
    assert "association" in [said.code for said in answer.warnings]


def test_affected_are_compared_with_journeys_at_the_same_position():
    # At position 1 nobody converts, at position 2 everybody: without strata the wait would look harmful.
    early, late = "0 a, 50 b", "0 x, 1 a, 51 b, 52 order"
    held = journeys(*[early] * 8, *["0 a, 1 b"] * 2, *[late] * 2, *["0 x, 1 a, 2 b, 3 order"] * 8, END)
    assert rows_of(opportunities(held, "order", **SLOW))["a", "long-wait"] == (10, 10, 10, 0)


def test_who_is_alone_at_a_position_is_not_compared():
    held = journeys("0 x, 1 a, 51 b", "0 a, 1 b", END)
    assert rows_of(opportunities(held, "end", **SLOW))["a", "long-wait"] == (1, 0, 1, None)


def test_what_came_after_the_goal_is_no_friction():
    held = journeys("0 a, 1 order, 2 call", "0 a, 1 b, 2 call", "0 a, 1 b", END)
    answer = opportunities(held, "order", support=["call"], **SLOW)
    assert rows_of(answer, "journeys")["a", "support"] == (1,)


def test_who_left_at_once_is_not_comparable():
    held = journeys("0 a, 50 b", "0 a", "0 a, 1 b, 2 c", END)
    assert rows_of(opportunities(held, "c", **SLOW))["a", "long-wait"] == (1, 1, 1, 1)


def test_who_reached_the_goal_before_the_signal_was_known_is_not_comparable():
    # After "0 x, 1 a" the goal comes where another turns back: it would be compared with what it could not be.
    held = journeys("0 x, 1 a, 2 x", "0 x, 1 a, 2 order", "0 x, 1 a, 2 b", END)
    assert rows_of(opportunities(held, "order", **SLOW))["a", "u-turn"] == (1, 1, 1, 0)


def test_an_error_is_compared_after_as_many_touches():
    held = journeys("0 a, 1 b, 2 err", "0 a, 1 b, 2 b, 3 order", "0 a, 1 b", "0 a, 1 b, 2 order", END)
    found = rows_of(opportunities(held, "order", errors=["err"], **SLOW))
    assert found["a", "error"] == (1, 1, 1, 1)
    assert found["b", "error"] == (1, 1, 1, 1)


def test_pure_chance_is_no_opportunity():
    # Touches, pauses, scores and goals that know nothing of each other: the loss of each row is zero within 95 %.
    rng = np.random.default_rng(11)
    held_zero = []
    for _ in range(8):
        lengths = rng.geometric(0.15, 2000)
        offsets = np.concatenate(([0], np.cumsum(lengths), [lengths.sum() + 1]))
        times = np.cumsum(rng.exponential(60, offsets[-1]).astype(int) + 1)
        times -= np.repeat(times[offsets[:-1]], np.diff(offsets))
        times[-1] = 10**8
        codes = rng.choice(6, offsets[-1], p=[0.3, 0.3, 0.2, 0.1, 0.05, 0.05])
        nps = column_of([None if n < 25 else str(n - 25) for n in rng.integers(0, 36, offsets[-1]).tolist()])
        held = journeys_of(offsets, times, codes, ["a", "b", "c", "order", "err", "call"], columns={"nps": nps})
        options = {"errors": ["err"], "support": ["call"], "score": "nps", "within": "300us", "dwell": "50us"}
        rows = opportunities(held, "order", horizon="10s", **options).rows()
        held_zero += [r["loss_low"] <= 0 <= r["loss_high"] for r in rows if r["compared"] > 50]
    assert len(held_zero) > 100
    assert np.mean(held_zero) > 0.9


def test_touches_without_the_time_to_convert_are_left_out_and_counted():
    held = journeys("0 a, 50 b", "0 a, 1 b", "950 a, 975 b", END)
    answer = opportunities(held, "end", **SLOW)
    assert rows_of(answer, "journeys", "comparable")["a", "long-wait"] == (1, 1)
    assert ("left-out-late", {"touches": 1, "within": "100us"}) in [(w.code, w.values) for w in answer.warnings]


def test_currencies_are_never_added():
    held = journeys(
        "0 a, 50 b", "0 a, 1 b, 2 order", "0 a, 1 b, 2 order", END,
        values=[*[None] * 4, 20_000, None, None, 40_000, None],
        columns={"currency": [*[None] * 4, "EUR", None, None, "CHF", None]},
    )  # fmt: skip
    answer = opportunities(held, "order", **SLOW)
    (row,) = answer.rows()
    assert (row["value"], row["value_EUR"], row["value_CHF"]) == (None, 10_000, 20_000)
    assert "mixed-currencies" in [said.code for said in answer.warnings]


def test_a_loss_below_zero_has_no_bar():
    answer = opportunities(journeys("0 a, 50 b, 51 order", "0 a, 1 b", END), "order", **SLOW)
    assert answer.column("loss") == [-1]
    assert "<rect" not in answer.to_html("en")


def test_a_goal_without_a_value_has_no_value_at_stake():
    (row,) = opportunities(journeys("0 a, 50 b", "0 a, 1 b, 2 order", END), "order", **SLOW).rows()
    assert (row["loss"], row["value"], row["currency"]) == (1, None, None)


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"goal": "ordr"}, UnknownName, "opportunities: goal: no touchpoint named 'ordr'"),
        ({"goal": "order", "horizon": "9"}, BadDuration, "opportunities: horizon"),
        ({"goal": "order", "top": 0}, BadQuestion, "opportunities: top"),
        ({"goal": "order", "errors": ["x"]}, UnknownName, "opportunities: errors[0]"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields, kind, text):
    with pytest.raises(kind) as refused:
        opportunities(journeys("0 order"), **fields)
    assert text in str(refused.value)


def test_no_touchpoints_are_no_opportunity():
    for nothing in (journeys(names=["a"]), journeys("", names=["a"])):
        assert opportunities(nothing, "a").rows() == []


@PROPERTY
@given(many(most=12), st.sampled_from(["touchpoint", "transition"]), st.integers(1, 12), st.integers(1, 3), st.data())
def test_opportunities_are_their_definition(lists, per, horizon, chunk, data):
    scores = [[data.draw(st.sampled_from([None, None, "3", "9"])) for _ in journey] for journey in lists]
    held = built(lists, names=NAMES, columns={"nps": [score for mine in scores for score in mine]})
    options = {"errors": ["c"], "support": ["d"], "score": "nps", "per": per, "near": 2, "dwell": "2us"}
    options |= {"within": "4us", "horizon": f"{horizon}us"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        answer = opportunities(held, "b", top=1000, **options)
    until = max((time for journey in lists for time, _ in journey), default=0)
    limits = (2, naive_signals.slow(lists), 2, 4)
    low = [[None if score is None else score == "3" for score in mine] for mine in scores]
    found = naive.tables(lists, "b", "c", "d", low, limits, horizon, until, per == "transition")
    names = ("touchpoint", "to")[: 1 + (per == "transition")]
    rows = {(tuple(r[n] for n in names), r["signal"]): r for r in answer.rows()}
    assert set(rows) == set(found)
    for at, table in found.items():
        row = rows[at]
        assert row["journeys"] == sum(affected[0] for _, affected in table.values())
        assert row["comparable"] == sum(comparable[0] for comparable, _ in table.values())
        expected = naive.loss(table)
        told = None if row["loss"] is None else [row[n] for n in ("compared", "loss", "loss_low", "loss_high")]
        assert told == (expected if expected is None else pytest.approx(list(expected), abs=1e-9))
        p = naive.chance(table)
        assert row["p"] == (p if p is None else pytest.approx(p))
        assert len(who(held, answer.question, row)) == row["journeys"]
    losses = [loss for loss in answer.column("loss") if loss is not None]
    assert losses == sorted(losses, reverse=True)
    grouped = opportunities(held, "b", top=1000, by="touchpoint", **options)
    for row in grouped.rows():
        assert len(who(held, grouped.question, row)) == row["journeys"]


@PROPERTY
@given(many())
def test_groups_add_up_to_the_whole(lists):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    grouped = opportunities(held, "b", horizon="4us", slow="2us", by="g").rows()
    for (name, sign), (n,) in rows_of(opportunities(held, "b", horizon="4us", slow="2us"), "journeys").items():
        assert sum(r["journeys"] for r in grouped if (r["touchpoint"], r["signal"]) == (name, sign)) == n


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    held = journeys_of(offsets, np.arange(9000), rng.integers(0, 4, 9000), NAMES)
    one = opportunities(held, "a", horizon="9us", support=["b"]).to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert opportunities(held, "a", horizon="9us", support=["b"]).to_arrow().equals(one)
