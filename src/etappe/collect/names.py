"""Names: what the names of columns say of their contents, word by word, in German and English.

A name is judged by whole words, never by a part of one: `Shipping Method` holds no ship, and `PhoneService` no number.
"""

import re
from collections.abc import Sequence
from typing import Final

NAMES: Final[dict[str, str]] = {
    "customer": "customeruniqueid customerid customernumber customer custid cust clientid client userid userpseudoid "
    "user visitorid memberid householdid household personid kundennummer kundenid kundennr kunde kundin "
    "kdnr nutzerid nutzer benutzerid benutzer besucherid besucher haushalt caseconceptname caseid case "
    "anonymousid distinctid profileid contactid leadid mqlid patientid accountid account konto uid who "
    "requesterid recordid respondentid leid euid emailaddress email customeremail mail id",
    "time": "timestamp time datetime timetimestamp eventtimestamp eventtime transactiontimestamp occurredat "
    "createdat zeitstempel zeitpunkt zeit datumuhrzeit datum orderpurchasetimestamp orderdate "
    "purchasedate bestelldatum kaufdatum paidat sentat receivedat date day tag at am submitdateutc startdate "
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
"""The names of each role as `plain` writes them, the surest first."""

_PARTS: Final = {
    "customer": ("customer", "kunde", "user", "client", "household", "visitor", "member", "nutzer", "besucher", "case"),
    "time": ("timestamp", "datetime", "zeit", "datum", "date", "time"),
}


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_AMOUNT: Final = _set("amount revenue total price value sum betrag umsatz preis summe wert")
_ORDER: Final = _set(
    "order purchase sale sales transaction payment basket cart invoice checkout item line total sub subtotal "
    "grand gross net paid brutto netto bestellung kauf einkauf warenkorb rechnung zahlung auftrag gesamt in "
    "eur euro usd gbp chf dollar"
)
_COMPOUND: Final = re.compile(
    r"(bestell|gesamt|rechnungs|kauf|einkaufs|waren|warenkorb|auftrags|zahl|zahlungs|end|brutto|netto|verkaufs)+"
    r"(betrag|umsatz|preis|summe|wert)"
)
_BIRTH: Final = _set("birth birthday birthdate dob geburt geburtstag geburtsdatum geboren born")
_DATED: Final = _set("date datum timestamp datetime zeitpunkt zeitstempel")
_MOMENT: Final = _set("time zeit uhrzeit at am")

_WORD: Final = re.compile(r"[A-ZÄÖÜ]+(?![a-zäöüß])|[A-ZÄÖÜ]?[a-zäöüß]+")
_PERSON: Final = _BIRTH | _set(
    "firstname lastname surname fullname forename username nickname vorname nachname familienname iban bic "
    "latitude longitude note notes notiz notizen bemerkung comment comments kommentar message nachricht "
    "description beschreibung owner besitzer ansprechpartner inhaber street straße strasse str address adresse "
    "anschrift hausnummer birthyear geburtsjahr fname lname kundenname streetaddress"
)
_REACH: Final = _set(
    "mail email phone telephone telefon tel mobil mobile handy fax ip whatsapp phonenumber telefonnummer handynummer "
    "mobilnummer rufnummer telefonnr emailaddress emailadresse mailadresse ipaddress ipadresse"
)
_WHOSE: Final = _set(
    "first last full given family middle user customer client contact deal owner billing shipping account "
    "company lead patient kunde kunden kontakt firma recipient sender agent"
)
_PLACE: Final = _set("city zip postcode plz company province ort stadt firma name")
_ADDRESSED: Final = re.compile(
    r"[^@\s]+@[^@\s]+|\+?\d[\d ()/.-]{5,}\d|\d{1,3}(\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]+:[0-9a-f]*"
)


def plain(name: str) -> str:
    """A name in small letters and without what joins its words."""
    return re.sub(r"[\W_]", "", name.lower())


def words(name: str) -> list[str]:
    """The words of a name, in small letters.

    Examples
    --------
    >>> words("OPTIN_IP"), words("PhoneService"), words("Deal owner")
    (['optin', 'ip'], ['phone', 'service'], ['deal', 'owner'])
    """
    return [word.lower() for word in _WORD.findall(name)]


def fitting(role: str, names: Sequence[str]) -> list[int]:
    """The columns whose name fits a role, the best name first.

    Examples
    --------
    >>> fitting("value", ["declared_monthly_revenue", "order_total_eur", "amount"])
    [2, 1]
    """
    order = {name: i for i, name in enumerate(NAMES[role].split())}
    short = [plain(name) for name in names]
    exact = [i for _, i in sorted((order[name], i) for i, name in enumerate(short) if name in order)]
    if role == "value":
        return exact + [i for i, name in enumerate(names) if i not in exact and _is_amount(name)]
    parts = [
        (p, not name.endswith("id"), i)
        for p, part in enumerate(_PARTS.get(role, ()))
        for i, name in enumerate(short)
        if part in name and name not in order
    ]
    found = list(dict.fromkeys(exact + [i for *_, i in sorted(parts)]))
    return [i for i in found if not is_birth(names[i])] if role == "time" else found


def is_birth(name: str) -> bool:
    """Whether a column holds days of birth, which are no events."""
    return bool(_BIRTH & set(words(name)))


def _is_amount(name: str) -> bool:
    """Whether a name is an amount of an order: the amount itself, and no word that makes it something else."""
    found = words(name)
    amounts = [word for word in found if word in _AMOUNT or _COMPOUND.fullmatch(word)]
    return bool(amounts) and all(word in _AMOUNT | _ORDER or _COMPOUND.fullmatch(word) for word in found)


def is_time(name: str, texts: Sequence[str]) -> bool:
    """Whether a column is named like a time; a plain number needs a clear name, since `delivery_time` may be days.

    Examples
    --------
    >>> is_time("Bestelldatum", ["gestern"]), is_time("created_at", ["x"]), is_time("response time", ["12"])
    (True, True, False)
    """
    found = words(name)
    if not found or is_birth(name):
        return False
    if _DATED & set(found) or found[-1].endswith(tuple(_DATED - {"date"})) or found[-1] in ("orderdate", "startdate"):
        return True
    numbers = all(re.fullmatch(r"[+-]?\d+([.,]\d+)?", text) for text in texts)
    return not numbers and (found[-1] in _MOMENT or plain(name) in NAMES["time"].split())


def is_personal(name: str, texts: Sequence[str]) -> bool:
    """Whether a column tells who somebody is: by words of its name, and for mail, telephone and IP by its content.

    Examples
    --------
    >>> is_personal("OPTIN_IP", ["10.0.0.1"]), is_personal("PhoneService", ["Yes", "No"])
    (True, False)
    >>> is_personal("Shipping Method", ["Express"]), is_personal("Shipping City", ["Ulm"])
    (False, True)
    """
    found = set(words(name))
    if _PERSON & found or plain(name) in ("name", "fullname"):
        return True
    if "name" in found and _WHOSE & found:
        return True
    if {"billing", "shipping", "rechnung", "liefer"} & found and _PLACE & found:
        return True
    if any("@" in text for text in texts):
        return True
    return bool(_REACH & found) and any(_ADDRESSED.fullmatch(text) for text in texts)
