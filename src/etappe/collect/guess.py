"""Guess: a mapping from the names and the values of a file's columns, said in sentences, for a person to check.

Names are tried first (German and English, and those of common exports), then values. Columns that look personal, and
free text, are left out of the properties: names, e-mail addresses and telephone numbers do not belong in the lake.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa

from etappe.collect import times, values
from etappe.collect.files import opened
from etappe.collect.mapping import AttributeMapping, Mapping, MoneyField, Ref, TextField, TimeField
from etappe.errors import BadMapping
from etappe.language import date, number, word
from etappe.units import MONEY, SECOND_US

ROWS: Final = 300
_FORMATS: Final = (None, "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M:%S",
                   "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%b %d, %Y", "%d %b %Y", "%d. %B %Y")  # fmt: skip
_NAMES: Final[dict[str, str]] = {
    "customer": "customeruniqueid customerid customernumber customer custid cust clientid client userid userpseudoid "
    "user visitorid memberid householdid household personid kundennummer kundenid kundennr kunde kundin "
    "kdnr nutzerid nutzer benutzerid benutzer besucherid besucher haushalt caseconceptname caseid case "
    "anonymousid distinctid profileid contactid leadid mqlid patientid accountid account konto uid who "
    "requesterid recordid respondentid leid euid emailaddress email customeremail mail id",
    "time": "timestamp time datetime timetimestamp eventtimestamp eventtime transactiontimestamp occurredat "
    "createdat zeitstempel zeitpunkt zeit datumuhrzeit datum orderpurchasetimestamp orderdate "
    "purchasedate bestelldatum kaufdatum paidat sentat receivedat date day tag at submitdateutc startdate "
    "createdate firstcontactdate optintime confirmtime",
    "touchpoint": "touchpoint event eventname conceptname activity activityname action aktivität aktion ereignis "
    "ereignisname kontaktpunkt eventtype ereignistyp vorgang schritt step",
    "channel": "channel kanal casechannel marketingchannel channelgroup channelgrouping vertriebskanal utmmedium "
    "medium origin via",
    "value": "value ordervalue totalprice total amount revenue price salesvalue dollarvalue transactionvalue "
    "paymentvalue grandtotal umsatz betrag gesamtbetrag warenwert wert preis summe bestellwert sales",
    "currency": "currency currencycode währung waehrung währungscode",
    "order": "orderid ordernumber order bestellnummer bestellid auftragsnummer transactionid invoiceno invoiceid "
    "invoice rechnungsnummer belegnummer basketid",
}  # fmt: skip
_PARTS: Final = {
    "customer": ("customer", "kunde", "user", "client", "household", "visitor", "member", "nutzer", "besucher", "case"),
    "time": ("timestamp", "datetime", "zeit", "datum", "date", "time"),
    "value": ("amount", "revenue", "betrag", "umsatz"),
}
_PERSONAL: Final = re.compile(
    r"mail|phone|telefon|mobil|first.?name|last.?name|vorname|nachname|full.?name|^name$|address|adresse|street|stra(ss|ß)e"
    r"|^ip|birth|geburt|billing|shipping|iban|latitude|longitude|notes?$|notiz|comment|message|description",
    re.IGNORECASE,
)


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping, and a sentence for each thing that was guessed."""

    mapping: Mapping
    sentences: list[str]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The first rows of a file as texts, column by column, and the names of the columns (none without a header)."""

    file: str
    header: list[str]
    columns: list[list[str]]


def _looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a first row holds values: one of them is a time or a number."""
    filled = [cell for cell in cells if cell]
    number = re.compile(r"[+-]?\d+([.,]\d+)?")
    return any(number.fullmatch(cell) or _time_format([cell]) is not False for cell in filled)


