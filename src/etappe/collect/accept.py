"""Accept: rows against a plan give events, attributes and refusals; accepted, left out and refused rows are all rows.

A row is taken whole or refused whole: if one of its events is at fault, none of them is stored, so that the corrected
row can be imported again. Work is done on whole columns; each distinct text is judged once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from etappe.arrays import Column, Int
from etappe.collect import times, values
from etappe.collect.plan import Condition, EventPlan, Plan, Source
from etappe.collect.refusals import Refusal, refusal
from etappe.expression import mask

CODED: Final = pa.dictionary(pa.int32(), pa.string())
EVENT_SCHEMA: Final = pa.schema(
    [
        pa.field("customer", CODED, nullable=False),
        pa.field("time_us", pa.int64(), nullable=False),
        pa.field("touchpoint", CODED, nullable=False),
        pa.field("channel", CODED),
        pa.field("value", pa.int64()),
        pa.field("currency", CODED),
        pa.field("order", pa.string()),
        pa.field("properties", pa.string()),
    ]
)
ATTRIBUTE_SCHEMA: Final = pa.schema(
    [pa.field(name, pa.string(), nullable=False) for name in ("customer", "name", "value")]
)
Bool = NDArray[np.bool_]

# Controls, format characters (zero width, soft hyphen, byte-order and bidi marks), other kinds of blanks, fillers.
_INVISIBLE: Final = (
    r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}"
    r"\x{034f}\x{115f}\x{1160}\x{2800}\x{3164}\x{ffa0}\x{fe00}-\x{fe0f}]"
)


@dataclass(slots=True)
class Batch:
    """Rows of a file as columns of any Arrow type, by position; `raw(rows)` gives all fields of some rows."""

    file: str
    columns: dict[int, pa.Array]
    lines: Int
    raw: Callable[[Int], list[Sequence[Any]]]
    broken: list[Refusal] = field(default_factory=list)


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """What came of some rows of a file: `rows` were read, of them `left_out` by `where` and `len(refused)` refused."""

    events: pa.Table | None
    attributes: pa.Table | None
    refused: list[Refusal]
    rows: int
    left_out: int = 0
    file: str = ""


def _plain_ascii(names: pa.Array) -> bool:
    """Whether no byte of the texts is a blank, a control or beyond ASCII: then nothing needs to be cleaned."""
    data = names.buffers()[2]
    if data is None:
        return True
    used = np.frombuffer(data, np.uint8)
    return len(used) == 0 or (int(used.min()) > 32 and int(used.max()) < 127)


def _number_text(x: float) -> str:
    return f"{x:.0f}" if x == x // 1 and abs(x) < 2**63 else repr(x)


def _texts(array: pa.Array) -> pa.Array:
    """The texts of an array of any type; whole floating numbers without ".0"."""
    kind = array.type
    if pa.types.is_string(kind):
        return array
    if pa.types.is_floating(kind):  # NaN is how data frames write a missing id
        return pa.array([None if x is None or x != x else _number_text(x) for x in array.to_pylist()], pa.string())
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return times.moments(array)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_duration(kind):
        return pa.array([None if x is None else str(x) for x in array.to_pylist()], pa.string())
    return array.cast(pa.string())


def texts_at(column: pa.Array | pa.ChunkedArray, rows: pa.Array) -> list[str]:
    """The texts of some cells of a column; empty where there is none."""
    taken = column.take(rows)
    if isinstance(taken, pa.ChunkedArray):
        taken = taken.combine_chunks()
    if pa.types.is_dictionary(taken.type):
        taken = taken.dictionary_decode()
    return ["" if text is None else str(text) for text in _texts(taken).to_pylist()]


def coded(array: pa.Array, empty: tuple[str, ...] = ()) -> pa.DictionaryArray:
    """An array as coded texts, stripped of outer blanks; blank texts and those of `empty` are null."""
    if not pa.types.is_dictionary(array.type):
        kind = array.type
        encodable = not (pa.types.is_nested(kind) or pa.types.is_decimal(kind) or pa.types.is_string_view(kind))
        array = (array if encodable else _texts(array)).dictionary_encode()
    names = _texts(array.dictionary)
    indices = array.indices.cast(pa.int32())
    if (
        names.null_count
        or not _plain_ascii(names)
        or len(names) == 1
        or empty
        or pc.any(pc.equal(pc.binary_length(names), 0)).as_py()
    ):
        clean = pc.ascii_trim_whitespace(names)
        blank = pc.equal(pc.binary_length(clean), 0)
        if empty:
            blank = pc.or_(blank, pc.is_in(clean, value_set=pa.array(empty, pa.string())))
        again = pc.if_else(blank, pa.scalar(None, pa.string()), clean).dictionary_encode()
        names, indices = again.dictionary, again.indices.take(indices)
    elif names.type != pa.string():
        names = names.cast(pa.string())
    return pa.DictionaryArray.from_arrays(indices, names)


def _nulls(array: pa.Array) -> Bool:
    if not array.null_count:
        return np.zeros(len(array), bool)
    return array.is_null().to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _by_code(array: pa.DictionaryArray, judged: NDArray[Any]) -> NDArray[Any]:
    """What was judged of each distinct text, for every row; zero where there is none."""
    codes = array.indices.fill_null(len(judged)).to_numpy(zero_copy_only=False)
    return np.append(judged, judged.dtype.type(0))[codes]  # type: ignore[no-any-return]


class _Work:
    """A batch at work: cleaned columns, computed once, and the first fault of each row."""

    def __init__(self, batch: Batch, plan: Plan) -> None:
        self.batch, self.plan = batch, plan
        self.n = len(batch.lines)
        self.fault = np.zeros(self.n, np.uint16)
        self.faults: list[tuple[str, Source | None, str]] = [("", None, "")]
        self._coded: dict[int, pa.DictionaryArray] = {}
        self._sound: dict[int, Bool] = {}

    def coded(self, position: int) -> pa.DictionaryArray:
        if position not in self._coded:
            self._coded[position] = coded(self.batch.columns[position], self.plan.empty)
        return self._coded[position]

    def refuse(self, bad: Bool, code: str, source: Source | None, example: str = "") -> None:
        if bad.any():
            self.faults.append((code, source, example))
            self.fault[bad & (self.fault == 0)] = len(self.faults) - 1

    def text(self, source: Source) -> pa.DictionaryArray:
        """The coded texts of a source, renamed."""
        if source.position is None:
            indices = pa.array(np.zeros(self.n, np.int32)) if source.constant else pa.nulls(self.n, pa.int32())
            return pa.DictionaryArray.from_arrays(indices, pa.array([source.constant or ""], pa.string()))
        array = self.coded(source.position)
        if not source.rename:
            return array
        renamed = pa.array([source.rename.get(name, name) for name in array.dictionary.to_pylist()], pa.string())
        again = renamed.dictionary_encode()
        return pa.DictionaryArray.from_arrays(again.indices.take(array.indices), again.dictionary)

    def identifier(self, source: Source, wanted: Bool, missing: str | None) -> pa.DictionaryArray:
        """An id's texts; a missing id, one with invisible characters and one that lost digits are refused."""
        array = self.text(source)
        if missing:
            self.refuse(wanted & _nulls(array), missing, source)
        if not _plain_ascii(array.dictionary):
            hidden = pc.match_substring_regex(array.dictionary, _INVISIBLE).to_numpy(zero_copy_only=False)
            if hidden.any():
                self.refuse(wanted & _by_code(array, hidden), "invisible-character", source)
        column = None if source.position is None else self.batch.columns[source.position]
        if column is not None and pa.types.is_floating(column.type):
            numbers = column.fill_null(0).to_numpy(zero_copy_only=False)
            self.refuse(wanted & ~(np.abs(numbers) < 2**53), "imprecise-id", source)
        return array

    def holds(self, condition: Condition) -> Bool:
        columns = {}
        for name, position in condition.positions.items():
            array = self.coded(position)
            codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False) + 1
            columns[name] = Column(codes, (None, *array.dictionary.to_pylist()))
        return mask(condition.expression, columns)

    def clocked(self, position: int, clock: Source) -> pa.DictionaryArray:
        """Days with the times of day beside them; a day without one stays a whole day."""
        days = pc.replace_substring_regex(self.coded(position).cast(pa.string()), " 00:00:00$", "")
        hours = pc.replace_substring_regex(self.text(clock).cast(pa.string()), r"^(\d:)", r"0\1")
        both = pc.binary_join_element_wise(days, hours, " ")
        return pc.coalesce(both, days).dictionary_encode()

    def times(self, event: EventPlan, wanted: Bool) -> tuple[Int, Bool]:
        """The times of an event and where it happens at all; under [[event]] an empty time is no event."""
        position = event.time.position
        assert position is not None
        column = self.batch.columns[position]
        plain = event.clock is None and not pa.types.is_dictionary(column.type)
        native = times.native_us(column, event.form) if plain else None
        if native is None:
            array = self.coded(position) if event.clock is None else self.clocked(position, event.clock)
            by_name = times.texts_us(array.dictionary, event.form)
            us, reasons = _by_code(array, by_name[0]), _by_code(array, by_name[1])
            reasons[_nulls(array)] = times.MISSING
        else:
            us, reasons = native
        if self.plan.many:
            wanted = wanted & (reasons != times.MISSING)
        for reason in np.unique(reasons).tolist():
            if reason:
                example = times.example(event.form) if reason == times.FORMAT else ""
                self.refuse(wanted & (reasons == reason), times.REASONS[reason], event.time, example)
        return us, wanted

    def value(self, source: Source, wanted: Bool) -> tuple[pa.Array, pa.DictionaryArray | None]:
        """The values, null where there is none, and the signs of currencies that stand beside them, if any do."""
        signs = None
        if source.position is None:
            amounts, reasons = values.texts_value([source.constant], values.NumberFormat("."))
            self.refuse(wanted & bool(reasons[0]), values.REASONS[reasons[0]], source)
            return pa.array(np.full(self.n, amounts[0])), None
        column = self.batch.columns[source.position]
        native = values.native_value(column) if not pa.types.is_dictionary(column.type) else None
        if native is None:
            array = self.coded(source.position)
            names = array.dictionary.to_pylist()
            kind = column.type
            text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
            form = self.plan.numbers if text else values.NumberFormat(".")
            form.find(names)
            judged, faults, marks = values.texts_money(names, form)
            amounts, reasons = _by_code(array, judged), _by_code(array, faults)
            missing = _nulls(array)
            if any(marks):
                coded_marks = pa.array([mark or None for mark in marks], pa.string()).dictionary_encode()
                indices = coded_marks.indices.take(array.indices)
                signs = pa.DictionaryArray.from_arrays(indices, coded_marks.dictionary)
        else:
            amounts, reasons = native
            missing = _nulls(column)
        for reason in np.unique(reasons).tolist():
            if reason:
                self.refuse(wanted & (reasons == reason), values.REASONS[reason], source)
        return pa.array(amounts, mask=missing if missing.any() else None), signs

    def currency(self, source: Source, wanted: Bool) -> pa.DictionaryArray:
        array = self.text(source)
        upper = [name.upper() for name in array.dictionary.to_pylist()]
        bad = np.asarray([not (len(name) == 3 and name.isascii() and name.isalpha()) for name in upper], bool)
        self.refuse(wanted & _by_code(array, bad), "bad-currency", source)
        again = pa.array(upper, pa.string()).dictionary_encode()
        return pa.DictionaryArray.from_arrays(again.indices.take(array.indices), again.dictionary)

    def agreed(
        self, mapped: pa.DictionaryArray | None, signs: pa.DictionaryArray, wanted: Bool, source: Source
    ) -> pa.DictionaryArray:
        """The currency that is mapped, else the one beside the amount; a row in which the two differ is refused."""
        beside = signs.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        known = [values.currencies(sign) for sign in signs.dictionary.to_pylist()]
        given = [] if mapped is None else mapped.dictionary.to_pylist()
        said = np.full(self.n, -1) if mapped is None else mapped.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        names = pa.array([*given, *(codes[0] for codes in known)], pa.string()).dictionary_encode()
        for sign, codes in enumerate(known):
            fits = np.asarray([name in codes for name in given] + [True], bool)  # -1, no currency, fits any
            self.refuse(wanted & (beside == sign) & ~fits[said], "other-currency", source)
        chosen = np.where(said >= 0, said, np.where(beside >= 0, beside + len(given), -1))
        indices = pa.array(chosen.astype(np.int32), mask=chosen < 0)
        return pa.DictionaryArray.from_arrays(names.indices.take(indices), names.dictionary)

    def properties(self, pairs: tuple[tuple[str, int], ...]) -> pa.Array:
        """One JSON object a row, keys sorted; what is missing is left out."""
        pieces = []
        for name, position in sorted(pairs):
            array = self.coded(position)
            kind = self.batch.columns[position].type
            key = "," + msgspec.json.encode(name).decode()
            # A number or a truth value of a typed column stays one; NaN and infinity, which JSON lacks, become texts.
            bare = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
            texts = [
                f"{key}:{text}" if bare and text.lstrip("-")[:1] in "0123456789tf"
                else f"{key}:{msgspec.json.encode(text).decode()}"
                for text in array.dictionary.to_pylist()
            ]  # fmt: skip
            pieces.append(pc.fill_null(pa.array(texts, pa.string()).take(array.indices), ""))
        if not pieces:
            return pa.nulls(self.n, pa.string())
        # Arrow's null_handling="skip" drops rows in which all are null (26.0), so missing pieces are empty texts here.
        joined = pc.binary_join_element_wise(*pieces, "")
        inner = pc.utf8_slice_codeunits(joined, 1)
        whole = pc.binary_join_element_wise("{", inner, "}", "")
        return pc.if_else(pc.equal(pc.binary_length(joined), 0), pa.scalar(None, pa.string()), whole)


