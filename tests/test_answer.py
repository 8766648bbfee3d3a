"""An answer carries its base, its date, its cautions, and goes into every frame."""

import json
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import etappe
from etappe.analysis.answer import caution
from etappe.analysis.funnel import funnel
from etappe.analysis.groups import groups_of
from etappe.analysis.intervals import median, median_ranks, shares
from etappe.analysis.kernel import join, plain, total
from etappe.analysis.reach import reach
from etappe.analysis.show import text
from etappe.analysis.variants import variants
from etappe.errors import BadExpression, BadQuestion, EtappeError, MissingExtra, UnknownName
from journeys_text import PROPERTY, built, journeys
from naive import median as naive_median
from naive import median_ranks as naive_ranks


def shop(count=40):
    return journeys(*["0 visit, 60000000 order", "5 visit"] * (count // 2))


def test_an_answer_says_its_base_and_its_date():
    answer = reach(shop())
    assert (answer.n, answer.subjects, answer.events) == (40, 40, 60)
    assert answer.denominators == {"journeys": 40}
    assert answer.data_until == "1970-01-01T00:01:00Z"
    assert answer.warnings == ()
    assert repr(answer).startswith("n = 40 journeys of 40 subjects, 60 touchpoints. Data until 1 Jan 1970.")


def test_an_answer_goes_into_every_frame():
    class OnlyStream:
        def __init__(self, held):
            self.held = held

        def __arrow_c_stream__(self, requested_schema=None):
            return self.held.__arrow_c_stream__(requested_schema)

    answer = reach(shop())
    assert pa.table(OnlyStream(answer)).equals(answer.to_arrow())
    assert pl.DataFrame(OnlyStream(answer)).equals(answer.to_polars())
    frame = pd.DataFrame.from_arrow(OnlyStream(answer))
    assert frame["journeys"].tolist() == answer.to_pandas()["journeys"].tolist() == answer.column("journeys")
    assert answer.to_pandas()["value"].isna().all()


def test_the_dict_of_an_answer_is_json():
    told = json.loads(json.dumps(funnel(shop(), ["visit", "order"], within="7d").to_dict()))
    asked = {"question": "funnel", "by": None, "steps": ["visit", "order"], "within": "7d", "medians": True}
    assert asked.items() <= told["question"].items()
    assert told["rows"][1]["reached"] == 20
    assert told["n"] == 40


def test_the_same_question_of_the_same_data_has_the_same_snapshot():
    whole = shop()
    assert reach(whole).snapshot == reach(whole).snapshot
    others = [
        reach(whole, by="touchpoint"),
        reach(whole, ["order"]),
        reach(whole.where("touchpoint = 'order'")),
        reach(whole.select(np.arange(20))),
        funnel(whole, ["visit"]),
    ]
    assert len({reach(whole).snapshot, *(answer.snapshot for answer in others)}) == 6


def test_a_small_base_is_said_in_words():
    (said,) = reach(shop(20)).warnings
    assert (said.code, said.text) == (
        "small-base", "Only 20 cases, fewer than 30: shares and medians are unreliable.",
    )  # fmt: skip
    assert said.say("de") == "Nur 20 Fälle, weniger als 30: Anteile und Mediane sind unsicher."
    # A funnel rests on those who enter it and on those who reach the step before.
    assert funnel(shop(40), ["visit", "order", "visit"]).warnings[0].values["n"] == 20


def test_a_caution_about_one_alone_speaks_of_one_and_writes_times_as_its_language_does():
    one = caution("left-out-open", journeys=1, within="30d")
    assert one.text.startswith("1 journey began less than 30 days before the end of the data and is left out")
    assert one.say("de").startswith("1 Journey begann weniger als 30 Tage vor dem Ende der Daten und ist ausgelassen")
    alone = text(reach(journeys("0 a, 1 b, 2 c")), "de", most=2)
    assert alone.startswith("n = 1 Journey einer Person oder eines Falls, Kontaktpunkte: 3.")
    assert "Nur 1 Fall," in alone
    assert alone.endswith("… und 1 weitere Zeile.")
    told = caution("models-disagree", name="a", low=1, low_model="last", high=2, high_model="last_non_direct")
    assert told.say("de").endswith("1 % (letzter Kontakt) bis 2 % (letzter, nicht direkt).")
    assert caution("clv-not-fitted", part="test", customers=1).say("de").startswith("Rückvergleich: Das Modell")
    assert "(1 Kund:in kaufte mehr" in caution("clv-not-fitted", part="test", customers=1).say("de")
    assert "ab 23.11.2026 endet" in caution("unfinished-period", period="2026-11-23").say("de")


def test_columns_that_a_terminal_has_no_room_for_are_named():
    answer = reach(journeys("0 a, 1 b"))
    whole, narrow = text(answer, "en"), text(answer, "en", width=30)
    assert "Too wide" not in whole
    table = [line for line in narrow.splitlines() if line.startswith(("Touchpoint", "a ", "b "))]
    assert table
    assert max(map(len, table)) <= 30
    left = narrow.splitlines()[-1].removeprefix("Too wide for this line: ").removesuffix(" (--json has everything).")
    heads = next(line for line in whole.splitlines() if line.startswith("Touchpoint"))
    assert all(head in heads and head not in table[0] for head in left.split(", "))


def test_codes_are_words_in_a_table_and_stay_codes_in_the_data():
    shop = journeys("0 visit, 1 cart", "0 visit, 1 order", "0 visit")
    for answer, told in (
        (etappe.flow(shop, start="visit"), "Ende"),
        (etappe.tree(shop, start="visit"), "visit > Ende"),
    ):
        assert any("exit" in (row.get("to"), row.get("kind")) for row in answer.rows())
        for table in (text(answer, "de"), answer.to_html("de").replace("&gt;", ">")):
            assert told in table
            assert "exit" not in table.partition("<tbody>")[2] if "<tbody>" in table else "exit" not in table
    assert "Kontaktpunkt" in text(etappe.flow(shop, start="visit"), "de")
    named = journeys("0 visit, 1 exit", "0 visit")
    lines = text(etappe.flow(named, start="visit"), "de").splitlines()
    assert [" exit " in line for line in lines[-2:]].count(True) == 1  # a touchpoint of that name keeps it


def test_days_that_name_rows_are_german_in_a_german_table_and_stay_iso_in_the_data():
    answer = etappe.lifecycle(journeys("0 visit"))
    assert answer.column("period") == ["1969-12-29"]
    assert "29.12.1969" in text(answer, "de").splitlines()[-1]
    assert "1969-12-29" in text(answer, "en").splitlines()[-1]


def test_an_empty_base_is_said_in_words():
    for nothing in (journeys(), journeys("", "")):
        (said,) = reach(nothing).warnings
        assert said.code == "empty"
    assert len(reach(journeys())) == 0


def test_small_groups_are_named():
    mixed = journeys(*["0 visit"] * 40, attributes={"age": ["old"] * 35 + ["young"] * 4 + [None]})
    (said,) = reach(mixed, by="age").warnings
    assert said.code == "small-groups"
    assert "young (4), – (1)" in said.text


def test_groups_are_sorted_by_name_with_missing_last_and_add_up():
    mixed = journeys("0 a", "1 b", "", "2 a", attributes={"age": ["z", None, "b", "z"]})
    named = [(name, at.tolist()) for name, at in groups_of(mixed, "age", "reach")]
    assert named == [("b", [2]), ("z", [0, 3]), (None, [1])]
    by_first = [(name, at.tolist()) for name, at in groups_of(mixed, "touchpoint", "reach")]
    assert by_first == [("a", [0, 3]), ("b", [1]), (None, [2])]
    answer = reach(mixed, by="age")
    assert answer.table.column_names[:3] == ["group", "group_n", "touchpoint"]
    assert sum(answer.column("journeys")) == sum(reach(mixed).column("journeys")) == 3


def test_an_unknown_group_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match=r"reach: by: .* 'agge'\. Did you mean 'age'\?"):
        reach(journeys("0 a", attributes={"age": ["z"]}), by="agge")


def test_too_many_groups_are_refused():
    many = journeys(*["0 a"] * 201, attributes={"id": [str(i) for i in range(201)]})
    with pytest.raises(BadQuestion, match="201 different values"):
        reach(many, by="id")


def test_html_needs_no_script_and_no_other_file():
    html = reach(journeys("0 <b>x</b>"))._repr_html_()
    assert "<script" not in html
    assert "http" not in html
    assert "&lt;b&gt;x" in html
    assert "<b>x" not in html
    assert 'lang="en"' in html
    assert "prefers-color-scheme:dark" in html
    german = reach(shop()).to_html("de")
    assert "Reichweite der Kontaktpunkte" in german
    assert "50,0\u00a0%" in german


def test_long_answers_are_cut_in_display_only():
    long = journeys(*[f"0 t{i}" for i in range(60)])
    answer = reach(long)
    assert len(answer) == 60
    assert repr(answer).endswith("… and 40 more rows.")
    assert "… and 10 more rows." in answer._repr_html_()


def test_a_column_that_is_not_there_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownName, match="Did you mean 'share'"):
        reach(shop()).column("shares")


