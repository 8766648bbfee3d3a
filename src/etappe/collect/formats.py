"""Formats: how the texts of a column write times, and whether another reading would make other days of them."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from etappe.collect import times

ENOUGH: Final = 0.8
"""The share of a column's texts that a format must read where only the texts speak for a time."""

HALF: Final = 0.5
"""The share where the column is named like a time: the rest is refused row by row."""

_DAY: Final = re.compile(
    r"\d{1,2}(?P<mark>[/-])\d{1,2}(?P=mark)(?P<year>\d{4}|\d\d)"
    r"(?:(?P<gap>,? )(?P<clock>\d{1,2}:\d\d)(?P<second>:\d\d)?(?P<half> ?[AaPp]\.?[Mm]\.?)?)?"
)
_SHAPED: Final = re.compile(r"\d{1,4}([./-])(\d{1,2}|[A-Za-zÄÖÜäöü]{3,9})\1\d{1,4}([ T].*)?")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d+)?)?( Uhr)?")


class Found(NamedTuple):
    """A format; None is found by itself. `rivals` read as much and mean other days; `proof` is what decided."""

    format: str | None
    rivals: tuple[str, ...] = ()
    proof: str = ""


def _reads(texts: pa.Array, form: str | None) -> list[bool]:
    _, reasons = times.texts_us(texts, times.TimeFormat(form, "UTC"))
    return [reason == times.OK for reason in reasons.tolist()]


def _of_slashes(texts: Sequence[str]) -> list[str]:
    """Formats of days such as 5/6/2024, as the first text writes its clock."""
    match = next((m for m in map(_DAY.fullmatch, texts) if m), None)
    if match is None:
        return []
    mark, year = match["mark"], "%Y" if len(match["year"]) == 4 else "%y"
    clock = ""
    if match["clock"]:
        half = match["half"] or ""
        tail = (" %p" if half.startswith(" ") else "%p") if half else ""
        clock = match["gap"] + ("%I" if half else "%H") + ":%M" + (":%S" if match["second"] else "") + tail
    orders = [("%d", "%m", year), ("%m", "%d", year)]
    if mark == "-" and year == "%y":
        orders.append(("%y", "%m", "%d"))
    return [mark.join(order) + clock for order in orders]


def find_format(column: Sequence[str], share: float = ENOUGH) -> Found | None:
    """How a share of the texts of a column writes a time; None where they are no times.

    Examples
    --------
    >>> find_format(["1/2/2026", "13/2/2026"])
    Found(format='%d/%m/%Y', rivals=(), proof='13/2/2026')
    >>> find_format(["1/2/2026"]).rivals
    ('%m/%d/%Y',)
    """
    texts = [text for text in column if text]
    if not texts:
        return None
    array, least = pa.array(texts, pa.string()), share * len(texts)
    if sum(_reads(array, None)) >= least:
        return Found(None)
    read = {form: _reads(array, form) for form in _of_slashes(texts)}
    if read:
        best = max(read, key=lambda form: sum(read[form]))
        if sum(read[best]) >= least:
            others = [form for form in read if form != best]
            rivals = tuple(form for form in others if sum(read[form]) == sum(read[best]))
            second = max(others, key=lambda form: sum(read[form]))
            proofs = (t for t, a, b in zip(texts, read[best], read[second], strict=True) if a and not b)
            return Found(best, rivals, "" if rivals else next(proofs, ""))
    for form, digits in (("epoch_s", 10), ("epoch_ms", 13), ("epoch_us", 16)):
        if all(len(text) == digits and text.isdecimal() for text in texts):
            return Found(form)
    return None


def days_of(text: str, forms: Sequence[str]) -> list[str]:
    """What a text means by each of some formats, as ISO days.

    Examples
    --------
    >>> days_of("1/2/2026", ["%d/%m/%Y", "%m/%d/%Y"])
    ['2026-02-01', '2026-01-02']
    """
    array = pa.array([text], pa.string())
    moments = [times.texts_us(array, times.TimeFormat(form, "UTC"))[0] for form in forms]
    return [str(us.astype("datetime64[us]").astype("datetime64[D]")[0]) for us in moments]


def is_shaped(texts: Sequence[str]) -> bool:
    """Whether most texts have the shape of a day, though they cannot be read."""
    return bool(texts) and sum(1 for text in texts if _SHAPED.fullmatch(text)) >= ENOUGH * len(texts)


def is_clock(texts: Sequence[str]) -> bool:
    """Whether most texts are times of day, without a day."""
    return bool(texts) and sum(1 for text in texts if _CLOCK.fullmatch(text)) >= ENOUGH * len(texts)
