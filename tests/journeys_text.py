"""Journeys written as text, for tests: journeys("0 visit, 5 order", "3 visit")."""

from collections.abc import Mapping, Sequence

from hypothesis import settings
from hypothesis import strategies as st

from etappe.arrays import Column, column_of
from etappe.journeys.columns import Journeys, journeys_of
from etappe.units import NO_VALUE

Plain = list[list[tuple[int, str]]]
"""What naive.py reads: journeys as lists of (time, touchpoint)."""

PROPERTY = settings()
"""How a kernel is held against its definition: as tests/conftest.py says, or as `--hypothesis-profile` does."""


def plain(*texts: str) -> Plain:
    """Lists of (time, touchpoint) from texts; an empty text is an empty journey."""
    return [
        [(int(item.split()[0]), item.split()[1]) for item in text.split(",")] if text.strip() else [] for text in texts
    ]


def journeys(*texts: str, **options: object) -> Journeys:
    """Journeys from texts; times are microseconds. Options as for `built`."""
    return built(plain(*texts), **options)  # type: ignore[arg-type]


def built(
    lists: Plain,
    *,
    names: Sequence[str] | None = None,
    attributes: Mapping[str, Sequence[str | None]] | None = None,
    columns: Mapping[str, Sequence[str | None]] | None = None,
    values: Sequence[int | None] | None = None,
    timezone: str = "UTC",
) -> Journeys:
    """Journeys from lists of (time, touchpoint); attributes one a journey, columns and values one a touchpoint."""
    import numpy as np

    flat = [event for journey in lists for event in journey]
    names = names or list(dict.fromkeys(name for _, name in flat))
    offsets = np.concatenate(([0], np.cumsum([len(journey) for journey in lists]))).astype(np.int64)
    coded: dict[str, Column] = {name: column_of(texts) for name, texts in (columns or {}).items()}
    held: dict[str, Column] = {name: column_of(texts) for name, texts in (attributes or {}).items()}
    money = None if values is None else np.array([NO_VALUE if v is None else v for v in values], np.int64)
    times = np.array([time for time, _ in flat], np.int64)
    codes = [names.index(name) for _, name in flat]
    return journeys_of(offsets, times, codes, names, columns=coded, attributes=held, value=money, timezone=timezone)


NAMES = ("a", "b", "c", "d")


@st.composite
def many(draw: st.DrawFn, names: Sequence[str] = NAMES, most: int = 8, longest: int = 9, until: int = 12) -> Plain:
    """Small journeys with many ties, empty ones and single touchpoints among them."""
    event = st.tuples(st.integers(0, until), st.sampled_from(list(names)))
    lists = draw(st.lists(st.lists(event, max_size=longest), max_size=most))
    # Sorted by time only: at a tie the order of receipt stays as drawn.
    return [sorted(journey, key=lambda item: item[0]) for journey in lists]
