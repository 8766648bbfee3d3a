"""Refused rows say what is wrong in both languages, and go out and come back by the same mapping."""

from pathlib import Path

import pytest

from etappe.collect.files import header, read
from etappe.collect.mapping import read_mapping
from etappe.collect.refusals import CODES, explain, explained, refusal, refusals_csv

DOCS = Path(__file__).parents[1] / "docs" / "import.md"
DIALECTS = {
    "semicolon": ('delimiter = ";"\ndecimal = ","\n', "who;at;what;worth\n1;2024-13-01;a b;1,5\n2;2024-01-01;c;2,5\n"),
    "cp1252": ('encoding = "cp1252"\n', "who,at,what,worth\n1,2024-13-01,Käufe,1.5\n2,2024-01-01,c,2.5\n"),
    "preamble": ("skip = 2\n", "Report\nMay\nwho,at,what,worth\n1,2024-13-01,a,1.5\n2,2024-01-01,c,2.5\n"),
}


@pytest.mark.parametrize("code", CODES)
def test_each_reason_is_written_in_both_languages_and_documented(code):
    english, german = explain(code, "created_at", "en"), explain(code, "created_at", "de")
    assert all(english + german)
    assert english != german
    assert f"`{code}`" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DIALECTS)
def test_an_export_comes_back_by_the_mapping_that_refused_it(tmp_path, name):
    more, text = DIALECTS[name]
    mapping = read_mapping(more + 'customer = "who"\ntime = "at"\ntouchpoint = "what"\nvalue = "worth"\n')
    path, back = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text(text, encoding=mapping.encoding or "utf-8")
    refused = [r for chunk in read([path], mapping) for r in chunk.refused]
    content = refusals_csv(refused, header([path], mapping), mapping)
    back.write_bytes(content.replace(b"2024-13-01", b"2024-12-01"))
    chunk = next(read([back], mapping))
    assert chunk.refused == []
    assert [(e["customer"], e["value"]) for e in chunk.events.to_pylist()] == [("1", 15_000)]
    assert chunk.events["touchpoint"][0].as_py() == text.splitlines()[-2].replace(";", ",").split(",")[2]


def test_a_file_without_header_and_with_blanks_comes_back_too(tmp_path):
    mapping = read_mapping('delimiter = " "\ncustomer = 1\ntime = 2\ntouchpoint = { value = "x" }\nvalue = 3\n')
    path = tmp_path / "a.txt"
    path.write_text(" 007 20240101  1.50\n 008 20241301  2.50\n 009\n")
    refused = [r for chunk in read([path], mapping) for r in chunk.refused]
    assert [(r.line, r.code) for r in refused] == [(2, "no-such-date"), (3, "missing-columns")]
    path.write_bytes(refusals_csv(refused, header([path], mapping), mapping).replace(b"20241301", b"20241201"))
    chunk = next(read([path], mapping))
    assert [e["customer"] for e in chunk.events.to_pylist()] == ["008"]
    assert len(chunk.refused) == 1  # the row that still lacks its time


@pytest.mark.parametrize(("rows", "example"), [
    ("01.03.2026,2.3.2026,2026-03-02", "22.11.2026 10:00"), ("2026-03-01,2026-03-02,01.03.2026", "2026-11-22 10:00:00"),
    ("1-Mar-26,2-Mar-26,2026-03-02", "22-Nov-26"),
])  # fmt: skip
def test_the_remedy_shows_a_time_as_the_column_writes_it(tmp_path, rows, example):
    path = tmp_path / "a.csv"
    path.write_text("who,at\n" + "".join(f"1,{time}\n" for time in rows.split(",")))
    mapping = read_mapping('customer = "who"\ntime = "at"\ntouchpoint = { value = "x" }')
    (refused,) = next(read([path], mapping)).refused
    assert (refused.code, refused.line) == ("other-time-format", 4)
    assert f"such as {example}, or" in refused.hint
    assert f"etwa {example}, oder" in explained(refused, "de")[1]
    assert explained(refused, "en") == (refused.what, refused.hint)


@pytest.mark.parametrize(("more", "delimiter", "mark"), [
    ("", ",", False), ('delimiter = ";"', ";", True), ('decimal = ","', ";", True), ('delimiter = "\\t"', "\t", True),
    ('delimiter = ";"\nencoding = "cp1252"', ";", False),
])  # fmt: skip
def test_an_export_opens_in_the_spreadsheet_that_wrote_the_source(tmp_path, more, delimiter, mark):
    mapping = read_mapping(more + '\ncustomer = "Kundin"\ntime = "am"\ntouchpoint = "Was"\n')
    rows = [refusal("a.csv", 2, "no-such-date", ["Ü1", "30.02.2026", "Käufe"], "am", "30.02.2026")]
    content = refusals_csv(rows, ["Kundin", "am", "Was"], mapping)
    assert content.startswith(b"\xef\xbb\xbf") == mark
    first = content.decode(mapping.encoding or "utf-8-sig").split("\r\n")[0]
    assert first.split(delimiter)[:3] == ["Kundin", "am", "Was"]
    (tmp_path / "b.csv").write_bytes(content.replace(b"30.02", b"28.02"))
    chunk = next(read([tmp_path / "b.csv"], mapping))
    assert [(e["customer"], e["touchpoint"]) for e in chunk.events.to_pylist()] == [("Ü1", "Käufe")]


def test_only_what_a_spreadsheet_would_compute_is_marked():
    cells = ["-12.5", "+49 170 123", "=1+1", "@x", "-cmd|x", "+", "a=b"]
    export = refusals_csv([refusal("a", 2, "blank-row", cells)], [f"c{i}" for i in range(7)]).decode()
    assert export.splitlines()[1].split(",")[:7] == ["-12.5", "+49 170 123", "'=1+1", "'@x", "'-cmd|x", "+", "a=b"]
