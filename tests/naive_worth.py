"""Naive: orders of customers and the pauses between them, in slow plain Python."""

from naive import Journey


def orders(journeys: list[Journey], goal: str, numbers: list[list[str | None]]) -> dict[int, list[int]]:
    """For each customer with one, the times of the orders; touchpoints of one number are one, at its first time."""
    found: dict[int, list[int]] = {}
    for number, (journey, names) in enumerate(zip(journeys, numbers, strict=True)):
        seen: set[str] = set()
        for (time, name), order in zip(journey, names, strict=True):
            if name == goal and (order is None or order not in seen):
                found.setdefault(number, []).append(time)
                seen.update(() if order is None else (order,))
    return found


def pauses(times: list[int]) -> list[int]:
    """Times from each order to the next."""
    return [times[i + 1] - times[i] for i in range(len(times) - 1)]
