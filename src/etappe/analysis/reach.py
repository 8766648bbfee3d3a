"""Reach: how many journeys touch each touchpoint at least once.

Unit of count: the journey for `journeys` and `share`; the touchpoint event for `events` and `value`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from etappe.analysis.answer import Answer, Caution, Finding, Question, answer, caution, listed
from etappe.analysis.groups import within_group
from etappe.analysis.intervals import or_none, shares
from etappe.analysis.kernel import WORD, arrays_of, join, kernel, plain
from etappe.analysis.partials import Base, Partial, base_of, merged
from etappe.arrays import Int, distinct, over_parts
from etappe.errors import BadQuestion
from etappe.journeys.columns import Journeys
from etappe.units import NO_VALUE

VALUE: Final = "value"
LIGHT: Final = True
NEEDS: Final = ("value", "currency")
"""The columns that it reads beside time and touchpoint."""


class Reach(Question, frozen=True, kw_only=True):
    """How many journeys touch each touchpoint."""

    label: ClassVar[str] = "touchpoint"
    touchpoints: tuple[str, ...] = ()
    """Only these, in this order; all of them, the widest first, when empty."""


@kernel
def _count(offsets: Int, touchpoint: NDArray[Any], k: int, first: int, last: int) -> tuple[Int, Int]:
    """Events of each of k touchpoints, and journeys that touch it. O(t)."""
    events = np.zeros(k, np.int64)
    found = np.zeros(k, np.int64)
    seen = np.full(k, -1, np.int64)
    for c in range(first, last):
        codes = touchpoint[offsets[c] : offsets[c + 1]]
        for i in range(len(codes)):
            code = codes[i]
            events[code] += 1
            if seen[code] != c:
                seen[code] = c
                found[code] += 1
    return events, found


@kernel
def _sums(touchpoint: NDArray[Any], value: Int, currency: NDArray[Any], no_value: int, k: int, m: int) -> Int:
    """For each of m currencies and k touchpoints: sum in two words, and how many events have a value. O(t)."""
    out = np.zeros((3, m, k), np.int64)
    for i in range(len(touchpoint)):
        if value[i] != no_value:
            out[0, currency[i], touchpoint[i]] += value[i] >> 32
            out[1, currency[i], touchpoint[i]] += value[i] & 0xFFFFFFFF
            out[2, currency[i], touchpoint[i]] += 1
    return out


def _values(journeys: Journeys) -> Partial:
    """For each currency that has a value: sums in two words, and how many events have one, of each touchpoint."""
    offsets, _, touchpoint = arrays_of(journeys)
    k = len(journeys.touchpoints)
    if journeys.lazy_value is None or journeys.events == 0:
        return {}
    value = plain(journeys.value)
    names: tuple[str | None, ...] = (None,)
    codes = plain(np.zeros(journeys.events, np.uint8))
    if "currency" in journeys.columns:
        column = journeys.column("currency")
        names, codes = column.names, plain(column.codes)

    def work(first: int, last: int) -> Int:
        a, b = int(offsets[first]), int(offsets[last])
        return _sums(touchpoint[a:b], value[a:b], codes[a:b], NO_VALUE, k, len(names))

    out = sum(over_parts(offsets, work), np.zeros((3, len(names), k), np.int64))
    out[0] += out[1] >> WORD  # the low words stay low, so that partials may be added
    out[1] &= 2**WORD - 1
    found: Partial = {}
    for c in np.flatnonzero(out[2].sum(axis=1)).tolist():
        name = VALUE if names[c] is None else f"{VALUE} {names[c]}"
        found[name] = found[name] + out[:, c] if name in found else out[:, c]
    return found


def _value_columns(whole: Partial, chosen: list[int]) -> tuple[dict[str, list[Any]], tuple[Caution, ...]]:
    """Columns with the sums of values: one for a single currency, one each for several."""
    nothing: list[Any] = [None] * len(chosen)
    sums: dict[str | None, list[Any]] = {}
    for name, (high, low, count) in whole.items():
        kind, _, currency = name.partition(" ")
        if kind == VALUE:
            exact = join(high, low)
            sums[currency or None] = [_whole(exact[code]) if count[code] else None for code in chosen]
    if len(sums) <= 1:
        only, held = next(iter(sums.items()), (None, nothing))
        return {"value": held, "currency": [only if v is not None else None for v in held]}, ()
    each = {name or "?": sums[name] for name in sorted(sums, key=lambda name: name or "?")}
    columns = {f"value_{name}": held for name, held in each.items()}
    said = caution("mixed-currencies", currencies=", ".join(each))
    return {"value": nothing, "currency": nothing, **columns}, (said,)


def _whole(value: int) -> int:
    if abs(value) >= 2**63:
        raise BadQuestion("reach: value", "a sum of values is beyond what 64 bits hold.", "Ask for a shorter time.")
    return value


def partial(journeys: Journeys, question: Reach) -> Partial:
    """What some journeys contribute: events and journeys of each touchpoint, and its values in each currency."""
    offsets, _, touchpoint = arrays_of(journeys)
    k = len(journeys.touchpoints)
    for i, name in enumerate(question.touchpoints):
        journeys.code(name, f"reach: touchpoints[{i}]")
    parts = over_parts(offsets, lambda a, b: _count(offsets, touchpoint, k, a, b))
    events = sum((p[0] for p in parts), np.zeros(k, np.int64))
    found = sum((p[1] for p in parts), np.zeros(k, np.int64))
    return {"events": events, "journeys": found, **_values(journeys)}


def total(partials: Sequence[Partial], question: Reach, base: Base) -> Finding:
    """The finding that partials of disjoint customers come to."""
    whole = merged(partials)
    names, found = base.touchpoints, whole["journeys"]
    if question.touchpoints:
        chosen = [names.index(name) for name in question.touchpoints]
    else:
        chosen = sorted(range(len(names)), key=lambda code: (-int(found[code]), names[code]))
    share, low, high = shares(found[chosen], base.journeys)
    values, cautions = _value_columns({name: rows for name, rows in whole.items() if rows.ndim > 1}, chosen)
    columns = {
        "touchpoint": [names[code] for code in chosen],
        "journeys": found[chosen],
        "share": or_none(share),
        "low": or_none(low),
        "high": or_none(high),
        "events": whole["events"][chosen],
        **values,
    }
    return Finding(columns, {"journeys": base.journeys}, (base.journeys,), cautions)


def find(journeys: Journeys, question: Reach) -> Finding:
    """Count in one group of journeys."""
    return total([partial(journeys, question)], question, base_of(journeys))


def who(journeys: Journeys, question: Reach, row: Mapping[str, Any]) -> Int:
    """Positions of the journeys that touch the row's touchpoint."""

    def held(some: Journeys) -> Int:
        rows = np.flatnonzero(some.touchpoint == some.code(row["touchpoint"], "reach: row"))
        return distinct(np.searchsorted(some.offsets, rows, side="right") - 1).astype(np.int64)

    return within_group(journeys, question.by, row, "reach", held)


def reach(journeys: Journeys, touchpoints: Sequence[str] = (), *, by: str | None = None) -> Answer:
    """How many journeys touch each touchpoint at least once.

    Parameters
    ----------
    touchpoints : only these, in this order; by default all, the widest reach first (zeros stay: a zero is measured)
    by : a customer attribute, or a column read at the journey's first touchpoint

    Returns
    -------
    Answer
        touchpoint; journeys; share of all journeys with low and high (Wilson, 95 %); events; value (sum in 1/10,000,
        null where no event has one) and its currency. Several currencies are never added: `value` is null then, and
        each has a column such as `value_EUR`.

    Raises
    ------
    UnknownName
        A touchpoint or `by` is not in the data.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> reach(journeys_of([0, 2, 3], [0, 5, 1], [0, 0, 1], ["visit", "order"])).column("journeys")
    [1, 1]
    """
    question = Reach(touchpoints=listed(touchpoints, "reach: touchpoints"), by=by)
    return answer(journeys, question, find)
