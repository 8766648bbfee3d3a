"""Effect: before and after a change, against plain Python over the same days; what cannot be said is not said."""

from datetime import date, timedelta
from math import hypot, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.analysis.intervals import Z, change_interval
from etappe.errors import BadQuestion
from etappe.maps.binder import Binder
from etappe.maps.document import read_map
from etappe.maps.effect import effects
from etappe.maps.opportunity import addressed, dated, decided, measured_by
from etappe.maps.periods import covered
from etappe.units import DAY_US
from journeys_text import PROPERTY, built

FIRST = date(2025, 1, 6)
EPOCH = date(1970, 1, 1)
MAP = """
schema: journey-map/1
id: shop
title: Shop
touchpoints:
  - {id: cart, title: Cart, channel: web, medium: digital, contact: direct}
  - {id: order, title: Order, channel: web, medium: digital, contact: direct}
stages:
  - id: buy
    title: Buy
    steps: [{id: s1, title: Cart, touchpoint: cart}, {id: s2, title: Order, touchpoint: order}]
lanes: [{id: pain, title: Pain, type: pain}]
cells: [{lane: pain, step: s1, text: Slow, evidence: e2, opportunity: o2}]
evidence:
  - {id: e1, metric: step.conversion, parameters: {from: s1, to: s2}, better: up}
  - {id: e2, metric: step.dropoff, parameters: {from: s1, to: s2}, better: down}
  - {id: e3, metric: step.conversion, parameters: {from: s1, to: s2}}
opportunities:
  - {id: o1, title: Shorter form, addresses: [e1], status: done%s}
  - {id: o2, title: Guest order, status: idea}
  - {id: o3, title: Both, addresses: [e1, pain/s1], result: e3, status: idea}
"""


def us(day: date, hour: int = 12) -> int:
    return (day - EPOCH).days * DAY_US + hour * 3_600_000_000


def shopping(rates, per_day=20, seed=1, first=FIRST):
    """Each day so many people come to a cart; the day's share of them order an hour later. One customer each."""
    random = Random(seed)
    people = []
    for k, rate in enumerate(rates):
        for _ in range(per_day):
            at = us(first + timedelta(days=k))
            people.append([(at, "cart"), *([(at + 3_600_000_000, "order")] if random.random() < rate else [])])
    return built(people, names=["cart", "order"])


def effect(journeys, started="2025-03-03", finished="2025-03-10", which="o1", days=28):
    text = "".join(f", {key}: {day}" for key, day in (("started", started), ("finished", finished)) if day)
    document = read_map(MAP % text)
    one = next(o for o in document.opportunities if o.id == which)
    return effects(document, one, Binder(document, journeys, None, 0), days)[0]


def share(journeys, first, last):
    """Plainly: who came to the cart in these days, and how many of them ordered."""
    low, high = us(first, 0), us(last + timedelta(days=1), 0)
    times = [journeys.time_us[a:b] for a, b in zip(journeys.offsets[:-1], journeys.offsets[1:], strict=True)]
    came = [len(t) for t in times if low <= t[0] < high]
    return sum(n == 2 for n in came), len(came)


def wilson(count, n):
    centre, half = count / n + Z * Z / (2 * n), Z * sqrt(count / n * (1 - count / n) / n + Z * Z / (4 * n * n))
    return (centre - half) / (1 + Z * Z / n), (centre + half) / (1 + Z * Z / n)


@pytest.mark.requirement("000-07", "002-23")
def test_an_effect_is_what_plain_python_counts_before_and_after():
    journeys = shopping([0.2] * 63 + [0.4] * 50)
    found = effect(journeys)
    a, n = share(journeys, date(2025, 2, 3), date(2025, 3, 2))
    b, m = share(journeys, date(2025, 3, 10), date(2025, 4, 6))
    assert (found.before.first, found.before.last) == (date(2025, 2, 3), date(2025, 3, 2))
    assert (found.after.first, found.after.last) == (date(2025, 3, 10), date(2025, 4, 6))
    assert (found.before.bound.n, found.after.bound.n) == (n, m) == (560, 560)
    assert found.before.bound.value == pytest.approx(100 * a / n)
    assert found.change == pytest.approx(100 * (b / m - a / n))
    (p_low, p_high), (q_low, q_high) = wilson(a, n), wilson(b, m)
    assert found.low == pytest.approx(100 * (b / m - a / n - hypot(b / m - q_low, p_high - a / n)))
    assert found.high == pytest.approx(100 * (b / m - a / n + hypot(q_high - b / m, a / n - p_low)))
    assert found.verdict == "better"
    assert effect(journeys, which="o3", started=None, finished=None).state == "undated"


