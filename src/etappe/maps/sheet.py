"""Sheet: a map as rows, one for each part, in CSV and Excel; people change texts and scores there and read it back.

Rows carry the whole document. What has no column of its own stands as JSON in `more`; the numbers are those of the day
and are not read back.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import msgspec

from etappe.collect.unpacked import refuse_large_workbook
from etappe.errors import BadDocument, BadFile, MissingExtra
from etappe.language import word
from etappe.maps.bound import SHOWN, Bound, BoundMap
from etappe.maps.document import BadMap, Fault, read_map
from etappe.maps.entries import for_excel, guarded, plain, said
from etappe.maps.figures import state_text, value_text
from etappe.maps.ink import COLOURS, TINTS
from etappe.maps.model import Cell, JourneyMap, nearest_line
from etappe.maps.parts import (
    KINDS,
    MAP,
    Name,
    Parts,
    Value,
    as_document,
    place_fields,
    place_of,
    stage_of,
    taken_apart,
)
from etappe.vocabulary import say

COLUMNS: Final = (
    "kind", "id", "stage", "lane", "place", "title", "text", "score", "arc", "severity", "evidence", "opportunity",
    "more", "lane_title", "basis", "value", "n", "low", "high", "state", "data_until", "language",
)  # fmt: skip
NUMBER_HEADS: Final = (
    "map.pdf.evidence", "map.pdf.value", "map.sheet.number", "map.sheet.unit", "answer.column.low",
    "answer.column.high", "map.pdf.n", "map.pdf.state", "map.sheet.data_until", "map.sheet.sentence",
)  # fmt: skip
SAID: Final = ("title", "text")
NUMBERS: Final = {"score": float, "arc": float, "severity": int}
LISTED: Final = ("evidence",)
MOST_ROWS: Final = 50_000
MOST_BYTES: Final = 50_000_000
"""Of an unpacked workbook: `MOST_ROWS` of a kilobyte each, and a map of 60 steps and 12 lanes takes below 2 MB."""
MOST_CELLS: Final = 2_000_000
"""Of a sheet: `MOST_ROWS` in twice as many columns as there are."""


def rows(bound: BoundMap, lang: str) -> Iterator[dict[str, Any]]:
    """A map's parts as rows, each with its texts in a language and its numbers of now."""
    parts = taken_apart(bound.map)
    listed = [MAP, *parts.orders["row"], *(name for kind in KINDS for name in parts.orders.get(kind, ()))]
    titles = {lane.id: say(lane.title, lang) for lane in bound.map.lanes}
    bases = {_where(c.cell): c.basis for c in bound.cells}
    cells = dict(zip(parts.orders["cell"], bound.map.cells, strict=True))
    for name in listed:
        row = _row(name, parts, bound, lang)
        if name in cells:
            row |= {"lane_title": titles.get(row["lane"]), "basis": bases.get(_where(cells[name]))}
        yield row


def _where(cell: Cell) -> tuple[Any, ...]:
    return cell.lane, cell.step, cell.stage, cell.start, cell.end, cell.refs, cell.validated


def _row(name: Name, parts: Parts, bound: BoundMap, lang: str) -> dict[str, Any]:
    kind, id = name
    value = dict(parts.values[name])
    row: dict[str, Any] = {"kind": kind, "id": bound.map.id if name == MAP else id}
    if kind == "step" and (home := stage_of(parts.orders["row"], name)):
        row["stage"] = home[1]
    if kind == "cell":
        row |= {"lane": value.pop("lane"), "place": place_of(value)}
        for key in ("step", "stage", "from", "to"):
            value.pop(key, None)
        refs = value.pop("evidence", None)
        row["evidence"] = ", ".join([refs] if isinstance(refs, str) else refs or [])
        row |= _numbers([bound.evidence[ref] for ref in _refs(refs) if ref in bound.evidence][:1])
    if kind == "evidence" and id in bound.evidence:
        row |= _numbers([bound.evidence[id]])
    for key in (*SAID, *NUMBERS, "opportunity"):
        if key in value and not (kind == "map" and key == "opportunity"):
            inner = value[key]
            row[key] = say(inner, lang) if key in SAID else inner
            if isinstance(inner, dict):
                row["language"] = lang
            if key not in SAID or isinstance(inner, str):
                value.pop(key)
    value.pop("id", None)
    if value:
        row["more"] = msgspec.json.encode(value).decode()
    return row


