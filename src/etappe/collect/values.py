"""Values: amounts of money as whole numbers of 1/10,000, exactly; NaN and infinity are refused, blank is no value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from etappe.arrays import Int
from etappe.units import MONEY

Reasons = NDArray[np.uint8]
OK, NUMBER, NAN, INFINITE, MARK, LARGE, EITHER = range(7)
REASONS: Final = ("", "not-a-number", "nan", "infinite", "wrong-decimal-mark", "value-too-large", "ambiguous-amount")
LIMIT: Final = 2**62
"""Room to add up: a single value stays below half of what int64 holds."""

_TYPESET: Final = {ord("−"): "-", ord("\u00a0"): " ", ord("\u202f"): " ", ord("’"): "'"}
"""The true minus sign, the blanks that do not break and the raised comma: thousands marks in typeset exports."""
_NAN = re.compile(r"[+-]?(nan|#n/?a|#num!|#wert!|#value!|-?1\.#(ind|qnan))", re.IGNORECASE)
_INFINITE = re.compile(r"[+-]?(inf|infinity|∞|#div/0!|-?1\.#inf)", re.IGNORECASE)


def _sure(d: str, g: str) -> re.Pattern[str]:
    """Numbers in which `d` can only be the decimal mark, `g` only a thousands mark."""
    d, g = re.escape(d), re.escape(g)
    after = rf"[\d{g}' ]*{d}(?:\d{{1,2}}|\d{{4,}})|(?:0|\d{{4,}})?{d}\d{{3}}|\d{{1,3}}(?:[{g}' ]\d{{3}})+{d}\d{{3}}"
    return re.compile(rf"[+-]?(?:{after}|\d{{1,3}}(?:{g}\d{{3}}){{2,}})", re.ASCII)


_SURE: Final = {".": _sure(".", ","), ",": _sure(",", ".")}
_EITHER: Final = re.compile(r"[+-]?[1-9]\d{0,2}([.,])\d{3}", re.ASCII)
"""One thousand and something, or one and three decimals: nothing in the number tells."""

_DOLLARS: Final = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD", "CLP", "COP", "ARS")
_CODES: Final = (
    "EUR USD GBP CHF SEK NOK DKK ISK PLN CZK HUF RON BGN TRY RUB UAH CAD AUD NZD JPY CNY HKD SGD INR KRW BRL MXN ZAR "
    "ILS AED SAR THB IDR MYR PHP TWD CLP COP ARS"
)
_SIGNS: Final[dict[str, tuple[str, ...]]] = {
    "$": _DOLLARS, "US$": ("USD",), "€": ("EUR",), "EURO": ("EUR",), "£": ("GBP",), "FR.": ("CHF",), "SFR.": ("CHF",),
    "ZŁ": ("PLN",), "₹": ("INR",), "₺": ("TRY",), "₽": ("RUB",), "₩": ("KRW",), "KČ": ("CZK",),
} | {code: (code,) for code in _CODES.split()}  # fmt: skip
_SIGN: Final = "|".join(sorted((re.escape(sign) for sign in _SIGNS), key=len, reverse=True))
_MONEY: Final = re.compile(
    rf"(?P<minus>[+-]?) *(?P<before>{_SIGN}) *(?P<inner>[+-]?)(?P<number>[\d.,][^a-z€$£]*)"
    rf"|(?P<rest>[^a-z€$£]*\d[.,]?) *(?P<after>{_SIGN})",
    re.IGNORECASE,
)


def currencies(sign: str) -> tuple[str, ...]:
    """What a sign or a code beside an amount may mean, the most usual first.

    Examples
    --------
    >>> currencies("€"), currencies("$")[:2]
    (('EUR',), ('USD', 'CAD'))
    """
    return _SIGNS.get(sign, ())


_DIGITS: Final = frozenset("0123456789")


def _bare(text: str) -> tuple[str, str]:
    """An amount without its currency, and the currency's sign or code; "" where it has none."""
    if text[-1:] in _DIGITS and text[:1] in _DIGITS and text.isascii():  # most are plain numbers
        return text, ""
    text = text.translate(_TYPESET).strip()
    match = _MONEY.fullmatch(text)
    if match is None:
        return text, ""
    if match["before"]:
        return (match["minus"] or match["inner"]) + match["number"].strip(), match["before"].upper()
    return match["rest"].strip(), match["after"].upper()


@dataclass(slots=True)
class NumberFormat:
    """How a file writes numbers; the decimal mark is what most of its first rows use, for the whole file.

    It stays None where no number tells: `1,234` alone is then refused, since a guess could be wrong by 1,000.
    """

    decimal: str | None = None
    thousands: str | None = None

    def find(self, texts: Sequence[str | None]) -> None:
        """Settle the decimal mark by the texts of the first rows, unless it is given."""
        if self.decimal is not None:
            return
        if self.thousands in (".", ","):
            self.decimal = "," if self.thousands == "." else "."
            return
        numbers = [_bare(text)[0] for text in texts if text]
        votes = {mark: sum(1 for number in numbers if p.fullmatch(number)) for mark, p in _SURE.items()}
        if self.thousands is not None and not any(votes.values()):  # then a point or a comma is no thousands mark
            marks = [match[1] for number in numbers if (match := _EITHER.fullmatch(number))]
            votes = {mark: marks.count(mark) for mark in votes}
        if any(votes.values()):
            self.decimal = "." if votes["."] >= votes[","] else ","

    def grouped(self, texts: Sequence[str | None]) -> str | None:
        """The thousands mark that lone groups such as `1,234` have, once the decimal mark is settled and all agree."""
        if self.decimal is None or self.thousands is not None:
            return None
        other = "," if self.decimal == "." else "."
        numbers = [_bare(text)[0] for text in texts if text]
        if any(_SURE[other].fullmatch(number) for number in numbers):
            return None
        lone = (match[1] for number in numbers if (match := _EITHER.fullmatch(number)))
        return other if other in lone else None


