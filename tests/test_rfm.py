"""RFM: equal customers have equal scores; every customer is in exactly one segment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive_rfm as naive
from etappe.analysis.rfm import SEGMENTS, rfm, who
from etappe.errors import BadQuestion, MixedCurrencies, UnknownName
from etappe.language import word
from journeys_text import NAMES, PROPERTY, built, journeys, many


def test_five_customers_have_the_five_scores():
    texts = [", ".join(f"{10 * i + k} purchase" for k in range(i + 1)) for i in range(5)]
    held = journeys(*texts, values=[10_000] * 15)
    answer = rfm(held, per="score")
    assert answer.column("score") == ["5-5-5", "4-4-4", "3-3-3", "2-2-2", "1-1-1"]
    assert answer.column("orders") == [5, 4, 3, 2, 1]
    assert answer.column("mean_recency_us") == [0, 11, 22, 33, 44]
    counts = dict(zip(rfm(held).column("segment"), rfm(held).column("customers"), strict=True))
    assert {name: n for name, n in counts.items() if n} == {
        "champions": 1, "loyal": 1, "need_attention": 1, "hibernating": 2,
    }  # fmt: skip


def test_equal_customers_have_equal_scores_those_of_the_worst():
    held = journeys(*["0 purchase"] * 9, "0 purchase, 0 purchase")
    assert rfm(held, per="score").column("score") == ["1-5", "1-1"]


def test_without_values_frequency_alone_decides():
    answer = rfm(journeys("0 purchase", "5 purchase, 9 purchase"))
    assert set(answer.column("value")) == set(answer.column("share_of_value")) == {None}
    assert rfm(journeys("0 purchase", "5 purchase, 9 purchase"), per="score").column("score") == ["3-3", "1-1"]


def test_segments_have_names_in_both_languages():
    answer = rfm(journeys("0 purchase", "5 purchase, 9 purchase"))
    for lang in ("de", "en"):
        for name in SEGMENTS:
            assert word(f"answer.segment.{name}", lang) in answer.to_html(lang).replace("&#x27;", "'")


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(UnknownName, match="rfm: goal"):
        rfm(journeys("0 visit"))
    held = journeys("0 purchase, 1 purchase", columns={"currency": ["EUR", "USD"]}, values=[1, 2])
    with pytest.raises(MixedCurrencies, match="rfm: value"):
        rfm(held)
    question = rfm(journeys("0 purchase")).question
    with pytest.raises(UnknownName, match="rfm: row"):
        who(journeys("0 purchase"), question, {"segment": "champion"})
    with pytest.raises(BadQuestion, match="has no segment"):
        who(journeys("0 purchase"), question, {"score": "1-1"})


def test_no_purchases_are_an_answer():
    for nothing in (journeys(names=["purchase"]), journeys("", "1 c", names=["purchase", "c"])):
        assert rfm(nothing).column("customers") == [0] * len(SEGMENTS)
        assert rfm(nothing, per="score").rows() == []


@PROPERTY
@given(many(names=("a", "b")), st.booleans(), st.data())
def test_segments_are_their_definition(lists, valued, data):
    flat = [event for journey in lists for event in journey]
    values = [data.draw(st.sampled_from([None, 1, 10, 100])) if valued else None for _ in flat]
    groups = {"g": ["xyz"[i % 3] for i in range(len(lists))]}
    held = built(lists, names=NAMES, values=values, attributes=groups)
    rest = iter(values)
    some, measures = False, {}
    until = max((time for time, _ in flat), default=0)
    for c, journey in enumerate(lists):
        mine = [(time, next(rest)) for time, _ in journey]
        bought = [one for one, (_, name) in zip(mine, journey, strict=True) if name == "a"]
        if bought:
            some |= any(value is not None for _, value in bought)
            measures[c] = (bought[-1][0] - until, len(bought), sum(value or 0 for _, value in bought))
    columns = [[one[i] for one in measures.values()] for i in range(3)]
    scores = {
        c: [naive.score(of, one) for of, one in zip(columns, three, strict=True)] for c, three in measures.items()
    }
    segments = {c: naive.segment(r, -(-(f + (m if some else f)) // 2)) for c, (r, f, m) in scores.items()}
    texts = {c: "-".join(map(str, three if some else three[:2])) for c, three in scores.items()}
    for per, of in (("segment", segments), ("score", texts)):
        answer = rfm(held, "a", per=per)
        for row in answer.rows():
            mine = [c for c, name in of.items() if name == row[per]]
            assert who(held, answer.question, row).tolist() == mine
            assert row["customers"] == len(mine)
            assert row["orders"] == sum(measures[c][1] for c in mine)
            assert row["value"] == (sum(measures[c][2] for c in mine) if some else None)
            assert row["mean_recency_us"] == (sum(-measures[c][0] for c in mine) // len(mine) if mine else None)
        assert sum(answer.column("customers")) == len(measures)
    assert rfm(held, "a", by="g").denominators == rfm(held, "a").denominators
