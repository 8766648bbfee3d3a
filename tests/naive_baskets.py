"""Naive: pairs of items in baskets, in slow plain Python."""

from itertools import combinations

Basket = tuple[int, frozenset[str]]
"""Whose it is, and what is in it."""


def pairs(baskets: list[Basket]) -> dict[frozenset[str], list[int]]:
    """Pair to the journeys of the baskets that hold both, one entry a basket."""
    found: dict[frozenset[str], list[int]] = {}
    for owner, items in baskets:
        for one, other in combinations(sorted(items), 2):
            found.setdefault(frozenset((one, other)), []).append(owner)
    return found
