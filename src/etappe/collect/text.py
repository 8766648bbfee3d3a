"""Text: the records of a text file, each with the physical line where it starts; what is no record is refused.

Most lines are judged a block at a time, by the places of delimiters and quotes, and parsed by Arrow. Only a line that
is not a whole record in itself (a quoted line break, a stray quote) is read letter by letter. A quote that does not
close within the limit of a field costs its own line only: reading goes on with the next one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from etappe.arrays import Int
from etappe.collect.accept import Batch
from etappe.collect.records import Fault, Unfinished, rough, split_record
from etappe.collect.refusals import FIELD_LIMIT, Refusal, refusal

Bytes = NDArray[np.uint8]
_BOM: Final = "\ufeff"
_UNDECODED: Final = re.compile("[\udc80-\udcff]")
_FULL, _QUOTE, _NUL, _HIGH, _RETURN = 1, 2, 4, 8, 16


@dataclass(slots=True)
class Records:
    """A text file cut into batches of records; `header` must be read before `batches`."""

    file: str
    blocks: Iterator[bytes]
    delimiter: str
    carry: bytes = b""
    line: int = 1
    width: int = 0
    done: bool = False
    ended: bool = False
    consumed: int = 0

    def _more(self) -> bool:
        block = next(self.blocks, None)
        if block is None:
            self.ended = True
            return False
        self.carry += block
        return True

    def first(self, skip: int) -> list[str] | None:
        """The fields of the first record after some lines, which is left in place; None in an empty file."""
        for _ in range(skip):
            while b"\n" not in self.carry and self._more():
                pass
            _, _, self.carry = self.carry.partition(b"\n")
            self.line += 1
        while True:
            while not self.carry.strip(b"\r\n") and self._more():
                pass
            text = self.carry[: 1 << 20].decode("utf-8", "replace")
            lead = len(text) - len(text.lstrip("\r\n"))
            if lead:
                self.line += text[:lead].count("\n")
                self.carry = self.carry[lead:]
                text = text[lead:]
            if not text:
                return None
            whole = self.ended or len(self.carry) >= 1 << 20
            try:
                fields, end = split_record(text, 0, self.delimiter, whole)
                if end == len(text) and not whole:
                    raise Unfinished
            except Unfinished:
                self._more()
                continue
            except Fault:
                fields = rough(text.split("\n")[0], self.delimiter)
            self.width = len(fields)
            return [field.strip(" \t\r\n" + _BOM) for field in fields]

    def drop_first(self) -> None:
        """Leave the first record out: it is the header."""
        text = self.carry[: 1 << 20].decode("utf-8", "replace")
        try:
            _, end = split_record(text, 0, self.delimiter, True)
        except (Fault, Unfinished):
            end = (text + "\n").find("\n")
        self.line += text[: end + 1].count("\n")
        self.carry = self.carry[len(text[: end + 1].encode()) :]

    def batches(self, needed: tuple[int, ...]) -> Iterator[Batch]:
        """Batches of the records that follow."""
        while not self.done:
            block = next(self.blocks, None)
            self.done = block is None
            data = self.carry + (block or b"")
            self.consumed += len(block or b"")
            if self.done:
                data += b"" if data.endswith(b"\n") or not data else b"\n"
                cut = len(data)
            else:
                cut = data.rfind(b"\n") + 1
            if cut:
                cutter = _Block(self, data[:cut], needed)
                batch, used = cutter.batch()
                self.line += cutter.lines_used
                self.carry = data[used:]
                if len(batch.lines) or batch.broken:
                    yield batch
            else:
                self.carry = data


class _Block:
    """Whole lines of a file, judged at once."""

    def __init__(self, of: Records, block: bytes, needed: tuple[int, ...]) -> None:
        self.of, self.block, self.needed = of, block, needed
        self.data: Bytes = np.frombuffer(block, np.uint8)
        breaks = np.flatnonzero(self.data == 10)
        self.starts: Int = np.r_[np.int64(0), breaks[:-1] + 1]
        self.ends: Int = breaks.astype(np.int64)
        self.ends = self.ends - ((self.ends > self.starts) & (self.data[self.ends - 1] == 13))
        self.lines_used = len(self.starts)
        self.broken: list[Refusal] = []
        self.slow: list[tuple[int, list[str]]] = []

    def text(self, line: int) -> str:
        return self.block[self.starts[line] : self.ends[line]].decode("utf-8", "replace")

    def refuse(self, line: int, code: str, fields: list[str] | None = None) -> None:
        fields = fields if fields is not None else rough(self.text(line), self.of.delimiter)
        self.broken.append(refusal(self.of.file, self.of.line + line, code, fields))

    def batch(self) -> tuple[Batch, int]:
        data, starts, ends = self.data, self.starts, self.ends
        kinds = np.zeros(256, np.uint8)
        kinds[:] = _FULL
        kinds[128:] |= _HIGH
        kinds[[10, 13, 32, 9, ord(self.of.delimiter)]] = 0
        kinds[13], kinds[34], kinds[0] = _RETURN, _QUOTE, _FULL | _NUL
        flags = np.bitwise_or.reduceat(kinds[data], starts)
        empty = ends == starts
        blank = ~empty & (flags & (_FULL | _QUOTE) == 0)
        wrong = ~empty & self._undecodable(flags)
        nul = flags & _NUL > 0
        mark = self._marked()
        faults = {"bad-encoding": wrong, "nul": nul, "byte-order-mark": mark, "blank-row": blank}
        broken = wrong | nul | mark | blank
        if self.of.delimiter == " ":
            plain_data, plain_starts, plain_ends = self._squeezed()
            quoted = flags & _QUOTE > 0
            counts, odd = _delimiters(plain_data, plain_starts, plain_ends, 32, simple=True)
            odd = quoted
        else:
            plain_data, plain_starts, plain_ends = data, starts, ends
            counts, odd = _delimiters(data, starts, ends, ord(self.of.delimiter), simple=not (flags & _QUOTE).any())
        returns = (flags & _RETURN > 0) & self._inner_returns()
        long = ends - starts > FIELD_LIMIT
        apart = ~empty & (odd | returns | long)
        taken = np.zeros(len(starts), bool)
        until = self._by_letter(np.flatnonzero(apart), taken, broken)
        rest = ~empty & ~taken & ~apart
        rest[until:] = False
        width = self.of.width
        for line in np.flatnonzero(rest & (broken | (counts != width - 1))).tolist():
            if line >= until:
                break
            if broken[line]:
                code = next(name for name, faulty in faults.items() if faulty[line])
                self.refuse(line, code)
            else:
                fields, _ = split_record(self.text(line), 0, self.of.delimiter, True)
                self.refuse(line, "extra-columns" if counts[line] >= width else "missing-columns", fields)
        good = rest & ~broken & (counts == width - 1)
        good[until:] = False
        self.lines_used = until
        used = int(starts[until]) if until < len(starts) else len(self.block)
        return self._batch(good, plain_data, plain_starts), used

    def _undecodable(self, flags: NDArray[np.uint8]) -> NDArray[np.bool_]:
        wrong = np.zeros(len(self.starts), bool)
        high = np.flatnonzero(flags & _HIGH)
        if len(high):
            try:
                self.block.decode("utf-8")
            except UnicodeDecodeError:
                for line in high.tolist():
                    try:
                        self.block[self.starts[line] : self.ends[line]].decode("utf-8")
                    except UnicodeDecodeError:
                        wrong[line] = True
        return wrong

    def _marked(self) -> NDArray[np.bool_]:
        marked = np.zeros(len(self.starts), bool)
        mark = _BOM.encode()
        at = self.block.find(mark)
        while at >= 0:
            marked[np.searchsorted(self.starts, at, side="right") - 1] = True
            at = self.block.find(mark, at + 3)
        return marked

    def _inner_returns(self) -> NDArray[np.bool_]:
        returns = np.flatnonzero(self.data == 13)
        inner = returns[self.data[np.minimum(returns + 1, len(self.data) - 1)] != 10]
        lines = np.zeros(len(self.starts), bool)
        lines[np.searchsorted(self.starts, inner, side="right") - 1] = True
        return lines

    def _squeezed(self) -> tuple[Bytes, Int, Int]:
        """The block with runs of blanks as one blank, none at the ends of lines; lines stay lines."""
        text = self.block.translate(bytes(32 if b == 9 else b for b in range(256)))
        while b"  " in text:
            text = text.replace(b"  ", b" ")
        text = text.replace(b"\r\n", b"\n").replace(b" \n", b"\n").replace(b"\n ", b"\n").removeprefix(b" ")
        data = np.frombuffer(text, np.uint8)
        breaks = np.flatnonzero(data == 10).astype(np.int64)
        return data, np.r_[np.int64(0), breaks[:-1] + 1], breaks

    def _by_letter(self, lines: Int, taken: NDArray[np.bool_], broken: NDArray[np.bool_]) -> int:
        """Read records that begin on certain lines letter by letter; returns the line where the next block begins."""
        after = 0
        for line in lines.tolist():
            if line < after:
                continue
            taken[line] = True
            start = int(self.starts[line])
            own = self.block[start : int(self.ends[line]) + 1].decode("utf-8", "surrogateescape")
            try:
                text, fields, end = self._record(start, own)
            except Unfinished:
                return int(line)
            except Fault as fault:
                code = "bad-encoding" if _UNDECODED.search(own) else str(fault.args[0])
                self.refuse(line, code)
                after = line + 1
                continue
            record = text[:end]
            after = line + 1 + record.count("\n")
            taken[line:after] = True
            code = self._fault(record, fields)
            if code:
                clean = [field.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for field in fields]
                self.refuse(line, code, clean)
            else:
                self.slow.append((line, fields))
        return len(self.starts)

    def _record(self, start: int, own: str) -> tuple[str, list[str], int]:
        """A record's text, fields and end: within its own line, else as far as its fields may be long."""
        delimiter, block = self.of.delimiter, self.block
        with suppress(Unfinished, Fault):
            if own.count('"') % 2:
                raise Unfinished
            return own, *split_record(own, 0, delimiter, False)
        most = len(own) * 4 + (FIELD_LIMIT + 3) * max(self.of.width, 1)
        for reach in (4_096, 65_536, most):
            text = block[start : start + reach].decode("utf-8", "surrogateescape")
            if start + reach >= len(block) or reach == most:
                break
            with suppress(Unfinished):
                fields, end = split_record(text, 0, delimiter, False)
                if end < len(text):  # else the last field may be cut
                    return text, fields, end
        return text, *split_record(text, 0, delimiter, self.of.done or start + most < len(block))

    def _fault(self, record: str, fields: list[str]) -> str:
        if _UNDECODED.search(record):
            return "bad-encoding"
        if "\0" in record:
            return "nul"
        if _BOM in record:
            return "byte-order-mark"
        if not any(field.strip() for field in fields):
            return "blank-row"
        if len(record) * 4 > FIELD_LIMIT and any(len(field.encode()) > FIELD_LIMIT for field in fields):
            return "too-long"
        width = self.of.width
        return "" if len(fields) == width else "extra-columns" if len(fields) > width else "missing-columns"

    def _batch(self, good: NDArray[np.bool_], data: Bytes, starts: Int) -> Batch:
        """The good lines parsed at once, with the records that were read by letter put in their places."""
        lines = np.flatnonzero(good)
        if len(lines) < len(good):
            lengths = np.diff(np.r_[starts, len(data)])
            data = data[np.repeat(good, lengths)]
        columns = {}
        names = [str(i) for i in range(self.of.width)]
        if len(lines) and self.needed:
            table = pa_csv.read_csv(
                pa.py_buffer(data.tobytes()),
                pa_csv.ReadOptions(column_names=names, block_size=max(len(data), 1), use_threads=False),
                pa_csv.ParseOptions(
                    delimiter=self.of.delimiter, quote_char='"', double_quote=True, ignore_empty_lines=False
                ),
                pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=[str(i) for i in self.needed],
                    null_values=[],
                    strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
            columns = {i: table.column(str(i)).combine_chunks() for i in self.needed}
        else:
            columns = {i: pa.array([], pa.string()) for i in self.needed}
        where = lines.astype(np.int64)
        if self.slow:
            where = np.r_[where, np.asarray([line for line, _ in self.slow], np.int64)]
            order = np.argsort(where, kind="stable")
            for i in self.needed:
                extra = pa.array([fields[i] for _, fields in self.slow], pa.string())
                columns[i] = pa.concat_arrays([columns[i], extra]).take(pa.array(order))
            where = where[order]
        by_line = dict(self.slow)
        return Batch(self.of.file, columns, where + self.of.line, self._raw(where, by_line), self.broken)

    def _raw(self, where: Int, by_line: dict[int, list[str]]) -> Callable[[Int], list[Sequence[Any]]]:
        def fields(line: int) -> Sequence[Any]:
            if line in by_line:
                return by_line[line]
            text, delimiter = self.text(line), self.of.delimiter
            return split_record(text, 0, delimiter, True)[0] if '"' in text else rough(text, delimiter)

        return lambda rows: [fields(line) for line in where[rows].tolist()]


def _delimiters(data: Bytes, starts: Int, ends: Int, delimiter: int, *, simple: bool) -> tuple[Int, NDArray[np.bool_]]:
    """For each line how many delimiters stand outside quotes, and whether its quotes are no whole fields."""
    marks = np.flatnonzero(data == delimiter)
    if simple:
        return np.searchsorted(marks, ends) - np.searchsorted(marks, starts), np.zeros(len(starts), bool)
    quotes = np.flatnonzero(data == 34)
    first = np.searchsorted(quotes, starts)
    line = np.searchsorted(starts, quotes, side="right") - 1
    opens = (np.arange(len(quotes)) - first[line]) % 2 == 0
    before, after = data[np.maximum(quotes - 1, 0)], data[np.minimum(quotes + 1, len(data) - 1)]
    # An opening quote follows a delimiter, the line's start or, where it is doubled, a quote; a closing one likewise.
    fits_open = (quotes == starts[line]) | (before == delimiter) | ((before == 34) & (quotes > starts[line]))
    fits_close = (quotes + 1 == ends[line]) | (after == delimiter) | (after == 34)
    unfit = np.where(opens, ~fits_open, ~fits_close)
    odd = (np.searchsorted(quotes, ends) - first) % 2 == 1
    odd[line[unfit]] = True
    mark_line = np.searchsorted(starts, marks, side="right") - 1
    outside = (np.searchsorted(quotes, marks) - first[mark_line]) % 2 == 0
    return np.bincount(mark_line[outside], minlength=len(starts)), odd
