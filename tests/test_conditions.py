"""Conditions over journeys: what a journey did, with columns and attributes, in every form, refused with a place."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import etappe
import naive_sequences as naive
from etappe.analysis.reach import reach
from etappe.arrays import column_of
from etappe.condition import Both, Compare, Did, Node, Not, to_text
from etappe.errors import BadExpression, EtappeError, UnknownName
from etappe.expression import parse
from etappe.journeys.clock import local_us
from etappe.journeys.columns import Journeys
from etappe.journeys.conditions import touchpoints_that
from journeys_text import NAMES, PROPERTY, built, journeys, many

Event = tuple[int, str, str | None, str | None]
"""Time, touchpoint, channel, and the customer's country, which every event of a journey repeats."""

CHANNELS = ("web", "store", None)
COUNTRIES = ("DE", "AT", None)

SHOP = journeys(
    "0 visit, 5 cart, 12 order",
    "0 visit, 5 cart, 13 order",
    "0 order, 5 cart",
    "1 cart, 1 order, 8 cart, 15 cart",
    "",
)


def kept(condition: Any, shop: Journeys = SHOP) -> list[int]:
    """The journeys that a condition selects."""
    return shop.where(condition).subject.tolist()


@pytest.mark.parametrize(
    ("condition", "which"),
    [
        ("did order", [0, 1, 2, 3]),
        ("did 'order'", [0, 1, 2, 3]),
        ("never order", [4]),
        ("not did order", [4]),
        ("never visit", [2, 3, 4]),
        ("did cart then order", [0, 1, 3]),
        ("did cart then order within 7us", [0, 3]),
        ("did cart then order within '7 us'", [0, 3]),
        ("never cart then order within 7us", [1, 2, 4]),
        ("did visit then cart then order within 12us", [0]),
        ("did order then cart then cart", [3]),
        ("did cart then cart", [3]),
        ("did cart at least 3 times", [3]),
        ("did cart at least 2 times within 7us", [3]),
        ("did cart at least 3 times within 13us", []),
        ("did cart at least 3 times within 14us", [3]),
        ("did cart exactly 1 time", [0, 1, 2]),
        ("did cart exactly 2 times within 7us", [3]),
        ("did cart at most 1 times within 6us", [0, 1, 2, 3, 4]),
        ("did cart at most 0 times", [4]),
        ("DID cart THEN order WITHIN 7us AND NEVER visit", [3]),
        ("did (touchpoint in ('cart', 'visit')) then order", [0, 1, 3]),
        ("did (touchpoint like 'c%') at least 2 times", [3]),
        ("did visit or did order then cart", [0, 1, 2, 3]),
        ("not (did visit or did order then cart)", [4]),
    ],
)
def test_a_journey_is_selected_by_what_it_did(condition, which):
    assert kept(condition) == which


def test_a_step_may_be_a_condition_on_one_touchpoint():
    shop = built(
        [[(0, "order"), (1, "refund")], [(0, "order"), (1, "refund")], [(0, "order"), (9, "refund")]],
        values=[600_000, None, 500_000, None, 600_000, None],
        attributes={"country": ["DE", "AT", "AT"]},
    )
    assert kept("did (touchpoint = 'order' and value > 50) then refund within 5us", shop) == [0]
    assert kept("did (touchpoint = 'order' and value > 50 and country = 'AT') then refund", shop) == [2]


def test_whole_journeys_stay_where_no_column_is_named_and_touchpoints_where_one_is():
    shop = journeys("0 a, 1 b", "0 a", columns={"channel": ["web", "store", "web"]})
    assert shop.where("did b").events == 2
    assert shop.where("did b and channel = 'web'").events == 1
    # Either the journey did b, and all of it stays, or the touchpoint is on the web.
    assert shop.where("did b or channel = 'web'").time_us.tolist() == [0, 1, 0]
    # What it did is judged on the journey as it came, not on what the other half leaves of it.
    assert shop.where("channel = 'web' and did (channel = 'store')").time_us.tolist() == [0]


