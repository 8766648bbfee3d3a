import msgspec
import pytest

from etappe.analysis.ask import ask
from etappe.maps.document import read_map
from etappe.maps.draw import period
from etappe.maps.evidence import bind, hold, people
from etappe.maps.metrics import METRICS, feeling
from etappe.units import DAY_US
from journeys_text import journeys
from maps import GOLDEN, HEAD, NOW, letters_and_tills, one, small


def test_a_number_has_value_base_interval_date_and_state():
    b = one("metric: step.conversion, parameters: {from: s1, to: s2, within: 7d}, better: up, target: 50")
    assert (b.state, b.value, b.n, b.unit, b.verdict) == ("fresh", 60.0, 100, "percent", "good")
    assert (round(b.low, 1), round(b.high, 1)) == (50.2, 69.1)  # Wilson for 60 of 100
    assert b.data_until == "1970-05-11T00:00:00Z"
    assert len(b.snapshot) == 64
    assert b.share_of_data == 1.0
    assert "binnen 7 Tagen" in b.sentence["de"]


@pytest.mark.parametrize(
    ("evidence", "value", "n"),
    [
        ("metric: touchpoint.reach, parameters: {touchpoint: till}", 80, 100),
        ("metric: touchpoint.reach, parameters: {touchpoint: s2}", 80, 100),
        ("metric: touchpoint.share_of_journeys, parameters: {touchpoint: brief}", 100, 100),
        ("metric: step.dropoff, parameters: {from: s1, to: s2}", 20, 100),
        ("metric: step.dropoff, parameters: {from: s1}", 20, 100),
        ("metric: transition.share, parameters: {from: s1, to: s2}", 100 * 80 / 90, 90),
        ("metric: journey.count", 100, 100),
        ("metric: journey.repeat_rate, parameters: {touchpoint: till}", 0, 80),
        ("metric: revenue.sum", 160, 100),
        ("metric: revenue.per_journey, parameters: {touchpoint: s2}", 2, 80),
        ("metric: touchpoint.reach, parameters: {touchpoint: till}, filter: age = 'young'", 40, 50),
        ("metric: touchpoint.reach, filter: touchpoint = 'till'", None, 100),
        ("metric: manual, value: 12, n: 40, source: Zählung", 12, 40),
    ],
)
def test_each_metric_asks_its_question(evidence, value, n):
    b = one(evidence)
    if value is None:  # the filter's touchpoint is lifted to be the parameter
        value = 80
    assert (b.state, b.n) == ("fresh", n)
    assert b.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("evidence", "parts", "wholes"),
    [
        ("metric: journey.count", [1.0] * 100, None),
        ("metric: revenue.sum", [2.0] * 80 + [0.0] * 20, None),
        ("metric: revenue.per_journey", [2.0] * 80 + [0.0] * 20, [1.0] * 100),
        (
            "metric: transition.share, parameters: {from: s1, to: s2}",
            [100.0] * 80 + [0.0] * 20,
            [1] * 80 + [1] * 10 + [0] * 10,
        ),
    ],
)
def test_sums_and_ratios_vary_with_the_customers(evidence, parts, wholes):
    b = one(evidence)
    if wholes is None:
        spread = sum(x * x for x in parts) ** 0.5
    else:
        ratio = sum(parts) / sum(wholes)
        spread = sum((x - ratio * w) ** 2 for x, w in zip(parts, wholes, strict=True)) ** 0.5 / sum(wholes)
    assert b.low == pytest.approx(max(0.0, b.value - 1.959964 * spread), rel=1e-5)
    assert b.high == pytest.approx(
        min(100.0, b.value + 1.959964 * spread) if b.unit == "percent" else b.value + 1.959964 * spread, rel=1e-5
    )


def test_a_duration_comes_in_the_unit_that_is_asked_or_the_one_that_fits():
    way = "metric: step.duration, parameters: {from: s1, to: s2}"
    assert (one(way).unit, one(way).value) == ("days", 2.5)
    hours = one(way + ", unit: hours")
    assert (hours.unit, hours.value, hours.n) == ("hours", 60.0, 80)


def test_a_question_is_told_in_the_data_s_names_so_that_it_can_be_asked_of_them():
    b = one("metric: step.conversion, parameters: {from: s1, to: s2, within: 7d}")
    assert b.question == {"question": "funnel", "steps": ["mailing", "till"], "within": "7d"}
    assert "names" not in b.parameters
    assert ask(letters_and_tills(), b.question).rows()[1]["step_conversion"] == b.value / 100
    assert len(people(b)[1]) == 60


