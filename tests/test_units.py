"""Durations carry their unit; times and money are whole numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etappe.errors import BadDuration
from etappe.units import DAY_US, duration_text, duration_us, iso


@given(st.integers(1, 2**62 - 1))
def test_a_duration_s_text_reads_back_exactly(us):
    assert duration_us(duration_text(us)) == us


@pytest.mark.parametrize(
    ("text", "us"),
    [("30m", 1_800_000_000), ("7d", 7 * DAY_US), ("1.5h", 5_400_000_000), (" 2 w ", 14 * DAY_US), ("0.1s", 100_000)],
)
def test_a_duration_is_read_with_its_unit(text, us):
    assert duration_us(text) == us


@pytest.mark.parametrize("text", ["30", "m", "", "-1d", "1 month", "1d 2h", "nan d", "1e3s", "9" * 400 + "d", 7, None])
def test_a_length_without_a_unit_or_not_above_zero_is_refused(text):
    with pytest.raises(BadDuration) as refused:
        duration_us(text, "funnel: within")
    assert str(refused.value).endswith("is no duration. Write a number and a unit: 30s, 30m, 12h, 7d, 2w.")
    assert refused.value.where == "funnel: within"


@pytest.mark.parametrize("text", ["0d", "0.0s", "0.0000001us"])
def test_no_time_at_all_is_refused_and_says_why(text):
    with pytest.raises(BadDuration, match=r"is no duration\. It must be longer than nothing, such as 30s"):
        duration_us(text, "funnel: within")


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_234_567_890_123_456, "2009-02-13T23:31:30.123456Z"),
    ],
)
def test_a_point_in_time_is_written_as_iso_8601(us, text):
    assert iso(us) == text
