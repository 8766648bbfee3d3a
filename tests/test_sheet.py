"""Rows of a map that cannot be read, or do not fit, say their file, sheet and row."""

import io

import pytest
from openpyxl import load_workbook

from etappe.errors import EtappeError
from etappe.maps.check import check
from etappe.maps.document import BadMap
from etappe.maps.draft import template
from etappe.maps.evidence import bind
from etappe.maps.files import read_any
from etappe.maps.sheet import from_csv, from_xlsx, to_csv, to_xlsx

FIVE = template("five-stages")
TABLE = to_csv(bind(FIVE)).decode("utf-8-sig")
NEXT = len(TABLE.splitlines()) + 1


def row(**given):
    heads = TABLE.splitlines()[0].split(",")
    return ",".join('"' + given.get(head, "").replace('"', '""') + '"' for head in heads) + "\r\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "cell", "lane": "nolane", "place": "s1", "text": "a"}, "unknown lane 'nolane'"),
        ({"kind": "cell", "lane": "pain", "place": "nostep", "text": "a"}, "unknown step 'nostep'"),
        ({"kind": "cell", "lane": "emotion", "place": "s1..s2", "score": "9"}, "score"),
    ],
)
def test_what_does_not_fit_says_its_row(given, said):
    faults = [fault for fault in check(from_csv((TABLE + row(**given)).encode(), "m.csv")) if fault.level == "error"]
    assert any(said in fault.text and fault.line == NEXT for fault in faults), [fault.text for fault in faults]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "cell", "lane": "pain", "place": "s1", "severity": "inf"}, "'inf' is no number"),
        ({"kind": "cell", "lane": "pain", "place": "s1", "score": "much"}, "'much' is no number"),
        ({"kind": "step", "id": "s99", "title": "x", "stage": "nowhere"}, "unknown stage 'nowhere'"),
        ({"kind": "stage", "id": "s", "more": "[" * 3000}, "no JSON object"),
        ({"kind": "lane", "id": "odd", "title": "Odd", "more": '{"type": "odd"}'}, "'odd' is no type"),
        ({"kind": "thing", "id": "t"}, "'thing' is no kind of part"),
    ],
)
def test_what_cannot_be_read_says_its_row(given, said):
    with pytest.raises(BadMap) as refused:
        from_csv((TABLE + row(**given)).encode(), "m.csv")
    assert said in str(refused.value)
    assert f"(line {NEXT})" in str(refused.value)
    assert "m.csv" in str(refused.value)


def test_a_fault_in_a_workbook_names_the_sheet_and_the_row():
    book = load_workbook(io.BytesIO(to_xlsx(bind(FIVE), "de")))
    sheet = book.worksheets[1]
    heads = [cell.value for cell in sheet[1]]
    at = next(r for r in range(2, sheet.max_row + 1) if sheet.cell(r, 1).value == "cell")
    sheet.cell(at, heads.index("lane") + 1).value = "nolane"
    out = io.BytesIO()
    book.save(out)
    (fault,) = [fault for fault in check(from_xlsx(out.getvalue(), "m.xlsx")) if "nolane" in fault.text]
    assert fault.line == at
    assert fault.where == f"m.xlsx, sheet {sheet.title}"


@pytest.mark.parametrize("deep", [b'{"a":', b"["])
@pytest.mark.parametrize("depth", [700, 100_000])
def test_a_file_whose_parts_stand_too_deep_is_refused(deep, depth):
    closing = b"1}" if deep != b"[" else b"]"
    content = deep * depth + (closing[:-1] + closing[-1:] * depth)
    with pytest.raises(EtappeError, match=r"deep|is no map|is 'x'"):
        read_any(b'{"schema": "x", "more": ' + content + b"}", "m.json")