def test_a_column_named_did_is_still_a_column():
    shop = journeys("0 a, 1 b", columns={"did": ["x", "y"], "never": ["x", None]})
    assert shop.where("did = 'y'").events == 1
    assert shop.where("never is null or did in ('x')").events == 2
    assert shop.where("\"did\" = 'y' and did b").events == 1


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("did ordr", "no touchpoint named 'ordr' at position 5 of 'did ordr'. Did you mean 'order'?"),
        ("did cart then (touchpoint = 'ordr')", "no touchpoint named 'ordr' at position 29 of"),
        ("did (touchpoint in ('cart', 'ordr'))", "no touchpoint named 'ordr' at position 29 of"),
        ("did", "expected a touchpoint at position 4 of 'did'"),
        ("did 5", "expected a touchpoint at position 5"),
        ('did "order"', "expected a touchpoint at position 5 of 'did \"order\"'. Did you mean 'order', in single"),
        ("did then order", "expected a touchpoint at position 5 of 'did then order'. Did you mean 'then', in single"),
        ("did cart then", "expected a touchpoint at position 14"),
        ("did cart then order within 7", "expected a length of time at position 28"),
        ("did cart then order within 7x", "'7x' is no duration at position 28"),
        ("did cart then order within 0d", "'0d' is no duration at position 28"),
        ("did cart then order then", "expected a touchpoint at position 25"),
        ("did cart within 7d", "one touchpoint alone takes no time, at position 10"),
        ("did cart at 3", "expected 'least' or 'most' at position 13"),
        ("did cart at least 2.5 times", "expected a whole number up to 1,000,000 at position 19"),
        ("did cart exactly -1 times", "expected a whole number"),
        ("did cart then order at least 2 times", "a sequence is not counted, at position 21"),
        ("never cart at least 2 times", "'never' is a count already, at position 12"),
        ("did (did cart)", "'did' asks about a whole journey, and a step is a single touchpoint, at position 6"),
        ("did (not never cart)", "'never' asks about a whole journey"),
        ("did " + " then ".join(["cart"] * 17), "more than 16 steps at position"),
        ("did cart order", "did not expect 'order' at position 10"),
        ("did (cart", "expected =, <>, <, >, in, like or is null at position 10"),
        ("chanel = 'web' and did cart", "no column or customer attribute named 'chanel' at position 1 of"),
        ("did (valu > 50)", "no column or customer attribute named 'valu' at position 6 of 'did (valu > 50)'"),
        ("touchpoint > 5", "column 'touchpoint', at position 1 of 'touchpoint > 5', holds texts such as"),
        ("touchpoint = 7d", "Did you mean '7d', in single quotes?"),
        ("day > '20260131'", "'20260131' is no day"),
        ("day > '31.1.2026'", "'31.1.2026' is no day, which column 'day' at position 1 of"),
    ],
)
def test_an_error_points_into_the_text(condition, sentence):
    with pytest.raises(EtappeError) as refused:
        SHOP.where(condition)
    assert sentence in str(refused.value)
    assert refused.value.where == "where"


def test_every_condition_of_the_page_can_be_read():
    page = (Path(__file__).parents[1] / "docs" / "filters.md").read_text(encoding="utf-8")
    tables = re.findall(r"^\| condition \| .*?\n\n", page, re.MULTILINE | re.DOTALL)
    rows = [row.split("|")[1] for table in tables for row in table.splitlines()[2:] if row]
    conditions = [condition for row in rows for condition in re.findall("`(.*?)`", row)]
    assert len(conditions) > 20
    for text in conditions:
        parse(text, journeys=True)


def test_a_row_is_not_asked_what_its_journey_did():
    with pytest.raises(
        BadExpression, match="'did' asks about a whole journey, and here is a single row, at position 1"
    ):
        parse("did order then cart", "orders.yaml: where")
    with pytest.raises(BadExpression, match="'never' asks about a whole journey"):
        parse("a = 'b' and never cart")


# -- the tree as a form of its own ---------------------------------------------------------------------------------

