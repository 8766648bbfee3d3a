"""Patterns: what fits is what Python's regular expressions say, the leftmost and longest stretches without overlap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_patterns
from etappe import arrays
from etappe.analysis import automaton
from etappe.analysis.patterns import patterns, who
from etappe.errors import BadDuration, BadQuestion, UnknownName
from journeys_text import NAMES, PROPERTY, built, journeys, many

SHOP = journeys(
    "0 cart, 4 visit, 9 purchase",
    "0 cart, 1 support, 2 purchase",
    "0 cart, 1 purchase, 2 cart, 3 visit, 4 purchase",
    "0 visit",
    "",
)


def held_by(pattern, held=SHOP, **options):
    answer = patterns(held, pattern, **options)
    (row,) = answer.rows()
    found = who(held, answer.question, row).tolist()
    assert len(found) == row["journeys"]
    return found


def test_a_stretch_without_a_touchpoint():
    (row,) = patterns(SHOP, "cart->[^support]*->purchase").rows()
    assert held_by("cart->[^support]*->purchase") == [0, 2]
    assert (row["journeys"], row["share"], row["matches"]) == (2, 0.4, 2)
    # The longest: the second journey's first match goes to its last purchase.
    assert row["median_us"] == (9 + 4) // 2


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("cart->purchase", [2]),
        ("cart -> visit? -> purchase", [0, 2]),
        ("cart->.->purchase", [0, 1, 2]),
        ("cart->[visit support]->purchase", [0, 1, 2]),
        ("cart->[visit|support]->purchase", [0, 1, 2]),
        ("cart->[visit, support]->purchase", [0, 1, 2]),
        ("cart->(visit|support->purchase)", [0, 1, 2]),
        ("[^cart support]->purchase", [0, 2]),
        ("(cart->.?->purchase)+$", [0, 1, 2]),
        ("^visit", [3]),
        ("visit$", [3]),
        ("^visit$", [3]),
        ("^.->purchase", [2]),
        ("'cart'->'purchase'", [2]),
        ("support*", [1]),
    ],
)
def test_the_language(pattern, found):
    assert held_by(pattern) == found


def test_matches_do_not_overlap():
    held = journeys("0 a, 1 a, 2 a, 3 a, 4 a")
    assert patterns(held, "a->a").column("matches") == [2]
    assert patterns(held, "a+").column("matches") == [1]
    assert patterns(held, "^a").column("matches") == [1]
    assert patterns(held, "a*").column("matches") == [1]


def test_the_longest_of_several_ways_is_taken():
    assert patterns(journeys("0 a, 1 b, 2 c"), "(a|a->b->c)").column("median_us") == [2]


def test_a_match_lasts_no_longer_than_the_window_its_edge_included():
    held = journeys("0 a, 5 b, 9 a, 19 b, 30 b")
    assert patterns(held, "a->.*->b", within="10us").column("matches") == [2]
    assert patterns(held, "a->.*->b", within="9us").column("matches") == [1]
    assert patterns(held, "a->.*->b", within="10us").column("median_us") == [5]
    assert patterns(held, "a->.*->b").column("median_us") == [30]


def test_names_with_other_characters_are_quoted():
    held = journeys("0 add")
    other = built([[(0, "add to cart"), (1, "it's $1"), (2, "x-y"), (3, "->")]])
    assert held_by("add", held) == [0]
    assert held_by("'add to cart' -> 'it''s $1' -> x-y->'->'", other) == [0]


@pytest.mark.parametrize(
    ("pattern", "place", "said"),
    [
        ("", 1, "expected a touchpoint"),
        ("cart->", 7, "expected a touchpoint"),
        ("cart purchase", 6, "unexpected 'purchase'"),
        ("cart->*", 7, "expected a touchpoint before '*'"),
        ("cart**", 6, "'*' after '*'"),
        ("cart|visit", 5, "Put alternatives in parentheses"),
        ("cart)", 5, "There is no ( for it"),
        ("(cart->visit", 13, "expected ')'"),
        ("cart->[", 8, "expected ']'"),
        ("cart->[]", 8, "no name in brackets"),
        ("cart->[^]", 9, "no name in brackets"),
        ("cart->[visit->cart]", 13, "expected ']' before '->'"),
        ("cart->^visit", 7, "'^' in the middle"),
        ("cart$->visit", 6, "unexpected '->'"),
        ("cart->'visit", 7, "a quote without its end"),
        ("cart->€", 7, "unexpected '€'"),
        ("(" * 51 + "cart" + ")" * 51, 52, "more than 50 parentheses"),
        ("->".join(["cart"] * 201), 1205, "more than 200 items"),
    ],
)
def test_a_fault_is_shown_at_its_position(pattern, place, said):
    with pytest.raises(BadQuestion, match=f"patterns: pattern: .*at position {place} of ") as fault:
        patterns(SHOP, pattern)
    assert said in str(fault.value)


def test_an_unknown_name_gets_the_nearest_and_its_position():
    with pytest.raises(UnknownName, match=r"position 7 of .*no touchpoint named 'purchse'. Did you mean 'purchase'"):
        patterns(SHOP, "cart->purchse")
    with pytest.raises(UnknownName, match=r"position 9 of .*'vist'. Did you mean 'visit'"):
        patterns(SHOP, "cart->[^'vist']")
    with pytest.raises(BadDuration, match="patterns: within"):
        patterns(SHOP, "cart", within="7")


def test_a_pattern_with_too_many_states_is_refused(monkeypatch):
    many_states = "^(cart|visit)*->cart" + "->." * 12
    with pytest.raises(BadQuestion, match="needs more than 2,000 states"):
        patterns(SHOP, many_states)
    # Where only the automaton that begins anew is too large, the other finds the same.
    few = "cart->.->.->.->purchase"
    found = patterns(SHOP, few).rows()
    monkeypatch.setattr(automaton, "MOST", 7)
    assert len(automaton.tables_of(few, SHOP.touchpoints, "pattern").search) == 0
    assert patterns(SHOP, few).rows() == found


def test_no_journeys_are_an_answer():
    (row,) = patterns(journeys(names=["a"]), "a").rows()
    assert (row["journeys"], row["share"], row["matches"], row["median_us"]) == (0, None, 0, None)
    assert patterns(journeys(), "^.->.$").column("journeys") == [0]
    assert patterns(journeys("", names=["a"]), ".*").column("share") == [0.0]


# A pattern as its text here and as a regular expression over letters, side by side.
def one_of(names, not_these):
    sign = "^" if not_these else ""
    return f"[{sign}{' '.join(names)}]", f"[{sign}{''.join(names)}]"


single = st.one_of(
    st.sampled_from([(name, name) for name in NAMES] + [(f"'{name}'", name) for name in NAMES]),
    st.just((".", f"[{''.join(NAMES)}]")),
    st.builds(one_of, st.lists(st.sampled_from(NAMES), min_size=1, max_size=3), st.booleans()),
)


def larger(inner):
    row = st.lists(inner, min_size=1, max_size=3).map(lambda x: ("->".join(t for t, _ in x), "".join(r for _, r in x)))
    ways = st.lists(row, min_size=1, max_size=3).map(
        lambda x: (f"({'|'.join(t for t, _ in x)})", f"(?:{'|'.join(r for _, r in x)})")
    )
    repeated = st.tuples(row, st.sampled_from("*+?")).map(lambda x: (f"({x[0][0]}){x[1]}", f"(?:{x[0][1]}){x[1]}"))
    return st.one_of(ways, repeated)


items = st.recursive(single, larger, max_leaves=5)
shapes = st.lists(items, min_size=1, max_size=4).map(lambda x: ("->".join(t for t, _ in x), "".join(r for _, r in x)))


@PROPERTY
@given(many(), shapes, st.booleans(), st.booleans(), st.sampled_from([None, 1, 3, 6]))
def test_patterns_are_python_s_regular_expressions(lists, shape, at_start, at_end, within):
    text, regex = shape
    text = f"{'^' if at_start else ''}{text}{'$' if at_end else ''}"
    held = built(lists, names=NAMES)
    answer = patterns(held, text, within=None if within is None else f"{within}us")
    (row,) = answer.rows()
    found = naive_patterns.patterns(lists, regex, at_start, at_end, within)
    matching = [i for i, matches in enumerate(found) if matches]
    assert who(held, answer.question, row).tolist() == matching
    assert row["journeys"] == len(matching)
    assert row["matches"] == sum(map(len, found))
    firsts = [(lists[i], *found[i][0]) for i in matching]
    assert row["median_us"] == naive.median([journey[end - 1][0] - journey[begin][0] for journey, begin, end in firsts])


@PROPERTY
@given(many(), shapes)
def test_groups_add_up_to_the_whole(lists, shape):
    held = built(lists, names=NAMES)
    whole, parts = patterns(held, shape[0]), patterns(held, shape[0], by="touchpoint")
    for column in ("journeys", "matches"):
        assert sum(parts.column(column)) == sum(whole.column(column))
    if lists:
        assert [len(who(held, parts.question, row)) for row in parts.rows()] == parts.column("journeys")


def test_threads_agree_with_one_thread(monkeypatch):
    held = journeys(*["0 a, 1 b, 2 c, 3 a", "0 c, 1 a", "", "0 b, 4 b, 9 a"] * 50, names=["a", "b", "c"])
    one = patterns(held, "b+->.?->a").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert patterns(held, "b+->.?->a").to_arrow().equals(one)
