"""Contacts before the first purchase: what comes after it counts for nothing, dear things take more of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_contacts
from etappe import arrays
from etappe.analysis.contacts import contacts, who
from etappe.errors import BadQuestion, MixedCurrencies, UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many


def told(answer, *names):
    return {row["price_class"]: tuple(row[name] for name in names) for row in answer.rows()}


@pytest.mark.requirement("001-03")
def test_dear_things_are_looked_at_more_often_before_they_are_bought():
    day = 86_400_000_000
    dear = f"0 product, {9 * day} product, {30 * day} product, {80 * day} purchase"
    cheap = f"0 product, {day} purchase"
    held = journeys(
        dear, dear, cheap, cheap, "0 product", values=[None, None, None, 9_000_000] * 2 + [None, 200_000] * 2 + [None]
    )
    answer = contacts(held, classes="50, 200")
    assert told(answer, "journeys", "mean_contacts", "median_contacts", "median_us") == {
        "< 50": (2, 1.0, 1, day), "50 … < 200": (0, None, None, None), "≥ 200": (2, 3.0, 3, 80 * day),
        "all": (4, 2.0, 2, (80 * day + day) // 2),
    }  # fmt: skip
    assert told(answer, "value_from", "value_to")["50 … < 200"] == (500_000, 2_000_000)
    assert answer.denominators == {"journeys": 4, "contacts": 8}


def test_what_comes_after_the_first_purchase_counts_for_nothing():
    held = journeys("0 a, 5 purchase, 6 a, 9 purchase", values=[None, 10_000, None, 90_000])
    assert told(contacts(held), "contacts", "median_us") == {"≥ 1": (1, 5), "all": (1, 5)}


def test_only_the_contacts_asked_for_count_and_none_is_a_number():
    held = journeys("0 a, 3 b, 5 purchase", "0 a, 9 purchase")
    answer = contacts(held, touch=["b"])
    assert told(answer, "contacts", "with_contact", "mean_contacts", "median_us")["all"] == (1, 1, 0.5, 2)


def test_without_classes_the_quartiles_of_the_prices_are_taken():
    held = journeys(*["0 purchase"] * 8, values=[10_000 * price for price in (1, 2, 3, 4, 5, 6, 7, 8)])
    assert told(contacts(held), "journeys") == {
        "< 2": (1,), "2 … < 4": (2,), "4 … < 6": (2,), "≥ 6": (3,), "all": (8,),
    }  # fmt: skip


def test_a_purchase_without_a_price_has_a_row_of_its_own():
    held = journeys("0 a, 1 purchase", "0 purchase", values=[None, None, 30_000])
    answer = contacts(held, classes="2")
    assert told(answer, "journeys") == {"< 2": (0,), "≥ 2": (1,), None: (1,), "all": (2,)}
    assert who(held, answer.question, {"price_class": None}).tolist() == [0]
    assert told(contacts(journeys("0 purchase")), "journeys") == {None: (1,), "all": (1,)}


def test_the_lines_of_one_order_are_one_price():
    held = journeys("0 a, 1 purchase, 1 purchase", values=[None, 30_000, 40_000], columns={"order": [None, "n", "n"]})
    assert told(contacts(held, classes="5"), "journeys")["≥ 5"] == (1,)


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"goal": "x"}, UnknownName, "contacts: goal"),
        ({"touch": ["x"]}, UnknownName, "contacts: touch[0]"),
        ({"touch": "a"}, BadQuestion, "one text, not a list"),
        ({"touch": ["purchase"]}, BadQuestion, "'purchase' is the goal itself"),
        ({"classes": "50; 200"}, BadQuestion, "contacts: classes: '50; 200' are no prices"),
        ({"classes": "200, 50"}, BadQuestion, "do not rise"),
        ({"classes": "0, 50"}, BadQuestion, "do not rise from above 0"),
        ({"classes": "nan"}, BadQuestion, "contacts: classes"),
        ({"classes": "inf"}, BadQuestion, "contacts: classes"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields, kind, text):
    with pytest.raises(kind) as refused:
        contacts(journeys("0 a, 1 purchase"), **fields)
    assert text in str(refused.value)


def test_prices_of_several_currencies_and_rows_that_are_none_are_refused():
    held = journeys("0 purchase", "1 purchase", columns={"currency": ["EUR", "USD"]}, values=[1, 2])
    with pytest.raises(MixedCurrencies, match="contacts: value"):
        contacts(held)
    held = journeys("0 purchase")
    with pytest.raises(UnknownName, match="contacts: row"):
        who(held, contacts(held).question, {"price_class": "< 1"})


def test_no_purchases_are_an_answer():
    for nothing in (journeys(names=["purchase"]), journeys("", "1 c", names=["purchase", "c"])):
        (row,) = contacts(nothing).rows()
        assert (row["journeys"], row["mean_contacts"], row["p90_contacts"], row["median_us"]) == (0, None, None, None)


@PROPERTY
@given(many(), st.sampled_from(["", "1, 3"]), st.sampled_from([(), ("b", "d")]), st.data())
def test_contacts_are_their_definition(lists, classes, touch, data):
    prices = [[data.draw(st.sampled_from([None, 5_000, 10_000, 20_000, 40_000])) for _ in journey] for journey in lists]
    held = built(
        lists, names=NAMES, values=[price for journey in prices for price in journey],
        attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]},
    )  # fmt: skip
    found = naive_contacts.before(lists, "a", set(touch) or {"b", "c", "d"}, prices)
    answer = contacts(held, "a", touch=touch, classes=classes)
    edges = sorted({row["value_from"] for row in answer.rows()} - {None})
    if classes:
        assert edges == [10_000, 30_000]
    order = [*range(len(edges) + 1 if edges or any(p is not None for _, _, p in found.values()) else 0), None, "all"]
    rows = {row["price_class"]: row for row in answer.rows()}
    labels = [label for label in rows if label not in (None, "all")]
    for at in order:
        label = labels[at] if isinstance(at, int) else at
        mine = {c: one for c, one in found.items() if at == "all" or naive_contacts.price_class(one[2], edges) == at}
        if label not in rows:
            assert mine == {}
            continue
        row, counts = rows[label], sorted(count for count, _, _ in mine.values())
        assert who(held, answer.question, row).tolist() == list(mine)
        assert (row["journeys"], row["contacts"]) == (len(mine), sum(counts))
        assert row["median_contacts"] == naive.median(counts)
        assert row["p90_contacts"] == next(
            (n for n in counts if 10 * sum(m <= n for m in counts) >= 9 * len(counts)), None
        )
        assert row["median_us"] == naive.median([time for count, time, _ in mine.values() if count])
    grouped = contacts(held, "a", touch=touch, classes=classes, by="g")
    assert grouped.denominators == answer.denominators
    for row in grouped.rows() if lists else ():
        assert len(who(held, grouped.question, row)) == row["journeys"]


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    held = journeys_of(offsets, np.arange(9000), rng.integers(0, 4, 9000), NAMES, value=rng.integers(0, 10**6, 9000))
    one = contacts(held, "a").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert contacts(held, "a").to_arrow().equals(one)
