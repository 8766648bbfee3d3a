"""Times: texts and whole numbers as microseconds since 1970 UTC, whole columns at once.

A text is read by its shape: digits become "0", so a million times have a handful of shapes; each shape is understood
once, and its digits are taken from fixed places. A time without an offset is wall time in a time zone: an hour that the
clock skips is refused, of an hour that it repeats the earlier one is taken.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from etappe.arrays import Int
from etappe.errors import BadMapping
from etappe.units import DAY_US, SECOND_US

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
FIRST_US: Final = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()) * SECOND_US
END_US: Final = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()) * SECOND_US

Reasons = NDArray[np.uint8]
OK, MISSING, FORMAT, DATE, TIME, SKIPPED, EARLY, LATE = range(8)
REASONS: Final = (
    "", "no-time", "other-time-format", "no-such-date", "no-such-time", "skipped-hour", "year-too-early",
    "year-too-late",
)  # fmt: skip
"""The code of a refusal by its number in a `Reasons` array."""

EPOCHS: Final = {"epoch_s": SECOND_US, "epoch_ms": 1_000, "epoch_us": 1}
_ZONE: Final = r"(?: ?(?P<z>[Zz]|UTC|GMT|[+-]00(?::?00)?))?"
_CLOCK: Final = r"(?P<H>00):(?P<M>00)(?::(?P<S>00)(?:[.,](?P<f>0{1,9}))?)?"
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan january jän jänner januar", "feb february februar", "mar march mär märz mrz", "apr april", "may mai",
         "jun june juni", "jul july juli", "aug august", "sep sept september", "oct october okt oktober",
         "nov november", "dec december dez dezember"), 1)
    for name in names.split()
}  # fmt: skip
_DAYS: Final = "mon monday mo montag tue tuesday di dienstag wed wednesday mi mittwoch thu thursday do donnerstag " \
    "fri friday fr freitag sat saturday sa samstag sun sunday so sonntag"  # fmt: skip
_LOOSE: Final = {
    "d": "0?0",
    "m": "0?0",
    "H": "0?0",
    "I": "0?0",
    "M": "00",
    "S": "00",
    "f": "0{1,9}",
    "Y": "0{4,6}",
    "y": "00",
}


def _any_of(words: Any) -> str:
    return "|".join(sorted((re.escape(w) for w in words), key=len, reverse=True))


_GERMAN_CLOCK: Final = r"(?:,? (?P<H>0?0):(?P<M>00)(?::(?P<S>00)(?:[.,](?P<f>0{1,9}))?)?(?: Uhr)?)?"
_NAMED: Final = rf"(?i:(?P<d>0?0)(?:\.? |[.-])(?P<b>{_any_of(_MONTHS)})\.?,?[ -]?"
_FAMILIES: Final = {
    "iso": rf"(?P<Y>0{{4,6}})-(?P<m>00)-(?P<d>00)(?:[Tt ]{_CLOCK}{_ZONE})?",
    "slash": rf"(?P<Y>0{{4,6}})/(?P<m>00)/(?P<d>00)(?: {_CLOCK}{_ZONE})?",
    "compact": r"(?P<Y>0000)(?P<m>00)(?P<d>00)(?:[Tt ]?(?P<H>00)(?P<M>00)(?P<S>00)?(?P<z>[Zz])?)?",
    "german": rf"(?P<d>0?0)\.(?P<m>0?0)\.(?P<Y>0{{4,6}}){_GERMAN_CLOCK}",
    "german_short": rf"(?P<d>0?0)\.(?P<m>0?0)\.(?P<y>00){_GERMAN_CLOCK}",
    "named": rf"{_NAMED}(?P<Y>0000){_GERMAN_CLOCK})",
    "named_short": rf"{_NAMED}(?P<y>00){_GERMAN_CLOCK})",
    "month_first": rf"(?i:(?P<b>{_any_of(_MONTHS)})\.? (?P<d>0?0),? (?P<Y>0000){_GERMAN_CLOCK})",
}
_EXAMPLES: Final = {
    "iso": "2026-11-22 10:00:00", "slash": "2026/11/22 10:00:00", "compact": "20261122", "german": "22.11.2026 10:00",
    "german_short": "22.11.26 10:00", "named": "22-Nov-2026", "named_short": "22-Nov-26", "month_first": "Nov 22, 2026",
}  # fmt: skip


@cache
def _pattern(form: str) -> re.Pattern[str] | None:
    """The shapes of a strptime format; None where it holds a directive that is not known."""
    form = form.replace("%T", "%H:%M:%S").replace("%F", "%Y-%m-%d").replace("%R", "%H:%M").replace("%e", "%d")
    pieces = re.split(r"(%.)", form)
    out: list[str] = []
    for index, piece in enumerate(pieces):
        letter = piece[1:] if index % 2 else ""
        if not letter:
            out.append(re.sub("[0-9]", "0", re.escape(piece)).replace("\\ ", " +"))
        elif letter in _LOOSE:
            # Digits that touch others have a fixed width, or "2019111" would be read as some day.
            touching = (index + 2 < len(pieces) and not pieces[index + 1] and pieces[index + 2][1:] in _LOOSE) or (
                index >= 2 and not pieces[index - 1] and pieces[index - 2][1:] in _LOOSE
            )
            digits = {"Y": "0000", "f": "0{1,9}"}.get(letter, "00") if touching else _LOOSE[letter]
            out.append(f"(?P<{letter}>{digits})")
        elif letter in "bB":
            out.append(rf"(?P<b>{_any_of(_MONTHS)})\.?")
        elif letter in "aA":
            out.append(rf"(?:{_any_of(_DAYS.split())})\.?")
        elif letter == "p":
            out.append(r"(?P<p>[AaPp]\.?[Mm]\.?)")
        elif letter in "zZ":
            out.append(r"(?P<z>[Zz]|UTC|GMT|[+-]00(?::?00)?)")
        elif letter == "%":
            out.append("%")
        else:
            return None
    try:
        return re.compile("".join(out), re.IGNORECASE)
    except re.error:  # a directive that stands twice
        return None


def check_format(form: str, where: str) -> None:
    """Refuse a time format that cannot be read.

    Raises
    ------
    BadMapping
        An unknown or a repeated directive, or none for year, month and day.
    """
    if form in EPOCHS:
        return
    pattern = _pattern(form)
    groups = set(pattern.groupindex) if pattern else set()
    if not (groups & {"Y", "y"} and groups & {"m", "b"} and "d" in groups):
        hint = 'Write one such as "%d.%m.%Y %H:%M", "%Y%m%d", "epoch_s" or "epoch_ms".'
        raise BadMapping(where, f"{form!r} is no time format.", hint)


@cache
def _transitions(zone: str, first: int, last: int) -> tuple[Int, Int, Int]:
    """Wall start, wall end and offset (all in microseconds) of each stretch of a zone between two years."""
    info = ZoneInfo(zone)

    def offset(second: int) -> int:
        delta = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).astimezone(info).utcoffset()
        return int((delta or timedelta()).total_seconds())

    at = int(datetime(first, 1, 1, tzinfo=UTC).timestamp()) - 2 * 86_400
    end = int(datetime(last + 1, 1, 1, tzinfo=UTC).timestamp()) + 2 * 86_400
    changes, offsets = [], [offset(at)]
    while at < end:
        after = at + 86_400
        if offset(after) != offsets[-1]:
            low, high = at, after
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
            changes.append(high)
            offsets.append(offset(high))
            after = high
        at = after
    cuts = np.asarray(changes, np.int64) * SECOND_US
    shifts = np.asarray(offsets, np.int64) * SECOND_US
    far = np.int64(2**62)
    return np.r_[-far, cuts + shifts[1:]], np.r_[cuts + shifts[:-1], far], shifts


def localise(wall_us: Int, zone: str, reasons: Reasons) -> Int:
    """Instants of wall times; a time that the clock skips gets its reason, of a repeated one the earlier is taken."""
    good = reasons == OK
    if zone == "UTC" or not good.any():
        return wall_us
    chosen = wall_us[good]
    years = (np.array([chosen.min(), chosen.max()]) // SECOND_US).astype("datetime64[s]").astype("datetime64[Y]")
    first, last = years.astype(int) + 1970
    starts, ends, shifts = _transitions(zone, max(int(first), 1800), min(int(last), 2300))
    stretch = np.searchsorted(ends, wall_us, side="right").clip(max=len(ends) - 1)
    reasons[good & (wall_us < starts[stretch])] = SKIPPED
    instants: Int = wall_us - shifts[stretch]
    return instants


def in_range(us: Int, reasons: Reasons) -> None:
    """Give a reason to what lies before 1900 or after 2200."""
    reasons[(reasons == OK) & (us < FIRST_US)] = EARLY
    reasons[(reasons == OK) & (us >= END_US)] = LATE


@dataclass(slots=True)
class TimeFormat:
    """How a column's times are written; where nothing is declared, as most of its first rows, for the whole file."""

    declared: str | None
    zone: str
    found: str | None = field(default=None)