def test_a_question_in_the_map_s_names_says_what_they_mean_in_the_data():
    parts = HEAD + (
        "touchpoints:\n"
        "  - {id: end, title: E, channel: store, medium: analog, contact: direct, "
        "match: \"touchpoint in ('till', 'fuel')\"}\n"
        "  - {id: old, title: O, channel: post, medium: analog, contact: direct, match: age = 'old'}\n"
        "evidence:\n  - {id: e, metric: touchpoint.reach, parameters: {touchpoint: end}}\n"
        "  - {id: o, metric: touchpoint.reach, parameters: {touchpoint: old}}\n"
    )
    bound = bind(read_map(parts), letters_and_tills(), None, NOW).evidence
    assert bound["e"].question == {"question": "reach", "touchpoints": ["end"]}
    assert bound["e"].parameters["names"] == "end: touchpoint in ('till', 'fuel')"
    assert bound["o"].parameters["names"] == "old: age = 'old'"  # only some mailings: no name says it


def test_the_conditions_of_a_number_are_told_beside_it():
    extra = "population: {event_filter: age = 'young'}\nwindow: {rolling: 200d}\n"
    found = one("metric: touchpoint.reach, parameters: {touchpoint: till}, filter: currency = 'EUR'", None, extra)
    assert {key: found.parameters[key] for key in ("population", "filter", "window")} == {
        "population": "age = 'young'", "filter": "currency = 'EUR'", "window": "200d",
    }  # fmt: skip
    days = one("metric: journey.count, window: {from: 1970-01-01, to: 1970-12-31}")
    assert days.parameters["window"] == "1970-01-01..1970-12-31"


def test_a_question_in_full_gives_the_number_that_is_picked():
    question = "question: {question: funnel, steps: [mailing, till], within: 7d}"
    b = one(question + ", value: {column: step_conversion, where: {step: till}}")
    assert (b.state, b.value, b.n) == ("fresh", 60.0, 100)
    text = one(question + ", value: {column: reached, where: \"step = 'till'\"}")
    assert text.value == 60
    assert "2 rows of the answer fit" in one(question + ", value: {column: reached}").why["en"]
    assert "no column named" in one(question + ", value: {column: reache}").why["en"]


def test_the_number_of_a_map_is_the_answer_of_the_question():
    b = one("metric: step.conversion, parameters: {from: s1, to: s2, within: 7d}")
    rows = ask(letters_and_tills(), {"question": "funnel", "steps": ["mailing", "till"], "within": "7d"}).rows()
    assert b.value == 100 * rows[1]["step_conversion"]
    assert (b.low, b.high) == (100 * rows[1]["step_low"], 100 * rows[1]["step_high"])


@pytest.mark.parametrize(
    ("evidence", "count"),
    [
        ("metric: touchpoint.reach, parameters: {touchpoint: till}", 80),
        ("metric: step.conversion, parameters: {from: s1, to: s2, within: 7d}", 60),
        ("metric: step.dropoff, parameters: {from: s1, to: s2, within: 7d}", 40),
        ("metric: transition.share, parameters: {from: s1, to: s2}", 80),
        ("metric: journey.count", 100),
    ],
)
def test_the_people_behind_a_number_are_as_many_as_it_says(evidence, count):
    view, positions = people(one(evidence))
    assert len(positions) == count
    assert len(set(view.names(positions))) == count


def test_too_few_cases_hide_the_value():
    b = one("metric: touchpoint.reach, parameters: {touchpoint: till}", letters_and_tills(29))
    assert (b.state, b.value, b.n) == ("few", None, 29)
    held = one("metric: survey.csat, snapshot: {value: 4, n: 12}")
    assert (held.state, held.value, held.n) == ("few", None, 12)


def test_a_rolling_window_ends_with_the_data_and_is_stale_when_they_are_old():
    window = "window: {rolling: 28d}\n"
    b = one("metric: touchpoint.reach, parameters: {touchpoint: brief}", None, window)
    assert (b.state, b.n) == ("none", None)  # the letters lie 30 days before the last event
    b = one("metric: touchpoint.reach, parameters: {touchpoint: s2}, min_n: 1", None, window)
    assert (b.state, b.value) == ("stale", 40.0)
    assert b.share_of_data < 1