@pytest.mark.parametrize(
    ("better", "verdict"), [(", better: up", "worse"), (", better: down", "better"), ("", "changed")]
)
def test_the_direction_that_is_better_decides(better, verdict, monkeypatch):
    monkeypatch.setitem(globals(), "MAP", MAP.replace(", better: up", better, 1))
    assert effect(shopping([0.4] * 63 + [0.2] * 50)).verdict == verdict


def test_without_a_change_the_interval_mostly_holds_zero():
    held = 0
    for seed in range(120):
        found = effect(shopping([0.3] * 113, per_day=6, seed=seed))
        held += found.low <= 0 <= found.high
    assert held >= 108  # 95 % of 120 are 114; fewer than 108 happen once in 500 times, and the seeds are fixed


def test_the_time_in_which_only_some_had_it_counts_for_neither():
    journeys = shopping([0.2] * 56 + [1.0] * 7 + [0.2] * 50)
    found = effect(journeys)
    assert found.before.bound.value < 30 > found.after.bound.value


@pytest.mark.parametrize(
    ("days", "finished", "state", "why"),
    [
        (70, "2025-03-12", "waiting", "18 Mar 2025"),
        (70, "2025-03-11", "waiting", "17 Mar 2025"),
        (70, "2025-03-10", "measured", ""),
        (70, None, "undated", "No day is named"),
    ],
)
def test_a_comparison_waits_for_a_whole_week(days, finished, state, why):
    found = effect(shopping([0.3] * days), finished=finished)
    assert found.state == state
    assert why in (found.why["en"] if found.why else "")
    if state == "measured":
        assert (found.after.first, found.after.last) == (date(2025, 3, 10), date(2025, 3, 16))
        assert any("7 days each instead of 28" in caution["en"] for caution in found.cautions)


def test_a_change_before_the_data_has_nothing_to_be_compared_with():
    found = effect(shopping([0.3] * 90), started="2025-01-08", finished="2025-01-08")
    assert (found.state, found.change) == ("none", None)
    assert "no whole week before" in found.why["en"]


def test_few_people_give_no_number():
    found = effect(shopping([0.3] * 113, per_day=1))
    assert found.state == "none"
    assert found.why["en"].startswith("There was no number before")
    assert found.before.bound.value is None


def cautions(found):
    return " ".join(caution["en"] for caution in found.cautions)


def test_what_else_may_have_moved_the_number_is_said():
    found = effect(shopping([0.2] * 63 + [0.4] * 50))
    assert "is no experiment" in cautions(found)
    assert "do not reach back another year" in cautions(found)
    other = "\n".join(MAP.splitlines()).replace("status: idea}", "status: running, started: 2025-03-01}", 1)
    document = read_map(other % ", started: 2025-03-03, finished: 2025-03-10")
    told = effects(document, document.opportunities[0], Binder(document, shopping([0.3] * 113), None, 0))[0]
    assert "Guest order" in cautions(told)


def test_the_same_weeks_of_the_year_before_are_compared():
    rates = [0.2] * 63 + [0.4] * 301 + [0.2] * 63 + [0.4] * 50
    found = effect(shopping(rates), started="2026-03-02", finished="2026-03-09")
    assert found.year_before == pytest.approx(20, abs=6)
    assert "In the same weeks of the year before the number changed by" in cautions(found)


def test_a_base_that_has_changed_is_said():
    few, many = shopping([0.3] * 56), shopping([0.3] * 57, per_day=60, first=FIRST + timedelta(days=56))
    lists = [*lists_of(few), *lists_of(many)]
    assert "The base has changed: 560 before, 1,680 afterwards." in cautions(effect(built(lists)))


def test_less_than_a_week_is_no_period():
    with pytest.raises(BadQuestion, match="less than a week"):
        effect(shopping([0.3] * 113), days=6)


