"""Naive: how long each contact waits for an answer, in slow plain Python."""

from naive import Journey


def waits(journeys: list[Journey], contact: str, answers: set[str], until: int) -> list[tuple[int, int | None, int]]:
    """For each contact: whose it is, the time to its answer (None while there is none), its age when the data end."""
    found: list[tuple[int, int | None, int]] = []
    for number, journey in enumerate(journeys):
        for i, (time, name) in enumerate(journey):
            if name == contact:
                later = [when - time for when, other in journey[i + 1 :] if other in answers]
                found.append((number, min(later, default=None), until - time))
    return found