def example(form: TimeFormat) -> str:
    """A time as a column writes it, for a person to write others like it.

    Examples
    --------
    >>> example(TimeFormat("%d/%m/%Y", "UTC")), example(TimeFormat(None, "UTC", "german"))
    ('22/11/2026', '22.11.2026 10:00')
    """
    moment = datetime(2026, 11, 22, 10, tzinfo=UTC)
    if form.declared in EPOCHS:
        return str(int(moment.timestamp()) * SECOND_US // EPOCHS[str(form.declared)])
    return moment.strftime(form.declared) if form.declared else _EXAMPLES[form.found or "iso"]


def _digits(data: NDArray[np.uint8], starts: Int, span: tuple[int, int]) -> Int:
    number = np.zeros(len(starts), np.int64)
    for place in range(*span):
        number = number * 10 + (data[starts + place] - 48)
    return number


def _shape(data: NDArray[np.uint8], starts: Int, match: re.Match[str]) -> tuple[Int, Reasons, bool]:
    """Wall or UTC microseconds of texts of one shape, their reasons, and whether they carried an offset."""
    names = match.re.groupindex

    def part(name: str, default: int = 0) -> Int:
        if name not in names or match[name] is None:
            return np.full(len(starts), default, np.int64)
        return _digits(data, starts, match.span(name))

    year = part("Y")
    if "y" in names:
        short = part("y")
        year = np.where(short < 70, 2000, 1900) + short
    month = (
        np.full(len(starts), _MONTHS[match["b"].encode("latin-1").decode().lower()], np.int64)
        if "b" in names
        else part("m")
    )
    day, hour, minute, second = part("d"), part("H"), part("M"), part("S")
    bad_time = np.zeros(len(starts), bool)
    if "I" in names:
        half = part("I")
        bad_time |= (half < 1) | (half > 12)
        hour = half % 12 + (12 if "p" in names and match["p"].lower().startswith("p") else 0)
    fraction = part("f")
    if "f" in names and match["f"]:
        width = len(match["f"])
        fraction = fraction * 10 ** (6 - width) if width <= 6 else fraction // 10 ** (width - 6)
    reasons = np.zeros(len(starts), np.uint8)
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    length = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    bad_time |= (hour > 23) | (minute > 59) | (second > 59)
    offset_us: Int = np.zeros(len(starts), np.int64)
    zone = match["z"] if "z" in names else None
    if zone and zone[0] in "+-":
        at = match.start("z") + 1
        hours = _digits(data, starts, (at, at + 2))
        minutes = _digits(data, starts, (match.end("z") - 2, match.end("z"))) if len(zone) > 3 else np.int64(0)
        bad_time |= (hours > 15) | (minutes > 59)
        offset_us = (hours * 60 + minutes) * (60 * SECOND_US) * (-1 if zone[0] == "-" else 1)
    reasons[bad_time] = TIME
    reasons[(month < 1) | (month > 12) | (day < 1) | (day > length)] = DATE
    reasons[year > LAST_YEAR] = LATE
    reasons[year < FIRST_YEAR] = EARLY
    days = first.astype("datetime64[D]").astype(np.int64) + day - 1
    us = days * DAY_US + ((hour * 60 + minute) * 60 + second) * SECOND_US + fraction - offset_us
    return np.where(reasons == OK, us, 0), reasons, bool(zone)


def texts_us(texts: pa.Array, form: TimeFormat) -> tuple[Int, Reasons]:
    """Microseconds and reasons of an array of texts without outer blanks; null is a missing time.

    Examples
    --------
    >>> us, reasons = texts_us(pa.array(["1970-01-02", "1970-02-30"]), TimeFormat(None, "UTC"))
    >>> us.tolist(), [REASONS[r] for r in reasons]
    ([86400000000, 0], ['', 'no-such-date'])
    """
    n = len(texts)
    us, reasons = np.zeros(n, np.int64), np.full(n, FORMAT, np.uint8)
    if n == 0:
        return us, reasons
    texts = texts.cast(pa.string())
    if form.declared in EPOCHS:
        return _epoch(texts, EPOCHS[str(form.declared)])
    bits, offsets_buffer, data_buffer = texts.buffers()
    data = np.frombuffer(data_buffer or b"\0", np.uint8)
    offsets = np.frombuffer(offsets_buffer, np.int32)[texts.offset : texts.offset + n + 1].astype(np.int64)
    shape_bytes = (data_buffer.to_pybytes() if data_buffer else b"").translate(_TO_SHAPE)
    shaped = pa.StringArray.from_buffers(n, offsets_buffer, pa.py_buffer(shape_bytes), bits, -1, texts.offset)
    coded = shaped.dictionary_encode()
    shapes = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(len(shapes)).to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(shapes) + 2))
    reasons[codes == len(shapes)] = MISSING
    if form.declared is None and form.found is None:
        form.found = _family(shapes, np.diff(edges))
    pattern = _pattern(form.declared) if form.declared else re.compile(_FAMILIES[form.found or "iso"])
    wall = np.zeros(n, bool)
    for code, shape in enumerate(shapes):
        match = pattern.fullmatch(shape) if pattern and len(shape) <= 60 else None
        if match is not None:
            if pattern is not None and not shape.isascii():  # "März": digits are taken by byte, not by letter
                shape = shape.encode().decode("latin-1")
                match = _of_bytes(pattern).fullmatch(shape)
            if match is None:
                continue
            rows = order[edges[code] : edges[code + 1]]
            us[rows], reasons[rows], zoned = _shape(data, offsets[rows], match)
            wall[rows] = not zoned
    local = localise(us[wall], form.zone, part := reasons[wall])
    us[wall], reasons[wall] = local, part
    return us, reasons