TEXT = st.text(max_size=6) | st.sampled_from(["web", "it's", "7d", "and", ""])
COLUMN = st.text(min_size=1, max_size=6) | st.sampled_from(
    ["channel", "order id", 'say "x"', "did", "null", "stage.m4"]
)
NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9).map(float)
VALUE = TEXT | NUMBER


def comparisons(column: st.SearchStrategy[str] = COLUMN) -> st.SearchStrategy[Node]:
    """Comparisons that a text can hold."""
    signs = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    return st.one_of(
        st.builds(lambda c, op, v: Compare(c, op, (v,)), column, signs, VALUE),
        st.builds(lambda c, v: Compare(c, "in", tuple(v)), column, st.lists(VALUE, min_size=1, max_size=3)),
        st.builds(lambda c, v: Compare(c, "like", (v,)), column, TEXT),
        st.builds(lambda c: Compare(c, "null"), column),
    )


def logic(leaves: st.SearchStrategy[Node], most: int = 6) -> st.SearchStrategy[Node]:
    """Leaves joined by and, or and not."""
    joints = st.sampled_from(["and", "or"])
    return st.recursive(
        leaves, lambda part: st.builds(Not, part) | st.builds(Both, joints, part, part), max_leaves=most
    )


STEP = logic(comparisons(), 3) | st.builds(lambda name: Compare("touchpoint", "=", (name,)), TEXT)
LENGTH = st.sampled_from(["7d", "1.5h", "30 m", "2w", "1us"])
DID = st.one_of(
    st.builds(Did, st.lists(STEP, min_size=1, max_size=1).map(tuple)),
    st.builds(Did, st.lists(STEP, min_size=2, max_size=4).map(tuple), st.none() | LENGTH),
    st.builds(
        Did,
        STEP.map(lambda step: (step,)),
        st.none() | LENGTH,
        st.sampled_from(["at least", "exactly", "at most"]),
        st.integers(0, 1_000_000),
    ),
)
TREES = logic(comparisons() | DID, 8)


@PROPERTY
@given(TREES)
def test_a_tree_written_and_read_is_the_same_tree(tree):
    assert parse(to_text(tree), journeys=True).tree == tree


@PROPERTY
@given(TREES)
def test_a_tree_survives_json(tree):
    assert msgspec.json.decode(msgspec.json.encode(tree), type=Node) == tree


def test_a_chain_is_written_without_parentheses():
    text = " or ".join(f"channel = 'c{i}'" for i in range(2_000)) + " or did cart then 'add to cart' within 7d"
    assert to_text(parse(text, journeys=True).tree) == text.replace("did cart", "did 'cart'")
    for same in ("not did 'cart'", "a not in ('b', 5)", "a is not null", "a = 'b' and (c = 'd' or not e like '%')"):
        assert parse(to_text(parse(same, journeys=True).tree), journeys=True).tree == parse(same, journeys=True).tree


