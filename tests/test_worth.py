"""Worth: what customers have bought so far; a share is of those that came as far."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_worth
from etappe.analysis.worth import who, worth
from etappe.errors import MixedCurrencies, UnknownName
from journeys_text import NAMES, PROPERTY, built, journeys, many


def named(answer):
    return {row["name"]: row for row in answer.rows()}


def test_the_repeat_purchase_rate_is_of_all_that_bought():
    held = journeys("0 purchase, 9 purchase", "1 purchase", "3 visit", "4 purchase, 5 purchase, 15 purchase")
    rows = named(worth(held))
    assert [rows[name]["customers"] for name in ("1", "2", "3", "4", "5+", "all")] == [1, 1, 1, 0, 0, 3]
    assert (rows["all"]["bought_again"], rows["all"]["reached"], rows["all"]["again"]) == (2, 3, 2 / 3)
    assert (rows["2"]["bought_again"], rows["2"]["reached"], rows["2"]["again"]) == (1, 2, 0.5)
    assert rows["4"]["again"] is None


def test_a_pause_lies_between_an_order_and_the_next():
    times = [0, 1, 3, 7, 15, 31, 131]
    rows = named(worth(journeys(", ".join(f"{time} purchase" for time in times), "5 purchase, 9 purchase")))
    assert [rows[name]["median_us"] for name in ("1", "2", "3", "4", "5+", "all")] == [2, 2, 4, 8, 58, 4]


def test_values_are_summed_by_row_and_a_mean_is_of_orders_that_have_one():
    held = journeys("0 purchase, 9 purchase", "1 purchase", "2 purchase", values=[30_000, None, 10_000, 20_000])
    rows = named(worth(held))
    assert [rows[name]["value"] for name in ("1", "2", "3", "all")] == [30_000, 30_000, None, 60_000]
    assert [rows[name]["value_mean"] for name in ("1", "2", "all")] == [15_000, 30_000, 20_000]
    assert rows["all"]["value_customer"] == 20_000
    assert [rows[name]["share_of_value"] for name in ("1", "2", "all")] == [0.5, 0.5, 1.0]


def test_tenths_by_value_begin_with_those_worth_most():
    held = journeys(*[f"{i} purchase" for i in range(20)], values=[10_000 * i for i in range(20)])
    answer = worth(held, per="value")
    rows = named(answer)
    assert (rows["1"]["value"], rows["10"]["value"]) == (370_000, 10_000)
    assert who(held, answer.question, rows["1"]).tolist() == [18, 19]
    assert sum(row["value"] for name, row in rows.items() if name != "all") == rows["all"]["value"]


def test_the_lines_of_one_order_are_one_purchase():
    held = journeys(
        "0 purchase, 1 purchase, 5 purchase", "2 purchase",
        columns={"order": ["n1", "n1", None, "n1"], "currency": ["EUR"] * 4}, values=[10_000, 20_000, 5_000, 1_000],
    )  # fmt: skip
    row = named(worth(held))["all"]
    assert (row["customers"], row["orders"], row["value"], row["value_mean"]) == (2, 3, 36_000, 12_000)
    assert (row["median_us"], row["currency"]) == (5, "EUR")


def test_several_touchpoints_can_be_purchases():
    assert named(worth(journeys("0 buy, 1 renew"), "buy | renew"))["2"]["customers"] == 1


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(UnknownName, match="worth: goal"):
        worth(journeys("0 visit"))
    held = journeys("0 purchase, 1 purchase", columns={"currency": ["EUR", "USD"]}, values=[1, 2])
    with pytest.raises(MixedCurrencies, match="worth: value"):
        worth(held)
    with pytest.raises(UnknownName, match="worth: row"):
        who(held, worth(journeys("0 purchase")).question, {"name": "6"})


def test_the_remedy_for_several_currencies_keeps_what_is_no_purchase():
    held = journeys(
        "0 visit, 1 purchase, 2 purchase", columns={"currency": [None, "EUR", "USD"]}, values=[None, 10_000, 20_000]
    )
    with pytest.raises(MixedCurrencies) as caught:
        worth(held)
    condition = caught.value.hint.partition('where="')[2].rpartition('"')[0]
    kept = held.where(condition)
    assert kept.events == 2
    assert named(worth(kept))["all"]["value"] == 10_000


def test_no_purchases_are_an_answer():
    for nothing in (journeys(names=["purchase"]), journeys("", "1 c", names=["purchase", "c"])):
        for per in ("orders", "value"):
            answer = worth(nothing, per=per)
            assert set(answer.column("customers")) == {0}
            assert set(answer.column("again")) == set(answer.column("value")) == {None}


@PROPERTY
@given(many(names=("a", "b")), st.data())
def test_worth_is_its_definition(lists, data):
    flat = [event for journey in lists for event in journey]
    numbers = [data.draw(st.sampled_from([None, "x", "y", "z"])) for _ in flat]
    values = [data.draw(st.sampled_from([None, 1, 10, 100])) for _ in flat]
    held = built(
        lists, names=NAMES, columns={"order": numbers}, values=values,
        attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]},
    )  # fmt: skip
    rest, worths = iter(numbers), iter(values)
    found = naive_worth.orders(lists, "a", [[next(rest) for _ in journey] for journey in lists])
    value = {}
    for c, journey in enumerate(lists):
        mine = [next(worths) for _ in journey]
        value[c] = sum(v or 0 for (_, name), v in zip(journey, mine, strict=True) if name == "a")
    answer = worth(held, "a")
    rows = named(answer)
    for name, row in rows.items():
        k = 1 if name == "all" else int(name[0])
        group = [c for c, times in found.items() if len(times) == k or (name[-1] in "+l" and len(times) >= k)]
        assert who(held, answer.question, row).tolist() == group
        assert row["customers"] == len(group)
        assert row["orders"] == sum(len(found[c]) for c in group)
        assert (row["value"] or 0) == sum(value[c] for c in group)
        assert row["reached"] == sum(len(times) >= k for times in found.values())
        assert row["bought_again"] == sum(len(times) > k for times in found.values())
        steps = [naive_worth.pauses(times)[k - 1 : None if name[-1] in "+l" else k] for times in found.values()]
        assert row["median_us"] == naive.median([pause for one in steps for pause in one])
    tenths = worth(held, "a", per="value")
    for row in tenths.rows():
        assert len(who(held, tenths.question, row)) == row["customers"]
    for name in ("customers", "orders", "bought_again"):
        assert sum(tenths.column(name)[:-1]) == tenths.column(name)[-1] == rows["all"][name]
    grouped = worth(held, "a", by="g")
    assert grouped.denominators == answer.denominators
