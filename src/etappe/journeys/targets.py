"""Targets: what the figure of a touchpoint shall come to, from the text in which people write it."""

import re
from math import isfinite
from typing import Final, Literal

from etappe.errors import BadDocument, EtappeError
from etappe.units import duration_us
from etappe.vocabulary import Kpi, Touchpoint

SHARES: Final = ("reach", "conversion", "onward", "exit")
"""Figures that are shares."""
LOWER: Final = ("time", "exit")
"""Figures of which less is better."""
_PERCENT: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*%")
Verdict = Literal["reached", "missed", "open"]


def target_of(kpi: Kpi, text: str | float) -> float:
    """A target as a number: a share of 1, microseconds, or a number as it stands.

    Raises
    ------
    BadDocument
        The text is no target for this figure.

    Examples
    --------
    >>> target_of("reach", "12,5 %"), target_of("time", "2d"), target_of("satisfaction", "4.2")
    (0.125, 172800000000.0, 4.2)
    """
    wanted = text.strip() if isinstance(text, str) else f"{text:g}"
    if kpi in SHARES:
        found = _PERCENT.fullmatch(wanted)
        if found is None or not 0 < float(found[1].replace(",", ".")) <= 100:
            raise BadDocument("target", f"{text!r} is no share.", "Write it in per cent, such as 25 %.")
        return float(found[1].replace(",", ".")) / 100
    if kpi == "time":
        try:
            return float(duration_us(wanted, "target"))
        except EtappeError as error:
            raise BadDocument("target", error.what, error.hint) from None
    try:
        value = float(wanted.replace(",", "."))
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise BadDocument("target", f"{text!r} is no number.", "Write one such as 4.2.")
    return value


def fault_of(touchpoint: Touchpoint) -> BadDocument | None:
    """What is wrong with a touchpoint's figure and target, if anything."""
    if touchpoint.target and touchpoint.kpi is None:
        return BadDocument("target", "a target needs a figure.", "Add kpi: reach, conversion, time, exit or another.")
    try:
        if touchpoint.target and touchpoint.kpi is not None:
            target_of(touchpoint.kpi, touchpoint.target)
    except EtappeError as error:
        return BadDocument("target", error.what, error.hint)
    return None


def verdict(kpi: Kpi, target: float, low: float | None, high: float | None) -> Verdict:
    """Whether a target is reached; open as long as the interval holds it, or there is none.

    Examples
    --------
    >>> verdict("reach", 0.25, 0.26, 0.31), verdict("exit", 0.25, 0.26, 0.31), verdict("reach", 0.28, 0.26, 0.31)
    ('reached', 'missed', 'open')
    """
    if low is None or high is None or low < target < high:
        return "open"
    above = low >= target
    return "reached" if above != (kpi in LOWER) or (low == high == target) else "missed"