def sample(path: Path) -> Sample:
    """The first rows of a file.

    Raises
    ------
    BadFile
        It is missing, empty, or not what it should be.
    """
    rows = opened(path, Mapping(), True)
    named = not _looks_like_data(rows.header)
    if not named:
        rows = opened(path, Mapping(), False)
    columns: list[list[str]] = [[] for _ in rows.header]
    batch = next(rows.batches(tuple(range(len(rows.header)))), None)
    if batch is not None:
        columns = [_head(batch.columns[i]) for i in range(len(rows.header))]
    return Sample(file=rows.file, header=rows.header if named else [], columns=columns)


def _head(column: pa.Array) -> list[str]:
    from etappe.collect.accept import coded

    texts = coded(column.slice(0, ROWS)).cast(pa.string()).to_pylist()
    return [text or "" for text in texts]


def _time_format(texts: Sequence[str]) -> str | bool | None:
    """The format that reads most of some texts: None where it is found by itself, False where there is none."""
    filled = pa.array([text for text in texts if text], pa.string())
    if not len(filled):
        return False
    best, most = False, 0
    found: str | bool | None = best
    for form in _FORMATS:
        _, reasons = times.texts_us(filled, times.TimeFormat(form, "UTC"))
        good = int((reasons == times.OK).sum())
        if good > most and good >= 0.8 * len(filled):
            found, most = form, good
    if found is False:
        for form, digits in (("epoch_s", 10), ("epoch_ms", 13), ("epoch_us", 16)):
            if all(len(text) == digits and text.isdecimal() for text in filled.to_pylist()):
                return form
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


