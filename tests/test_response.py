"""Response: a contact waits for the next answer; those still open are counted apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
import naive_response
from etappe import arrays
from etappe.analysis.response import response, who
from etappe.errors import BadDuration, BadQuestion, UnknownName
from etappe.journeys.columns import journeys_of
from journeys_text import NAMES, PROPERTY, built, journeys, many


def one(held, **fields):
    (row,) = response(held, "mail", "reply", **fields).rows()
    return row


def test_a_contact_waits_until_the_next_answer():
    row = one(journeys("0 mail, 5 reply, 9 reply, 20 mail, 50 reply", "60 x"), target="10us")
    assert (row["contacts"], row["journeys"], row["answered"], row["open"]) == (2, 1, 2, 0)
    assert (row["median_us"], row["p90_us"]) == (17, 30)
    assert (row["in_time"], row["in_time_base"], row["in_time_share"]) == (1, 2, 0.5)


def test_one_answer_closes_all_contacts_before_it():
    row = one(journeys("0 mail, 4 mail, 5 reply"))
    assert (row["answered"], row["median_us"], row["p90_us"]) == (2, 3, 5)


def test_an_answer_before_a_contact_or_in_another_journey_closes_nothing():
    row = one(journeys("0 reply, 4 mail", "5 reply"))
    assert (row["answered"], row["open"], row["median_us"], row["p90_us"]) == (0, 1, None, None)


def test_at_the_same_instant_the_order_of_receipt_counts():
    assert one(journeys("4 mail, 4 reply"))["median_us"] == 0
    assert one(journeys("4 reply, 4 mail"))["open"] == 1


def test_an_open_contact_is_late_only_when_its_target_is_over():
    # When the data end at 30, the first mail has waited 30, the second 10: no one knows yet whether that is in time.
    row = one(journeys("0 mail", "20 mail", "25 mail, 30 reply"), target="10us")
    assert (row["in_time"], row["in_time_base"], row["open"]) == (1, 2, 2)


def test_the_target_includes_its_edge():
    assert one(journeys("0 mail, 10 reply"), target="10us")["in_time"] == 1
    assert one(journeys("0 mail, 11 reply"), target="10us")["in_time"] == 0


def test_several_contacts_have_a_row_each_and_any_answer_closes_them():
    held = journeys("0 mail, 2 call, 5 reply", "1 call, 2 visit")
    for contact, closing in (("call | mail", "reply | visit"), (["call", "mail"], ("reply", "visit"))):
        answer = response(held, contact, closing)
        assert answer.column("contact") == ["call", "mail"]
        assert answer.column("answered") == [2, 1]
        assert answer.denominators == {"contacts": 3, "answered": 3}


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"contact": "mial"}, UnknownName, "response: contact: no touchpoint named 'mial'. Did you mean 'mail'?"),
        ({"answer": "reply | x"}, UnknownName, "response: answer"),
        ({"answer": "reply | mail"}, BadQuestion, "'mail' is a contact as well as an answer"),
        ({"target": "24"}, BadDuration, "response: target"),
    ],
)
def test_what_cannot_be_asked_is_refused(fields, kind, text):
    with pytest.raises(kind) as refused:
        response(journeys("0 mail, 1 reply"), **{"contact": "mail", "answer": "reply", **fields})
    assert text in str(refused.value)


def test_a_row_that_is_none_is_refused():
    held = journeys("0 mail, 1 reply")
    question = response(held, "mail", "reply").question
    for row in ({"contact": "reply"}, {"contact": "mail", "part": "closed"}):
        with pytest.raises(UnknownName, match="response: row"):
            who(held, question, row)


def test_no_contacts_are_an_answer():
    for nothing in (journeys(names=NAMES), journeys("", "1 c", names=NAMES)):
        (row,) = response(nothing, "a", "b").rows()
        assert (row["contacts"], row["share"], row["in_time_share"], row["median_us"]) == (0, None, None, None)


@PROPERTY
@given(many(), st.integers(1, 9))
def test_responses_are_their_definition(lists, target):
    held = built(lists, names=NAMES, attributes={"g": ["xyz"[i % 3] for i in range(len(lists))]})
    until = max((time for journey in lists for time, _ in journey), default=0)
    answer = response(held, "a | d", "b | c", target=f"{target}us")
    for row in answer.rows():
        found = naive_response.waits(lists, row["contact"], {"b", "c"}, until)
        times = sorted(wait for _, wait, _ in found if wait is not None)
        assert (row["contacts"], row["answered"]) == (len(found), len(times))
        assert row["open"] == len(found) - len(times)
        assert row["median_us"] == naive.median(times)
        assert row["p90_us"] == next((t for t in times if 10 * sum(u <= t for u in times) >= 9 * len(times)), None)
        assert row["in_time"] == sum(time <= target for time in times)
        assert row["in_time_base"] == sum(wait is not None or age > target for _, wait, age in found)
        assert who(held, answer.question, row).tolist() == sorted({whose for whose, _, _ in found})
        assert row["journeys"] == len({whose for whose, _, _ in found})
        still = sorted({whose for whose, wait, _ in found if wait is None})
        assert who(held, answer.question, {**row, "part": "open"}).tolist() == still
    grouped = response(held, "a | d", "b | c", target=f"{target}us", by="g")
    assert grouped.denominators == answer.denominators
    for row in grouped.rows() if lists else ():
        assert len(who(held, grouped.question, row)) == row["journeys"]


def test_threads_agree_with_one_thread(monkeypatch):
    rng = np.random.default_rng(3)
    offsets = np.concatenate(([0, 0], np.sort(rng.integers(0, 9000, 500)), [9000, 9000]))
    held = journeys_of(offsets, np.arange(9000), rng.integers(0, 4, 9000), NAMES)
    single = response(held, "a | d", "b", target="9us").to_arrow()
    monkeypatch.setattr(arrays, "SMALL", 0)
    assert response(held, "a | d", "b", target="9us").to_arrow().equals(single)
