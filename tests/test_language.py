"""German and English: the same keys, the same placeholders, none unused; numbers as each language writes them."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from etappe.language import LANGUAGES, date, duration, number, percent, word
from etappe.units import DAY_US

ROOT = Path(__file__).parents[1]
LISTS = {
    lang: json.loads((ROOT / "src" / "etappe" / "locales" / f"{lang}.json").read_text(encoding="utf-8"))
    for lang in LANGUAGES
}
KEY = re.compile(r"[a-z][\w-]*(\.[\w-]+)+")
PLURAL = re.compile(r"\.(one|other)$")
ANY = "\0"
"""Stands for a computed part of a key: f"map.basis.{basis}"."""


def texts_of_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else ANY for p in node.values)


def texts_of_screens(path: Path) -> Iterator[str]:
    source = path.read_text(encoding="utf-8")
    yield from (match[2] for match in re.finditer(r"(['\"])([^'\"\n]*)\1", source))
    yield from (re.sub(r"\$\{[^}]*\}", ANY, match[1]) for match in re.finditer(r"`([^`]*)`", source))


def texts() -> set[str]:
    """Every text in the sources that could be a key, computed parts marked."""
    python = (text for path in (ROOT / "src").rglob("*.py") for text in texts_of_python(path))
    files = [path for end in ("svelte", "ts") for path in (ROOT / "ui" / "src").rglob(f"*.{end}")]
    screens = (text for path in files for text in texts_of_screens(path))
    return {text for source in (python, screens) for text in source if KEY.match(text.replace(ANY, "x") + "x")}


def test_both_languages_have_the_same_keys():
    assert set(LISTS["de"]) ^ set(LISTS["en"]) == set()


def test_a_text_s_placeholders_are_the_same_in_both_languages():
    def holes(lang: str) -> dict[str, set[str]]:
        return {key: set(re.findall(r"\{(\w*)[^}]*\}", text)) for key, text in LISTS[lang].items()}

    german, english = holes("de"), holes("en")
    assert {key: (german[key], english[key]) for key in german if german[key] != english[key]} == {}


def test_no_text_is_empty_and_the_lists_are_sorted():
    assert [key for words in LISTS.values() for key, text in words.items() if not text.strip()] == []
    assert [lang for lang, words in LISTS.items() if list(words) != sorted(words)] == []


def test_every_text_is_used():
    used = texts()
    computed = [re.compile(".+".join(map(re.escape, text.split(ANY)))) for text in used if ANY in text]
    computed += [re.compile(re.escape(text) + ".+") for text in used if text.endswith(".")]

    def is_used(key: str) -> bool:
        base = PLURAL.sub("", key)
        return key in used or base in used or any(p.fullmatch(key) or p.fullmatch(base) for p in computed)

    assert [key for key in LISTS["de"] if not is_used(key)] == []


def test_every_key_that_is_asked_for_is_there():
    calls = [
        call.args[0].value
        for path in (ROOT / "src").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "word"
        if call.args and isinstance(call.args[0], ast.Constant)
    ]
    screens = [
        match[1]
        for path in (ROOT / "ui" / "src").rglob("*.svelte")
        for match in re.finditer(r"\bt\('([^']+)'", path.read_text(encoding="utf-8"))
    ]
    assert calls
    known = set(LISTS["de"]) | {PLURAL.sub("", key) for key in LISTS["de"]}
    assert sorted({key for key in calls if key not in LISTS["de"]} | {key for key in screens if key not in known}) == []


def test_german_addresses_people_neutrally_or_with_a_colon():
    masculine = re.compile(
        r"\b(der|den|dem|des|ein|einen|jeder|jeden|Ihr|Ihre|die|alle)? ?(Kunde|Kunden|Nutzer|Besucher)\b"
    )
    assert {key: text for key, text in LISTS["de"].items() if masculine.search(text)} == {}


def test_a_text_is_filled_in():
    assert word("unit.day.other", "de") == "Tage"
    with pytest.raises(KeyError):
        word("unit.day.none", "de")


@pytest.mark.parametrize(
    ("value", "digits", "german", "english"),
    [
        (1234567, 0, "1.234.567", "1,234,567"),
        (-0.5, 1, "−0,5", "−0.5"),
        (-0.001, 1, "0,0", "0.0"),
        (0.25, 2, "0,25", "0.25"),
    ],
)
def test_numbers_carry_each_language_s_marks_and_a_true_minus(value, digits, german, english):
    assert (number(value, "de", digits), number(value, "en", digits)) == (german, english)


def test_shares_are_written_as_per_cent():
    assert (percent(0.417, "de"), percent(0.417, "en")) == ("41,7\u00a0%", "41.7%")


def test_a_day_is_that_of_the_time_zone():
    assert (date(0, "de"), date(0, "en")) == ("01.01.1970", "1 Jan 1970")
    assert date(0, "de", "America/New_York") == "31.12.1969"


@pytest.mark.parametrize(
    ("us", "german", "english"),
    [
        (DAY_US, "1,0 Tag", "1.0 day"),
        (2.6 * DAY_US, "2,6 Tage", "2.6 days"),
        (240 * DAY_US, "240 Tage", "240 days"),
        (3_600_000_000, "1,0 Stunde", "1.0 hour"),
        (90_000_000, "1,5 Minuten", "1.5 minutes"),
        (40_000_000, "40 s", "40 s"),
        (0, "0 s", "0 s"),
    ],
)
def test_a_length_of_time_is_told_in_its_largest_unit(us, german, english):
    assert (duration(us, "de"), duration(us, "en")) == (german, english)
