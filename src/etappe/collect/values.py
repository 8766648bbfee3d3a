"""Values: amounts of money as whole numbers of 1/10,000, exactly; NaN and infinity are refused, blank is no value."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from etappe.arrays import Int
from etappe.units import MONEY

Reasons = NDArray[np.uint8]
OK, NUMBER, NAN, INFINITE, MARK, LARGE = range(6)
REASONS: Final = ("", "not-a-number", "nan", "infinite", "wrong-decimal-mark", "value-too-large")
LIMIT: Final = 2**62
"""Room to add up: a single value stays below half of what int64 holds."""

_TYPESET: Final = {ord("−"): "-", ord("\u00a0"): " ", ord("\u202f"): " "}
"""The true minus sign, and the blanks that do not break: thousands marks in typeset exports."""
_NAN = re.compile(r"[+-]?(nan|#n/?a|#num!|#wert!|#value!|-?1\.#(ind|qnan))", re.IGNORECASE)
_INFINITE = re.compile(r"[+-]?(inf|infinity|∞|#div/0!|-?1\.#inf)", re.IGNORECASE)
_SURE = {".": re.compile(r"[+-]?[\d,' ]*\.(\d{1,2}|\d{4,})"), ",": re.compile(r"[+-]?[\d.' ]*,(\d{1,2}|\d{4,})")}
_PERHAPS = {".": re.compile(r"[+-]?\d+\.\d{3}"), ",": re.compile(r"[+-]?\d+,\d{3}")}


@dataclass(slots=True)
class NumberFormat:
    """How a file writes numbers; the decimal mark is what most of its first rows use, for the whole file."""

    decimal: str | None = None
    thousands: str | None = None

    def find(self, texts: list[str | None]) -> None:
        """Settle the decimal mark by the texts of the first rows, unless it is given."""
        if self.decimal is not None:
            return
        for patterns in (_SURE, _PERHAPS):
            votes = {m: sum(1 for t in texts if t and p.fullmatch(t)) for m, p in patterns.items()}
            if votes["."] or votes[","]:
                self.decimal = "." if votes["."] >= votes[","] else ","
                return


def _patterns(form: NumberFormat) -> tuple[re.Pattern[str], str]:
    mark = form.decimal or "."
    group = form.thousands or ("," if mark == "." else ".")
    d, g = re.escape(mark), re.escape(group)
    # A lone "1,234" could be a decimal mark as well: it counts as thousands only where the mapping says so.
    lone = rf"|\d{{1,3}}{g}\d{{3}}" if form.thousands else ""
    whole = rf"\d+|\d{{1,3}}(?:{g}\d{{3}}){{2,}}{lone}"
    pattern = rf"[+-]?(?:(?:{whole})(?:{d}\d*)?|\d{{1,3}}(?:{g}\d{{3}})+{d}\d+|{d}\d+)(?:[eE][+-]?\d{{1,3}})?"
    return re.compile(pattern, re.ASCII), group


def _exact(text: str) -> int | None:
    try:
        scaled = (Decimal(text) * MONEY).quantize(Decimal(1), ROUND_HALF_EVEN)
    except InvalidOperation:  # more digits than a decimal of 28 places holds
        return None
    return int(scaled) if abs(scaled) < LIMIT else None


def texts_value(texts: list[str | None], form: NumberFormat) -> tuple[Int, Reasons]:
    """1/10,000 and reasons of distinct texts; None (blank) gives 0 and no reason.

    Examples
    --------
    >>> amounts, reasons = texts_value(["1.50", "NaN", "1,50"], NumberFormat("."))
    >>> amounts.tolist(), [REASONS[r] for r in reasons]
    ([15000, 0, 0], ['', 'nan', 'wrong-decimal-mark'])
    """
    amounts, reasons = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.uint8)
    pattern, group = _patterns(form)
    other, _ = _patterns(NumberFormat("," if (form.decimal or ".") == "." else "."))
    mark = form.decimal or "."
    for row, text in enumerate(texts):
        if text is None:
            continue
        text = text.translate(_TYPESET).strip()
        if pattern.fullmatch(text):
            amount = _exact(text.replace(group, "").replace(mark, ".") if mark != "." or group in text else text)
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
    return amounts, reasons


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
    # Where the product lies near a half, or has no room for the fraction, its text decides.
    unsure = (np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) < 1e-6) | (np.abs(scaled) >= 2**50)
    exact = amounts.astype(np.int64)
    for row in np.flatnonzero(unsure).tolist():
        text = repr(float(finite[row])) if kind == pa.float64() else str(np.float32(finite[row]))
        exact[row] = _exact(text) or 0
    return exact, reasons