@dataclass(slots=True)
class _Found:
    """The columns of one kind of event over all rows of a batch, and the rows in which it happens."""

    happens: Bool
    columns: list[Any]


def _event(work: _Work, event: EventPlan, kept: Bool) -> _Found:
    wanted = kept if event.where is None else kept & work.holds(event.where)
    us, wanted = work.times(event, wanted) if work.plan.many else (np.zeros(0, np.int64), wanted)
    customer = work.identifier(event.customer, wanted, "no-customer")
    if not work.plan.many:
        us, wanted = work.times(event, wanted)
    touchpoint = work.text(event.touchpoint)
    work.refuse(wanted & _nulls(touchpoint), "no-touchpoint", event.touchpoint)
    none = pa.DictionaryArray.from_arrays(pa.nulls(work.n, pa.int32()), pa.array([], pa.string()))
    value, signs = work.value(event.value, wanted) if event.value else (pa.nulls(work.n, pa.int64()), None)
    currency = work.currency(event.currency, wanted) if event.currency else none
    if signs is not None and event.value:
        currency = work.agreed(currency if event.currency else None, signs, wanted, event.value)
    if event.currency and value.null_count:  # a currency without a value says nothing
        indices = pc.if_else(value.is_null(), pa.scalar(None, pa.int32()), currency.indices)
        currency = pa.DictionaryArray.from_arrays(indices, currency.dictionary)
    channel = work.text(event.channel) if event.channel else none
    order = work.identifier(event.order, wanted, None) if event.order else none
    properties = work.properties(event.properties)
    return _Found(wanted, [customer, pa.array(us), touchpoint, channel, value, currency, order, properties])


