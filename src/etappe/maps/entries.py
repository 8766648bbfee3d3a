"""Entries: a text as it stands in a spreadsheet, and back as it was.

A text that a spreadsheet would take for a formula gets an apostrophe before it; so does one that begins so already, so
that both can be told apart. Excel writes a sign that its files cannot hold as `_x000B_`, and a text that looks like
that as `_x005F_x000B_`.
"""

import re
from typing import Any, Final

from etappe.errors import BadDocument
from etappe.language import FORMULA

LONGEST: Final = 32_767
"""Characters in a cell of Excel; what is longer would be cut."""
_SIGNS: Final = re.escape("".join(FORMULA))
_TAKEN: Final = re.compile(rf"'*[{_SIGNS}]")
_GUARDED: Final = re.compile(rf"'+[{_SIGNS}]")
_ESCAPED: Final = re.compile(r"[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)|\A\s(?=\s*\Z)")
"""The last: of a text of spaces alone, which would be read as none."""
_NO_SIGNS: Final = re.compile("[\ufffe\uffff]")
"""No characters at all, in Unicode as in XML."""


def guarded(value: object) -> object:
    """A value for a spreadsheet: no text of it is a formula.

    Examples
    --------
    >>> guarded("=1+1"), guarded("'=1+1"), guarded("'tis"), guarded(-1)
    ("'=1+1", "''=1+1", "'tis", -1)
    """
    return f"'{value}" if isinstance(value, str) and _TAKEN.match(value) else value


def for_excel(value: object, *, cut: bool = False) -> object:
    """A value for a cell of an Excel file; with `cut` a text that is too long ends early.

    Raises
    ------
    BadDocument
        The text is longer than a cell.

    Examples
    --------
    >>> for_excel("a\\x0bb"), for_excel("_x0041_")
    ('a_x000B_b', '_x005F_x0041_')
    """
    value = guarded(value)
    if not isinstance(value, str):
        return value
    text = _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", _NO_SIGNS.sub("\ufffd", value))
    if len(text) > LONGEST and not cut:
        what = f"a text is longer than the {LONGEST:,} characters of a cell in Excel."
        raise BadDocument("map", what, "Shorten it, or choose csv, yaml or json.")
    return text[:LONGEST]


def said(value: Any) -> str:
    """An entry as the text that it was.

    Examples
    --------
    >>> said("''=1+1"), said("'tis"), said(5.0), said(None)
    ("'=1+1", "'tis", '5', '')
    """
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    return text[1:] if _GUARDED.match(text) else text


def plain(value: Any) -> str:
    """An entry as a name or a number, without the spaces around it.

    Examples
    --------
    >>> plain(" s4 ")
    's4'
    """
    return said(said(value).strip())