def _patterns(form: NumberFormat) -> tuple[re.Pattern[str], str]:
    mark = form.decimal or "."
    group = form.thousands or ("," if mark == "." else ".")
    d, g = re.escape(mark), re.escape(group)
    # A lone "1,234" could be a decimal mark as well: it counts as thousands only where the mapping says so.
    lone = rf"|\d{{1,3}}{g}\d{{3}}" if form.thousands else r"|\d{1,3}(?: \d{3})+|\d{1,3}(?:'\d{3})+"
    whole = rf"\d+|\d{{1,3}}(?:{g}\d{{3}}){{2,}}{lone}"
    pattern = rf"[+-]?(?:(?:{whole})(?:{d}\d*)?|\d{{1,3}}(?:{g}\d{{3}})+{d}\d+|{d}\d+)(?:[eE][+-]?\d{{1,3}})?"
    return re.compile(pattern, re.ASCII), group


def _exact(text: str) -> int | None:
    try:
        scaled = (Decimal(text) * MONEY).quantize(Decimal(1), ROUND_HALF_EVEN)
    except InvalidOperation:  # more digits than a decimal of 28 places holds
        return None
    return int(scaled) if abs(scaled) < LIMIT else None


def texts_money(texts: Sequence[str | None], form: NumberFormat) -> tuple[Int, Reasons, list[str]]:
    """1/10,000, reasons and currencies of distinct texts; None (blank) gives 0 and no reason.

    A currency is the sign or the code beside an amount, as it stands there in capitals (see `currencies`), or "".

    Examples
    --------
    >>> amounts, reasons, signs = texts_money(["1.234,50 €", "12,00"], NumberFormat(","))
    >>> amounts.tolist(), signs
    ([12345000, 120000], ['€', ''])
    """
    amounts, reasons = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.uint8)
    signs = [""] * len(texts)
    pattern, group = _patterns(form)
    other, _ = _patterns(NumberFormat("," if (form.decimal or ".") == "." else "."))
    mark = form.decimal or "."
    unsettled = form.decimal is None and form.thousands is None
    marks = str.maketrans({group: None, " ": None, "'": None, mark: "."})
    for row, text in enumerate(texts):
        if text is None:
            continue
        text, signs[row] = _bare(text)
        if unsettled and _EITHER.fullmatch(text):
            reasons[row] = EITHER
        elif pattern.fullmatch(text):
            amount = _exact(text.translate(marks))
            if amount is None:
                reasons[row] = LARGE
            else:
                amounts[row] = amount
        elif _NAN.fullmatch(text):
            reasons[row] = NAN
        elif _INFINITE.fullmatch(text):
            reasons[row] = INFINITE
        else:
            lone = re.fullmatch(rf"[+-]?\d{{1,3}}{re.escape(group)}\d{{3}}", text)
            reasons[row] = MARK if lone or other.fullmatch(text) else NUMBER
    return amounts, reasons, signs


def texts_value(texts: Sequence[str | None], form: NumberFormat) -> tuple[Int, Reasons]:
    """1/10,000 and reasons of distinct texts, whatever their currency; None (blank) gives 0 and no reason.

    Examples
    --------
    >>> amounts, reasons = texts_value(["1.50", "NaN", "1,50"], NumberFormat("."))
    >>> amounts.tolist(), [REASONS[r] for r in reasons]
    ([15000, 0, 0], ['', 'nan', 'wrong-decimal-mark'])
    """
    return texts_money(texts, form)[:2]


def native_value(column: pa.Array) -> tuple[Int, Reasons] | None:
    """1/10,000 and reasons of a number column, all rows at once; None where it must be read as text.

    A floating number stands for its shortest decimal text: 0.285 is 2,850, whatever its binary digits.
    """
    kind = column.type
    reasons = np.zeros(len(column), np.uint8)
    missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else np.zeros(len(column), bool)
    if pa.types.is_integer(kind):
        if kind == pa.uint64():
            return None
        whole = column.fill_null(0).cast(pa.int64()).to_numpy(zero_copy_only=False)
        large = (whole >= LIMIT // MONEY) | (whole <= -(LIMIT // MONEY))
        reasons[large] = LARGE
        return np.where(large, 0, whole) * MONEY, reasons
    if not pa.types.is_floating(kind):
        return None
    number = column.fill_null(0).cast(pa.float64()).to_numpy(zero_copy_only=False)
    reasons[np.isnan(number) & ~missing] = NAN
    reasons[np.isinf(number)] = INFINITE
    finite = np.where(reasons == OK, number, 0)
    large = np.abs(finite) >= LIMIT / MONEY
    reasons[large] = LARGE
    finite = np.where(large, 0, finite)
    scaled = finite * MONEY
    amounts = np.rint(scaled)
    # Where the product lies as near to a half as it may be off, or has no room for the fraction, its text decides.
    near = np.maximum(1e-6, np.abs(scaled) * 2.0**-51)
    unsure = (np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) < near) | (np.abs(scaled) >= 2**50)
    exact = amounts.astype(np.int64)
    for row in np.flatnonzero(unsure).tolist():
        text = repr(float(finite[row])) if kind == pa.float64() else str(np.float32(finite[row]))
        exact[row] = _exact(text) or 0
    return exact, reasons
