"""Scores: CSAT, NPS and CES from a column of imported answers, against plain Python."""

from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.arrays import column_of as texts
from etappe.errors import BadQuestion, UnknownName
from etappe.journeys.columns import journeys_of
from etappe.maps.document import read_map
from etappe.maps.evidence import bind
from etappe.maps.scores import SCALES, column_of, score
from journeys_text import PROPERTY

MAP = """
schema: journey-map/1
id: shop
title: Shop
touchpoints: [{id: poll, title: Poll, channel: mail, medium: digital, contact: direct}]
stages: [{id: after, title: After, steps: [{id: s1, title: Poll, touchpoint: poll}]}]
lanes: [{id: feeling, title: Feeling, type: emotion}]
cells: [{lane: feeling, step: s1, evidence: e1}]
"""


def answered(answers, column="csat", per_customer=1):
    """One customer for each `per_customer` answers; None is a touch without an answer."""
    n = len(answers)
    offsets = [*range(0, n, per_customer), n]
    said = [None if a is None else str(a) for a in answers]
    return journeys_of(offsets, list(range(n)), [0] * n, ["poll"], columns={column: texts(said)})


def bound(evidence, journeys):
    return bind(read_map(f"{MAP}evidence: [{{id: e1, {evidence}}}]"), journeys)


@PROPERTY
@given(st.sampled_from(sorted(SCALES)), st.data())
def test_a_figure_is_what_plain_python_makes_of_the_answers(figure, data):
    low, high = SCALES[figure]
    answers = data.draw(st.lists(st.none() | st.integers(low, high), max_size=20))
    found = score(answered(answers, per_customer=2), figure, "csat")
    given_ = [a for a in answers if a is not None]
    if not given_:
        assert (found.value, found.n) == (None, 0)
        return
    promoters, detractors = sum(a >= 9 for a in given_), sum(a <= 6 for a in given_)
    plain = 100 * (promoters - detractors) / len(given_) if figure == "nps" else mean(given_)
    assert found.value == pytest.approx(plain)
    assert found.n == len(given_)
    if found.low is not None:
        assert found.low < found.value + 1e-9
        assert found.value < found.high + 1e-9


@pytest.mark.requirement("000-08")
def test_a_column_of_answers_measures_a_feeling():
    found = bound("metric: survey.csat, parameters: {touchpoint: poll}", answered([4, 5, 3, 4] * 10))
    b = found.evidence["e1"]
    assert (b.state, b.value, b.n) == ("fresh", 4.0, 40)
    assert b.low < 4 < b.high
    assert (found.cells[0].score, found.cells[0].basis) == (1.0, "measured")
    assert b.sentence["de"] == "Mittel der 40 Antworten von 1 bis 5 in der Spalte csat."


def test_few_answers_are_hidden():
    b = bound("metric: survey.nps", answered([9, 10, 3], "nps")).evidence["e1"]
    assert (b.state, b.value, b.n) == ("few", None, 3)


def test_a_column_on_another_scale_is_not_taken_for_a_figure():
    wide = answered([0, 10, 7], "rating")
    assert column_of(wide, "csat", None) is None
    assert bound("metric: survey.csat", wide).evidence["e1"].why["en"] == "no data yet: needs surveys"
    with pytest.raises(BadQuestion, match="no answer from 1 to 5"):
        column_of(wide, "csat", "rating")
    assert column_of(wide, "nps", "rating") == "rating"
    with pytest.raises(UnknownName, match="rating"):
        column_of(wide, "nps", "ratings")


def test_a_file_without_answers_shows_the_number_that_it_holds():
    b = bound("metric: survey.csat, snapshot: {value: 4.2, n: 100}", answered([None] * 40, "other")).evidence["e1"]
    assert (b.state, b.value) == ("held", 4.2)


def test_few_customers_or_one_opinion_have_no_interval():
    for answers, each in (([4, 5] * 20, 40), ([4, 5] * 9, 2), ([5] * 50, 1)):
        found = score(answered(answers, per_customer=each), "csat", "csat")
        assert (found.n, found.low, found.high) == (len(answers), None, None)


def test_answers_of_one_customer_widen_the_interval():
    apart, together = [answered([1, 5] * 50, per_customer=k) for k in (1, 100)]
    wide = answered([1] * 50 + [5] * 50, per_customer=10)
    narrow = score(apart, "csat", "csat")
    assert score(wide, "csat", "csat").low < narrow.low
    assert score(together, "csat", "csat").value == narrow.value == 3.0