def _joined(arrays: list[pa.Array]) -> pa.Array:
    if len(arrays) == 1:
        return arrays[0]
    whole = pa.chunked_array(arrays)
    return (whole.unify_dictionaries() if pa.types.is_dictionary(arrays[0].type) else whole).combine_chunks()


def _events(work: _Work, found: list[_Found], good: Bool) -> pa.Table:
    """The events of the good rows, in the order of rows, and within a row in the order of the mapping."""
    picks = [np.flatnonzero(good & kind.happens) for kind in found]
    everything = len(found) == 1 and len(picks[0]) == work.n
    if everything:
        columns = found[0].columns
    else:
        columns = [
            _joined([kind.columns[i].take(pa.array(rows)) for kind, rows in zip(found, picks, strict=True)])
            for i in range(len(EVENT_SCHEMA))
        ]
        if len(found) > 1:
            order = pa.array(np.argsort(np.concatenate(picks), kind="stable"))
            columns = [column.take(order) for column in columns]
    order_id = columns[6]
    columns[6] = order_id.cast(pa.string()) if pa.types.is_dictionary(order_id.type) else order_id
    return pa.Table.from_arrays(columns, schema=EVENT_SCHEMA)


def _attributes(
    work: _Work, customer: pa.DictionaryArray, columns: tuple[tuple[str, int], ...], good: Bool
) -> pa.Table:
    """One row for each attribute that is given, customer by customer."""
    rows = np.flatnonzero(good)
    who = customer.take(pa.array(rows)).cast(pa.string())
    names, texts, people, order = [], [], [], []
    for name, position in columns:
        array = work.coded(position).take(pa.array(rows)).cast(pa.string())
        given = ~_nulls(array)
        people.append(who.filter(pa.array(given)))
        texts.append(array.filter(pa.array(given)))
        names.append(pa.array([name] * int(given.sum()), pa.string()))
        order.append(np.flatnonzero(given))
    by_row = pa.array(np.argsort(np.concatenate(order), kind="stable"))
    return pa.Table.from_arrays(
        [_joined(part).take(by_row) for part in (people, names, texts)], schema=ATTRIBUTE_SCHEMA
    )


