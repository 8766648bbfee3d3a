"""Naive: time from a start to an end with censoring, in slow plain Python and whole fractions."""

from fractions import Fraction

from naive import Journey


def watched(journeys: list[Journey], start: str, end: str, until: int) -> list[tuple[int, bool] | None]:
    """For each journey: how long it was watched and whether it arrived; None where it never began."""
    found: list[tuple[int, bool] | None] = []
    for journey in journeys:
        starts = [i for i, (_, name) in enumerate(journey) if name == start]
        if not starts:
            found.append(None)
            continue
        began = journey[starts[0]][0]
        arrivals = [time for time, name in journey[starts[0] + 1 :] if name == end]
        found.append((arrivals[0] - began, True) if arrivals else (until - began, False))
    return found


def remaining(held: list[tuple[int, bool]], time: int) -> Fraction:
    """The share that has not arrived after a time, by redistribution to the right (Efron 1967).

    Each journey begins with the weight 1/n. Who is censored gives its weight in equal parts to all watched for longer;
    at the same time those that arrive come first. What lies on nobody else stays.
    """
    order = sorted(held, key=lambda one: (one[0], not one[1]))
    weights = [Fraction(1, len(order))] * len(order)
    for i, (_, arrived) in enumerate(order):
        later = range(i + 1, len(order))
        if not arrived and later:
            for j in later:
                weights[j] += weights[i] / len(later)
            weights[i] = Fraction(0)
    gone = [weight for weight, (when, arrived) in zip(weights, order, strict=True) if arrived and when <= time]
    return 1 - sum(gone, Fraction(0))


def median(held: list[tuple[int, bool]]) -> int | None:
    """The first time at which half or less remains; the middle of the stretch where exactly half does."""
    times = sorted({when for when, arrived in held if arrived})
    for i, time in enumerate(times):
        left = remaining(held, time)
        if left == Fraction(1, 2) and i + 1 < len(times):
            return (time + times[i + 1]) // 2
        if left <= Fraction(1, 2):
            return time
    return None