def _refs(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given or [])


def _numbers(found: list[Bound]) -> dict[str, Any]:
    for b in found:
        shown = b.state in SHOWN
        return {
            "value": b.value if shown else None, "n": b.n if shown else None, "low": b.low if shown else None,
            "high": b.high if shown else None, "state": b.state, "data_until": b.data_until,
        }  # fmt: skip
    return {}


# -- CSV ---------------------------------------------------------------------------------------------------------


def to_csv(bound: BoundMap, lang: str = "de") -> bytes:
    """A map as CSV, in UTF-8 with the mark that spreadsheets look for.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> from etappe.maps.evidence import bind
    >>> to_csv(bind(template("five-stages"))).decode("utf-8-sig").splitlines()[0][:24]
    'kind,id,stage,lane,place'
    """
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for row in rows(bound, lang):
        writer.writerow({key: guarded(value) for key, value in row.items()})
    return out.getvalue().encode("utf-8-sig")


def from_csv(content: bytes, where: str = "map.csv") -> JourneyMap:
    """A map from CSV rows.

    Raises
    ------
    BadMap
        With every fault and the row it stands in.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> from etappe.maps.evidence import bind
    >>> from_csv(to_csv(bind(template("five-stages")))) == template("five-stages")
    True
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadMap(where, [Fault(where, "", None, "is not written in UTF-8.", "Save it as CSV UTF-8.")]) from None
    try:
        dialect = csv.Sniffer().sniff(text[:4096], ",;\t")
        delimiter = dialect.delimiter
    except csv.Error:
        delimiter = ","
    if text.startswith("kind,id"):
        delimiter = ","
    try:
        found = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise BadMap(where, [Fault(where, "", None, f"cannot be read as CSV: {error}.")]) from None
    return from_rows(found, where)


# -- rows back to a map ------------------------------------------------------------------------------------------


def from_rows(given: Iterable[Mapping[str, Any]], where: str) -> JourneyMap:
    """A map from rows as `rows` gives them; the first is line 2, below the heads."""
    faults: list[Fault] = []
    parts = Parts({}, {"row": [], **{kind: [] for kind, key in KINDS.items() if key and kind != "stage"}})
    homes: list[tuple[Name, str, int]] = []
    told: dict[Name, int] = {}
    for line, row in enumerate(given, start=2):
        if line > MOST_ROWS:
            raise BadMap(where, [Fault(where, "", line, "there are more rows than any map has.")])
        if not any(plain(value) for value in row.values()):
            continue
        try:
            name, value = _part(row, where)
        except BadDocument as fault:
            faults.append(Fault(where, fault.where, line, fault.what, fault.hint))
            continue
        if name in parts.values:
            faults.append(Fault(where, "id", line, f"the {name[0]} {name[1]!r} stands twice.", "Give it another id."))
            continue
        parts.values[name], told[name] = value, line
        if name[0] == "step":
            homes.append((name, plain(row.get("stage")), line))
        elif name[0] == "stage":
            parts.orders["row"].append(name)
        elif name != MAP:
            parts.orders[name[0]].append(name)
    _put_home(parts, homes, faults, where)
    if MAP not in parts.values:
        faults.append(Fault(where, "kind", None, "there is no row of kind 'map'.", "It holds the map's id and title."))
    if faults:
        raise BadMap(where, faults)
    lines = _lines(parts, told)
    try:
        found = read_map(msgspec.json.encode(as_document(parts)).decode(), where)
    except BadMap as error:
        raise BadMap(
            where, [msgspec.structs.replace(one, line=nearest_line(lines, one.place)) for one in error.faults]
        ) from None
    found.__dict__["place_read"] = msgspec.structs.replace(found.place, lines=lines)
    return found


def _lines(parts: Parts, told: Mapping[Name, int]) -> dict[str, int]:
    """The row of each part, by its path in the document."""
    lines = {
        f"{key}[{i}]": told[name]
        for kind, key in KINDS.items()
        if key and kind != "stage"
        for i, name in enumerate(parts.orders.get(kind, ()))
    }
    stage = step = -1
    for name in parts.orders["row"]:
        stage, step = (stage + 1, -1) if name[0] == "stage" else (stage, step + 1)
        lines[f"stages[{stage}]" if name[0] == "stage" else f"stages[{stage}].steps[{step}]"] = told[name]
    return lines


def _put_home(parts: Parts, homes: list[tuple[Name, str, int]], faults: list[Fault], where: str) -> None:
    row = parts.orders["row"]
    for name, stage, line in homes:
        if ("stage", stage) not in row:
            known = ", ".join(one[1] for one in row if one[0] == "stage")
            faults.append(Fault(where, "stage", line, f"unknown stage {stage!r}.", f"Stages are {known}."))
            continue
        at = row.index(("stage", stage)) + 1
        while at < len(row) and row[at][0] == "step":
            at += 1
        row.insert(at, name)


def _part(row: Mapping[str, Any], where: str) -> tuple[Name, Value]:
    kind, id = plain(row.get("kind")), plain(row.get("id"))
    if kind != "map" and kind not in KINDS:
        raise BadDocument("kind", f"{kind!r} is no kind of part.", f"Kinds are map, {', '.join(KINDS)}.")
    value = _more(plain(row.get("more")))
    if kind == "cell":
        lane, place = plain(row.get("lane")), plain(row.get("place"))
        if not lane or not place:
            raise BadDocument("lane, place", "a cell needs its lane and its place.", "Such as pain and s4.")
        value |= {"lane": lane, **place_fields(place)}
        refs = [ref.strip() for ref in plain(row.get("evidence")).split(",") if ref.strip()]
        if refs:
            value["evidence"] = refs[0] if len(refs) == 1 else refs
        id = f"{lane} @ {place}"
    elif kind != "edge":
        value["id"] = id
    for key in SAID:
        text = said(row.get(key))
        old = value.get(key)
        if isinstance(old, dict):
            # A text that was changed is in the language that the file was written in.
            if text and text not in old.values():
                value[key] = {**old, plain(row.get("language")) or next(iter(old)): text}
        elif text or (key == "title" and kind in ("map", "stage", "step", "lane", "opportunity", "study")):
            value[key] = text
    for key, number in NUMBERS.items():
        given = plain(row.get(key))
        if given:
            try:
                value[key] = number(float(given.replace(",", ".")))
            except (ValueError, OverflowError):
                raise BadDocument(key, f"{given!r} is no number.", "Write such as 1.5.") from None
    if plain(row.get("opportunity")):
        value["opportunity"] = plain(row.get("opportunity"))
    if not id:
        raise BadDocument("id", f"the {kind} has no id.", "Give it a short one.")
    return (MAP if kind == "map" else (kind, id)), value


def _more(text: str) -> Value:
    if not text:
        return {}
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadDocument("more", "is no JSON object.", "Leave the column as it was written.")
    return cast(Value, found)


# -- Excel -------------------------------------------------------------------------------------------------------


def to_xlsx(bound: BoundMap, lang: str = "de") -> bytes:
    """A map as an Excel workbook: the matrix for people, the parts as rows, the numbers.

    Raises
    ------
    MissingExtra
        openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
        from openpyxl.styles import Alignment, Font, PatternFill
        from openpyxl.utils import get_column_letter
    except ModuleNotFoundError:
        raise MissingExtra(
            "", "an Excel file needs openpyxl.", "Install it with: pip install 'etappe[excel]'"
        ) from None

    book = Workbook()
    sheet = book.active
    sheet.title = word("map.sheet.map", lang)
    for r, line in enumerate(_matrix(bound, lang), start=1):
        for c, (text, tint) in enumerate(line, start=1):
            cell = _put(sheet, r, c, text, cut=True)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if tint:
                cell.fill = PatternFill("solid", fgColor=tint.removeprefix("#"))
            if r <= 2 or c == 1:
                cell.font = Font(bold=True)
    sheet.freeze_panes = "B3"
    for c in range(1, len(bound.map.columns()) + 2):
        sheet.column_dimensions[get_column_letter(c)].width = 26
    listed = book.create_sheet(word("map.sheet.parts", lang))
    for r, row in enumerate([{column: column for column in COLUMNS}, *rows(bound, lang)], start=1):
        for c, column in enumerate(COLUMNS, start=1):
            _put(listed, r, c, row.get(column))
    numbers = book.create_sheet(word("map.sheet.numbers", lang))
    for c, head in enumerate(NUMBER_HEADS, start=1):
        _put(numbers, 1, c, word(head, lang))
    for r, b in enumerate(bound.evidence.values(), start=2):
        shown = b.state in SHOWN
        text = value_text(b, lang) if shown else "–"
        exact = (b.value, b.currency or b.unit, b.low, b.high, b.n) if shown else (None, b.unit, None, None, None)
        told = [say(b.label, lang), text, *exact, state_text(b, lang), b.data_until, say(b.sentence, lang)]
        for c, one in enumerate(told, start=1):
            _put(numbers, r, c, one, cut=True)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _put(sheet: Any, row: int, column: int, value: object, *, cut: bool = False) -> Any:
    """Write a cell; a text stays one, whatever it looks like (such as #N/A)."""
    cell = sheet.cell(row, column, for_excel(value, cut=cut))
    if isinstance(value, str):
        cell.data_type = "s"
    return cell