def _refused(work: _Work) -> list[Refusal]:
    batch = work.batch
    rows = np.flatnonzero(work.fault)
    if not len(rows):
        return []
    lines, faults, raws = batch.lines[rows].tolist(), work.fault[rows].tolist(), batch.raw(rows)
    sources = {source.position: source for _, source, _ in work.faults if source and source.position is not None}
    held = {position: texts_at(batch.columns[position], pa.array(rows)) for position in sources}
    out = []
    for i, fault in enumerate(faults):
        code, source, example = work.faults[fault]
        column = value = None
        if source is not None and source.position is not None:
            column, value = source.name, held[source.position][i]
        out.append(refusal(batch.file, lines[i], code, raws[i], column, value, example))
    return out


def accept(batch: Batch, plan: Plan) -> Chunk:
    """Judge a batch: events and attributes of the good rows, a refusal for each other row."""
    work = _Work(batch, plan)
    kept = work.holds(plan.where) if plan.where else np.ones(work.n, bool)
    found = [_event(work, event, kept) for event in plan.events]
    people = None
    if plan.attributes is not None:
        people = work.identifier(plan.attributes[0], kept, "no-customer")
    good = kept & (work.fault == 0)
    refused = sorted([*batch.broken, *_refused(work)], key=lambda r: r.line)
    events = _events(work, found, good) if found else None
    attributes = None
    if plan.attributes is not None and people is not None:
        attributes = _attributes(work, people, plan.attributes[1], good)
    return Chunk(
        events=events,
        attributes=attributes,
        refused=refused,
        rows=work.n + len(batch.broken),
        left_out=int((~kept).sum()),
        file=batch.file,
    )
