"""Dialect: how a text file is written; its encoding, its delimiter and its kind of line end, given or found.

Everything becomes UTF-8 with "\\n" lines. Bytes that are no text in the file's encoding become bytes that are no UTF-8,
so that one place refuses them all, row by row.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from etappe.collect.mapping import Mapping
from etappe.errors import BadFile

HEAD: Final = 1 << 20
BLOCK: Final = 1 << 24
_BOMS: Final = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_UTF8: Final = ("utf-8", "utf8", "utf-8-sig", "utf_8", "utf_8_sig", "ascii", "us-ascii")


@dataclass(frozen=True, slots=True)
class Dialect:
    """`delimiter` " " means runs of blanks and tabs; `bom` is the number of bytes before the text."""

    encoding: str
    bom: int
    delimiter: str
    mac: bool
    """Lines end with a carriage return alone."""


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked when it is packed with gzip (by its first bytes, not by its name).

    Raises
    ------
    BadFile
        No such file, a folder, or not readable.
    """
    if path.is_dir():
        raise BadFile(str(path.name), "is a folder.", "Give the files in it.")
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        return cast("BinaryIO", gzip.open(path)) if packed else path.open("rb")
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else (error.strerror or "not readable")
        raise BadFile(str(path), f"{reason}.", "Check the path and its rights.") from error


def blocks(file: BinaryIO, where: str, size: int = BLOCK) -> Iterator[bytes]:
    """A file's bytes, block by block; a broken archive is a BadFile."""
    while True:
        try:
            block = file.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise BadFile(where, f"is a broken archive: {error}.", "Pack or download it again.") from error
        if not block:
            return
        yield block


def _encoding(head: bytes) -> str:
    if len(head) >= 8 and head[:400].count(0) > len(head[:400]) // 4:
        return "utf-16-le" if head[1:400:2].count(0) > head[:400:2].count(0) else "utf-16-be"
    lines = head.split(b"\n")
    wrong, letters = 0, 0
    for line in lines if not head.isascii() else ():
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            letters += 1
        except UnicodeDecodeError:
            wrong += 1
    # Few wrong lines are damage in a UTF-8 file and are refused; where umlauts are never UTF-8, it is a Windows file.
    return "cp1252" if wrong and not letters and wrong * 200 >= len(lines) else "utf-8"


def _delimiter(text: str) -> str:
    """The delimiter that divides the first lines most evenly; runs of blanks where no other does."""
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    best, best_score = ",", (0.0, 0)
    for mark in (",", ";", "\t", "|"):
        counts = Counter(len(row) for row in _rows(lines, mark))
        wide = {width: count for width, count in counts.items() if width > 1}
        if wide:
            width, count = max(wide.items(), key=lambda pair: (pair[1], pair[0]))
            score = (count / sum(counts.values()), width)
            if score > best_score:
                best, best_score = mark, score
    if best_score[0] < 0.5 and lines:
        widths = Counter(len(line.split()) for line in lines)
        width, count = max(widths.items(), key=lambda pair: (pair[1], pair[0]))
        if width > 1 and count / len(lines) > max(0.9, best_score[0]):
            return " "
    return best


def _rows(lines: list[str], mark: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO("\n".join(lines).replace("\0", "")), delimiter=mark)
    except csv.Error:
        return


def find_dialect(head: bytes, mapping: Mapping | None = None) -> Dialect:
    """The dialect of a file by its first bytes; what the mapping gives is taken as it is.

    Examples
    --------
    >>> find_dialect("a;b\\n1;2,5\\n".encode("utf-16")).delimiter
    ';'
    """
    bom, encoding = next(((len(mark), name) for mark, name in _BOMS.items() if head.startswith(mark)), (0, ""))
    if not encoding:
        encoding = (mapping.encoding if mapping else None) or _encoding(head)
        encoding = "utf-8" if encoding.lower() in _UTF8 else "utf-16-le" if encoding.lower() == "utf-16" else encoding
    text = head[bom:].decode(encoding, "replace")
    skip = mapping.skip if mapping else 0
    mac = "\r" in text and "\n" not in text
    body = "\n".join(text.splitlines()[skip:]) if skip else text
    delimiter = (mapping.delimiter if mapping else None) or _delimiter(body)
    return Dialect(encoding, bom, delimiter, mac)


def _keep(error: UnicodeError) -> tuple[str | bytes, int]:
    """What cannot be decoded becomes half a surrogate pair; what cannot be encoded, the byte FF."""
    if isinstance(error, UnicodeDecodeError):
        return "\ud8ff", error.end
    assert isinstance(error, UnicodeEncodeError)
    return b"\xff" * (error.end - error.start), error.end


codecs.register_error("etappe_keep", _keep)


def utf8_blocks(path: Path, dialect: Dialect, size: int = BLOCK) -> Iterator[bytes]:
    """A file's text as UTF-8 with "\\n" lines (after an optional "\\r"), block by block, without the first mark."""
    decoder = None if dialect.encoding == "utf-8" else codecs.getincrementaldecoder(dialect.encoding)("etappe_keep")
    with open_bytes(path) as file:
        skip = dialect.bom
        for block in blocks(file, path.name, size):
            part, skip = block[skip:], max(0, skip - len(block))
            if decoder is not None:
                part = decoder.decode(part).encode("utf-8", "etappe_keep")
            yield part.replace(b"\r", b"\n") if dialect.mac else part
    if decoder is not None and (rest := decoder.decode(b"", True)):
        yield rest.encode("utf-8", "etappe_keep")
