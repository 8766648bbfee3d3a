"""Naive: the likelihoods and the expectation of BG/NBD and Gamma-Gamma as printed, in slow plain Python."""

from math import exp, lgamma, log

from naive import Journey


def likelihood(r: float, alpha: float, a: float, b: float, x: int, recency: float, age: float) -> float:
    """Logarithm of equation 6 of Fader, Hardie and Lee 2005."""

    def beta(one: float, other: float) -> float:
        return lgamma(one) + lgamma(other) - lgamma(one + other)

    def part(share: float, time: float) -> float:
        return share - beta(a, b) + lgamma(r + x) - lgamma(r) + r * log(alpha) - (r + x) * log(alpha + time)

    whole = exp(part(beta(a, b + x), age))
    if x > 0:
        whole += exp(part(beta(a + 1, b + x - 1), recency))
    return log(whole)


def expected(
    r: float, alpha: float, a: float, b: float, x: int, recency: float, age: float, time: float
) -> float:  # fmt: skip
    """Equation 10 of the paper, its hypergeometric function as a sum of 20,000 terms."""
    z = time / (alpha + age + time)
    term = series = 1.0
    for j in range(20_000):
        term *= (r + x + j) * (b + x + j) / (a + b + x - 1 + j) * z / (j + 1)
        series += term
    stays: float = ((alpha + age) / (alpha + age + time)) ** (r + x)
    above = (a + b + x - 1) / (a - 1) * (1 - stays * series)
    if x == 0:
        return above
    odds: float = ((alpha + age) / (alpha + recency)) ** (r + x)
    return above / (1 + a / (b + x - 1) * odds)


def value_likelihood(p: float, q: float, v: float, x: int, mean: float) -> float:
    """Logarithm of equation 3 of Fader and Hardie 2013."""
    return (
        lgamma(p * x + q) - lgamma(p * x) - lgamma(q)
        + q * log(v) + (p * x - 1) * log(mean) + p * x * log(x) - (p * x + q) * log(v + mean * x)
    )  # fmt: skip


def orders(journeys: list[Journey], goal: str, day: int, cut: int) -> dict[int, tuple[int, int, int, int]]:
    """For each customer with an order up to the day `cut`: orders after the first until then, days of the first and of
    the last of them, orders after it; one a day."""
    found = {}
    for number, journey in enumerate(journeys):
        days = sorted({time // day for time, name in journey if name == goal})
        before = [one for one in days if one <= cut]
        if before:
            found[number] = (len(before) - 1, before[0], before[-1], len(days) - len(before))
    return found