class _Guesser:
    def __init__(self, of: Sample, lang: str) -> None:
        self.of, self.lang = of, lang
        self.names = of.header or [""] * len(of.columns)
        self.taken: set[int] = set()
        self.said: list[str] = []

    def ref(self, at: int) -> Ref:
        """A column by its name; by its number where it has none, or shares it."""
        name = self.names[at]
        return name if name and self.names.count(name) == 1 else at + 1

    def say(self, role: str, at: int, why: str, **more: object) -> None:
        self.taken.add(at)
        reason = word(f"import.guess.why.{why}", self.lang, **more)
        label = word(f"import.guess.role.{role}", self.lang)
        self.said.append(word("import.guess.column", self.lang, role=label, column=self.ref(at), why=reason))

    def candidates(self, role: str) -> list[int]:
        """The columns whose name fits a role, the best name first."""
        order = {name: i for i, name in enumerate(_NAMES[role].split())}
        plain = [_plain(name) for name in self.names]
        exact = sorted((order[name], i) for i, name in enumerate(plain) if name in order)
        parts = [
            (p, not name.endswith("id"), i)
            for p, part in enumerate(_PARTS.get(role, ()))
            for i, name in enumerate(plain)
            if part in name and name not in order
        ]
        found = [i for _, i in exact] + [i for _, _, i in sorted(parts)]
        return [i for i in dict.fromkeys(found) if i not in self.taken]

    def filled(self, at: int) -> list[str]:
        return [text for text in self.of.columns[at] if text]

    def is_number(self, at: int) -> bool:
        form = values.NumberFormat()
        texts: list[str | None] = list(self.filled(at))
        form.find(texts)
        _, reasons = values.texts_value(texts, form)
        return bool(texts) and int((reasons == values.OK).sum()) >= 0.8 * len(texts)

    def missing(self, role: str) -> BadMapping:
        names = ", ".join(self.of.header) or f"1 … {len(self.of.columns)}"
        hint = f'Give a mapping with {role} = "…"; the file has these columns: {names}.'
        return BadMapping(self.of.file, f"no column looks like the {role}.", hint)

    def time(self) -> tuple[Ref | TimeField, bool]:
        """The time, and whether one of its texts has no offset."""
        empty = not any(self.of.columns[0]) if self.of.columns else True
        for why, places in (("name", self.candidates("time")), ("values", range(len(self.names)))):
            for at in places:
                if at in self.taken:
                    continue
                form = _time_format(self.of.columns[at])
                if why == "values" and (isinstance(form, str) and form.startswith("epoch")):
                    continue
                if form is False and not (empty and why == "name"):
                    continue
                self.say("time", at, why)
                texts = self.filled(at)
                bare = any(not re.search(r"(Z|UTC|[+-]\d\d:?\d\d)$", text) for text in texts)
                if isinstance(form, str):
                    self.said.append(word("import.guess.format", self.lang, format=form))
                    return TimeField(column=self.ref(at), format=form), bare and not form.startswith("epoch")
                return self.ref(at), bare
        raise self.missing("time")

    def customer(self) -> Ref:
        found = self.candidates("customer")
        if found:
            self.say("customer", found[0], "name")
            return self.ref(found[0])
        if not self.of.header:  # without names: the first column that is not the time
            at = next((i for i in range(len(self.names)) if i not in self.taken and self.filled(i)), None)
            if at is not None:
                self.say("customer", at, "first")
                return self.ref(at)
        raise self.missing("customer")

    def people(self) -> Guess | None:
        """A mapping of attributes, where a file has no time and each customer stands in it once."""
        found = self.candidates("customer")
        texts = self.filled(found[0]) if found else []
        if not texts or len(set(texts)) < len(texts):
            return None
        self.say("customer", found[0], "name")
        self.said.append(word("import.guess.attributes", self.lang))
        columns = self.properties()
        attributes = AttributeMapping(customer=self.ref(found[0]), columns=columns)
        return Guess(mapping=Mapping(attributes=attributes), sentences=self.said) if columns else None

    def by_name(self, role: str) -> int | None:
        for at in self.candidates(role):
            if role == "value" and not self.is_number(at):
                continue
            if self.filled(at) or not any(self.of.columns[at]):
                self.say(role, at, "name")
                return at
        return None

    def properties(self) -> list[Ref]:
        kept: list[Ref] = []
        left: list[Ref] = []
        for at, name in enumerate(self.names):
            texts = self.filled(at)
            if at in self.taken or not name or not texts:
                continue
            varied = len(set(texts)) > max(20, len(texts) // 2)
            long = max(len(text) for text in texts) > 60
            personal = bool(_PERSONAL.search(name)) or any("@" in text for text in texts)
            (left if personal or long or varied or len(kept) >= 20 else kept).append(self.ref(at))
        for key, refs in (("properties", kept), ("left_out", left)):
            if refs:
                self.said.append(word(f"import.guess.{key}", self.lang, columns=", ".join(map(str, refs))))
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
    try:
        time, bare = guesser.time()
    except BadMapping:
        people = guesser.people()
        if people is None:
            raise
        return people
    customer = guesser.customer()
    touch = guesser.by_name("touchpoint")
    channel = guesser.by_name("channel")
    money = guesser.by_name("value")
    if money is None and not of.header:  # the last column with decimals
        decimals = re.compile(r"[+-]?\d+[.,]\d{1,2}")
        places = [i for i in range(len(of.columns)) if i not in guesser.taken and guesser.filled(i)]
        money = next((i for i in reversed(places) if all(decimals.fullmatch(t) for t in guesser.filled(i))), None)
        if money is not None:
            guesser.say("value", money, "values")
    currency = guesser.by_name("currency") if money is not None else None
    order = guesser.by_name("order")
    touchpoint: Ref | TextField
    if touch is not None:
        touchpoint = guesser.ref(touch)
    else:
        name = "purchase" if money is not None or order is not None else re.sub(r"\..*", "", of.file) or "contact"
        touchpoint = TextField(value=name)
        guesser.said.append(word("import.guess.constant", lang, name=name))
    if bare:
        guesser.said.append(word("import.guess.timezone", lang, timezone=timezone))
    value: Ref | MoneyField | None = None if money is None else guesser.ref(money)
    if money is not None and currency is not None:
        value = MoneyField(column=guesser.ref(money), currency=TextField(column=guesser.ref(currency)))
    properties = guesser.properties()
    mapping = Mapping(
        timezone=timezone if bare else None,
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
        No column looks like a customer, or like a time; the message lists the columns.
    BadFile
        The file is missing, empty, or not what it should be.
    """
    return guess_mapping(sample(Path(path)), timezone=timezone, lang=lang)


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
