"""Guess: a mapping from the names and the values of a file's columns, said in sentences, for a person to check.

Names are tried first (German and English, and those of common exports), then values. What could mean two things (a day,
a factor of 1,000) is asked for instead of guessed. Columns that look personal, and free text, are left out of the
properties: names, e-mail addresses and telephone numbers do not belong in the lake.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa

from etappe.collect import values
from etappe.collect.formats import ENOUGH, HALF, days_of, find_format, is_clock, is_shaped
from etappe.collect.mapping import AttributeMapping, Mapping, MoneyField, Ref, TextField, TimeField, mapping_toml
from etappe.collect.names import fitting, is_birth, is_personal, is_time
from etappe.collect.refusals import ADDED, is_refused_export
from etappe.collect.sample import Sample, sample
from etappe.errors import BadMapping
from etappe.language import date, number, word
from etappe.units import MONEY, SECOND_US

__all__ = ["Guess", "Sample", "guess", "guess_mapping", "sample", "sentences"]

_DECIMALS: Final = re.compile(r"[+-]?\d+[.,]\d{1,2}")
_MOST: Final = 20
"""Properties that are kept, and distinct values that are few."""


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping, and a sentence for each thing that was guessed."""

    mapping: Mapping
    sentences: list[str]


class _Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """How a column writes amounts: its marks where a number tells them, and the signs of its currencies."""

    decimal: str | None = None
    thousands: str | None = None
    signs: tuple[str, ...] = ()
    signed: bool = False
    """Whether most of them stand beside a currency."""


