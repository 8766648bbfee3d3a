"""Naive: scores and segments of RFM, in slow plain Python."""

from math import floor


def score(values: list[int], value: int) -> int:
    """1 and a fifth for each fifth of the values that is smaller."""
    return 1 + floor(5 * sum(other < value for other in values) / len(values))


def segment(r: int, fm: int) -> str:
    """The named segment, in the order of the table in the documentation."""
    if r == 5 and fm >= 4:
        return "champions"
    if r >= 3 and fm >= 4:
        return "loyal"
    if r >= 4:
        return "potential_loyalists" if fm >= 2 else "new" if r == 5 else "promising"
    if r == 3:
        return "need_attention" if fm == 3 else "about_to_sleep"
    return "cannot_lose" if fm == 5 else "at_risk" if fm >= 3 else "hibernating"