@pytest.mark.parametrize(
    "form",
    [
        Both("and", Did((Compare("touchpoint", "=", ("cart",)), Compare("touchpoint", "=", ("order",))), "7us"),
             Not(Did((Compare("touchpoint", "=", ("visit",)),)))),
        {"type": "both", "op": "and",
         "left": {"type": "did", "within": "7us", "steps": [
             {"type": "compare", "column": "touchpoint", "op": "=", "values": ["cart"]},
             {"type": "compare", "column": "touchpoint", "op": "=", "values": ["order"]}]},
         "right": {"type": "not", "of": {"type": "did", "steps": [
             {"type": "compare", "column": "touchpoint", "op": "=", "values": ["visit"]}]}}},
    ],
    ids=["struct", "plain data"],
)  # fmt: skip
def test_a_tree_selects_what_its_text_selects(form):
    text = "did cart then order within 7us and never visit"
    assert kept(form) == kept(text) == [3]
    assert SHOP.where(form).origin.filters == ("did 'cart' then 'order' within 7us and not did 'visit'",)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (Compare("", "=", ("x",)), "column '' cannot be compared by '=' with 1 values"),
        (Compare("a", "="), "cannot be compared by '=' with 0 values"),
        (Compare("a", "<", ("x", "y")), "cannot be compared by '<' with 2 values"),
        (Compare("a", "<", (float("inf"),)), "inf is no number"),
        (Did(()), "'did' without a step"),
        (Did((Compare("touchpoint", "=", ("cart",)),), times=-1), "expected a whole number"),
        (Did((Did((Compare("touchpoint", "=", ("cart",)),)),)), "a step is a single touchpoint"),
        (Did((Compare("touchpoint", "=", ("cart",)),) * 2, "7"), "'7' is no duration at position 31"),
        (Compare("a", "==", ("x",)), "Invalid enum value '==' - at `$.op`"),
        (Compare("a", "=", (None,)), "got `null` - at `$.values[0]`"),
        (Compare("a", "=", (object(),)), "is no text and no number"),
        ([1], "Expected `object`, got `array`"),
        ({"type": "compare", "column": "a", "op": "==", "values": ["x"]}, "Invalid enum value '==' - at `$.op`"),
        ({"type": "did", "steps": [{"type": "maybe"}]}, "at `$.steps[0].type`"),
        ({}, "missing required field `type`"),
    ],
)
def test_a_tree_that_says_nothing_is_refused(form, sentence):
    with pytest.raises(BadExpression) as refused:
        SHOP.where(form)
    assert sentence in str(refused.value)


def test_a_number_of_numpy_is_a_number():
    assert SHOP.where(Compare("hour", "=", (np.float64(0),))).events == SHOP.events


WORDS = [
    *(
        "did",
        "never",
        "then",
        "within",
        "at",
        "least",
        "most",
        "exactly",
        "times",
        "and",
        "or",
        "not",
        "in",
        "like",
        "is",
    ),
    *("null", "a", "b", "(", ")", ",", "=", "<", "<>", "3", "7d", "2.5", "'x'", "''", '"y z"', "-1", "?"),
]


@PROPERTY
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=30))
def test_any_text_is_read_or_refused_with_a_position_and_what_is_read_can_be_written(text):
    tree, said = None, ""
    try:
        tree = parse(text, journeys=True).tree
    except BadExpression as refused:
        said = refused.what
    assert tree is not None or re.search(r" at position \d+ of ", said)
    assert tree is None or parse(to_text(tree), journeys=True).tree == tree


def test_a_tree_that_is_too_deep_is_refused():
    tree: Node = Compare("touchpoint", "=", ("cart",))
    for _ in range(5_000):
        tree = Not(tree)
    with pytest.raises(BadExpression, match="more than 50"):
        SHOP.where(tree)
    plain: dict[str, Any] = {"type": "compare", "column": "touchpoint", "op": "null"}
    for _ in range(100_000):
        plain = {"type": "not", "of": plain}
    with pytest.raises(BadExpression):
        SHOP.where(plain)
    while "of" in plain:  # or the interpreter takes it apart in one recursion
        plain = plain["of"]


# -- any condition against plain lists -----------------------------------------------------------------------------

PLAIN = st.one_of(
    st.sampled_from(NAMES).map(lambda name: Compare("touchpoint", "=", (name,))),
    st.sampled_from(["web", "store"]).map(lambda name: Compare("channel", "=", (name,))),
    st.just(Compare("channel", "null")),
    st.sampled_from(["DE", "AT"]).map(lambda name: Compare("country", "=", (name,))),
)
DOES = st.one_of(
    st.builds(Did, st.lists(logic(PLAIN, 2), min_size=2, max_size=3).map(tuple), st.none() | st.just("3us")),
    st.builds(
        Did,
        logic(PLAIN, 2).map(lambda step: (step,)),
        st.none() | st.sampled_from(["1us", "4us"]),
        st.sampled_from(["at least", "exactly", "at most"]),
        st.integers(0, 3),
    ),
)


