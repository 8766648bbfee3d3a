import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_features as naive
from etappe import arrays
from etappe.analysis.features import ACTIVITY, HOURS, MONEYED, kind_of, measure, names_of
from etappe.errors import UnknownName
from journeys_text import NAMES, PROPERTY, built, journeys, many

HOUR = 3_600_000_000


def close(found, expected):
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=1e-5, atol=1e-6)


@PROPERTY
@given(many(), st.sampled_from([1, 20_000_000, HOUR, 30 * HOUR]))
def test_features_are_what_a_slow_definition_counts(lists, unit):
    lists = [[(time * unit, name) for time, name in journey] for journey in lists]
    shop = built(lists, names=NAMES)
    until = max((time for journey in lists for time, _ in journey), default=0)
    shares = [f"touchpoint:{name}" for name in NAMES]
    found = measure(shop, [*ACTIVITY, *shares, *HOURS, "weekend"])
    expected = [
        [*naive.activity(one, until), *(naive.share(one, name) for name in NAMES), *naive.clock(one)] for one in lists
    ]
    close(found.values, np.reshape(expected, found.values.shape))


@PROPERTY
@given(many(), st.data())
def test_purchases_value_and_basket_are_what_a_slow_definition_counts(lists, data):
    prices = [[data.draw(st.sampled_from([None, 10_000, 25_000])) for _ in one] for one in lists]
    shop = built(lists, names=NAMES, values=[price for one in prices for price in one])
    found = measure(shop, MONEYED, "a")
    expected = [naive.money(one, "a", paid) for one, paid in zip(lists, prices, strict=True)]
    close(found.values, np.reshape(expected, found.values.shape))


def test_threads_find_the_same(monkeypatch):
    shop = journeys("0 a, 5 b, 9 a", "3 b", "", "1 a, 2 a")
    names = names_of(shop, "a")
    before = measure(shop, names, "a").values
    monkeypatch.setattr(arrays, "SMALL", 0)
    close(measure(shop, names, "a").values, before)


def test_a_text_that_no_longer_occurs_has_share_zero():
    assert measure(journeys("0 a"), ["touchpoint:gone"]).column("touchpoint:gone").tolist() == [0.0]


def test_an_unknown_feature_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match="recency"):
        measure(journeys("0 a"), ["recencie"])
    with pytest.raises(UnknownName, match="column"):
        measure(journeys("0 a"), ["chanel:web"])


def test_empty_data_has_no_rows():
    assert measure(journeys(), names_of(journeys())).values.shape[0] == 0


def test_values_in_several_currencies_are_no_feature():
    shop = built([[(0, "a"), (1, "a")]], values=[10_000, 10_000], columns={"currency": ["EUR", "USD"]})
    names = names_of(shop, "a")
    assert "purchases" in names
    assert "value" not in names


def test_every_feature_has_a_kind():
    assert {kind_of(name) for name in names_of(journeys("0 a"), "a")} == {"count", "days", "share"}
    assert kind_of("basket") == "money"
