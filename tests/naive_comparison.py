"""Naive: two groups of journeys compared, in slow plain Python."""

from naive import Journey


def counts(journeys: list[Journey], group: list[int]) -> dict[str, tuple[int, int]]:
    """Touchpoint to how many journeys of group 0, and of group 1, hold it."""
    names = {name for journey in journeys for _, name in journey}
    return {
        name: (
            sum(g == 0 and name in [x for _, x in j] for j, g in zip(journeys, group, strict=True)),
            sum(g == 1 and name in [x for _, x in j] for j, g in zip(journeys, group, strict=True)),
        )
        for name in names
    }


def converted(journey: Journey, goal: str, within: int) -> bool:
    """Whether the goal is reached within so long of the first touchpoint."""
    return any(name == goal and time - journey[0][0] <= within for time, name in journey)