_TO_SHAPE: Final = bytes(48 if 48 <= b <= 57 else b for b in range(256))


@cache
def _of_bytes(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """The pattern of a format over the bytes of a text, one letter a byte."""
    return re.compile(pattern.pattern.encode().decode("latin-1"), re.IGNORECASE)


def _family(shapes: list[str], counts: Int) -> str | None:
    """The family to which most of the texts belong; None while no text belongs to any."""
    votes = {
        name: sum(int(count) for shape, count in zip(shapes, counts, strict=False) if re.fullmatch(pattern, shape[:60]))
        for name, pattern in _FAMILIES.items()
    }
    best = max(votes, key=lambda name: votes[name])
    return best if votes[best] else None


def _epoch(texts: pa.Array, unit_us: int) -> tuple[Int, Reasons]:
    """Whole numbers, or seconds with a fraction, since 1970 UTC."""
    us, reasons = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.uint8)
    for row, text in enumerate(texts.to_pylist()):
        match = re.fullmatch(r"(-?\d{1,17})(?:\.(\d{1,9})0*)?", text, re.ASCII) if text else None
        if match is None:
            reasons[row] = FORMAT if text else MISSING
            continue
        rest = int((match[2] or "0").ljust(9, "0")) * unit_us // 10**9
        exact = int(match[1]) * unit_us + (-rest if text.startswith("-") else rest)
        us[row] = max(-(2**62), min(2**62, exact))
    in_range(us, reasons)
    return us, reasons


