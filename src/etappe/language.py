"""Language: German and English words from one list (locales), and numbers, dates, durations as each writes them."""

import json
import re
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from etappe.units import DAY_US, SECOND_US

LANGUAGES: Final = ("de", "en")
MINUS: Final = "\u2212"
NARROW: Final = "\u202f"
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


@cache
def _words(lang: str) -> dict[str, str]:
    text = files("etappe").joinpath("locales", f"{lang}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def word(key: str, lang: str, **values: object) -> str:
    """The text of a key in a language, its `{names}` filled in; a key must stand in both lists (tested)."""
    return _words(lang)[key].format(**values)


def has_word(key: str) -> bool:
    """Whether the lists hold a key."""
    return key in _words("en")


def number(value: float, lang: str, digits: int = 0) -> str:
    """A number with the language's separators and a true minus sign.

    Examples
    --------
    >>> number(-1234.5, "de", 1)
    '−1.234,5'
    """
    text = f"{abs(value):,.{digits}f}"
    if lang == "de":
        text = text.translate({ord(","): ".", ord("."): ","})
    negative = value < 0 and any(c in "123456789" for c in text)
    return (MINUS if negative else "") + text


def percent(share: float, lang: str, digits: int = 1) -> str:
    """A share of 1 as per cent: 0.417 is "41,7 %" in German and "41.7%" in English."""
    return number(share * 100, lang, digits) + ("\u00a0%" if lang == "de" else "%")


def date(us: int, lang: str, timezone: str = "UTC") -> str:
    """The day of a point in time: "22.11.2026" or "22 Nov 2026"."""
    moment = datetime.fromtimestamp(us // SECOND_US, ZoneInfo(timezone))
    if lang == "de":
        return f"{moment.day:02}.{moment.month:02}.{moment.year}"
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{moment.day} {months[moment.month - 1]} {moment.year}"


def day(text: str, lang: str) -> str:
    """A day in its ISO form as a language writes it; any other text stays.

    Examples
    --------
    >>> day("2026-11-23", "de"), day("2026-W48", "de")
    ('23.11.2026', '2026-W48')
    """
    if not _DAY.fullmatch(text):
        return text
    return date(round(datetime.fromisoformat(f"{text}T00:00Z").timestamp()) * SECOND_US, lang)


UNITS: Final = ((DAY_US, "day"), (3600 * SECOND_US, "hour"), (60 * SECOND_US, "minute"))


def duration(us: float, lang: str) -> str:
    """A length of time in its largest fitting unit, with one decimal: "2,6 Tage", "40 s"."""
    for size, unit in UNITS:
        if us >= size:
            amount = us / size
            text = number(amount, lang, 1 if amount < 100 else 0)
            return f"{text} {word(f'unit.{unit}.one' if text in ('1,0', '1.0') else f'unit.{unit}.other', lang)}"
    return f"{number(us / SECOND_US, lang)} s"


def limit(us: int, lang: str) -> str:
    """A length of time that somebody set, in its largest unit without a rest: "30 Tage", "36 hours".

    Examples
    --------
    >>> limit(30 * DAY_US, "de"), limit(DAY_US * 3 // 2, "en")
    ('30 Tage', '36 hours')
    """
    for size, unit in UNITS:
        if us >= size and us % size == 0:
            amount = us // size
            return f"{number(amount, lang)} {word(f'unit.{unit}.one' if amount == 1 else f'unit.{unit}.other', lang)}"
    return duration(us, lang)


FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for a formula."""


def harmless(value: object) -> object:
    """A value for a spreadsheet: a text that it would take for a formula gets an apostrophe before it.

    Examples
    --------
    >>> harmless("=1+1"), harmless("text"), harmless(-1)
    ("'=1+1", 'text', -1)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
