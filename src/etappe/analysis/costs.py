"""Costs: what values of a dimension cost, as texts, a mapping or a file of two columns; and what came back.

ROAS (return on advertising spend) is value / cost, ROI (return on investment) is (value - cost) / cost.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from os import PathLike
from pathlib import Path

from etappe.errors import BadFile, BadQuestion, unknown
from etappe.units import MONEY

Costs = Mapping[str, float | str | Decimal] | Sequence[str] | str | PathLike[str]
"""{"email": 120.5}, ["email=120.50", "@more.csv"], or the path of a CSV file whose rows are a name and a cost."""
MOST = 10**12


def _money(text: str, where: str) -> int:
    try:
        cost = Decimal(text.strip())
    except InvalidOperation:
        cost = Decimal("NaN")
    if not cost.is_finite() or not 0 <= cost < MOST:
        raise BadQuestion(where, f"{text!r} is no cost.", "Write an amount such as 120.50, not below 0.")
    return int((cost * MONEY).to_integral_value())


def costs_texts(costs: Costs) -> tuple[str, ...]:
    """Costs as the question holds them.

    Raises
    ------
    BadFile
        The file cannot be read, or a row is no name and cost.

    Examples
    --------
    >>> costs_texts({"email": 120.5})
    ('email=120.5',)
    """
    if isinstance(costs, str | PathLike):
        return tuple(_rows(Path(costs)))
    if isinstance(costs, Mapping):
        return tuple(f"{name}={cost}" for name, cost in costs.items())
    return tuple(text for one in costs for text in (_rows(Path(one[1:])) if one.startswith("@") else (one,)))


def _rows(path: Path) -> Iterable[str]:
    """The rows of a file; a first one whose cost is no number is its heading. After ; a comma may be decimal."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        what = f"cannot be read: {getattr(fault, 'strerror', None) or 'it is not UTF-8'}."
        raise BadFile(str(path), what) from None
    mark = ";" if ";" in text.partition("\n")[0] else ","
    for number, row in enumerate(csv.reader(text.splitlines(), delimiter=mark), 1):
        if not any(cell.strip() for cell in row):
            continue
        place = f"{path.name}:{number}"
        if len(row) != 2:
            raise BadFile(place, f"{len(row)} cells are no name and cost.", "Write two columns: channel,cost.")
        name, cost = row[0].strip(), row[1].strip()
        if mark == ";" and "." not in cost:
            cost = cost.replace(",", ".")
        try:
            _money(cost, place)
        except BadQuestion:
            if number == 1:
                continue
            raise
        yield f"{name}={cost}"


def costs_of(texts: Sequence[str], names: Sequence[str], by: str) -> dict[str, int]:
    """Costs in 1/10,000 by name; several of one name add up.

    Raises
    ------
    UnknownName
        There is no such name in the dimension.
    BadQuestion
        A text is no name and cost.

    Examples
    --------
    >>> costs_of(["email=120.50", "email=1"], ["email"], "channel")
    {'email': 1215000}
    """
    found: dict[str, int] = {}
    for i, text in enumerate(texts):
        where = f"attribution: costs[{i}]"
        name, equals, cost = text.rpartition("=")
        if not equals:
            raise BadQuestion(where, f"{text!r} is no name and cost.", "Write it as email=120.50.")
        if name not in names:
            raise unknown(where, by, name, names)
        found[name] = found.get(name, 0) + _money(cost, where)
    return found


def returns(value: int | None, cost: int | None) -> tuple[float | None, float | None]:
    """ROAS and ROI; none without a value, or without a cost.

    Examples
    --------
    >>> returns(300, 200)
    (1.5, 0.5)
    """
    if value is None or not cost:
        return None, None
    return value / cost, (value - cost) / cost
