"""Naive: where a journey shows friction, in slow plain Python."""

from itertools import pairwise
from math import ceil

from naive import Journey

Marks = set[str]


def pauses(journeys: list[Journey]) -> list[int]:
    """All pauses between neighbours."""
    return [b[0] - a[0] for journey in journeys for a, b in pairwise(journey)]


def slow(journeys: list[Journey]) -> int:
    """The 90th percentile: the smallest pause that at least nine in ten do not exceed."""
    found = sorted(pauses(journeys))
    return found[ceil(len(found) * 9 / 10) - 1] if found else 0


def marks(
    journey: Journey, goal: str, errors: str, support: str, low: list[bool | None], limits: tuple[int, int, int, int]
) -> list[Marks]:
    """The signals of each touch; `low` says of each whether its score is low (None: no score)."""
    dwell, longest, near, within = limits
    found: list[Marks] = []
    for i, (time, name) in enumerate(journey):
        mine: Marks = set()
        names, after = [one for _, one in journey], journey[i + 1 :]
        if not after and goal not in names:
            mine.add("exit")
        if names[i : i + 3] == [name] * 3 and names[max(0, i - 1) : i] != [name]:
            mine.add("loop")
        if after and after[0][1] != name and after[0][1] in names[:i]:
            quick = after[0][0] - time <= dwell
            mine.add("u-turn" if quick and names[i - 1] == after[0][1] else "back-step")
        if after and after[0][0] - time > longest:
            mine.add("long-wait")
        if any(one in errors for _, one in after[:near]):
            mine.add("error")
        if any(one in support and at - time <= within for at, one in after):
            mine.add("support")
        scores = [(journey[j][0], verdict) for j, verdict in enumerate(low) if j >= i and verdict is not None]
        if scores and scores[0][0] - time <= within:
            mine.add("scored")
            if scores[0][1]:
                mine.add("low-score")
        found.append(mine)
    return found


def tally(
    journeys: list[Journey], found: list[list[Marks]], pairs: bool
) -> dict[tuple[str, ...], dict[str, list[int]]]:
    """Touchpoint, or pair, to signal to [journeys, touches]; "" counts all."""
    rows: dict[tuple[str, ...], dict[str, list[int]]] = {}
    for journey, mine in zip(journeys, found, strict=True):
        seen: set[tuple[tuple[str, ...], str]] = set()
        for i, (_, name) in enumerate(journey):
            if pairs and i + 1 == len(journey):
                continue
            key = (name, journey[i + 1][1]) if pairs else (name,)
            for mark in ("", *mine[i]):
                cell = rows.setdefault(key, {}).setdefault(mark, [0, 0])
                cell[0] += (key, mark) not in seen
                cell[1] += 1
                seen.add((key, mark))
    return rows
