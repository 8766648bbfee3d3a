"""Customer lifetime value: the published fit, the papers' formulas, parameters found again, a back-test."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_clv as naive
from etappe.analysis import bgnbd
from etappe.analysis.bgnbd import Customers
from etappe.analysis.clv import clv, who
from etappe.errors import BadDuration, BadQuestion, MixedCurrencies, UnknownName
from etappe.journeys.columns import journeys_of
from etappe.units import DAY_US, MONEY
from journeys_text import NAMES, PROPERTY, built, journeys, many

CDNOW = Path(__file__).parents[2] / "shared" / "data" / "cdnow"
TRUTH = (0.8, 6.0, 0.9, 2.5)


def simulated(n=4000, days=364, seed=7):
    """Orders of customers that behave as the models say; each begins on one of the first 84 days."""
    rng = np.random.default_rng(seed)
    r, alpha, a, b = TRUTH
    rate, leaves = rng.gamma(r, 1 / alpha, n) / 7, rng.beta(a, b, n)
    level = 6 * 15 / rng.gamma(4, 1, n)
    owner, day, value = [], [], []
    for c in range(n):
        at = float(rng.integers(0, 84))
        while at < days:
            owner.append(c)
            day.append(int(at))
            value.append(rng.gamma(6, level[c] / 6))
            if len(day) > 1 and owner[-2:] == [c, c] and rng.random() < leaves[c]:
                break
            at = max(at + rng.exponential(1 / rate[c]), int(at) + 1.0)
    offsets = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=n))))
    money = np.round(np.array(value) * MONEY).astype(np.int64)
    return journeys_of(offsets, np.array(day) * DAY_US, np.zeros(len(day), int), ["purchase"], value=money)


@pytest.fixture(scope="module")
def simulation():
    held = simulated()
    return held, clv(held, cut="1970-09-30")


def named(answer, kind):
    return {row["name"]: row for row in answer.rows() if row["kind"] == kind}


@pytest.mark.skipif(not CDNOW.exists(), reason="the shared data is not here")
def test_cdnow_has_its_published_parameters():
    import pandas as pd

    log = pd.read_csv(CDNOW / "CDNOW_sample.txt", sep=r"\s+", header=None, names=["m", "who", "day", "cds", "value"])
    log = log.sort_values(["who", "day"], kind="stable")
    times = (pd.to_datetime(log.day.astype(str)) - pd.Timestamp("1970-01-01")).dt.days.to_numpy() * DAY_US
    offsets = np.concatenate(([0], np.cumsum(log.groupby("who").size().to_numpy())))
    value = np.round(log.value.to_numpy() * MONEY).astype(np.int64)
    held = journeys_of(offsets, times, np.zeros(len(log), int), ["purchase"], value=value)
    answer = clv(held, cut="1997-09-30")
    assert clv(held).table.column("estimate").equals(answer.table.column("estimate"))  # half of 78 weeks
    found = {name: row["estimate"] for name, row in named(answer, "test-parameter").items()}
    assert [round(found[name], 3) for name in ("r", "alpha", "a", "b")] == [0.243, 4.414, 0.793, 2.426]
    assert round(found["log_likelihood"], 1) == -9582.4
    # Fader and Hardie 2013: 946 customers.
    assert [round(found[name], 2) for name in ("p", "q", "v")] == [6.25, 3.74, 15.44]
    assert named(answer, "test-parameter")["p"]["customers"] == 946
    whole = named(answer, "test")["all"]
    assert (whole["customers"], whole["actual"]) == (2357, 1882)
    assert whole["expected"] == pytest.approx(1653.4, abs=0.1)
    assert whole["error"] < whole["naive_error"]


def test_parameters_that_made_the_data_are_found_again(simulation):
    found = named(simulation[1], "parameter")
    for name, truth in zip(("r", "alpha", "a", "b", "p", "q", "v"), (*TRUTH, 6.0, 4.0, 15.0), strict=True):
        row = found[name]
        assert row["estimate"] == pytest.approx(truth, rel=0.25), name
        assert row["estimate_low"] < row["estimate"] < row["estimate_high"]
    assert abs(found["correlation"]["estimate"]) < 0.1


def test_the_back_test_predicts_what_came(simulation):
    rows = named(simulation[1], "test")
    whole = rows.pop("all")
    assert whole["expected"] == pytest.approx(whole["actual"], rel=0.06)
    assert whole["value_expected"] == pytest.approx(whole["value_actual"], rel=0.1)
    assert whole["error"] < whole["naive_error"]
    assert rows["1"]["actual"] > 5 * rows["10"]["actual"]
    for name in ("customers", "actual", "value_actual"):
        assert sum(row[name] for row in rows.values()) == whole[name]
    assert sum(row["expected"] for row in rows.values()) == pytest.approx(whole["expected"])


def test_tenths_and_their_people_are_all_customers(simulation):
    held, answer = simulation
    for row in answer.rows():
        assert len(who(held, answer.question, row)) == row["customers"]
    tenths = [who(held, answer.question, {"kind": "forecast", "name": str(i)}) for i in range(1, 11)]
    assert sorted(np.concatenate(tenths).tolist()) == list(range(len(held)))


@pytest.mark.parametrize(
    "at", [(0.243, 4.414, 0.793, 2.426), (1.7, 30.0, 3.5, 0.4), (0.05, 0.3, 1.0, 1.0), (0.3, 3, 300, 900)]
)
def test_expected_orders_are_those_of_the_paper(at):
    x, recency, age = np.array([0, 1, 2, 40]), np.array([0.0, 3.0, 30.43, 38.0]), np.array([38.86, 20.0, 38.86, 39.0])
    found = bgnbd.expected_orders(np.array(at), Customers(x, recency, age), 39.0)
    a = at[2] if at[2] != 1.0 else 1 + 1e-5  # the printed formula divides by a - 1
    want = [naive.expected(at[0], at[1], a, at[3], *one, 39.0) for one in zip(x.tolist(), recency, age, strict=True)]
    assert found == pytest.approx(want, rel=1e-3 if at[2] == 1.0 else 1e-8)


def test_a_fit_is_the_top_of_the_likelihoods_of_the_papers():
    held = simulated(300)
    days = [sorted(one.tolist()) for one in np.split(held.time_us // DAY_US, held.offsets[1:-1])]
    x = np.array([len(one) - 1 for one in days])
    recency, age = (np.array(one, float) / 7 for one in zip(*((d[-1] - d[0], 364 - d[0]) for d in days), strict=True))
    fit = bgnbd.fit_orders(Customers(x, recency, age))
    mean = np.random.default_rng(5).gamma(4, 8, 300)
    values = bgnbd.fit_values(x[x > 0], mean[x > 0])

    def orders(at):
        return sum(naive.likelihood(*at, *one) for one in zip(x.tolist(), recency, age, strict=True))

    def worth(at):
        return sum(naive.value_likelihood(*at, *one) for one in zip(x[x > 0].tolist(), mean[x > 0], strict=True))

    for found, whole in ((fit, orders), (values, worth)):
        assert found.decided
        assert found.log_likelihood == pytest.approx(whole(found.estimate))
        for i in range(len(found.estimate)):
            for factor in (0.98, 1.02):
                near = found.estimate.copy()
                near[i] *= factor
                assert whole(near) < found.log_likelihood


def test_data_that_decide_nothing_give_no_numbers_and_say_so():
    again = journeys(*[f"0 purchase, {DAY_US} purchase"] * 5, f"{30 * DAY_US} x")
    once = journeys(*["0 purchase"] * 50, f"{30 * DAY_US} x")
    for held, customers in ((again, 5), (once, 50)):
        answer = clv(held)
        assert {row["estimate"] for row in answer.rows()} == {None}
        assert "clv-not-fitted" in [said.code for said in answer.warnings]
        assert named(answer, "forecast") == {"all": {**named(answer, "forecast")["all"], "customers": customers}}


def test_what_the_data_do_not_decide_has_no_interval_and_it_is_said():
    # After an order all customers leave with the same probability: a and b tell only their ratio.
    rng = np.random.default_rng(2)
    texts = []
    for _ in range(400):
        days = [0]
        while len(days) == 1 or (rng.random() < 0.7 and len(days) < 40):
            days.append(days[-1] + 1 + int(rng.exponential(5)))
        texts.append(", ".join(f"{day * DAY_US} purchase" for day in days if day < 90))
    answer = clv(journeys(*texts, f"{90 * DAY_US} x"))
    found = named(answer, "parameter")
    assert found["a"]["estimate"] / (found["a"]["estimate"] + found["b"]["estimate"]) == pytest.approx(0.3, abs=0.05)
    assert found["a"]["estimate_low"] is None
    assert "clv-edge" in [said.code for said in answer.warnings]
    assert named(answer, "test")["all"]["expected"] == pytest.approx(named(answer, "test")["all"]["actual"], rel=0.2)


def test_without_values_orders_are_expected_but_no_worth(simulation):
    held, answer = simulation
    bare = journeys_of(held.offsets, held.time_us, held.touchpoint, held.touchpoints)
    found = clv(bare, cut="1970-09-30")
    assert named(found, "forecast")["all"]["expected"] == named(answer, "forecast")["all"]["expected"]
    assert set(found.column("value_expected")) == set(found.column("value_actual")) == {None}
    assert "clv-no-value" in [said.code for said in found.warnings]


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"goal": "x"}, UnknownName, "clv: goal"),
        ({"unit": "1"}, BadDuration, "clv: unit"),
        ({"horizon": "52"}, BadDuration, "clv: horizon"),
        ({"horizon": "36h"}, BadQuestion, "not a number of days"),
        ({"cut": "soon"}, BadQuestion, "no day"),
        ({"cut": "2000-01-01"}, BadQuestion, "clv: cut: 2000-01-01 is not before"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields, kind, text):
    with pytest.raises(kind) as refused:
        clv(journeys("0 purchase"), **fields)
    assert text in str(refused.value)


def test_values_of_several_currencies_are_refused():
    held = journeys("0 purchase, 1 purchase", columns={"currency": ["EUR", "USD"]}, values=[1, 2])
    with pytest.raises(MixedCurrencies, match="clv: value: purchases have values in EUR, USD"):
        clv(held)


def test_a_row_that_is_none_is_refused():
    question = clv(journeys("0 purchase")).question
    for row in ({"kind": "x", "name": "all"}, {"kind": "test", "name": "11"}, {"kind": "parameter", "name": "1"}):
        with pytest.raises(UnknownName, match="clv: row"):
            who(journeys("0 purchase"), question, row)


def test_no_orders_are_an_answer():
    for nothing in (journeys(names=["purchase"]), journeys("", "1 c", names=["purchase", "c"])):
        answer = clv(nothing)
        assert answer.denominators == {"customers": 0, "bought_again": 0}
        assert set(answer.column("customers")) == {0}


@PROPERTY
@given(many(), st.integers(0, 5))
def test_customers_and_their_orders_are_counted_by_day(lists, cut):
    half = DAY_US // 2
    lists = [[(time * half, name) for time, name in journey] for journey in lists]
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    end = max((time // DAY_US for journey in lists for time, _ in journey), default=0)
    day = f"1970-01-0{cut + 1}"
    if cut >= end and any(lists):
        with pytest.raises(BadQuestion, match="not before the day"):
            clv(held, "a", cut=day)
        return
    answer = clv(held, "a", cut=day)
    for kind, until in (("forecast", end), ("test", cut)):
        found = naive.orders(lists, "a", DAY_US, until)
        row = named(answer, kind)["all"]
        assert row["customers"] == len(found)
        assert who(held, answer.question, row).tolist() == sorted(found)
        if kind == "test":
            assert row["actual"] == sum(later for _, _, _, later in found.values())
            ages = {c: (x, cut - first) for c, (x, first, _, _) in found.items()}
            off = [abs((x * (end - cut) / age if age else 0) - found[c][3]) for c, (x, age) in ages.items()]
            assert row["naive_error"] == (pytest.approx(sum(off) / len(off)) if off else None)
    assert answer.denominators["bought_again"] == sum(x > 0 for x, *_ in naive.orders(lists, "a", DAY_US, end).values())
    if lists:
        grouped = clv(held, "a", by="g") if any(lists) else answer
        assert grouped.denominators == answer.denominators
