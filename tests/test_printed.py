"""A map that leaves the house: as PDF, and as a page on which nobody can be found."""

import re
import sys
from dataclasses import replace

import msgspec
import pytest

from etappe.errors import MissingExtra
from etappe.maps.bound import Bound
from etappe.maps.draft import template
from etappe.maps.evidence import bind
from etappe.maps.figures import state_text
from etappe.maps.model import Owner
from etappe.maps.page import html
from etappe.maps.printed import pdf
from etappe.maps.shared import for_sharing, note, too_few
from maps import small


def number(**fields) -> Bound:
    return Bound(**{"id": "e", "state": "fresh", "unit": "percent", "label": "", "sentence": "", **fields})


@pytest.mark.parametrize("lang", ["de", "en"])
def test_a_pdf_says_its_title_and_language_and_has_the_numbers_as_a_table(lang):
    printed = pdf(small(), lang)
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
    assert b"/MarkInfo" in printed
    assert f"/Lang ({lang})".encode() in printed.replace(b"/Lang(", b"/Lang (")


def test_texts_of_a_map_are_no_commands_of_the_printer():
    document = msgspec.structs.replace(template("five-stages"), title='#panic("x") \\ "so" $x$ [y] @ref')
    assert pdf(bind(document)).startswith(b"%PDF-")


def test_without_the_printer_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtra, match=r"pip install 'etappe\[pdf\]'"):
        pdf(small())


@pytest.mark.parametrize(
    ("fields", "hidden"),
    [
        ({"value": 50.0, "n": 100}, False),
        ({"value": 50.0, "n": 9}, True),
        ({"value": 95.0, "n": 100}, True),  # the other five
        ({"value": 5.0, "n": 100}, True),
        ({"value": 0.0, "n": 100}, False),  # nobody is nobody
        ({"value": 100.0, "n": 100}, False),
        ({"value": 90.0, "n": 100}, False),
        ({"value": 7.0, "n": 100, "unit": "journeys"}, True),
        ({"value": 95.0, "n": 100, "unit": "journeys"}, True),
        ({"value": 3.0, "n": 100, "unit": "days"}, False),
        ({"value": 3.0, "n": 4, "unit": "days"}, True),
        ({"value": 12.0, "n": 4, "metric": "manual"}, False),
        ({"value": None, "n": 12, "state": "few"}, False),
    ],
)
def test_a_number_is_hidden_where_it_tells_of_fewer_than_ten_people(fields, hidden):
    assert too_few(number(**fields), 10) is hidden


def test_a_shared_page_holds_neither_small_numbers_nor_names():
    bound = small()
    document = msgspec.structs.replace(bound.map, owner=Owner(department="Marketing", person="Erika Muster"))
    few = {
        name: replace(b, n=4, value=77.7, low=33.3, high=88.8, sentence="von 4 Reisen")
        for name, b in bound.evidence.items()
    }
    shared, hidden = for_sharing(replace(bound, map=document, evidence=few))
    assert hidden == sum(b.metric != "manual" for b in few.values())
    page = html(shared, "de", note=note(shared, hidden, "de"))
    for told in ("77,7", "33,3", "88,8", "von 4 Reisen", "Erika Muster", "n = 4", "Interview 3", "fuel"):
        assert told not in page, told
    assert "weniger als 10 Personen" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=.https?:", page)


def test_how_many_are_too_few_is_told_only_where_they_are_enough_to_hide_among():
    few = {"four": number(value=None, n=4, state="few"), "twelve": number(value=None, n=12, state="few")}
    shared, hidden = for_sharing(replace(small(), evidence=few))
    assert hidden == 1
    assert "4" not in state_text(shared.evidence["four"], "de").replace("10", "")
    assert "12 von 30" in state_text(shared.evidence["twelve"], "de")


def test_what_is_shown_stays_as_it_was():
    bound = small()
    shared, hidden = for_sharing(bound, k=1)
    assert hidden == 0
    assert {name: b.value for name, b in shared.evidence.items()} == {
        name: b.value for name, b in bound.evidence.items()
    }
    assert all(b.view is None for b in shared.evidence.values())