def test_periods_around_a_change_stand_in_order():
    found = effect(shopping([0.3] * 160))
    assert [p.phase for p in found.periods] == ["before", "before", "after", "after", "after"]
    firsts = [p.first for p in found.periods]
    assert firsts == sorted(firsts)
    assert found.before.first in firsts
    assert found.after.first in firsts


@PROPERTY
@given(*[st.floats(-1e6, 1e6, allow_nan=False)] * 2, *[st.floats(0, 1e3, allow_nan=False)] * 4)
def test_an_interval_of_a_change_holds_it_and_turns_with_it(old, new, a, b, c, d):
    before, after = (old, old - a, old + b), (new, new - c, new + d)
    change, low, high = change_interval(before, after)
    assert low <= change <= high
    back = change_interval(after, before)
    assert (-back[0], -back[2], -back[1]) == pytest.approx((change, low, high))
    assert high - low <= a + b + c + d + 1e-6


def test_cells_lead_to_the_evidence_of_an_opportunity():
    document = read_map(MAP % "")
    by = {one.id: one for one in document.opportunities}
    assert [e.id for e in addressed(document, by["o2"])] == ["e2"]
    assert [e.id for e in addressed(document, by["o3"])] == ["e1", "e2", "e3"]
    assert [e.id for e in measured_by(document, by["o3"])] == ["e3"]


def test_days_are_filled_in_where_nobody_gave_them():
    old, today = read_map(MAP % ""), date(2026, 1, 2)
    text = MAP.replace("title: Guest order, status: idea", "title: Guest order, status: %s") % ("", "%s")
    running = dated(old, read_map(text % "running"), today)
    assert (running.opportunities[1].started, running.opportunities[1].finished) == ("2026-01-02", None)
    done = dated(running, read_map(text % "'done', started: 2026-01-02"), date(2026, 2, 3))
    assert (done.opportunities[1].started, done.opportunities[1].finished) == ("2026-01-02", "2026-02-03")
    assert [(one.id, before) for one, before in decided(running, done)] == [("o2", "running")]
    assert [(one.id, before) for one, before in decided(None, old)] == [("o1", ""), ("o2", ""), ("o3", "")]


def bought_later(days, after_days):
    """Each day ten people come to a cart, and all of them order so many days later."""
    people = []
    for k in range(days):
        at = us(FIRST + timedelta(days=k))
        people += [[(at, "cart"), (at + after_days * DAY_US, "order")]] * 10
    return built(people, names=["cart", "order"])


WITHIN = MAP.replace(
    "parameters: {from: s1, to: s2}, better: up}", "parameters: {from: s1, to: s2, within: 14d}, better: up}"
)


def test_what_began_in_a_period_is_followed_beyond_it(monkeypatch):
    monkeypatch.setitem(globals(), "MAP", WITHIN)
    found = effect(bought_later(130, 10), started="2025-03-10", finished="2025-03-10")
    # Nothing changed: everybody orders on the tenth day, also those who came on the last days of a period.
    assert (found.before.bound.value, found.after.bound.value, found.verdict) == (100.0, 100.0, "unclear")
    assert (found.before.bound.n, found.after.bound.n) == (280, 280)
    assert found.before.last == date(2025, 2, 23)  # followed for 14 days, before the change
    assert not any("falls into the same period" in caution["en"] for caution in found.cautions)
    assert "falls into the same period" in cautions(effect_without_within())


def effect_without_within():
    document = read_map(WITHIN.replace(", within: 14d", "") % ", finished: 2025-03-10")
    return effects(document, document.opportunities[0], Binder(document, bought_later(130, 10), None, 0))[0]


def test_a_comparison_waits_until_the_first_week_has_been_followed(monkeypatch):
    monkeypatch.setitem(globals(), "MAP", WITHIN)
    found = effect(shopping([0.3] * 80), started="2025-03-10", finished="2025-03-10")
    assert (found.state, found.ready) == ("waiting", date(2025, 3, 30))


def opening_hours(hours):
    """A journey for each day, with a touch at each hour from the first to before the last one of that day."""
    days = [(FIRST + timedelta(days=k), start, end) for k, (start, end) in enumerate(hours)]
    return built([[(us(day, hour), "cart") for hour in range(start, end)] for day, start, end in days])


