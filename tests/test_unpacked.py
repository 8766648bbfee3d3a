"""A spreadsheet that would eat the memory is refused before it is read."""

import io
import struct
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook

from etappe.collect import tables
from etappe.collect.unpacked import refuse_large
from etappe.errors import BadFile
from etappe.maps.document import BadMap
from etappe.maps.draft import template
from etappe.maps.evidence import bind
from etappe.maps.sheet import from_xlsx, to_xlsx

WHOLE = to_xlsx(bind(template("five-stages")))


def with_entry(name: str, content: bytes) -> bytes:
    """The workbook with one more entry."""
    out = io.BytesIO(WHOLE)
    with ZipFile(out, "a", ZIP_DEFLATED) as packed:
        packed.writestr(name, content)
    return out.getvalue()


def corner() -> bytes:
    """A workbook of two cells, in opposite corners of its sheet."""
    book, out = Workbook(), io.BytesIO()
    book.active["A1"], book.active["XFD1048576"] = "kind", 1
    book.save(out)
    return out.getvalue()


def repeated() -> bytes:
    """A workbook with one long text that stands in many cells."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(WHOLE)) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for one in old.infolist():
            content = old.read(one)
            if one.filename == "xl/worksheets/sheet2.xml":
                cells = b'<c t="s"><v>0</v></c>' * 100
                content = b"<worksheet><sheetData><row>" + cells + b"</row></sheetData></worksheet>"
            new.writestr(one.filename, content)
        new.writestr("xl/sharedStrings.xml", b"<sst><si><t>" + b"a" * 1_000_000 + b"</t></si></sst>")
    return out.getvalue()


def with_size(content: bytes, size: int) -> bytes:
    """A packed file that says of its last entry that it is as large as this."""
    at = content.rindex(b"PK\x01\x02") + 24
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (with_entry("xl/bomb.xml", b"0" * 60_000_000), "more than 50 MB"),
        (with_size(with_entry("xl/bomb.xml", b"0" * 60_000_000), 100), "more than 50 MB"),
        (corner(), "more than 2,000,000 cells"),
        (repeated(), "texts of more than 50 MB"),
        (with_entry("content.xml", b"<x/>"), "no .xlsx"),
        (b"\xd0\xcf\x11\xe0" * 600, "no readable spreadsheet"),
    ],
    ids=["packed", "packed with a false size", "corners", "repeated", "another format", "not packed"],
)
def test_a_workbook_that_would_eat_the_memory_is_refused_before_it_is_read(
    content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("python_calamine.CalamineWorkbook", None)  # the reader is not reached
    with pytest.raises(BadMap, match="cannot be read as Excel") as refused:
        from_xlsx(content, "m.xlsx")
    assert said in str(refused.value)
    assert "m.xlsx" in str(refused.value)
    assert "Save" in str(refused.value) or "save" in str(refused.value) or "Shorten" in str(refused.value)


def test_an_import_is_refused_once_it_unpacks_to_more_than_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.xlsx"
    path.write_bytes(WHOLE)
    assert tables.excel(path, "Teile", 0, True).header[0] == "kind"
    monkeypatch.setattr(tables, "MOST_BYTES", 1_000)
    with pytest.raises(BadFile, match=r"events\.xlsx: unpacks to more than"):
        tables.excel(path, "Teile", 0, True)


def test_what_is_within_the_limit_is_read_from_its_beginning() -> None:
    file = io.BytesIO(WHOLE)
    refuse_large(file, "m.xlsx", 50_000_000)
    assert file.tell() == 0
