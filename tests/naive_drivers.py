"""Naive: what a journey did before its goal, or before its cut, in slow plain Python."""

from naive import Journey


def seen(journeys: list[Journey], goal: str, within: int, until: int) -> list[tuple[bool, list[int]] | None]:
    """For each journey: does it convert, and the positions that count; None where it is left out."""
    found: list[tuple[bool, list[int]] | None] = []
    delays: list[int] = []
    for journey in journeys:
        if not journey or journey[0][0] + within > until or journey[0][1] == goal:
            found.append(None)
            continue
        goals = [i for i, (time, name) in enumerate(journey) if name == goal and time <= journey[0][0] + within]
        if goals:
            delays.append(journey[goals[0]][0] - journey[0][0])
        found.append((bool(goals), list(range(goals[0])) if goals else []))
    delays.sort()
    number = 0
    for c, state in enumerate(found):
        if state is None or state[0]:
            continue
        number += 1
        spread = number * 0x9E3779B97F4A7C15 % 2**64 // 2**32
        cut = delays[spread * len(delays) // 2**32] if delays else within
        start = journeys[c][0][0]
        found[c] = (False, [i for i, (time, _) in enumerate(journeys[c]) if time - start <= cut])
    return found


def drivers(
    journeys: list[Journey], labels: list[list[str]], goal: str, within: int, until: int, times: int
) -> dict[str, tuple[int, int]]:
    """Label to (journeys that have it so often before, of these converted); labels stand beside the touchpoints."""
    counts: dict[str, tuple[int, int]] = {}
    for state, mine in zip(seen(journeys, goal, within, until), labels, strict=True):
        if state is None:
            continue
        converts, places = state
        before = [mine[i] for i in places]
        for label in set(before):
            if before.count(label) >= times:
                n, done = counts.get(label, (0, 0))
                counts[label] = (n + 1, done + converts)
    return counts