def test_a_fixed_window_includes_its_last_day():
    reach = "metric: touchpoint.reach, parameters: {touchpoint: till}"
    days = ("1970-04-11", "1970-04-12", "1970-04-14")
    found = [one(f"{reach}, min_n: 1, window: {{from: 1970-04-11, to: {day}}}") for day in days]
    assert [b.value for b in found] == [None, 20.0, 60.0]


def test_a_value_outside_the_interval_that_was_held_is_changed():
    conversion = "metric: step.conversion, parameters: {from: s1, to: s2, within: 7d}"
    b = one(conversion + ", snapshot: {value: 10, n: 100, ci: [5, 17.5]}")
    assert (b.state, b.value) == ("changed", 60.0)
    assert b.why["de"] == "verändert: war 10,0 (5,0 bis 17,5)"
    assert one(conversion + ", snapshot: {value: 61, n: 100, ci: [51, 70]}").state == "fresh"


def test_held_numbers_are_written_and_compared():
    bound = small()
    again = hold(bound.map, bound)
    kept = {e.id: e.snapshot for e in again.evidence if e.snapshot}
    assert (kept["conversion"].value, kept["conversion"].n) == (60.0, 100)
    assert kept["csat"].value == 4.2
    assert bind(again).evidence["conversion"].state == "held"


def test_what_the_data_cannot_answer_says_what_it_needs():
    for name, metric in METRICS.items():
        if metric.needs not in ("data", "hand"):
            b = one(f"metric: {name}")
            assert b.state == "none"
            assert b.why["en"].startswith("no data yet: needs ")


def test_a_touchpoint_that_the_data_lack_is_no_zero():
    b = one("metric: touchpoint.reach, parameters: {touchpoint: web}")
    assert (b.state, b.value) == ("none", None)
    assert b.why["de"] == "„Webseite“ kommt in den Daten nicht vor"


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        ("metric: step.conversion, parameters: {from: s2, to: s3}", "both steps are the touchpoint 'till'"),
        ("metric: touchpoint.reach, parameters: {touchpoint: mailink}", "no touchpoint named 'mailink'"),
        ("metric: step.duration, parameters: {from: s1, to: s2, agg: p90}", "'p90' is not computed"),
        ("metric: step.conversion, parameters: {from: s1, to: s2, within: 7}", None),
        ("metric: journey.count, filter: county = 'DE'", "named 'county'"),
    ],
)
def test_one_evidence_that_fails_says_why(evidence, why):
    if why is None:
        with pytest.raises(Exception, match="expected a text"):
            one(evidence)
        return
    b = one(evidence)
    assert b.state == "failed"
    assert why in b.why["en"]


def test_a_unit_that_does_not_fit_is_not_used():
    b = one("metric: touchpoint.reach, parameters: {touchpoint: till}, unit: percent")
    assert (b.value, b.unit) == (80, "journeys")


def test_a_segment_that_is_not_there_gives_no_number_of_somebody_else():
    b = one("metric: journey.count", None, "population: {segment: neukunden}\n")
    assert (b.state, b.value) == ("none", None)
    assert "neukunden" in b.why["de"]


def test_the_population_is_part_of_every_number():
    b = one("metric: journey.count", None, "population: {event_filter: \"age = 'young'\"}\n")
    assert b.value == 50
    assert b.share_of_data < 1


def test_several_currencies_are_never_added():
    shop = journeys(*["0 till, 5 till"] * 40, columns={"currency": ["EUR", "USD"] * 40}, values=[10_000, 10_000] * 40)
    b = one("metric: revenue.sum", shop)
    assert b.state == "failed"
    assert "several currencies" in b.why["en"]


@pytest.mark.parametrize(
    ("metric", "value", "score"),
    [
        ("survey.csat", 5, 2),
        ("survey.csat", 1, -2),
        ("survey.nps", 54, 1.08),
        ("survey.ces", 7, 2),
        ("text.sentiment", -0.5, -1),
    ],
)
def test_an_answer_becomes_a_feeling_by_its_formula(metric, value, score):
    assert feeling(metric, value) == pytest.approx(score)
    assert feeling("step.conversion", value) is None


@pytest.mark.requirement("003-09")
def test_a_feeling_is_measured_only_where_people_reported_it():
    cells = {c.cell.step: c for c in small().cells if c.lane.id == "feel"}
    assert {step: (c.basis, round(c.score, 2)) for step, c in cells.items()} == {
        "s1": ("assumed", 0.5),
        "s3": ("measured", 1.2),
        "s4": ("derived", -1.2),
    }
    assert (round(cells["s3"].low, 2), round(cells["s3"].high, 2)) == (0.9, 1.5)


