"""Importing: rows of files on their way into the workspace: each accepted or kept as refused, all of a file or nothing.

Order of writing: the ledger says `writing`; Parquet files; one Delta commit for each table; then the ledger's
transaction with identifiers, refused rows and `done`. Whatever is cut off before that is cleared up by `recover`.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.exc import OperationalError

from etappe.apps.undoing import recover
from etappe.arrays import Int
from etappe.collect.files import Chunk, Refusal, content_hash, folders_of, header, read
from etappe.collect.guess import guess, sample, sentences
from etappe.collect.mapping import Mapping, mapping_toml, read_mapping
from etappe.collect.refusals import ADDED, is_refused_export
from etappe.collect.sql import sql_files
from etappe.errors import BadFile, EtappeError, NotWritten
from etappe.journeys.sorting import MOST_TOUCHPOINTS
from etappe.language import word
from etappe.store import imports as ledger
from etappe.store.identifiers import Actors

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace

Progress = Callable[[str, int, int | None], None]
"""Told the file, the rows so far, and how many there are where that is known."""

SHOWN: Final = 20


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file; rows = accepted rows + left out + refused."""

    id: str | None
    """None after a dry run."""
    file: str
    source: str
    status: str
    """imported, checked (a dry run) or already (its bytes were imported before)."""
    rows: int
    events: int
    customers: int
    attributes: int
    refused: int
    left_out: int
    """Rows that the mapping's `where` leaves out."""
    refusals: list[Refusal]
    """The first refused rows, and the first one of every reason."""
    reasons: dict[str, int]
    """How many rows were refused for which reason, the most frequent first."""
    first_us: int | None
    last_us: int | None
    touchpoints: dict[str, int]
    mapping: str
    guesses: list[str]
    sentences: list[str]
    """The first rows as sentences."""


class _Tally:
    """Counts of one import as its chunks go by."""

    def __init__(self) -> None:
        self.rows = self.events = self.attributes = self.refused = self.left_out = 0
        self.first_us: int | None = None
        self.last_us: int | None = None
        self.touchpoints: Counter[str] = Counter()
        self.customers = np.zeros(0, bool)
        self.refusals: list[Refusal] = []
        self.reasons: Counter[str] = Counter()
        self.sentences: list[str] = []
        self.properties: set[str] = set()

    def add(self, chunk: Chunk, lang: str, timezone: str) -> None:
        self.rows += chunk.rows
        self.refused += len(chunk.refused)
        self.left_out += chunk.left_out
        for refusal in chunk.refused:
            if len(self.refusals) < SHOWN or refusal.code not in self.reasons:
                self.refusals.append(refusal)
            self.reasons[refusal.code] += 1
        if chunk.attributes is not None:
            self.attributes += chunk.attributes.num_rows
        if chunk.events is None or not chunk.events.num_rows:
            return
        self.events += chunk.events.num_rows
        ends = pc.min_max(chunk.events["time_us"]).as_py()
        self.first_us = ends["min"] if self.first_us is None else min(self.first_us, ends["min"])
        self.last_us = ends["max"] if self.last_us is None else max(self.last_us, ends["max"])
        for pair in pc.value_counts(chunk.events["touchpoint"]).to_pylist():
            self.touchpoints[pair["values"]] += pair["counts"]
        self.properties |= _keys(chunk.events["properties"])
        if not self.sentences:
            self.sentences = sentences(chunk.events, lang, timezone)

    def count_customers(self, actors: Int) -> None:
        """Mark the actors of some rows: a bit each, since the same ones come again in every chunk."""
        highest = int(actors.max())
        if highest >= len(self.customers):
            self.customers = np.concatenate((self.customers, np.zeros(highest + 1, bool)))
        self.customers[actors] = True

    def customer_count(self) -> int:
        """How many customers the import is about."""
        return int(self.customers.sum())


