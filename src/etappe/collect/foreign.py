"""Foreign: files that are no tables (pictures, web pages, whole JSON documents), told apart by their first bytes."""

import re
import unicodedata
from typing import Final

import msgspec

from etappe.errors import BadFile

_SIGNATURES: Final = {
    b"\x89PNG\r\n": "a picture (PNG)", b"\xff\xd8\xff": "a picture (JPEG)", b"GIF87a": "a picture (GIF)",
    b"GIF89a": "a picture (GIF)", b"%PDF-": "a PDF document", b"SQLite format 3\0": "an SQLite database",
    b"7z\xbc\xaf\x27\x1c": "a packed file (7z)", b"BZh91AY": "a packed file (bzip2)",
    b"\xfd7zXZ\0": "a packed file (xz)", b"Rar!\x1a": "a packed file (RAR)",
    b"\x28\xb5\x2f\xfd": "a packed file (zstd)",
    b"\x7fELF": "a program", b"ARROW1\0": "an Arrow file", b"{\\rtf": "a text document (RTF)",
}  # fmt: skip
_TABLES: Final = "Give a table: CSV, Excel, Parquet or JSON lines."
_CONTROLS: Final = "\t\n\r\f\v\x01\x1e\x1f"
"""Blanks, line ends, and what some exports use as delimiters."""

_HTML: Final = re.compile(r"\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body|table)\b", re.IGNORECASE | re.DOTALL)
_XML: Final = re.compile(r"\s*<(\?xml|!doctype|!--|[A-Za-z][\w:.-]*(\s[^<>]*)?>\s*<)", re.IGNORECASE)


def refuse_bytes(head: bytes, where: str) -> None:
    """Refuse a file that is a picture, a document or an archive by its first bytes.

    Raises
    ------
    BadFile
        What it is, and what to give instead.
    """
    kind = next((kind for mark, kind in _SIGNATURES.items() if head.startswith(mark)), None)
    if kind is not None:
        raise BadFile(where, f"is {kind}, not a table.", _TABLES)


def refuse_text(text: str, where: str) -> None:
    """Refuse a text that is a web page, XML, or no text at all.

    Raises
    ------
    BadFile
        What it is, and what to give instead.
    """
    if _HTML.match(text[:4096]):
        hint = "Open it in a spreadsheet and save it as CSV or .xlsx."
        raise BadFile(where, "is a web page (HTML), not a table.", hint)
    if _XML.match(text[:4096]):
        raise BadFile(where, "is an XML document, not a table.", _TABLES)
    start = text[:2048]
    odd = sum(1 for c in start if c == "\ufffd" or (unicodedata.category(c) in ("Cc", "Cn") and c not in _CONTROLS))
    if len(start) >= 64 and odd > len(start) // 10:
        raise BadFile(where, "is no text, and no kind of file that Etappe knows.", _TABLES)


def refuse_document(text: str, whole: bool, where: str) -> None:
    """Refuse JSON that is one object over several lines, where each line should be one.

    Raises
    ------
    BadFile
        It is one document.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not lines[0].lstrip().startswith("{"):
        return
    document = lines[0].rstrip()[-1] in "{["
    if whole and not document:
        try:
            msgspec.json.decode(text, type=dict[str, msgspec.Raw])
            document = True
        except (msgspec.DecodeError, RecursionError):
            document = False
    if document:
        hint = 'Write a list, [{"user": "7"}, …], or JSON lines: one object a line.'
        raise BadFile(where, "is one JSON document over several lines, not a list of rows.", hint)
