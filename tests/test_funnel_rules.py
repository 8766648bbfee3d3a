"""The funnel's rules: strict, any order, limits, exclusions, optional steps, open entry, units, where `by` is read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_funnel as naive
from etappe import arrays
from etappe.analysis.funnel import Funnel, funnel, who
from etappe.errors import BadQuestion, UnknownName
from journeys_text import NAMES, PROPERTY, built, journeys, many


def level(text, steps, **rules):
    """How far the one journey of a text gets."""
    return sum(funnel(journeys(text, names=["A", "B", "C", "D", "X"]), steps, **rules).column("reached"))


@pytest.mark.parametrize(
    ("text", "rules", "reached"),
    [
        ("0 A, 8 B, 16 C", {"limit": "10us"}, 3),
        ("0 A, 8 B, 16 C", {"within": "10us"}, 2),
        ("0 A, 5000000 B", {"limit": "5s"}, 2),
        ("0 A, 5000001 B", {"limit": "5s"}, 1),
        ("0 A, 1 X, 2 B", {"order": "strict"}, 1),
        ("0 A, 1 B, 2 C", {"order": "strict"}, 3),
        ("0 C, 1 B, 2 A", {"order": "any"}, 3),
        ("0 C, 1 B, 12 A", {"order": "any", "within": "10us"}, 2),
        ("0 B, 0 A", {}, 1),
        ("0 B, 0 A", {"ties": "in_order"}, 2),
        ("0 A, 0 B", {"rising": True}, 1),
        ("0 A, 20 A, 21 B", {"within": "10us"}, 2),
        ("0 A, 20 A, 21 B", {"within": "10us", "occurrence": "first"}, 1),
        ("0 A, 1 C", {"optional": ["B"]}, 2),
        ("0 A, 1 C", {}, 1),
        ("0 A, 1 X, 2 B", {"exclude": ["X"]}, 0),
        ("0 A, 1 X, 2 A, 3 B", {"exclude": ["X"]}, 2),
        ("0 A, 1 B, 2 X, 3 C", {"exclude": ["X: 1-2"]}, 3),
        ("0 A, 1 B, 2 X, 3 C", {"exclude": ["X: 2-3"]}, 0),
    ],
)
def test_the_vectors_of_the_rules(text, rules, reached):
    assert level(text, ["A", "B", "C"], **rules) == reached


def test_a_step_that_either_of_two_touchpoints_serves():
    assert level("0 A, 1 D", ["A", "B | D"]) == 2
    assert level("0 A, 1 B", ["A", "B|D"]) == 2


def test_who_is_excluded_is_counted_and_said():
    answer = funnel(journeys("0 A, 1 X, 2 B", "0 A, 1 B", names=["A", "B", "X"]), ["A", "B"], exclude=["X"])
    assert answer.column("reached") == [1, 1]
    assert answer.denominators["excluded"] == 1
    assert any(said.code == "excluded" for said in answer.warnings)


def test_a_funnel_open_at_every_step_counts_those_who_enter_later():
    held = journeys("0 A, 1 B, 2 C", "0 B, 1 C", "0 C", "0 C, 1 B", names=["A", "B", "C"])
    answer = funnel(held, ["A", "B", "C"], entry="open")
    assert answer.column("reached") == [1, 3, 4]
    assert answer.column("entered") == [1, 2, 2]
    assert answer.column("step_conversion") == [None, 1.0, pytest.approx(2 / 3)]
    assert answer.column("conversion") == [0.25, 0.75, 1.0]


def test_who_may_still_convert_is_apart_from_who_dropped():
    held = journeys("0 A, 1 B", "0 A", "95 A", "0 A, 3 A, 100 X", names=["A", "B", "X"])
    answer = funnel(held, ["A", "B"], within="10us")
    assert (answer.column("dropped"), answer.column("open")) == ([2, None], [1, None])
    row = answer.rows()[0]
    assert who(held, answer.question, {**row, "part": "open"}).tolist() == [2]
    assert who(held, answer.question, {**row, "part": "dropped"}).tolist() == [1, 3]
    assert funnel(held, ["A", "B"]).column("open") == [None, None]


def test_a_property_held_constant_makes_each_value_a_unit():
    lists = [[(0, "A"), (1, "A"), (2, "B"), (3, "B")], [(0, "A"), (1, "B")]]
    held = built(lists, columns={"order": ["x", "y", "x", None, None, "z"]})
    answer = funnel(held, ["A", "B"], hold="order")
    assert answer.column("reached") == [2, 1]
    assert answer.column("journeys") == [1, 1]
    assert funnel(held, ["A", "B"]).column("reached") == [2, 2]


def test_sessions_and_attempts_are_counted_where_asked():
    held = journeys("0 A, 1 B, 100 A, 200 A, 201 B")
    by_session = funnel(held, ["A", "B"], unit="session", gap="50us")
    assert (by_session.column("reached"), by_session.column("journeys")) == ([3, 2], [1, 1])
    assert funnel(held, ["A", "B"], unit="attempt", within="10us").column("reached") == [3, 2]
    assert by_session.denominators["units"] == 3


def test_a_break_down_is_read_where_it_says():
    lists = [[(0, "A"), (1, "B")], [(0, "A"), (1, "B")], [(0, "A")]]
    held = built(lists, columns={"ch": ["mail", "web", None, "web", "mail"]})

    def rows(at):
        answer = funnel(held, ["A", "B"], by="ch", by_at=at)
        for row in answer.rows():
            assert len(who(held, answer.question, row)) == row.get("journeys", row["reached"])
        return {(row["group"], row["position"]): row["reached"] for row in answer.rows()}

    assert rows("first") == {("mail", 1): 2, ("mail", 2): 1, ("web", 1): 1, ("web", 2): 1}
    assert rows("last") == {("mail", 1): 1, ("mail", 2): 0, ("web", 1): 2, ("web", 2): 2}
    assert rows("step 1") == {("mail", 1): 2, ("mail", 2): 1}
    assert rows("all") == {("mail", 1): 2, ("mail", 2): 0}


def test_step_1_lies_in_the_range_and_later_steps_may_follow_after_it():
    day = 86_400_000_000
    held = journeys(f"{day} A, {2 * day + 1} B", f"{3 * day} A, {4 * day} B", names=["A", "B"])
    answer = funnel(held, ["A", "B"], entered_from="1970-01-02", entered_to="1970-01-02")
    assert answer.column("reached") == [1, 1]


def test_a_trend_is_one_funnel_for_each_local_period_of_step_1():
    hour = 3_600_000_000
    # 1970-01-01 is a Thursday; in Berlin the first one begins an hour earlier.
    held = journeys(f"{-2 * hour} A, 0 B", f"{-hour} A", f"{96 * hour} A, {97 * hour} B", timezone="Europe/Berlin")
    answer = funnel(held, ["A", "B"], trend="day")
    told = {(row["period"], row["position"]): row["reached"] for row in answer.rows()}
    assert told == {
        ("1969-12-31", 1): 1, ("1969-12-31", 2): 1, ("1970-01-01", 1): 1, ("1970-01-01", 2): 0,
        ("1970-01-05", 1): 1, ("1970-01-05", 2): 1,
    }  # fmt: skip
    weeks = funnel(held, ["A", "B"], trend="week")
    assert [row["reached"] for row in weeks.rows()] == [2, 1, 1, 1]
    for row in weeks.rows():
        assert len(who(held, weeks.question, row)) == row["reached"]
    for period in ("month", "quarter", "year"):
        assert sum(funnel(held, ["A", "B"], trend=period).column("reached")) == 5


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"trend": "week", "entry": "open"}, "a trend goes by step 1 alone"),
        ({"order": "any", "limit": "1d"}, "in any order there is no 'limit'"),
        ({"entry": "open", "exclude": ["X"]}, "open at every step has no 'exclude'"),
        ({"order": "strict", "ties": "in_order"}, "strictly in order there is no 'ties'"),
        ({"unit": "entity"}, "an entity is what a column holds"),
        ({"unit": "attempt", "optional": ["B"]}, "attempts are counted in closed funnels"),
        ({"exclude": ["B"]}, "'B' is a step itself"),
        ({"exclude": ["X: 2-1"]}, "'2-1' is no stretch"),
        ({"optional": ["A"]}, "step 1 cannot be left out"),
        ({"by": "ch", "by_at": "step 9"}, "'step 9' is no place to read 'ch' at"),
        ({"entered_from": "2026-02-01", "entered_to": "2026-01-01"}, "is after"),
    ],
)
def test_rules_without_a_meaning_are_refused(rules, said):
    held = built([[(0, "A"), (1, "B"), (2, "X")]], columns={"ch": ["w", "w", "w"]})
    with pytest.raises(BadQuestion, match=said):
        funnel(held, ["A", "B"], **rules)


def test_names_that_are_not_there_are_refused_with_the_nearest():
    held = journeys("0 visit, 1 order")
    with pytest.raises(UnknownName, match="no rule named 'witin'"):
        funnel(held, ["visit"], witin="7d")
    with pytest.raises(UnknownName, match=r"funnel: exclude\[0\]: no touchpoint named 'ordr'. Did you mean 'order'"):
        funnel(held, ["visit"], exclude=["ordr"])
    with pytest.raises(UnknownName, match=r"funnel: optional\[0\]: no step named 'order'"):
        funnel(held, ["visit"], optional=["order"])
    with pytest.raises(UnknownName, match="funnel: hold"):
        funnel(held, ["visit"], hold="ordr")
    with pytest.raises(BadQuestion, match="one text, not a list"):
        funnel(held, ["visit"], exclude="order")


STEPS = st.lists(st.sampled_from(NAMES[:3]), min_size=1, max_size=4)


@st.composite
def rules_for(draw, steps):
    """Fields of a question, and the same for the definition."""
    k = len(steps)
    window = draw(st.one_of(st.none(), st.integers(1, 12)))
    limit = draw(st.one_of(st.none(), st.integers(1, 6)))
    kind = draw(st.sampled_from(["plain", "strict", "rising", "in_order", "first"]))
    optional = [] if kind == "strict" else draw(st.lists(st.sampled_from(steps[1:]), max_size=2)) if k > 1 else []
    optional = [step for step in optional if step != steps[0]]
    low = draw(st.integers(1, max(1, k - 1)))
    high = draw(st.integers(low + 1, max(low + 1, k)))
    exclude = draw(st.booleans()) and k > 1
    given = {
        "within": None if window is None else f"{window}us",
        "limit": None if limit is None else f"{limit}us",
        "order": "strict" if kind == "strict" else "ordered",
        "rising": kind == "rising",
        "ties": "in_order" if kind == "in_order" else "receipt",
        "occurrence": "first" if kind == "first" else "any",
        "optional": optional,
        "exclude": [f"d: {low}-{high}"] if exclude else [],
    }
    return given, naive.Rules(
        window,
        limit,
        strict=kind == "strict",
        rising=kind == "rising",
        in_order=kind == "in_order",
        first_only=kind == "first",
        optional=tuple(s for s, step in enumerate(steps, start=1) if step in optional),
        exclude=(("d", low, high),) if exclude else (),
    )


@PROPERTY
@given(st.data(), many(longest=7), STEPS)
def test_the_rules_are_their_definition(data, lists, steps):
    given_rules, rules = data.draw(rules_for(steps))
    held = built(lists, names=NAMES)
    answer = funnel(held, steps, medians=False, **given_rules)
    found = [naive.reached(journey, steps, rules) for journey in lists]
    assert answer.column("reached") == [sum(s in hit for hit, _ in found) for s in range(1, len(steps) + 1)]
    assert answer.denominators.get("excluded", 0) == sum(out for _, out in found)
    for row in answer.rows():
        assert len(who(held, answer.question, row)) == row["reached"]


@PROPERTY
@given(many(), STEPS, st.one_of(st.none(), st.integers(1, 12)))
def test_any_order_and_attempts_are_their_definitions(lists, steps, window):
    held = built(lists, names=NAMES)
    within = None if window is None else f"{window}us"
    done = [naive.any_order(journey, steps, window) for journey in lists]
    some = funnel(held, steps, within=within, order="any")
    assert some.column("reached") == [sum(n >= s for n in done) for s in range(1, len(steps) + 1)]
    tries = [n for journey in lists for n in naive.attempts(journey, steps, window)]
    each = funnel(held, steps, within=within, unit="attempt")
    assert each.column("reached") == [sum(n >= s for n in tries) for s in range(1, len(steps) + 1)]
    for answer in (some, each):
        for row in answer.rows():
            assert len(who(held, answer.question, row)) == row.get("journeys", row["reached"])


@PROPERTY
@given(many(), STEPS, st.integers(1, 12))
def test_with_and_without_rules_the_times_are_the_same(lists, steps, window):
    held = built(lists, names=NAMES)
    plain = funnel(held, steps, within=f"{window}us")
    ruled = funnel(held, steps, within=f"{window}us", limit="1d", medians=True)
    assert {name: ruled.column(name) for name in plain.table.column_names} == plain.table.to_pydict()


def test_threads_agree(monkeypatch):
    rng = np.random.default_rng(5)
    offsets = np.concatenate(([0], np.sort(rng.integers(0, 3000, 200)), [3000]))
    times = np.concatenate([np.sort(rng.integers(0, 900, n)) for n in np.diff(offsets)])
    codes = rng.integers(0, 4, 3000)
    from etappe.journeys.columns import journeys_of

    held = journeys_of(offsets, times, codes, list(NAMES))
    asked = [
        {"limit": "50us"}, {"order": "any"}, {"unit": "attempt", "within": "90us"}, {"exclude": ["d"]},
        {"entry": "open"},
    ]  # fmt: skip
    one = [funnel(held, ["a", "b", "c"], **rules).to_arrow() for rules in asked]
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert [funnel(held, ["a", "b", "c"], **rules).to_arrow() for rules in asked] == one


def test_a_question_with_rules_is_read_from_its_own_json():
    import msgspec

    from etappe.analysis.ask import read_question

    question = Funnel(steps=("a", "b"), exclude=("c",), order="strict", by="ch", by_at="all")
    assert read_question(msgspec.json.encode(question).decode()) == question