@pytest.mark.parametrize(
    ("hours", "first", "last"),
    [
        ([(8, 20)] * 41, 0, 40),
        ([(8, 20)] * 40 + [(8, 9)], 0, 39),  # the last day ends at eight in the morning
        ([(8, 20)] * 40 + [(8, 19)], 0, 40),  # an hour earlier than others is whole all the same
        ([(19, 20)] + [(8, 20)] * 40, 1, 40),  # the first one begins in the evening
        ([(0, 1)] * 41, 0, 40),  # days without a time of day
    ],
)
def test_a_day_that_begins_late_or_ends_early_is_left_out(hours, first, last):
    binder = Binder(read_map(MAP % ""), opening_hours(hours), None, 0)
    found = covered(binder, binder.map.evidence[0])
    assert found == (FIRST + timedelta(days=first), FIRST + timedelta(days=last))


def test_a_number_by_hand_has_no_effect(monkeypatch):
    by_hand = MAP.replace(
        "{id: e1, metric: step.conversion, parameters: {from: s1, to: s2}",
        "{id: e1, metric: manual, value: 4.0, source: us",
    )
    monkeypatch.setitem(globals(), "MAP", by_hand)
    found = effect(shopping([0.3] * 113))
    assert found.state == "none"
    assert "entered by hand" in found.why["en"]


def test_another_currency_is_no_change(monkeypatch):
    monkeypatch.setitem(
        globals(),
        "MAP",
        MAP.replace("{id: e1, metric: step.conversion, parameters: {from: s1, to: s2}", "{id: e1, metric: revenue.sum"),
    )
    lists = [[(us(FIRST + timedelta(days=k)), "order")] for k in range(113) for _ in range(5)]
    euros = ["EUR" if k < 63 else "USD" for k in range(113) for _ in range(5)]
    found = effect(built(lists, names=["cart", "order"], values=[10_000] * len(lists), columns={"currency": euros}))
    assert found.state == "none"
    assert found.why["en"] == "The currency has changed: EUR before, USD afterwards."


def test_a_change_that_ran_the_whole_time_is_named_once():
    other = MAP.replace("title: Guest order, status: idea", "title: Guest order, status: running, started: 2025-01-08")
    other = other.replace("title: Both", "title: Guest order").replace(
        "result: e3, status: idea", "result: e3, status: done, started: 2025-01-07, finished: 2025-05-01"
    )
    document = read_map(other % ", started: 2025-03-03, finished: 2025-03-10")
    found = effects(document, document.opportunities[0], Binder(document, shopping([0.3] * 113), None, 0))[0]
    assert cautions(found).count("Guest order") == 1


def lists_of(journeys):
    names, ends = journeys.touchpoints, zip(journeys.offsets[:-1], journeys.offsets[1:], strict=True)
    return [
        [(int(t), names[c]) for t, c in zip(journeys.time_us[a:b], journeys.touchpoint[a:b], strict=True)]
        for a, b in ends
    ]


def test_a_persona_s_lane_is_measured_over_its_customers():
    text = MAP.replace("{id: pain, title: Pain, type: pain}", "{id: pain, title: Pain, type: pain, persona: lena}")
    document = read_map(
        text.replace("title: Guest order, status: idea", "title: Guest order, status: done, finished: 2025-03-10") % ""
    )
    journeys = shopping([0.3] * 113)
    mine = ["yes" if k % 3 == 0 else "no" for k in range(len(journeys))]
    held = built(lists_of(journeys), names=["cart", "order"], attributes={"persona.lena": mine})
    found = effects(document, document.opportunities[1], Binder(document, held, None, 0))[0]
    assert found.before.bound.n < 560 / 2


def test_days_follow_the_status():
    text = MAP.replace("title: Guest order, status: idea", "title: Guest order, status: %s") % ("", "%s")

    def after(old, new, day="2026-05-05"):
        one = dated(read_map(text % old), read_map(text % new), date.fromisoformat(day)).opportunities[1]
        return one.started, one.finished

    assert after("idea", "done") == ("2026-05-05", "2026-05-05")
    both = "%s, started: 2026-01-02, finished: 2026-02-03"
    assert after(both % "done", both % "running") == ("2026-01-02", None)
    assert after(both % "done", both % "idea") == (None, None)
    assert after("running, started: 2026-07-01", "done, started: 2026-07-01") == ("2026-05-05", "2026-05-05")
    assert after("idea", "running, finished: 2026-04-01") == ("2026-04-01", "2026-04-01")
