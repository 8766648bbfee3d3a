"""Naive: changes and stays between neighbouring touchpoints, in slow plain Python."""

from naive import Journey

Row = tuple[int, int, int, int, list[int]]
"""Count, journeys, those with the time to go on, those that do, pauses in rising order."""


def changes(
    journeys: list[Journey], values: list[list[str | None]], goal: str | None, within: int, until: int
) -> dict[tuple[str, str], Row]:
    """(from, to) to its numbers; a pair with a touchpoint without a value is none."""
    found: dict[tuple[str, str], list[tuple[int, int, bool, bool]]] = {}
    for number, (journey, mine) in enumerate(zip(journeys, values, strict=True)):
        for i in range(1, len(journey)):
            before, after = mine[i - 1], mine[i]
            if before is None or after is None:
                continue
            time = journey[i][0]
            rest = journey[i + 1 :] if goal is None else [event for event in journey[i:] if event[1] == goal]
            on = any(at - time <= within for at, _ in rest)
            pair = (number, time - journey[i - 1][0], time + within <= until, on)
            found.setdefault((before, after), []).append(pair)
    return {
        key: (
            len(pairs),
            len({number for number, _, _, _ in pairs}),
            sum(settled for _, _, settled, _ in pairs),
            sum(settled and on for _, _, settled, on in pairs),
            sorted(pause for _, pause, _, _ in pairs),
        )
        for key, pairs in found.items()
    }