def _matrix(bound: BoundMap, lang: str) -> Iterator[list[tuple[str, str]]]:
    """The map as people see it: a row of stages, a row of steps, a row for each lane; with the tint of each cell."""
    m = bound.map
    stages: list[tuple[str, str]] = [(say(m.title, lang), "")]
    steps: list[tuple[str, str]] = [("", "")]
    for i, stage in enumerate(m.stages):
        tint = COLOURS["light"][f"tint{i % TINTS}"]
        for k, step in enumerate(stage.steps or (None,)):
            stages.append((say(stage.title, lang) if k == 0 else "", tint))
            steps.append((say(step.title, lang) if step else "", ""))
    yield stages
    yield steps
    for lane in m.lanes:
        line = [(say(lane.title, lang), "")] + [("", "")] * len(m.columns())
        for c in bound.cells:
            if c.lane.id != lane.id:
                continue
            told = [say(c.cell.text, lang), *(f"„{say(quote.text, lang)}“" for quote in c.cell.quotes)]
            told += [f"{c.score:+.1f}" if c.score is not None else ""]
            told += [
                f"{value_text(b, lang)} {say(b.label, lang)} (n = {b.n})" for b in bound.of(c.cell) if b.state in SHOWN
            ]
            before = line[c.first + 1][0]
            line[c.first + 1] = ("\n".join(part for part in (before, *told) if part), "")
        yield line


def from_xlsx(content: bytes, where: str = "map.xlsx") -> JourneyMap:
    """A map from an Excel workbook, from the sheet whose first head is `kind`.

    Raises
    ------
    BadMap
        It is none, would take too much memory, or with every fault and the row it stands in.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    file = io.BytesIO(content)
    try:
        refuse_large_workbook(file, where, MOST_BYTES, MOST_CELLS)
        book = CalamineWorkbook.from_filelike(file)
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    except BadFile as error:
        raise BadMap(where, [Fault(where, "", None, f"cannot be read as Excel: {error.what}", error.hint)]) from None
    except (CalamineError, OSError, ValueError) as error:
        fault = Fault(where, "", None, f"cannot be read as Excel: {str(error).splitlines()[0]}.")
        raise BadMap(where, [fault]) from None
    for sheet, lines in sheets.items():
        if lines and lines[0] and str(lines[0][0]) == "kind":
            heads = [str(head) for head in lines[0]]
            return from_rows([dict(zip(heads, line, strict=False)) for line in lines[1:]], f"{where}, sheet {sheet}")
    fault = Fault(where, "", None, "no sheet begins with the head 'kind'.", "Export a map to see how it is laid out.")
    raise BadMap(where, [fault])