class _Opened(msgspec.Struct, frozen=True):
    """Files with the mapping that says what their rows mean."""

    paths: list[Path]
    mapping: Mapping
    lang: str
    guesses: list[str]

    @property
    def name(self) -> str:
        """What the import is called: the names of its files."""
        if self.mapping.sql is not None:
            files = sql_files(self.mapping.sql, folders_of(self.paths, self.mapping), "mapping")
            return ", ".join(path.name for path in files) or "SELECT"
        return self.paths[0].name

    def sha256(self) -> str:
        """The content: bytes of the files, and for a SELECT its text, since the same files may hold other rows too."""
        digest = content_hash(self.paths, self.mapping)
        return sha256(f"{digest} {self.mapping.sql}".encode()).hexdigest() if self.mapping.sql else digest


def import_all(
    workspace: "Workspace",
    paths: Sequence[Path],
    mapping: Mapping | str | Path | None,
    source: str | None,
    dry_run: bool,
    lang: str,
    progress: Progress | None,
) -> list[ImportReport]:
    """Import files one after the other, or what one mapping with `sql` selects; see `Workspace.import_files`."""
    if isinstance(mapping, str | Path):
        mapping = read_mapping(Path(mapping))
    opened = []
    if mapping is not None and mapping.sql is not None:
        opened = [_Opened(list(paths), mapping, lang, [])]
    elif not paths:
        raise BadFile("import", "no file was named.", "Name one or more files.")
    for path in paths if not opened else ():
        if mapping is not None:
            opened.append(_Opened([path], mapping, lang, []))
        else:
            opened.append(_guessed(workspace, path, lang))
    reports: list[ImportReport] = []
    for one in opened:
        try:
            reports.append(_import(workspace, one, source, dry_run, progress))
        except EtappeError as fault:
            before = ", ".join(f"{done.file} ({done.id})" for done in reports if done.status == "imported")
            if before:  # each file is an import of its own: what is in stays, and is said
                fault.hint = f"{fault.hint} Imported before it: {before}.".strip()
            raise
    return reports


def _guessed(workspace: "Workspace", path: Path, lang: str) -> _Opened:
    """A file that came without a mapping; corrected rows of an earlier import get that import's own."""
    columns = sample(path).header
    if is_refused_export(columns):
        given = tuple(name for name in columns if name not in ADDED)
        for record in reversed(workspace.imports("done")):
            if record.header == given:
                said = word("cli.import.corrected", lang, id=record.id)
                return _Opened([path], read_mapping(record.mapping), lang, [said])
    found = guess(path, timezone=workspace.settings.timezone, lang=lang)
    return _Opened([path], found.mapping, lang, found.sentences)


def _import(
    workspace: "Workspace", opened: _Opened, source: str | None, dry_run: bool, progress: Progress | None
) -> ImportReport:
    name = source or opened.name
    report: dict[str, Any] = {
        "file": opened.name,
        "source": name,
        "mapping": mapping_toml(opened.mapping),
        "guesses": opened.guesses,
    }
    digest = opened.sha256()
    with workspace.engine.connect() as connection:
        before = ledger.by_hash(connection, digest)
    if before is not None and not dry_run:
        return _report(report, before.id, "already", _Tally())
    tally = _Tally()
    if dry_run:
        people: set[str] = set()
        for chunk in _chunks(workspace, opened, tally, progress):
            people.update(_customers(chunk))
        return _report(report, None, "checked", tally, len(people))
    with workspace.engine.begin() as connection:
        import_id, number, seq = ledger.begin(
            connection, files=[opened.name], source=name, sha256=digest, mapping=report["mapping"]
        )
    try:
        _write(workspace, opened, tally, import_id, number, seq, name, progress)
    except (OSError, OperationalError) as fault:
        with suppress(OSError, OperationalError):  # else the next change clears it up
            recover(workspace)
        reason = getattr(fault, "strerror", None) or getattr(fault, "orig", None) or fault
        hint = "Make room or mend the disk, then import again; nothing was changed."
        raise NotWritten(str(workspace.folder), f"the disk does not take the import: {reason}.", hint) from fault
    except BaseException:  # Ctrl-C too: the workspace is left as it was
        recover(workspace)
        raise
    return _report(report, import_id, "imported", tally)