def meets(node: Node, journey: list[Event], event: Event | None) -> bool | None:
    """SQL's logic in plain Python, of one event of a journey."""
    if isinstance(node, Not):
        inner = meets(node.of, journey, event)
        return None if inner is None else not inner
    if isinstance(node, Both):
        both = [meets(node.left, journey, event), meets(node.right, journey, event)]
        decisive = node.op == "or"
        return decisive if decisive in both else None if None in both else not decisive
    if isinstance(node, Did):
        window = None if node.within is None else int(node.within.removesuffix("us"))
        steps = [does(step, journey) for step in node.steps]
        if len(steps) > 1:
            return naive.followed(journey, steps, lambda e: e[0], window)
        most = naive.fullest(journey, steps[0], lambda e: e[0], window)
        return {"at least": most >= node.times, "exactly": most == node.times, "at most": most <= node.times}[
            node.count
        ]
    assert event is not None
    text = dict(zip(("touchpoint", "channel", "country"), event[1:], strict=True))[node.column]
    return text is None if node.op == "null" else None if text is None else text in node.values


def does(step: Node, journey: list[Event]) -> Callable[[Event], bool]:
    """A step as a question to one event."""
    return lambda event: meets(step, journey, event) is True


@st.composite
def shops(draw: st.DrawFn) -> tuple[Journeys, list[list[Event]]]:
    """Small journeys, none of them empty, and the same as lists."""
    plain = [journey for journey in draw(many(longest=6)) if journey]
    t, n = sum(map(len, plain)), len(plain)
    channels = draw(st.lists(st.sampled_from(CHANNELS), min_size=t, max_size=t))
    countries = draw(st.lists(st.sampled_from(COUNTRIES), min_size=n, max_size=n))
    told = iter(channels)
    lists = [[(*event, next(told), countries[i]) for event in journey] for i, journey in enumerate(plain)]
    shop = built(plain, names=NAMES, columns={"channel": channels}, attributes={"country": countries})
    return shop, lists


@PROPERTY
@given(shops(), logic(PLAIN | DOES, 5))
def test_every_question_over_a_filter_is_that_over_lists_filtered_by_hand(both, tree):
    shop, lists = both
    left = [[e for e in journey if meets(tree, journey, e) is True] for journey in lists]
    left = [journey for journey in left if journey]
    plain = built([[(e[0], e[1]) for e in journey] for journey in left], names=NAMES)
    plain = replace(plain, origin=shop.origin)  # the data end where they ended before the filter
    found = shop.where(to_text(tree))
    assert (found.offsets.tolist(), found.time_us.tolist()) == (plain.offsets.tolist(), plain.time_us.tolist())
    assert etappe.reach(found).rows() == etappe.reach(plain).rows()
    assert etappe.transitions(found).rows() == etappe.transitions(plain).rows()
    assert (
        etappe.funnel(found, ["a", "b"], within="4us").rows() == etappe.funnel(plain, ["a", "b"], within="4us").rows()
    )


# -- day, hour, weekday --------------------------------------------------------------------------------------------

HOUR = 3_600_000_000


def test_day_hour_and_weekday_are_those_of_the_local_clock():
    at = 1_774_742_400_000_000  # 2026-03-29T00:00:00Z, a Sunday; the clock in Berlin goes from 2 to 3 at 01:00 UTC
    times = [at - 2 * HOUR, at, at + HOUR - 1, at + HOUR, at + 23 * HOUR]
    for timezone, days, hours, weekdays in (
        ("Europe/Berlin", ["28", "29", "29", "29", "30"], ["23", "01", "01", "03", "01"], ["6", "7", "7", "7", "1"]),
        ("UTC", ["28", "29", "29", "29", "29"], ["22", "00", "00", "01", "23"], ["6", "7", "7", "7", "7"]),
    ):
        shop = built([[(time, "a") for time in times]], timezone=timezone)
        assert shop.column("day").texts() == [f"2026-03-{day}" for day in days]
        assert shop.column("hour").texts() == hours
        assert shop.column("weekday").texts() == weekdays
    assert shop.where("day > '2026-03-28' and hour >= 1").events == 2
    assert shop.where("weekday in (6, 7)").events == 5
    assert etappe.reach(shop, by="day").column("group") == ["2026-03-28"]


