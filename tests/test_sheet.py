"""Rows of a map that cannot be read, or do not fit, say their file, sheet and row."""

import io

import pytest
from openpyxl import load_workbook

from etappe.errors import EtappeError
from etappe.maps.bound import SHOWN
from etappe.maps.check import check
from etappe.maps.document import BadMap, read_map
from etappe.maps.draft import template
from etappe.maps.evidence import bind
from etappe.maps.files import read_any
from etappe.maps.shared import for_sharing
from etappe.maps.sheet import from_csv, from_xlsx, rows, to_csv, to_xlsx
from etappe.vocabulary import say
from maps import HEAD, small

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


@pytest.mark.parametrize("shared", [False, True])
def test_a_row_of_a_cell_says_its_lane_and_what_it_rests_on(shared):
    bound = for_sharing(small())[0] if shared else small()
    told = {row["id"]: row for row in rows(bound, "de") if row["kind"] == "cell"}
    titles = {lane.id: say(lane.title, "de") for lane in bound.map.lanes}
    assert all(row["lane_title"] == titles[row["lane"]] for row in told.values())
    measured = [c for c in bound.cells if c.basis == "measured"]
    assert len(measured) == len([row for row in told.values() if row["basis"] == "measured"]) > 0


@pytest.mark.parametrize(("lang", "head"), [("de", "Daten bis"), ("en", "Data until")])
def test_numbers_stand_as_numbers_with_their_interval(lang, head):
    bound = small()
    book = load_workbook(io.BytesIO(to_xlsx(bound, lang)))
    heads, *lines = [[cell.value for cell in line] for line in book.worksheets[2].iter_rows()]
    assert head in heads
    assert len(lines) == len(bound.evidence)
    for b, line in zip(bound.evidence.values(), lines, strict=True):
        if b.state in SHOWN:
            assert line[2:7] == [b.value, b.currency or b.unit, b.low, b.high, b.n]
        else:
            assert line[2] is line[4] is line[5] is line[6] is None


@pytest.mark.parametrize("lang", ["de", "en"])
def test_a_changed_text_is_in_the_language_of_the_file(lang):
    steps = "[{id: s1, title: {de: eins, en: one}}]"
    document = read_map(f"{HEAD}stages: [{{id: a, title: {{de: Kauf, en: Purchase}}, steps: {steps}}}]\n")
    shown = {"de": "Kauf", "en": "Purchase"}[lang]
    changed = to_csv(bind(document), lang).decode("utf-8-sig").replace(f",{shown},", ",Neu,", 1)
    stage = from_csv(changed.encode()).stages[0]
    assert stage.title == {"de": "Kauf", "en": "Purchase", lang: "Neu"}
    assert stage.steps[0].title == {"de": "eins", "en": "one"}