class _Guesser:
    def __init__(self, of: Sample, lang: str) -> None:
        self.of, self.lang = of, lang
        self.names = of.header or [""] * len(of.columns)
        self.taken: set[int] = {i for i, name in enumerate(self.names) if name in ADDED}
        self.said: list[str] = []

    def ref(self, at: int) -> Ref:
        """A column by its name; by its number where it has none, or shares it."""
        name = self.names[at]
        return name if name and self.names.count(name) == 1 else at + 1

    def tell(self, key: str, **given: object) -> None:
        self.said.append(word(f"import.guess.{key}", self.lang, **given))

    def say(self, role: str, at: int, why: str) -> None:
        self.taken.add(at)
        reason = word(f"import.guess.why.{why}", self.lang)
        self.tell("column", role=word(f"import.guess.role.{role}", self.lang), column=self.ref(at), why=reason)

    def candidates(self, role: str) -> list[int]:
        """The columns whose name fits a role, the best name first."""
        return [i for i in fitting(role, self.names) if i not in self.taken]

    def filled(self, at: int) -> list[str]:
        return [text for text in self.of.columns[at] if text]

    def fault(self, what: str, hint: str) -> BadMapping:
        return BadMapping(self.of.file, what, hint)

    def missing(self, role: str) -> BadMapping:
        names = ", ".join(self.of.header) or f"1 … {len(self.of.columns)}"
        hint = f'Give a mapping with {role} = "…"; the file has these columns: {names}.'
        return self.fault(f"no column looks like the {role}.", hint)

    # the time

    def unread(self, at: int) -> BadMapping:
        """Why a column that is named or shaped like a time is none."""
        texts, ref = self.filled(at), self.ref(at)
        found = find_format(texts, HALF)
        if found is None or found.format is None:
            odd = next((text for text in texts if find_format([text]) is None), texts[0])
            what = f"column {ref!r} looks like the time, but {odd!r} is no time that Etappe reads by itself."
            form = "%d.%m.%Y %H:%M"
            return self.fault(what, f"Give a mapping that says how it is written: {self.as_format(at, form)}.")
        forms = (found.format, *found.rivals)
        days = " or ".join(days_of(texts[0], forms))
        ways = " or ".join(self.as_format(at, form) for form in forms)
        return self.fault(f"column {ref!r}: {texts[0]!r} could be {days}.", f"Give a mapping that says which: {ways}.")

    def as_format(self, at: int, form: str) -> str:
        return mapping_toml(Mapping(time=TimeField(column=self.ref(at), format=form))).strip()

    def time(self) -> tuple[Ref | TimeField, bool] | None:
        """The time, and whether one of its texts has no offset; None where no column is named or shaped like one."""
        rows = any(any(column) for column in self.of.columns)
        faults: list[int] = []
        for at in self.candidates("time"):
            texts = self.filled(at)
            found = find_format(texts, HALF if is_time(self.names[at], texts) else ENOUGH)
            if found is not None and not found.rivals:
                return self.timed(at, "name", found.format, found.proof, faults)
            if not rows:
                return self.timed(at, "name", None, "", faults)
            if texts and (found is not None or is_time(self.names[at], texts)) and not is_clock(texts):
                faults.append(at)
        if faults:
            raise self.unread(faults[0])
        for at, name in enumerate(self.names):
            if at in self.taken or is_birth(name):
                continue
            found = find_format(self.of.columns[at])
            if found is not None and not found.rivals and not (found.format or "").startswith("epoch"):
                return self.timed(at, "values", found.format, found.proof, faults)
            if found.rivals if found is not None else is_shaped(self.filled(at)):
                faults.append(at)
        if faults:
            raise self.unread(faults[0])
        return None

    def timed(self, at: int, why: str, form: str | None, proof: str, faults: list[int]) -> tuple[Ref | TimeField, bool]:
        self.say("time", at, why)
        for other in faults:
            self.tell("other_time", column=self.ref(other), text=self.filled(other)[0])
        if form is not None and proof:
            self.tell("format_proved", format=form, text=proof)
        elif form is not None:
            self.tell("format", format=form)
        texts = self.filled(at)
        bare = any(not re.search(r"(Z|UTC|GMT|[+-]\d\d:?\d\d)$", text) for text in texts)
        bare = bare and not (form or "").startswith("epoch")
        clock = None if any(":" in text for text in texts) else self.clock(at, texts, form)
        if clock is not None:
            return TimeField(column=self.ref(at), clock=self.ref(clock), format=form and f"{form} %H:%M"), bare
        return (TimeField(column=self.ref(at), format=form) if form else self.ref(at)), bare

    def clock(self, day: int, texts: list[str], form: str | None) -> int | None:
        """The column of times of day that belongs to a column of whole days."""
        for at in range(len(self.names)):
            clocks = self.filled(at)
            if at in self.taken or not is_clock(clocks) or not is_time(self.names[at], clocks):
                continue
            found = find_format([f"{texts[0]} {clocks[0]}"])
            if form is None and (found is None or found.format is not None):
                self.tell("no_clock", column=self.ref(at), day=self.ref(day))
                continue
            self.taken.add(at)
            self.tell("clock", column=self.ref(at))
            return at
        return None

    # who and what

    def customer(self) -> Ref:
        found = self.candidates("customer")
        if found:
            at = self.best_filled(found)
            self.say("customer", at, "name")
            if at != found[0]:
                self.tell("emptier", column=self.ref(found[0]), **self.empty(found[0]))
            elif len(self.filled(at)) < ENOUGH * self.rows():
                self.tell("empty", column=self.ref(at), **self.empty(at))
            return self.ref(at)
        if not self.of.header:  # without names: the first column that is not the time
            unnamed = next((i for i in range(len(self.names)) if i not in self.taken and self.filled(i)), None)
            if unnamed is not None:
                self.say("customer", unnamed, "first")
                return self.ref(unnamed)
        raise self.missing("customer")

    def rows(self) -> int:
        return len(self.of.columns[0]) if self.of.columns else 0

    def empty(self, at: int) -> dict[str, int]:
        return {"empty": self.rows() - len(self.filled(at)), "rows": self.rows()}

    def best_filled(self, found: list[int]) -> int:
        """The first column that is filled; a bare id, which may be of anything, takes the place of none."""
        full = [at for at in found if len(self.filled(at)) >= ENOUGH * self.rows()]
        return next((at for at in full if at == found[0] or self.names[at].lower() != "id"), found[0])

    def people(self) -> Guess:
        """A mapping of attributes, where a file has no time and each customer stands in it once."""
        found = self.candidates("customer")
        if not found:
            raise self.missing("time")
        at = self.best_filled(found)
        texts = self.filled(at)
        self.say("customer", at, "name")
        self.tell("attributes")
        columns = self.properties()
        mapping = self.described(at, columns)
        if columns and len(set(texts)) == len(texts):
            return Guess(mapping=mapping, sentences=self.said)
        fault = self.missing("time")
        if not columns or len(set(texts)) < ENOUGH * len(texts):
            raise fault
        hint = f"{fault.hint} Where its rows tell of customers and not of events, it needs [attributes]:"
        raise self.fault(fault.what, f"{hint}\n\n{mapping_toml(mapping)}")

    def perhaps_people(self, customer: Ref, columns: list[Ref]) -> None:
        """Say that rows may tell of customers, where each stands in the file once and nothing names what happened."""
        at = next(i for i in range(len(self.names)) if self.ref(i) == customer)
        texts = self.filled(at)
        if len(texts) > 1 and len(set(texts)) == len(texts):
            toml = mapping_toml(self.described(at, columns or ["…"]))
            self.tell("perhaps_people", mapping=toml)

    def described(self, at: int, columns: list[Ref]) -> Mapping:
        return Mapping(**self.dialect(), attributes=AttributeMapping(customer=self.ref(at), columns=columns))

    def dialect(self) -> dict[str, Any]:
        """What a mapping says of how the file is written, where it is no plain file with commas."""
        mark = self.of.delimiter
        return {"delimiter": mark if mark in (";", "\t", "|") else None, "skip": self.of.skip}

    def by_name(self, role: str) -> int | None:
        for at in self.candidates(role):
            if self.filled(at) or not any(self.of.columns[at]):
                self.say(role, at, "name")
                return at
        return None

    # the value

    def amounts(self, at: int) -> _Amounts | None:
        """How a column writes amounts, None where it holds none.

        Raises
        ------
        BadMapping
            Each of its amounts could be a thousand times as much.
        """
        texts = self.filled(at)
        form = values.NumberFormat()
        if at not in self.of.typed:
            form.find(texts)
            thousands = form.grouped(texts)
        else:
            form.decimal, thousands = ".", None
        form.thousands = thousands
        _, reasons, signs = values.texts_money(list(texts), form)
        either, good = int((reasons == values.EITHER).sum()), int((reasons == values.OK).sum())
        infinite = int((reasons == values.INFINITE).sum())  # an amount gone wrong: its row is refused
        if not good + either or good + either + infinite < ENOUGH * len(texts):
            return None
        if either:
            text = next(t for t, reason in zip(texts, reasons, strict=True) if reason == values.EITHER)
            point = "." in text
            many = 'decimal = "," and thousands = "."' if point else 'decimal = "." and thousands = ","'
            few = 'decimal = "."' if point else 'decimal = ","'
            digits = re.sub(r"[^\d.,]", "", text)
            hint = f"Give a mapping with {many} for {re.sub('[.,]', '', digits)}, or with {few} for {digits}."
            raise self.fault(
                f"column {self.ref(at)!r}: {text!r} has a decimal or a thousands mark; no other amount tells which.",
                hint,
            )
        signed = sum(1 for sign in signs if sign)
        return _Amounts(
            decimal=None if at in self.of.typed else form.decimal,
            thousands=thousands,
            signs=tuple(dict.fromkeys(sign for sign in signs if sign)),
            signed=signed >= ENOUGH * len(texts),
        )

    def value(self) -> tuple[int, _Amounts] | None:
        """The value's column and how it writes amounts; a column that seems to be the value and is not read is told."""
        for at in self.candidates("value"):
            if not any(self.of.columns[at]) and self.rows():
                continue
            found = self.amounts(at) if self.filled(at) else _Amounts()
            if found is not None:
                self.say("value", at, "name")
                return at, found
            odd = next((text for text in self.filled(at) if any(c.isdigit() for c in text)), None)
            if odd is not None:
                self.taken.add(at)
                self.tell("no_amount", column=self.ref(at), text=odd)
        for at in reversed(range(len(self.names))) if not self.of.header else range(len(self.names)):
            texts = self.filled(at)
            if at in self.taken or not texts:
                continue
            bare = not self.of.header and all(_DECIMALS.fullmatch(text) for text in texts)  # the last with decimals
            if bare or any(values.texts_money([text], values.NumberFormat())[2][0] for text in texts[:1]):
                found = self.amounts(at)
                if found is not None and (bare or found.signed):
                    self.say("value", at, "values")
                    return at, found
        return None

    def money(self, at: int, found: _Amounts, currency: int | None) -> Ref | MoneyField:
        """The value in a mapping, and what its signs and marks say."""
        codes = [values.currencies(sign)[0] for sign in found.signs]
        if found.thousands:
            example = f"1{found.thousands}234{found.decimal}50"
            self.tell("marks", decimal=found.decimal, thousands=found.thousands, example=example)
        if currency is not None:
            return MoneyField(column=self.ref(at), currency=TextField(column=self.ref(currency)))
        if not codes:
            return self.ref(at)
        signs = ", ".join(found.signs)
        self.tell("currency", signs=signs, codes=", ".join(dict.fromkeys(codes)))
        one = codes[0] if len(set(codes)) == 1 else None
        return MoneyField(column=self.ref(at), currency=one) if one else self.ref(at)

    # the rest

    def properties(self) -> list[Ref]:
        kept: list[Ref] = []
        left: list[Ref] = []
        for at, name in enumerate(self.names):
            texts = self.filled(at)
            if at in self.taken or not name or not texts:
                continue
            varied = len(set(texts)) > max(_MOST, len(texts) // 2)
            long = max(len(text) for text in texts) > 60
            personal = is_personal(name, texts)
            (left if personal or long or varied or len(kept) >= _MOST else kept).append(self.ref(at))
        for key, refs in (("properties", kept), ("left_out", left)):
            if refs:
                self.tell(key, columns=", ".join(map(str, refs)))
        return kept


def guess_mapping(of: Sample, *, timezone: str = "UTC", lang: str = "en") -> Guess:
    """A mapping for a sample; see `guess`.

    Examples
    --------
    >>> columns = [["7"], ["2024-01-01"], ["visit"]]
    >>> found = guess_mapping(Sample(file="a.csv", header=["user_id", "time", "event"], columns=columns))
    >>> found.mapping.customer, found.sentences[0]
    ('user_id', 'The time is column time, by its name.')
    """
    guesser = _Guesser(of, lang)
    if of.skip:
        guesser.tell("skip", count=of.skip, line=of.skip + 1)
    timed = guesser.time()
    if timed is None:
        return guesser.people()
    time, bare = timed
    customer = guesser.customer()
    touch = guesser.by_name("touchpoint")
    channel = guesser.by_name("channel")
    worth = guesser.value()
    currency = guesser.by_name("currency") if worth is not None else None
    order = guesser.by_name("order")
    value = None if worth is None else guesser.money(*worth, currency)
    touchpoint: Ref | TextField
    if touch is not None:
        touchpoint = guesser.ref(touch)
    else:
        named = "purchase" if worth is not None or order is not None else re.sub(r"\..*", "", of.file) or "contact"
        touchpoint = TextField(value=named)
        guesser.tell("constant", name=named)
    if bare:
        guesser.tell("timezone", timezone=timezone)
    properties = guesser.properties()
    if touch is None and worth is None and order is None and of.header:
        guesser.perhaps_people(customer, properties)
    mapping = Mapping(
        **guesser.dialect(),
        timezone=timezone if bare else None,
        decimal=None if worth is None else worth[1].decimal,
        thousands=None if worth is None else worth[1].thousands,
        header=None if of.header else False,
        customer=customer,
        time=time,
        touchpoint=touchpoint,
        channel=None if channel is None else guesser.ref(channel),
        value=value,
        order=None if order is None else guesser.ref(order),
        properties=properties or None,
    )
    return Guess(mapping=mapping, sentences=guesser.said)


def guess(path: Path, *, timezone: str = "UTC", lang: str = "en") -> Guess:
    """A mapping for a file that came without one, with a sentence for each guess.

    Raises
    ------
    BadMapping
        No column looks like a customer, or like a time (the message lists the columns); a time or an amount could be
        read in two ways; or the file is an export of refused rows, which the mapping of its import reads.
    BadFile
        The file is missing, empty, or not what it should be.
    """
    of = sample(Path(path))
    if is_refused_export(of.header):
        hint = "Import it with the mapping of the import that refused them (`etappe imports` shows it)."
        raise BadMapping(of.file, "holds refused rows that Etappe exported; no mapping was given.", hint)
    return guess_mapping(of, timezone=timezone, lang=lang)


def sentences(events: pa.Table | None, lang: str, timezone: str = "UTC", count: int = 5) -> list[str]:
    """The first events as sentences, for a person to check a mapping by.

    Customers are named by their ids: it is the user's own file on the user's own screen.
    """
    if events is None:
        return []
    out = []
    for row in events.slice(0, count).to_pylist():
        moment = datetime.fromtimestamp(row["time_us"] // SECOND_US, UTC).astimezone(ZoneInfo(timezone))
        parts: dict[str, Any] = {"channel": row["channel"], "order": row["order"]}
        if row["value"] is not None:
            amount = number(row["value"] / MONEY, lang, 2)
            parts["value"] = f"{amount} {row['currency']}" if row["currency"] else amount
        told = [
            word(f"import.sentence.{part}", lang, text=parts[part])
            for part in ("channel", "value", "order")
            if parts.get(part) is not None
        ]
        day = date(row["time_us"], lang, timezone)
        given = {"day": day, "time": f"{moment:%H:%M}", "customer": row["customer"], "touchpoint": row["touchpoint"]}
        out.append(word("import.sentence", lang, more="".join(told), **given))
    return out