def test_events_do_not_measure_a_feeling():
    text = (GOLDEN / "small.yaml").read_text(encoding="utf-8").replace("score: 0.5}", "score: 0.5, evidence: reach}")
    cell = next(c for c in bind(read_map(text), letters_and_tills(), None, NOW).cells if c.lane.id == "feel")
    assert (cell.basis, cell.score) == ("assumed", 0.5)


def test_the_basis_of_each_cell_is_computed():
    found = {(c.lane.id, c.cell.step): c.basis for c in small().cells}
    assert found[("think", "s1")] == "assumed"
    assert found[("think", "s3")] == "researched"
    assert found[("kpi", "s1")] == "measured"
    assert found[("kpi", "s2")] is None  # no such data: nothing is claimed
    assert found[("pain", "s3")] == "measured"
    assert found[("back", None)] is None  # what we arrange claims nothing about customers
    assert sum(small().shares.values()) == pytest.approx(1)


def test_without_journeys_the_map_says_so():
    bound = bind(read_map(GOLDEN / "small.yaml"))
    assert bound.evidence["reach"].why["de"] == "noch keine Daten"
    assert bound.evidence["csat"].state == "held"
    assert bound.coverage is None


@pytest.mark.requirement("001-18")
def test_coverage_names_what_the_map_leaves_out():
    coverage = small().coverage
    assert coverage.journeys == pytest.approx(0.9)
    assert coverage.events == pytest.approx(180 / 190)
    assert coverage.unmapped == (("fuel", 10),)


def test_the_time_in_a_stage_of_the_map_is_found_by_its_atoms():
    stages = (
        "stages:\n  - {id: early, title: A, atoms: [aware, research]}\n  - {id: late, title: B, atoms: [buy, stay]}\n"
    )
    text = HEAD + stages + "evidence:\n  - {id: e, metric: stage.time, parameters: {stage: early}, min_n: 1}\n"
    shop = journeys(*[f"0 visit, {2 * DAY_US} order"] * 3)
    b = bind(read_map(text), shop, None, NOW).evidence["e"]
    assert (b.state, b.value, b.unit, b.n) == ("fresh", 2.0, "days", 3)
    assert len(people(b)[1]) == 3
    assert b.question["model"] == "shop"  # a model that only this map knows, so it is told what it is
    assert b.parameters["names"] == "shop: early = aware + research, late = buy + stay"


def test_an_event_belongs_to_the_first_touchpoint_that_claims_it():
    text = HEAD + (
        "touchpoints:\n"
        "  - {id: first, title: A, channel: w, medium: digital, contact: direct, match: touchpoint = 'till'}\n"
        "  - {id: till, title: B, channel: w, medium: digital, contact: direct}\n"
        "stages:\n  - {id: a, title: A}\n"
        "evidence:\n  - {id: e, metric: touchpoint.reach, parameters: {touchpoint: first}}\n"
        "  - {id: f, metric: touchpoint.reach, parameters: {touchpoint: till}}\n"
    )
    bound = bind(read_map(text), letters_and_tills(), None, NOW)
    assert bound.evidence["e"].value == 80
    assert bound.evidence["f"].state == "none"


def test_a_bound_map_is_the_same_every_time():
    first, second = small(), small()
    assert {id: b.snapshot for id, b in first.evidence.items()} == {id: b.snapshot for id, b in second.evidence.items()}
    assert msgspec.to_builtins(first.map) == msgspec.to_builtins(second.map)


def test_the_day_of_the_data_is_that_of_their_own_time_zone():
    evening = 300 * DAY_US + DAY_US // 8  # three in the morning in London, the evening before in New York
    shop = journeys(*[f"{evening} till"] * 40, timezone="America/New_York")
    bound = bind(read_map(GOLDEN / "small.yaml"), shop, None, NOW)
    assert period(bound.map, bound, "de") == "Daten bis 27.10.1970"
    assert bound.data_until == "1970-10-28T03:00:00Z"


def test_a_touchpoint_has_its_share_of_the_credit_as_a_derived_number():
    b = one("metric: attribution.share, parameters: {touchpoint: brief, to: till, model: first}")
    assert (b.state, b.value, b.n) == ("fresh", 100.0, 80)
    assert b.low is not None
    assert "keine Ursache" in b.sentence["de"]
