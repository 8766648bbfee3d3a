"""Naive steps: for each journey and position, look where the journey is."""

from collections import Counter

Journey = list[tuple[int, str]]
Cell = tuple[int, str, str]


def place(journey: Journey, around: str | None, position: int) -> tuple[str, str] | None:
    """Name and kind of where a journey is at a position; None for a journey without `around`."""
    names = [name for _, name in journey]
    if around is None:
        at = position - 1
    elif around in names:
        at = names.index(around) + position
    else:
        return None
    if at < 0:
        return "not_begun", "not_begun"
    return (names[at], "touchpoint") if at < len(names) else ("ended", "ended")


def steps(journeys: list[Journey], around: str | None, depth: int, top: int, order: list[str]) -> Counter[Cell]:
    """Journeys in each cell that is not empty; `order` settles which of two equally frequent names is kept."""
    positions = range(1, depth + 1) if around is None else range(-depth, depth + 1)
    cells: Counter[Cell] = Counter()
    for journey in journeys:
        for position in positions:
            found = place(journey, around, position)
            if found is not None:
                cells[(position, *found)] += 1
    frequent: Counter[str] = Counter()
    for (_, name, kind), count in cells.items():
        if kind == "touchpoint":
            frequent[name] += count
    kept = sorted(frequent, key=lambda name: (-frequent[name], order.index(name)))[:top]
    told: Counter[Cell] = Counter()
    for (position, name, kind), count in cells.items():
        rest = kind == "touchpoint" and name not in kept
        told[(position, "other", "other") if rest else (position, name, kind)] += count
    return told
