"""Naive: contacts before the first purchase, in slow plain Python."""

from naive import Journey

Priced = list[int | None]


def before(
    journeys: list[Journey], goal: str, touch: set[str], prices: list[Priced]
) -> dict[int, tuple[int, int, int | None]]:
    """For each journey that bought: contacts before, the time from the first of them (0 without one), the price."""
    found = {}
    for number, (journey, paid) in enumerate(zip(journeys, prices, strict=True)):
        names = [name for _, name in journey]
        if goal in names:
            at = names.index(goal)
            times = [time for time, name in journey[:at] if name in touch]
            found[number] = (len(times), journey[at][0] - times[0] if times else 0, paid[at])
    return found


def price_class(price: int | None, edges: list[int]) -> int | None:
    """How many classes begin at or below the price."""
    return None if price is None else sum(edge <= price for edge in edges)
