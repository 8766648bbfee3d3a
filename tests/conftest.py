"""What every test may use: journeys written as text, and Hypothesis without a clock."""

import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from etappe.journeys.columns import Journeys, journeys_of

settings.register_profile("etappe", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("oracle", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("etappe")

MINUTE_US = 60_000_000
_CONTACT = re.compile(r"(\d+)\s+([^\s,]+)")


def journeys_from_text(*lines: str) -> Journeys:
    """One journey a line, "0 visit, 5 order": minutes since 1970 and touchpoints; "" is a journey without any."""
    parsed = [_CONTACT.findall(line) for line in lines]
    names = sorted({name for line in parsed for _, name in line})
    offsets = [0]
    for line in parsed:
        offsets.append(offsets[-1] + len(line))
    times = [int(minute) * MINUTE_US for line in parsed for minute, _ in line]
    codes = [names.index(name) for line in parsed for _, name in line]
    return journeys_of(offsets, times, codes, names)


@pytest.fixture
def journeys() -> Callable[..., Journeys]:
    """`journeys("0 visit, 5 order", "3 visit")`."""
    return journeys_from_text
