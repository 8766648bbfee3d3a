"""Letters: how wide a text is in the shipped Inter, and where its lines break; guessed widths overflow."""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Final

REGULAR, BOLD = 400, 600
_UNKNOWN: Final = 0.72
"""Width of a letter that the font lacks, in parts of the type size: wide, so that nothing overflows."""

_VOWELS: Final = frozenset("aeiouyäöüáéíóúàèìòùâêîôûåæøAEIOUYÄÖÜ")
_TOGETHER: Final = ("sch", "ch", "ck", "ph", "th", "sh", "qu", "ng")
_JOINT: Final = re.compile(r"(?:ung|heit|keit|schaft|tion|tät|ling)s(?=[a-zäöü]{3})|werbs(?=[a-zäöü]{3})")
_BREAK: Final = re.compile(r"(?<=[-/–·_])(?=\w)|(?<=[a-zäöüß])(?=[A-ZÄÖÜ][a-zäöüß])")


@cache
def _advances() -> dict[int, dict[str, float]]:
    text = files("etappe.maps").joinpath("fonts", "advances.json").read_text(encoding="utf-8")
    return {int(weight): {c: w / 1000 for c, w in table.items()} for weight, table in json.loads(text).items()}


def width(text: str, size: float, weight: int = REGULAR) -> float:
    """Width of a text in pixels at a type size.

    Examples
    --------
    >>> width("Kasse", 12) < width("Kasse", 12, BOLD)
    True
    """
    table = _advances()[weight]
    return sum(table.get(c, _UNKNOWN) for c in text) * size


def hyphens(word: str) -> list[int]:
    """Where a word may be divided: before the last consonant of a group that a vowel follows, as German divides.

    Examples
    --------
    >>> [("Sendungsverfolgung"[:i], "Sendungsverfolgung"[i:])[0] for i in hyphens("Sendungsverfolgung")]
    ['Sen', 'Sendungs', 'Sendungsver', 'Sendungsverfol']
    """
    found: list[int] = []
    # "Zahlungs-anbieter": the linking s stays with the first part
    joints = {match.end() - 1: match.end() for match in _JOINT.finditer(word)}
    for i in range(2, len(word) - 2):
        if word[i] in _VOWELS or not word[i].isalpha() or not word[i - 1].isalpha() or word[i + 1] not in _VOWELS:
            continue
        at = i
        for cluster in _TOGETHER:
            start = i + 1 - len(cluster)
            if start > 0 and word[start : i + 1].lower() == cluster and cluster != "ng":
                at = min(at, start)
        at = joints.get(at, at)
        if at >= 3 and any(c in _VOWELS for c in word[:at]) and at not in found:
            found.append(at)
    return found


def _divided(word: str, room: float, size: float, weight: int) -> tuple[str, str]:
    """The longest head of a word that fits, with a hyphen where it needs one, and the rest."""
    joints = [match.end() for match in _JOINT.finditer(word)]
    for at in joints:
        if width(word[:at] + "-", size, weight) <= room and width(word[at:], size, weight) <= room:
            return word[:at] + "-", word[at:]
    fits = ""
    rest = word
    for found in _BREAK.finditer(word):
        head = word[: found.start()]
        dash = "" if head[-1] in "-/–·_" else "-"
        if width(head + dash, size, weight) <= room:
            fits, rest = head + dash, word[found.start() :]
    for at in hyphens(word):
        if at > len(word) - len(rest) and width(word[:at] + "-", size, weight) <= room:
            fits, rest = word[:at] + "-", word[at:]
    if fits:
        return fits, rest
    cut = len(word) - 1
    while cut > 1 and width(word[:cut] + "-", size, weight) > room:
        cut -= 1
    return word[:cut] + "-", word[cut:]


def wrap(text: str, room: float, size: float, weight: int = REGULAR, most: int = 99) -> list[str]:
    """The lines of a text in a room; long words are divided; beyond `most` lines an ellipsis ends it.

    Examples
    --------
    >>> wrap("liest die Produktseite", 80, 12.5, BOLD)
    ['liest die', 'Produktseite']
    """
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.split(" "):
            rest = word
            while rest:
                joined = f"{line} {rest}" if line else rest
                if width(joined, size, weight) <= room:
                    line, rest = joined, ""
                elif line:
                    lines.append(line)
                    line = ""
                elif len(rest) <= 2:
                    line, rest = rest, ""
                else:
                    head, rest = _divided(rest, room, size, weight)
                    lines.append(head)
        lines.append(line)
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while last and width(last + "…", size, weight) > room:
        last = last[:-1]
    return [*lines[: most - 1], last.rstrip(" ,;.-") + "…"]


def fitting(text: str, room: float, size: float, weight: int = REGULAR, least: float = 10) -> float:
    """The largest type size up to `size` in which a text fits on one line; at least `least`.

    Examples
    --------
    >>> fitting("9,4 %", 100, 17)
    17
    """
    wide = width(text, size, weight)
    return size if wide <= room else max(least, size * room / wide)
