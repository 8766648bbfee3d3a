"""Every text of a map comes back from a spreadsheet as it was, and none is a formula there."""

import io

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from etappe.errors import BadDocument
from etappe.maps.draft import template
from etappe.maps.entries import guarded, said
from etappe.maps.evidence import bind
from etappe.maps.model import Cell, JourneyMap
from etappe.maps.sheet import from_csv, from_xlsx, to_csv, to_xlsx

BASE = template("five-stages")
SIGNS = st.sampled_from(["'", "=", "+", "-", "@", "\t", "\r", "\n", " ", "_x0041_", "_", "#N/A", "\x00", "\x0b", "a"])
TEXTS = st.one_of(
    st.lists(SIGNS, max_size=5).map("".join),
    st.text(st.characters(codec="utf-8", exclude_characters="\ufffe\uffff"), max_size=12),
)


def with_texts(title: str, text: str, other: str) -> JourneyMap:
    """A map with these texts: as its title, in a cell, and in one language of a cell."""
    cells = (Cell(lane="pain", step="s1", text=text), Cell(lane="pain", step="s2", text={"de": other, "en": "x"}))
    return msgspec.structs.replace(BASE, title=title, cells=cells)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@settings(deadline=None, max_examples=60)
@given(title=TEXTS, text=TEXTS, other=TEXTS)
@example(title="'=1+1", text="''=1+1", other="'")
@example(title="#N/A", text=" _x000D_ ", other="a\r\nb")
@example(title="'\t=1", text="\x1f", other="\x00")
def test_every_text_comes_back_as_it_was(kind: str, title: str, text: str, other: str) -> None:
    document = with_texts(title, text, other)
    back = from_csv(to_csv(bind(document))) if kind == "csv" else from_xlsx(to_xlsx(bind(document)))
    assert back == document


@given(TEXTS)
def test_no_entry_begins_like_a_formula(text: str) -> None:
    entry = str(guarded(text))
    assert entry[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert said(entry) == text


def test_what_looks_like_a_formula_or_a_fault_is_a_text_in_the_workbook() -> None:
    book = load_workbook(io.BytesIO(to_xlsx(bind(with_texts("=1+1", "#N/A", "'=2")))))
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}


def test_a_text_that_excel_would_cut_is_refused_and_csv_holds_it() -> None:
    document = with_texts("Shop", "a" * 40_000, "b")
    with pytest.raises(BadDocument, match="32,767 characters"):
        to_xlsx(bind(document))
    assert from_csv(to_csv(bind(document))) == document
