"""Refused rows say what is wrong in both languages, and go out and come back by the same mapping."""

from pathlib import Path

import pytest

from etappe.collect.files import header, read
from etappe.collect.mapping import read_mapping
from etappe.collect.refusals import CODES, explain, refusal, refusals_csv

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


def test_only_what_a_spreadsheet_would_compute_is_marked():
    cells = ["-12.5", "+49 170 123", "=1+1", "@x", "-cmd|x", "+", "a=b"]
    export = refusals_csv([refusal("a", 2, "blank-row", cells)], [f"c{i}" for i in range(7)]).decode()
    assert export.splitlines()[1].split(",")[:7] == ["-12.5", "+49 170 123", "'=1+1", "'@x", "'-cmd|x", "+", "a=b"]