@PROPERTY
@given(
    st.lists(st.integers(-(2**51), 2**51), min_size=1, max_size=5), st.sampled_from(["Europe/Berlin", "Asia/Tehran"])
)
def test_the_local_clock_is_that_of_the_time_zone(times, timezone):
    from datetime import UTC, datetime, timedelta
    from zoneinfo import ZoneInfo

    times = [time // 10**4 for time in times[1:]] + times[:1]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    shown = [(epoch + timedelta(microseconds=t)).astimezone(ZoneInfo(timezone)).replace(tzinfo=UTC) for t in times]
    expected = [(moment - epoch) // timedelta(microseconds=1) for moment in shown]
    assert local_us(np.asarray(times, np.int64), timezone).tolist() == expected


def test_a_column_of_the_data_goes_before_one_that_is_made():
    shop = journeys("0 a, 1 b", columns={"day": ["monday", "sunday"]})
    assert shop.where("day = 'sunday'").events == 1


def test_an_empty_workspace_is_asked_as_any_other():
    empty = built([], names=("order",), columns={"channel": []})
    assert len(empty.where("did order then order within 7d and channel = 'web' and day = '2026-01-01'")) == 0
    with pytest.raises(UnknownName, match="no touchpoint named 'cart'"):
        empty.where("did cart")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("channel = 'emial'", ["In channel, “emial” never occurs; is “email” meant?"]),
        ("not channel in ('web', 'zzz')", ["In channel, “zzz” never occurs."]),
        ("channel like 'x%'", ["In channel, “x%” never occurs."]),
        ("did a then (channel = 'wep')", ["In channel, “wep” never occurs; is “web” meant?"]),
        ("channel != 'wob'", ["In channel, “wob” never occurs; is “web” meant?"]),
        ("value in (5, 7.5)", ["In value, “7.5” never occurs."]),
        ("channel = 'web' or touchpoint = 'b'", []),
        ("channel like 'e%' and value > 7", []),
    ],
)
def test_a_value_that_never_occurs_is_said_with_the_nearest(condition, said):
    columns = {"channel": ["email", "web", "email"]}
    shop = built([[(0, "a"), (5, "b")], [(1, "a")]], columns=columns, values=[50_000, None, 120_000])
    found = reach(shop.where(condition)).warnings
    assert [one.text for one in found if one.code.startswith("value-unknown")] == said
    again = reach(shop.where(condition).where(condition)).warnings
    assert [one.text for one in again if one.code.startswith("value-unknown")] == said


@pytest.mark.parametrize(
    ("condition", "remedy"),
    [
        ("value > 'a'", "Name a number, such as 5."),
        ("value > '5'", "Write 5, without quotes."),
        ("value = 'a'", "Name a number, such as 5."),
        ("not value in (5, 'a')", "Name a number, such as 5."),
        ("did (value <> 'a')", "Name a number, such as 5."),
    ],
)
def test_numbers_are_not_compared_with_texts(condition, remedy):
    shop = built([[(0, "a"), (5, "b")]], values=[120_000, 50_000])
    with pytest.raises(BadExpression) as refused:
        shop.where(condition)
    assert refused.value.hint == remedy
    assert f"column 'value', at position {condition.index('value') + 1} of {condition!r}, holds" in refused.value.what


def test_codes_made_of_digits_are_ordered_as_texts():
    shop = built([[(0, "a")], [(1, "a")]], attributes={"postcode": ["01067", "80331"]})
    assert len(shop.where("postcode >= '1'")) == 1


def test_a_part_judges_what_the_whole_allows_though_its_own_texts_would_be_refused():
    held = built([[(0, "a")], [(1, "a")]], columns={"size": ["9", "large"]})
    condition = parse("size > 3", journeys=True)
    assert held.where(condition.text).subject.tolist() == [0]
    part = replace(held.part(1, 2), lazy={"size": lambda: column_of(["large"])})
    with pytest.raises(BadExpression, match="no number"):
        part.where(condition.text)
    assert touchpoints_that(part, condition, part=True).tolist() == [False]
