"""Unpacked: how large a spreadsheet becomes when it is read, found out before it is.

A packed file of a few kilobytes may unpack to gigabytes; two cells in opposite corners make a table of 17 billion; and
a text that is written once may stand in every cell. What is counted here is what a reader would hold, not what the file
says of itself.
"""

import re
import zlib
from collections.abc import Iterator
from itertools import groupby, pairwise
from operator import itemgetter
from typing import IO, Final
from zipfile import BadZipFile, ZipFile

from etappe.errors import BadFile

PIECE: Final = 1 << 20
_PLACE: Final = re.compile(rb"""\br\s*=\s*["']([A-Za-z]*)(\d+)["']""")
_TEXT: Final = re.compile(rb"<(?:\w+:)?si\b")
_NUMBER: Final = re.compile(rb"<(?:\w+:)?v\b[^<>]*>\s*(\d+)\s*<")


def pieces(file: IO[bytes], where: str, most: int) -> Iterator[tuple[str, bytes]]:
    """A packed file in pieces, each with the name of its entry; it ends as soon as there are more than `most` bytes.

    Raises
    ------
    BadFile
        It is no packed file, or unpacks to more than `most` bytes.
    """
    whole = 0
    try:
        with ZipFile(file) as packed:
            if sum(max(one.file_size, one.compress_size) for one in packed.infolist()) > most:
                raise _large(where, most)
            for one in packed.infolist():
                one.file_size = most + 2 * PIECE  # read to its end, whatever size it claims
                with packed.open(one) as opened:
                    while piece := opened.read(PIECE):
                        whole += len(piece)
                        if whole > most:
                            raise _large(where, most)
                        yield one.filename, piece
    # What zipfile raises of a packing that it does not know, of a password, and of a file that is cut or broken.
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, zlib.error):
        raise BadFile(where, "is no readable spreadsheet.", "Save it as .xlsx, without a password.") from None


def _large(where: str, most: int) -> BadFile:
    what = f"unpacks to more than {most // 1_000_000:,} MB."
    return BadFile(where, what, "Save only the sheet that is needed, without pictures, or as CSV.")


def refuse_large(file: IO[bytes], where: str, most: int) -> None:
    """Refuse a packed file that unpacks to more than `most` bytes; `file` stands at its beginning afterwards."""
    for _ in pieces(file, where, most):
        pass
    file.seek(0)


def refuse_large_workbook(file: IO[bytes], where: str, most: int, most_cells: int) -> None:
    """Refuse what is no .xlsx, or would hold more than `most` bytes or `most_cells` cells in a sheet when it is read.

    Raises
    ------
    BadFile
        Which of them it is.
    """
    lengths: list[int] = []
    used: list[int] = []
    names = []
    for name, parts in groupby(pieces(file, where, most), itemgetter(0)):
        names.append(name)
        content = b"".join(piece for _, piece in parts).replace(b"\0", b"")  # a text in UTF-16 is found, too
        if _area(content) > most_cells:
            what = f"has a sheet of more than {most_cells:,} cells."
            raise BadFile(where, what, "Delete what stands far below or beside the rows, then save it again.")
        starts = [found.start() for found in _TEXT.finditer(content)]
        lengths += [end - start for start, end in pairwise([*starts, len(content)])]
        used += [int(found[1]) for found in _NUMBER.finditer(content) if len(found[1]) < 9]
    if "xl/workbook.xml" not in names or "content.xml" in names or "xl/workbook.bin" in names:
        raise BadFile(where, "is no .xlsx.", "Save it as Excel workbook (.xlsx).")
    if sum(lengths[one] for one in used if one < len(lengths)) > most:
        raise BadFile(where, f"holds texts of more than {most // 1_000_000:,} MB.", "Shorten what stands in its cells.")
    file.seek(0)


def _area(content: bytes) -> int:
    """Cells in the rectangle from the first corner to the outmost row and column that is named.

    Examples
    --------
    >>> _area(b'<row r="2"><c r="AB2"/></row>')
    56
    """
    rows = columns = 1
    for letters, digits in _PLACE.findall(content):
        rows = max(rows, int(digits[:12]))
        columns = max(columns, _column(letters[:6]))
    return rows * columns


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