def native_us(column: pa.Array, form: TimeFormat) -> tuple[Int, Reasons] | None:
    """Microseconds and reasons of a timestamp, date or declared epoch column; None where it must be read as text."""
    kind = column.type
    reasons = np.zeros(len(column), np.uint8)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        if pa.types.is_date(kind):
            column, per, unit_us = column.cast(pa.date32()).cast(pa.int32()), 1, DAY_US
        else:
            per, unit_us = {"s": (1, SECOND_US), "ms": (1, 1_000), "us": (1, 1), "ns": (1_000, 1)}[kind.unit]
            column = column.cast(pa.int64())
    elif pa.types.is_integer(kind) and form.declared in EPOCHS:
        per, unit_us = 1, EPOCHS[str(form.declared)]
        column = column.cast(pa.int64())
    else:
        return None
    if column.null_count:
        reasons[column.is_null().to_numpy(zero_copy_only=False)] = MISSING
        column = column.fill_null(0)
    raw = column.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    most = 2**62 // unit_us
    us = raw // per if per > 1 else raw.clip(-most, most) * unit_us if unit_us > 1 else raw
    in_range(us, reasons)
    if not pa.types.is_integer(kind) and getattr(kind, "tz", None) is None:
        us = localise(us, form.zone, reasons)
    return us, reasons


def moments(column: pa.Array) -> pa.Array:
    """The texts of timestamps, days and times of day: ISO 8601 with a blank, "+00:00" where they are instants.

    Written without Arrow's own formatting, which needs the time zone files of the system.
    """
    kind = column.type
    missing = column.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_time(kind):
        return pa.array([None if x is None else x.isoformat() for x in column.to_pylist()], pa.string())
    if pa.types.is_date(kind):
        days = column.cast(pa.date32()).cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
        texts = np.datetime_as_string(days.astype("datetime64[D]"))
    else:
        digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[kind.unit]
        whole = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        days = np.datetime_as_string((whole // 10**digits).astype("datetime64[s]")).tolist()
        rest = (whole % 10**digits).tolist()
        zone = "" if kind.tz is None else "+00:00"
        pairs = zip(days, rest, strict=True)
        texts = np.array([f"{day}.{r:0{digits}}".rstrip("0") + zone if r else day + zone for day, r in pairs], object)
        texts = np.array([text.replace("T", " ") for text in texts], object)
    return pa.array(texts.tolist(), pa.string(), mask=missing)
