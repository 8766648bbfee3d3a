"""Naive patterns: Python's `re` over one letter a touchpoint, tried for every stretch of a journey, longest first."""

import re

Journey = list[tuple[int, str]]
Match = tuple[int, int]


def patterns(
    journeys: list[Journey], regex: str, at_start: bool, at_end: bool, within: int | None
) -> list[list[Match]]:
    """For each journey its matches (first, one after the last): leftmost, then longest, then from its end on."""
    fits = re.compile(regex)
    found = []
    for journey in journeys:
        text = "".join(name for _, name in journey)
        matches: list[Match] = []
        begin = 0
        while begin < len(text):
            ends = [
                end
                for end in range(len(text), begin, -1)
                if not (at_start and begin > 0)
                and not (at_end and end < len(text))
                and (within is None or journey[end - 1][0] - journey[begin][0] <= within)
                and fits.fullmatch(text, begin, end)
            ]
            if ends:
                matches.append((begin, ends[0]))
            begin = ends[0] if ends else begin + 1
        found.append(matches)
    return found
