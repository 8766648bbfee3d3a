"""Times are what Python's own datetime makes of them, in every zone and to the microsecond."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etappe.collect.times import REASONS, TimeFormat, example, moments, native_us, texts_us
from etappe.units import DAY_US

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "UTC"]
moment = st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30))  # noqa: DTZ001


def micro(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def naive(at: datetime, zone: str) -> int | None:
    """The earlier instant of a wall time; None where the clock skipped it."""
    there = at.replace(tzinfo=ZoneInfo(zone), fold=0)
    back = there.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return micro(there.astimezone(UTC)) if back == at else None


@settings(max_examples=150, deadline=None)
@given(st.lists(moment, min_size=1, max_size=20), st.sampled_from(ZONES))
def test_wall_times_are_what_the_zone_makes_of_them(walls, zone):
    for column in (pa.array([w.isoformat(" ") for w in walls]), pa.array(walls, pa.timestamp("us"))):
        read = texts_us if pa.types.is_string(column.type) else native_us
        us, reasons = read(column, TimeFormat(None, zone))
        expected = [naive(w, zone) for w in walls]
        assert [
            None if REASONS[r] == "skipped-hour" else u for u, r in zip(us.tolist(), reasons.tolist(), strict=True)
        ] == expected


@pytest.mark.parametrize("zone", ZONES)
def test_each_half_hour_around_the_changes_of_the_clock(zone):
    walls = [datetime(2024, 1, 1) + timedelta(minutes=30 * i) for i in range(366 * 48)]  # noqa: DTZ001
    us, reasons = native_us(pa.array(walls, pa.timestamp("us")), TimeFormat(None, zone))
    found = [None if REASONS[r] == "skipped-hour" else u for u, r in zip(us.tolist(), reasons.tolist(), strict=True)]
    assert found == [naive(w, zone) for w in walls]


@settings(max_examples=100, deadline=None)
@given(st.lists(moment, min_size=1, max_size=9), st.integers(-15 * 60 + 1, 15 * 60 - 1))
def test_instants_with_an_offset(walls, minutes):
    sign, rest = "-" if minutes < 0 else "+", abs(minutes)
    texts = [f"{w.isoformat()}{sign}{rest // 60:02}:{rest % 60:02}" for w in walls]
    us, reasons = texts_us(pa.array(texts), TimeFormat(None, "Europe/Berlin"))
    assert not reasons.any()
    assert us.tolist() == [micro(w.replace(tzinfo=UTC)) - minutes * 60_000_000 for w in walls]


@pytest.mark.parametrize(("text", "reason"), [
    ("2023-02-29", "no-such-date"), ("2024-02-29", ""), ("2024-00-10", "no-such-date"), ("2024-04-31", "no-such-date"),
    ("2024-04-30T24:00:00", "no-such-time"), ("2024-04-30 23:60", "no-such-time"),
    ("2024-04-30 23:59:60", "no-such-time"),
    ("2024-04-30 10:00+25:00", "no-such-time"), ("1899-12-31", "year-too-early"), ("2201-01-01", "year-too-late"),
    ("2024-4-3", "other-time-format"), ("tomorrow", "other-time-format"), ("", "other-time-format"),
    (None, "no-time"), ("2024-04-30 10:00:00 Europe/Berlin", "other-time-format"),
    ("２０２４-04-30", "other-time-format"),
])  # fmt: skip
def test_each_fault_has_its_own_reason(text, reason):
    _, reasons = texts_us(pa.array(["2024-01-01", "2024-01-02", text], pa.string()), TimeFormat(None, "UTC"))
    assert [REASONS[r] for r in reasons] == ["", "", reason]


def test_a_column_has_one_format():
    form = TimeFormat(None, "UTC")
    _, reasons = texts_us(pa.array(["03.11.2019", "4.11.2019 10:00", "2019-11-03", "20191103"]), form)
    assert [REASONS[r] for r in reasons] == ["", "", "other-time-format", "other-time-format"]
    _, reasons = texts_us(pa.array(["2019-11-03", "2019-11-03"]), form)
    assert [REASONS[r] for r in reasons] == ["other-time-format"] * 2  # settled by the first rows of the file


@pytest.mark.parametrize(("text", "day"), [
    ("1.3.26", "2026-03-01"), ("01.03.69", "2069-03-01"), ("01.03.70", "1970-03-01"), ("31-Jul-18", "2018-07-31"),
    ("31 Jul 2018", "2018-07-31"), ("3. März 2026", "2026-03-03"), ("3. Dezember 26", "2026-12-03"),
    ("Jul 31, 2018", "2018-07-31"), ("July 31 2018", "2018-07-31"), ("31-JUL-2018", "2018-07-31"),
    ("24.Okt.2018", "2018-10-24"), ("1 Sept. 2018", "2018-09-01"),
])  # fmt: skip
def test_short_years_and_names_of_months_are_read(text, day):
    us, reasons = texts_us(pa.array([text, None]), TimeFormat(None, "UTC"))
    assert [REASONS[r] for r in reasons] == ["", "no-time"]
    assert us[0] == micro(datetime.fromisoformat(day).replace(tzinfo=UTC))


@pytest.mark.parametrize("text", ["31-Jul-2018 17:59", "31. Juli 18, 17:59 Uhr", "31.7.18 17:59", "Jul 31, 2018 17:59"])
def test_short_years_and_names_of_months_may_have_a_clock(text):
    us, reasons = texts_us(pa.array([text]), TimeFormat(None, "Europe/Berlin"))
    assert (us[0], REASONS[reasons[0]]) == (micro(datetime(2018, 7, 31, 15, 59, tzinfo=UTC)), "")


@pytest.mark.parametrize("text", ["31.Juhu.2018", "31-Feb-18", "31.13.26", "1.3.2", "1.3.226", "5/6/2024", "5/6/24"])
def test_what_is_no_day_or_could_be_two_is_not_read(text):
    _, reasons = texts_us(pa.array([text]), TimeFormat(None, "UTC"))
    assert REASONS[reasons[0]] in ("other-time-format", "no-such-date")


@pytest.mark.parametrize(
    "text", ["2024-01-01", "2024/01/01", "20240101", "1.1.2024", "1.1.24", "1-Jan-24", "1. Januar 2024", "Jan 1, 2024"]
)
@pytest.mark.parametrize("declared", [None, "%d/%m/%Y", "epoch_ms", "%d %b %Y %H:%M"])
def test_the_example_of_a_column_is_read_by_its_own_format(text, declared):
    form = TimeFormat(declared, "UTC")
    texts_us(pa.array([text]), form)
    us, reasons = texts_us(pa.array([example(form)]), form)
    assert REASONS[reasons[0]] == ""
    assert us[0] // DAY_US == (datetime(2026, 11, 22, tzinfo=UTC) - EPOCH).days


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(max_size=30), max_size=8),
    st.sampled_from([None, "%Y%m%d", "%d %b %Y", "epoch_s", "%d.%m.%y %I:%M %p"]),
)
def test_any_text_is_a_time_or_has_a_reason(texts, form):
    us, reasons = texts_us(pa.array(texts, pa.string()), TimeFormat(form, "Europe/Berlin"))
    assert len(us) == len(reasons) == len(texts)
    assert set(reasons.tolist()) <= set(range(8))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_every_unit_and_edge(unit):
    raw = np.array([0, 1, -1, 2**62, -(2**62), 2**63 - 1], np.int64)
    us, reasons = native_us(pa.array(raw).cast(pa.timestamp(unit)), TimeFormat(None, "Europe/Berlin"))
    per = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}[unit]
    for value, at, reason in zip(raw.tolist(), us.tolist(), reasons.tolist(), strict=True):
        year = 1970 + value * per / 1e6 / 31_556_952
        expected = "year-too-late" if year > 2201 else "year-too-early" if year < 1900 else ""
        assert REASONS[reason] == expected
        if abs(value) < 2:
            assert at == (value // 1000 if unit == "ns" else value * int(per)) - 3_600_000_000


def test_moments_are_written_as_people_write_them():
    assert moments(pa.array([1_500, None], pa.timestamp("ms"))).to_pylist() == ["1970-01-01 00:00:01.5", None]
    assert moments(pa.array([0], pa.timestamp("us", "Europe/Berlin"))).to_pylist() == ["1970-01-01 00:00:00+00:00"]
    assert moments(pa.array([1], pa.date32())).to_pylist() == ["1970-01-02"]
