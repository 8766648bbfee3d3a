"""Figures: a bound number as people read it, in German and English, with its base, interval, target and date."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from etappe.language import MINUS, date, number, word
from etappe.maps.model import SHOWN
from etappe.units import SECOND_US
from etappe.vocabulary import say

if TYPE_CHECKING:
    from etappe.maps.bound import Bound

PERIODS: Final = {
    "days": 86_400 * SECOND_US,
    "hours": 3_600 * SECOND_US,
    "minutes": 60 * SECOND_US,
    "seconds": SECOND_US,
}
_SIGNS: Final = {"EUR": "€", "USD": "$", "GBP": "£", "CHF": "CHF"}
NBSP: Final = "\u00a0"


def amount(value: float, unit: str, lang: str, currency: str | None = None) -> str:
    """A value with its unit.

    Examples
    --------
    >>> amount(41.7, "percent", "de")
    '41,7\\xa0%'
    >>> amount(2.6, "days", "en")
    '2.6\\xa0days'
    """
    if unit == "percent":
        return number(value, lang, 1) + (NBSP + "%" if lang == "de" else "%")
    if unit in PERIODS:
        text = number(value, lang, 0 if unit == "seconds" or value >= 100 else 1)
        one = text in ("1", "1,0", "1.0")
        return f"{text}{NBSP}{word(f'map.unit.{unit}.one' if one else f'map.unit.{unit}.other', lang)}"
    if unit == "money":
        text = number(value, lang, 0 if abs(value) >= 10_000 else 2)
        sign = _SIGNS.get(currency or "", currency or "")
        if not sign:
            return text
        return f"{sign}{text}" if lang == "en" and len(sign) == 1 else f"{text}{NBSP}{sign}"
    if unit == "nps":
        return signed(value, lang, 0)
    if unit == "score":
        return number(value, lang, 1)
    return number(value, lang, 0 if float(value).is_integer() else 1)


def signed(value: float, lang: str, digits: int = 1) -> str:
    """A number with its sign: "+1,2", "−0,3", "0,0".

    Examples
    --------
    >>> signed(1.2, "de")
    '+1,2'
    """
    text = number(value, lang, digits)
    return text if text.startswith(MINUS) or not any(c in "123456789" for c in text) else f"+{text}"


def value_text(bound: "Bound", lang: str) -> str:
    """The value, or an en dash where there is none to show."""
    if bound.value is None or bound.state not in SHOWN:
        return "–"
    return amount(bound.value, bound.unit, lang, bound.currency)


def _bare(value: float, bound: "Bound", lang: str) -> str:
    if bound.unit == "percent" or bound.unit in PERIODS:
        return number(value, lang, 1)
    return amount(value, bound.unit, lang, bound.currency)


def interval_text(bound: "Bound", lang: str) -> str:
    """The 95 % interval: "39,4 bis 44,1"."""
    if bound.low is None or bound.high is None or bound.state not in SHOWN:
        return ""
    return word("map.interval", lang, low=_bare(bound.low, bound, lang), high=_bare(bound.high, bound, lang))


def n_text(bound: "Bound", lang: str) -> str:
    """The base: "n = 1.715"."""
    return "" if bound.n is None else f"n{NBSP}={NBSP}{number(bound.n, lang)}"


def target_text(bound: "Bound", lang: str) -> str:
    """The target: "Ziel 12"."""
    if bound.target is None:
        return ""
    value = bound.target
    if bound.unit == "percent" or bound.unit in PERIODS or bound.unit == "score":
        text = number(value, lang, 0 if float(value).is_integer() else 1)
    else:
        text = amount(value, bound.unit, lang, bound.currency)
    return word("map.target", lang, value=text)


def day(text: str | None, lang: str, timezone: str = "UTC") -> str:
    """The day of an ISO time where the data are at home: late in the evening there is still the same day."""
    if not text:
        return ""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return date(round(moment.timestamp() * SECOND_US), lang, timezone if "T" in text else "UTC")


def state_text(bound: "Bound", lang: str) -> str:
    """Why a value is missing or should be read with care; empty where it is fresh."""
    if bound.state == "few":
        kind = "answers" if (bound.metric or "").startswith("survey.") else "journeys"
        return word(f"map.state.few.{kind}", lang, n=number(bound.n or 0, lang), min_n=number(bound.min_n, lang))
    if bound.state in ("failed", "none", "changed", "hidden"):
        return say(bound.why, lang)
    if bound.state == "stale":
        return word("map.state.stale", lang, day=day(bound.data_until, lang, bound.timezone))
    if bound.state == "held":
        return word("map.state.held", lang)
    return ""


def title_text(bound: "Bound", lang: str) -> str:
    """Everything about the number in one text, for a tooltip or a screen reader."""
    target = target_text(bound, lang)
    parts = [
        f"{say(bound.label, lang)}: {value_text(bound, lang)}",
        word("map.interval.95", lang, interval=interval_text(bound, lang)) if interval_text(bound, lang) else "",
        n_text(bound, lang),
        target,
        word("map.until", lang, day=day(bound.data_until, lang, bound.timezone)) if bound.data_until else "",
        state_text(bound, lang),
        say(bound.sentence, lang),
    ]
    return " · ".join(part for part in parts if part)