def test_a_chart_is_drawn_or_its_package_named(monkeypatch):
    drawn = reach(shop()).chart().to_dict()
    assert drawn["encoding"]["y"]["field"] == "touchpoint"
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingExtra, match=r"pip install 'etappe\[charts\]'"):
        reach(shop()).chart()


def test_several_currencies_are_never_added():
    mixed = journeys(
        "0 order, 1 order", "2 order, 3 visit",
        values=[10_000, 5, 7, None], columns={"currency": ["EUR", "USD", "EUR", None]},
    )  # fmt: skip
    answer = reach(mixed, ["order"])
    (row,) = answer.rows()
    assert (row["value"], row["value_EUR"], row["value_USD"]) == (None, 10_007, 5)
    assert "mixed-currencies" in [said.code for said in answer.warnings]
    euros = reach(mixed.where("currency = 'EUR'"), ["order"]).rows()[0]
    assert (euros["value"], euros["currency"]) == (10_007, "EUR")


def test_wilson_agrees_with_its_published_form():
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    _, low, high = shares([81, 15, 0, 1], [263, 148, 20, 29])
    assert low.round(4).tolist() == [0.2553, 0.0624, 0.0, 0.0061]
    assert high.round(4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


def test_a_share_of_nothing_is_no_number():
    assert all(np.isnan(x).all() for x in shares([0], [0]))


def test_median_ranks_are_the_exact_binomial_ones():
    for n in [*range(1, 400), 999, 1000, 1001, 4321]:
        assert median_ranks(n) == naive_ranks(n), n


@PROPERTY
@given(st.lists(st.integers(-(2**62), 2**62), max_size=40))
def test_a_median_is_the_middle_and_a_sum_is_exact(values):
    array = np.array(values, np.int64)
    centre, low, high = median(array)
    assert centre == naive_median(values)
    if low is not None:
        assert low <= centre <= high
        assert low in values
    assert total(array) == sum(values)
    assert join([total(array) >> 32], [total(array) & 0xFFFFFFFF]) == [sum(values)]


def test_kernels_see_plain_read_only_arrays(tmp_path):
    np.arange(5).tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", np.int64, "r")
    own = np.arange(5)
    assert type(plain(mapped)) is np.ndarray
    assert not plain(own).flags.writeable
    assert own.flags.writeable


def test_the_day_of_the_data_is_the_reader_s_day():
    late = journeys("1514779280000000 visit", timezone="America/New_York")  # 2018-01-01 04:01 UTC
    assert "Data until 31 Dec 2017." in repr(reach(late))


def test_a_text_where_a_list_belongs_and_what_is_no_journeys_are_refused():
    with pytest.raises(BadQuestion, match=r"'visit' is one text, not a list. Write \['visit'\]"):
        funnel(shop(), "visit")
    with pytest.raises(BadQuestion, match="str is no journeys"):
        reach("shop")


def test_a_number_is_not_silently_compared_with_texts():
    with pytest.raises(
        BadExpression,
        match=r"column 'age', at position 1 of 'age = 45', holds texts such as '18-24', and no number. .*'45'",
    ):
        journeys("0 visit", attributes={"age": ["18-24"]}).where("age = 45")


def test_repeats_in_a_path_are_counted_for_the_eye_only():
    answer = variants(journeys("0 visit, 1 visit, 2 visit, 3 order"))
    assert answer.column("path") == ["visit > visit > visit > order"]
    assert "visit × 3 > order" in repr(answer)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda j: etappe.flow(j, depth=2.5), "flow: depth: Expected `int`, got `float`."),
        (lambda j: etappe.flow(j, depth="3"), "flow: depth: Expected `int`, got `str`."),
        (lambda j: etappe.flow(j, top=10**6), "flow: top: 1000000 is not between 1 and 1000."),
        (lambda j: etappe.friction(j, near=10**20), "friction: near: 100000000000000000000 is beyond what is counted."),
        (lambda j: etappe.funnel(j, None), "funnel: steps: None is no list."),
        (lambda j: etappe.funnel(j, ["visit", None]), "funnel: steps[1]: Expected `str`, got `null`."),
        (lambda j: etappe.funnel(j, ["visit"], order="x"), "funnel: order: no choice named 'x'. Known: any, ordered"),
        (lambda j: etappe.funnel(j, ["visit"], by_at="first"), "funnel: by_at: there is no 'by' to be read there."),
        (lambda j: etappe.reach(j, by=3), "reach: by: Expected `str | null`, got `int`."),
        (lambda j: etappe.reach(j).to_html("fr"), "to_html: no language named 'fr'. Known: de, en."),
        (lambda j: etappe.who(j, etappe.reach(j).question, {"foo": 1}), "reach: row: {'foo': 1} is no row of it."),
        (lambda j: etappe.who(j, etappe.reach(j).question, "x"), "reach: row: 'x' is no row of it."),
    ],
)
def test_a_value_of_another_kind_is_refused_in_a_sentence(ask, said):
    with pytest.raises(EtappeError) as caught:
        ask(shop())
    assert str(caught.value).startswith(said)


def test_numbers_of_numpy_are_numbers():
    assert etappe.flow(shop(), depth=np.int64(2)).question.depth == 2


def test_the_day_until_which_the_data_reach_is_never_the_next_one():
    last = 31 * 86_400_000_000 - 1  # the last microsecond of January 1970
    assert "31 Jan 1970" in repr(etappe.reach(journeys(f"0 visit, {last} order")))


def test_what_is_said_of_some_groups_names_them():
    held = built([[(0, "a"), (9, "b")], [(0, "a"), (900, "b")]], attributes={"g": ["x", "y"]})
    said = [str(one.text) for one in etappe.friction(held, by="g").warnings if one.code == "slow-measured"]
    assert [text.partition(": ")[0] for text in said] == ["x", "y"]