def _write(
    workspace: "Workspace",
    opened: _Opened,
    tally: _Tally,
    import_id: str,
    number: int,
    seq: int,
    source: str,
    progress: Progress | None,
) -> None:
    with (
        workspace.engine.begin() as connection,
        workspace.events.writer(import_id) as events,
        workspace.attributes.writer(import_id) as attributes,
    ):
        actors = Actors(connection, import_id)
        for chunk in _chunks(workspace, opened, tally, progress):
            ledger.keep_refused(
                connection, import_id, tally.refused - len(chunk.refused), (_refused(r) for r in chunk.refused)
            )
            if chunk.events is not None and chunk.events.num_rows:
                who = actors.of(chunk.events["customer"])
                tally.count_customers(who)
                events.write(_event_rows(chunk.events, who, seq + events.rows, source))
            if chunk.attributes is not None and chunk.attributes.num_rows:
                who = actors.of(chunk.attributes["customer"])
                tally.count_customers(who)
                given = chunk.attributes.select(["name", "value"])
                attributes.write(given.add_column(0, "actor", pa.array(who)))
        if len(tally.touchpoints) > MOST_TOUCHPOINTS:
            hint = "Map a column with few different values, such as the kind of event, and make this one a property."
            what = f"touchpoint has {len(tally.touchpoints):,} different names; {MOST_TOUCHPOINTS:,} are possible."
            raise BadFile(opened.name, what, hint)
        next_seq = seq + events.rows
        actors.save()
        ledger.finish(
            connection,
            import_id,
            rows=tally.rows,
            events=tally.events,
            customers=tally.customer_count(),
            attributes=tally.attributes,
            refused=tally.refused,
            first_us=tally.first_us,
            last_us=tally.last_us,
            next_seq=next_seq,
            header=json.dumps(header(opened.paths, opened.mapping), ensure_ascii=False),
            properties=json.dumps(sorted(tally.properties), ensure_ascii=False),
        )
        events.commit(number)
        attributes.commit(number)


def _chunks(workspace: "Workspace", opened: _Opened, tally: _Tally, progress: Progress | None) -> Any:
    def tell(rows: int, total: int | None) -> None:
        if progress is not None:
            progress(opened.name, rows, total)

    timezone = workspace.settings.timezone
    for chunk in read(opened.paths, opened.mapping, timezone=timezone, progress=tell):
        tally.add(chunk, opened.lang, workspace.settings.timezone)
        yield chunk


def _event_rows(events: pa.Table, who: Int, seq: int, source: str) -> pa.Table:
    count = events.num_rows
    named = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([source], pa.string()))
    columns = {
        "seq": pa.array(np.arange(seq, seq + count, dtype=np.int64)),
        "actor": pa.array(who),
        "time": events["time_us"].cast(pa.timestamp("us", "UTC")),
        "touchpoint": events["touchpoint"],
        "channel": events["channel"],
        "value": events["value"],
        "currency": events["currency"],
        "order": events["order"],
        "source": named,
        "properties": events["properties"],
    }
    return pa.table(columns)


def _keys(properties: pa.ChunkedArray) -> set[str]:
    """The names of the properties that occur."""
    if properties.null_count == len(properties):
        return set()
    import duckdb

    with duckdb.connect() as memory:
        memory.register("rows", pa.table({"p": properties}))
        found = memory.execute("SELECT DISTINCT unnest(json_keys(p)) FROM rows").fetchall()
    return {row[0] for row in found}


def _customers(chunk: Chunk) -> set[str]:
    found: set[str] = set()
    for table in (chunk.events, chunk.attributes):
        if table is not None and table.num_rows:
            found.update(pc.unique(table["customer"].cast(pa.string())).to_pylist())
    return found


def _refused(refusal: Refusal) -> tuple[Any, ...]:
    r = refusal
    return (r.file, r.line, r.column, r.value, r.code, r.what, r.hint, r.raw)


def _report(
    given: dict[str, Any], import_id: str | None, status: str, tally: _Tally, customers: int | None = None
) -> ImportReport:
    return ImportReport(
        id=import_id,
        status=status,
        rows=tally.rows,
        events=tally.events,
        customers=tally.customer_count() if customers is None else customers,
        attributes=tally.attributes,
        refused=tally.refused,
        left_out=tally.left_out,
        refusals=tally.refusals,
        reasons=dict(tally.reasons.most_common()),
        first_us=tally.first_us,
        last_us=tally.last_us,
        touchpoints=dict(tally.touchpoints.most_common()),
        sentences=tally.sentences,
        **given,
    )
