"""Drivers: only what came before the goal counts, and only journeys that had the time to reach it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_drivers as naive
from etappe import arrays
from etappe.analysis.drivers import drivers, who
from etappe.errors import BadDuration, BadQuestion, UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many

END = "99 end"


def told(answer, kind="touchpoint"):
    return {r["driver"]: (r["journeys"], r["converted"]) for r in answer.rows() if r["kind"] == kind}


def test_what_came_after_the_goal_is_no_driver():
    held = journeys("0 a, 5 order, 6 thanks", "0 a, 1 b", END)
    assert told(drivers(held, "order", within="20us")) == {"a": (2, 1), "b": (1, 0)}


def test_the_other_journeys_have_no_longer_time_than_those_that_convert():
    held = journeys("0 a, 5 order", "0 a, 5 b, 6 c", END)
    assert told(drivers(held, "order", within="20us")) == {"a": (2, 1), "b": (1, 0)}


def test_journeys_that_may_still_convert_are_left_out_and_counted():
    held = journeys("0 a, 5 order", "80 a", "79 b", END)
    answer = drivers(held, "order", within="20us")
    assert answer.denominators == {"journeys": 2, "converted": 1}
    assert ("left-out-open", {"journeys": 2, "within": "20us"}) in [(w.code, w.values) for w in answer.warnings]


def test_journeys_that_begin_with_the_goal_are_left_out_and_counted():
    answer = drivers(journeys("0 order, 1 a", "0 a", END), "order", within="20us")
    assert told(answer) == {"a": (1, 0)}
    assert ("left-out-goal-first", {"journeys": 1}) in [(w.code, w.values) for w in answer.warnings]


def test_a_lift_comes_with_its_interval_and_its_test():
    # Agresti: 189 of 11034 against 104 of 11037, here a tenth of the journeys without: 1.82 (1.43 to 2.31).
    texts = ["0 x, 1 b, 5 order"] * 189 + ["0 x, 1 b"] * 10845 + ["0 x, 5 order"] * 104 + ["0 x"] * 10933
    rows = drivers(journeys(*texts, "99 x"), "order", within="20us", touchpoints=["b"]).rows()
    assert [round(rows[0][name], 2) for name in ("lift", "lift_low", "lift_high")] == [1.82, 1.43, 2.31]
    assert rows[0]["q"] == rows[0]["p"] < 1e-5


@pytest.mark.requirement("001-03")
def test_a_product_seen_three_times_before_a_late_purchase_is_found():
    # Dear things are looked at again and again, over weeks, before they are bought.
    day = 86_400_000_000
    often = f"0 product, {9 * day} product, {30 * day} product, {80 * day} purchase"
    once = f"0 product, {80 * day} faq"
    held = journeys(*[often] * 8, *[once] * 8, f"{200 * day} faq")
    assert told(drivers(held, "purchase", within="90d", times=3)) == {"product": (8, 8)}
    assert told(drivers(held, "purchase", within="60d", times=3)) == {"product": (8, 0)}


def test_values_of_columns_and_of_customers_are_candidates():
    held = journeys(
        "0 a, 5 order", "0 a", END,
        columns={"channel": ["web", "app", None, "web"]}, attributes={"tier": ["gold", "basic", None]},
    )  # fmt: skip
    answer = drivers(held, "order", within="20us", columns=["channel", "tier"])
    assert told(answer, "channel") == {"web": (1, 1)}
    assert told(answer, "tier") == {"gold": (1, 1), "basic": (1, 0)}
    assert "attributes-of-today" in [said.code for said in answer.warnings]


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"goal": "ordr"}, UnknownName, "drivers: goal: no touchpoint named 'ordr'. Did you mean 'order'?"),
        ({"goal": "order", "within": "30"}, BadDuration, "drivers: within"),
        ({"goal": "order", "touchpoints": ["x"]}, UnknownName, "drivers: touchpoints[0]"),
        ({"goal": "order", "touchpoints": "a"}, BadQuestion, "one text, not a list"),
        ({"goal": "order", "columns": ["chanel"]}, UnknownName, "Did you mean 'channel'"),
        ({"goal": "order", "columns": ["many"]}, BadQuestion, "more than 200"),
        ({"goal": "order", "times": 0}, BadQuestion, "drivers: times"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields, kind, text):
    many_values = [str(i) for i in range(202)]
    held = journeys(*["0 a"] * 201, "0 order", columns={"many": many_values, "channel": ["web"] * 202})
    with pytest.raises(kind) as refused:
        drivers(held, **fields)
    assert text in str(refused.value)


def test_no_journeys_have_no_drivers():
    for nothing in (journeys(names=["a"]), journeys("", names=["a"])):
        assert drivers(nothing, "a").rows() == []
    (row,) = drivers(journeys(names=["a", "b"]), "a", touchpoints=["b"]).rows()
    assert (row["journeys"], row["conversion"], row["lift"], row["p"]) == (0, None, None, None)


@PROPERTY
@given(many(), st.integers(1, 9), st.integers(1, 3), st.data())
def test_drivers_are_their_definition(lists, within, times, data):
    flat = [event for journey in lists for event in journey]
    channel = [data.draw(st.sampled_from([None, "u", "v"])) for _ in flat]
    tier = ["xyz"[i % 3] for i in range(len(lists))]
    held = built(lists, names=NAMES, columns={"channel": channel}, attributes={"tier": tier})
    until = max((time for time, _ in flat), default=0)
    answer = drivers(held, "a", within=f"{within}us", columns=["channel", "tier"], times=times)
    rest = iter(channel)
    labels = {
        "touchpoint": [[name for _, name in journey] for journey in lists],
        "channel": [[next(rest) or "" for _ in journey] for journey in lists],
    }
    for kind, mine in labels.items():
        found = naive.drivers(lists, mine, "a", within, until, times)
        assert told(answer, kind) == {label: counts for label, counts in found.items() if label}
    states = naive.seen(lists, "a", within, until)
    for name in "xyz":
        mine = [state for state, one in zip(states, tier, strict=True) if state and one == name]
        expected = (len(mine), sum(done for done, _ in mine)) if mine else None
        assert told(answer, "tier").get(name) == expected
    for asked in (answer, drivers(held, "a", within=f"{within}us", times=times, by="tier")):
        for row in asked.rows():
            assert len(who(held, asked.question, row)) == row["journeys"]


@PROPERTY
@given(many())
def test_groups_add_up_to_the_whole(lists):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    whole, grouped = (drivers(held, "a", within="5us", by=by).denominators for by in (None, "g"))
    assert whole == grouped


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    held = journeys_of(offsets, np.arange(9000), rng.integers(0, 4, 9000), NAMES)
    one = drivers(held, "a", within="9us", columns=["weekday"]).to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert drivers(held, "a", within="9us", columns=["weekday"]).to_arrow().equals(one)
