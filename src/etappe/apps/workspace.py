"""Workspace: one folder with a company's events, customers and documents, and what can be done with it from Python."""

import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from sqlalchemy import select

from etappe.analysis.answer import Answer, Question
from etappe.analysis.ask import read_question, who
from etappe.apps.undoing import recover, undo
from etappe.apps.views import Views
from etappe.apps.with_changes import WithChanges
from etappe.apps.with_inventory import WithInventory
from etappe.apps.with_maps import MAP, WithMaps
from etappe.apps.with_personas import WithPersonas
from etappe.arrays import Int
from etappe.config import FILE, Settings, check_engine, read_settings, settings_toml
from etappe.errors import BadDocument, BadFile, BadQuestion, NoWorkspace, WorkspaceBusy, unknown
from etappe.expression import Condition
from etappe.journeys.build import Store
from etappe.journeys.columns import Journeys
from etappe.journeys.stages import Registry, default_registry, extend
from etappe.store import documents
from etappe.store.identifiers import names_of
from etappe.store.imports import ImportRecord, all_imports, refused_rows
from etappe.store.lake import ATTRIBUTES, EVENTS, LakeTable
from etappe.store.tables import identifiers, open_tables
from etappe.units import day_us, read_day

# What reads files and what draws maps loads with its first use: a new process answers a question a fifth sooner.
if TYPE_CHECKING:
    from etappe.apps.importing import ImportReport, Progress
    from etappe.collect.mapping import Mapping as SourceMapping
    from etappe.collect.refusals import Refusal
    from etappe.maps.model import JourneyMap

REGISTRY: Final = "registry"
TRIES: Final = 5


def init(folder: str | Path, settings: Settings | None = None) -> "Workspace":
    """Make a workspace in a folder that holds none yet, and open it."""
    path = Path(folder)
    if (path / FILE).exists():
        raise BadFile(str(path), "is a workspace already.", "Open it, or choose another folder.")
    path.mkdir(parents=True, exist_ok=True)
    (path / FILE).write_text(settings_toml(settings or Settings()), encoding="utf-8")
    return Workspace(path)


def open(folder: str | Path = ".") -> "Workspace":
    """Open the workspace in a folder.

    Raises
    ------
    NoWorkspace
        The folder holds none; `etappe init DIR` makes one.
    """
    path = Path(folder)
    if not path.is_dir():
        raise NoWorkspace(str(path), "is no folder.", "Make a workspace with: etappe init DIR")
    return Workspace(path)


class Workspace(WithMaps, WithPersonas, WithInventory, WithChanges):
    """A company's events, customers and documents in one folder.

    Examples
    --------
    >>> ws = etappe.open("shop/")                              # doctest: +SKIP
    >>> ws.import_files(["orders.csv"])                        # doctest: +SKIP
    >>> etappe.funnel(ws.journeys(), ["visit", "order"], within="7d")  # doctest: +SKIP
    """

    def __init__(self, folder: Path) -> None:
        self.settings = read_settings(folder)
        self.folder = folder
        self.engine = open_tables(folder / "control.sqlite")
        self.events = LakeTable(folder / "lake" / "events", EVENTS)
        self.attributes = LakeTable(folder / "lake" / "attributes", ATTRIBUTES)
        self._cache: dict[tuple[str, ...], Journeys] = {}
        self._registry: tuple[str, Registry] | None = None
        self._views = Views()
        self._making = Lock()

    def __repr__(self) -> str:
        return f"<Workspace {self.settings.name!r} in {self.folder}>"

    def close(self) -> None:
        """Give back the database connections."""
        self.engine.dispose()

    # -- imports ------------------------------------------------------------------------------------------------

    def import_files(
        self,
        paths: Sequence[str | Path],
        *,
        mapping: "SourceMapping | str | Path | None" = None,
        source: str | None = None,
        dry_run: bool = False,
        lang: str | None = None,
        progress: "Progress | None" = None,
    ) -> "list[ImportReport]":
        """Import files, each once; a mapping with `sql` names its own files. Every row is accepted or kept as refused.

        Raises
        ------
        BadMapping
            The mapping does not fit, or none was given and none could be guessed.
        BadFile
            A file is not there or cannot be read.
        """
        from etappe.apps.importing import import_all

        with nullcontext() if dry_run else self.writing():
            return import_all(
                self, [Path(path) for path in paths], mapping, source, dry_run, lang or self.settings.language, progress
            )

    def imports(self, *states: str) -> list[ImportRecord]:
        """The imports in order; in force are those whose status is done."""
        with self.engine.connect() as connection:
            return all_imports(connection, *states)

    def find_import(self, import_id: str) -> ImportRecord:
        """One import by its id; UnknownName proposes the nearest."""
        found = {record.id: record for record in self.imports()}
        if import_id not in found:
            raise unknown("imports", "import", import_id, found)
        return found[import_id]

    def refused(self, import_id: str, offset: int = 0, limit: int = -1) -> "list[Refusal]":
        """The refused rows of an import (personal: they hold what the file said)."""
        from etappe.collect.refusals import Refusal

        with self.engine.connect() as connection:
            rows = refused_rows(connection, self.find_import(import_id).id, offset, limit)
        return [Refusal(**{name: row[name] for name in Refusal.__struct_fields__}) for row in rows]

    def refused_file(self, import_id: str) -> bytes:
        """The refused rows as a CSV file: correct it, then import it with the same mapping."""
        from etappe.collect.mapping import read_mapping
        from etappe.collect.refusals import refusals_csv

        record = self.find_import(import_id)
        return refusals_csv(self.refused(import_id), record.header, read_mapping(record.mapping))

    def undo(self, import_id: str) -> ImportRecord:
        """Take an import back: its events, attributes, refused rows, and identifiers that no other import uses."""
        with self.writing():
            record = self.find_import(import_id)
            if record.status == "undone":
                raise BadFile(f"import {import_id}", "was undone before.")
            undo(self, record)
        return record

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the workspace for one change; what an earlier, cut-off change left is cleared up first."""
        with (self.folder / "workspace.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                hint = "Wait until it has finished, then try again."
                raise WorkspaceBusy(str(self.folder), "another process is changing this workspace.", hint) from None
            recover(self)
            yield

    # -- journeys and questions ---------------------------------------------------------------------------------

    def journeys(
        self,
        *,
        subject: str = "customer",
        where: Condition | None = None,
        start: str | date | None = None,
        end: str | date | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> Journeys:
        """The journeys, refreshed when the lake has changed.

        Parameters
        ----------
        subject : whose journeys: "customer", or a column such as "order"
        where : only what meets this condition, as text or as a tree (docs/filters.md)
        start, end : first and last day, both included, in the workspace's time zone
        """
        journeys = self._newest(subject, tell)
        _refuse_days(start, end)
        if start is None and end is None and not where:
            return journeys

        def made() -> Journeys:
            within = journeys.between(self.day_us(start), self.day_us(end, after=True)) if start or end else journeys
            return within.where(where) if where else within

        key = where if where is None or isinstance(where, str) else msgspec.json.encode(where)
        return self._views.of(journeys, (key, str(start), str(end)), made)

    def _newest(self, subject: str, tell: Callable[[str], None]) -> Journeys:
        registry = self.registry()
        told = self._told() if subject == "customer" else None
        labels = (registry.digest, self.settings.stage_model, self.settings.language, told.digest if told else "")
        for _ in range(TRIES):
            with suppress(FileNotFoundError), self._making:  # another process replaced what was being read: again
                store, properties = self._store()
                key = (store.version, subject, *labels)
                found = self._cache.get(key)
                if found is None:
                    found = store.journeys(subject, self.settings.timezone, properties, self._names, tell)
                    found = found.labelled(registry, model=labels[1], lang=labels[2])
                    found = told.on(found) if told else found
                    kept = {k: j for k, j in self._cache.items() if (k[0], *k[2:5]) == (store.version, *labels[:3])}
                    kept = {k: j for k, j in kept.items() if k[1] != subject}
                    self._cache = kept | {key: found}
                    self._views.only(self._cache.values())
                return found
        raise WorkspaceBusy(str(self.folder), "the data changes faster than it can be read.", "Try again.")

    def _store(self) -> tuple[Store, list[str]]:
        """What the imports in force hold, and the names of their properties."""
        done = self.imports("done")
        content = sha256(repr([_content(record) for record in done]).encode()).hexdigest()
        store = Store(self.folder / "journeys", self.events, self.attributes, [record.id for record in done], content)
        return store, sorted({name for record in done for name in record.properties})

    def data_version(self) -> str:
        """What changes with the imports in force: a digest of what they hold."""
        return self._store()[0].version

    def day_us(self, day: str | date | None, *, after: bool = False) -> int | None:
        """When a day begins (or, with `after`, when it has ended) in the workspace's time zone."""
        return None if day is None else day_us(day, self.settings.timezone, after=after)

    def local_day(self, us: int) -> str:
        """The local day of a moment, as 2026-11-23."""
        return datetime.fromtimestamp(us // 1_000_000, ZoneInfo(self.settings.timezone)).date().isoformat()

    def ask(
        self,
        question: Question | Mapping[str, Any] | str,
        journeys: Journeys | None = None,
        *,
        engine: str | None = None,
        subject: str = "customer",
        where: Condition | None = None,
        start: str | date | None = None,
        end: str | date | None = None,
    ) -> Answer:
        """Answer a question, given as a struct, a dict, or YAML or JSON text.

        Parameters
        ----------
        journeys : ask these, on this machine; by default those of the workspace
        engine : "local" or "spark"; by default as etappe.toml says
        subject, where, start, end : as for `journeys`, where none are given
        """
        from etappe.engines import local

        if isinstance(question, str):
            question = read_question(question, "question")
        if journeys is not None:
            return local.answer(journeys, question, self.registry())
        if check_engine(engine or self.settings.engine, "engine") == "spark":
            return self._ask_spark(question, subject, where, start, end)
        chosen = self.journeys(subject=subject, where=where, start=start, end=end)
        return local.answer(chosen, question, self.registry())

    def _ask_spark(
        self,
        question: Question | Mapping[str, Any],
        subject: str,
        where: Condition | None,
        start: str | date | None,
        end: str | date | None,
    ) -> Answer:
        """On a Spark cluster: the columns are never gathered here."""
        from etappe.engines import spark

        if subject != "customer":
            hint = 'Leave subject out, or ask with engine = "local" (ETAPPE_ENGINE=local).'
            raise BadQuestion("subject", 'engine "spark" answers over the journeys of customers.', hint)
        _refuse_days(start, end)
        store, properties = self._store()
        view = spark.View(
            timezone=self.settings.timezone,
            properties=tuple(properties),
            registry=self.registry(),
            model=self.settings.stage_model,
            language=self.settings.language,
            start_us=self.day_us(start),
            end_us=self.day_us(end, after=True),
            where=where or None,
        )
        return spark.answer(store, question, view=view)

    def who(self, question: Question, row: Mapping[str, Any], journeys: Journeys | None = None) -> list[str]:
        """The customers behind one row of an answer (personal)."""
        journeys = journeys if journeys is not None else self.journeys()
        return journeys.names(who(journeys, question, dict(row), self.registry()))

    def _names(self, subjects: Int) -> list[str]:
        with self.engine.connect() as connection:
            if len(subjects) > 100_000:
                every = dict(connection.execute(select(identifiers.c.actor, identifiers.c.value)).tuples())
            else:
                every = names_of(connection, np.unique(subjects).tolist())
        try:
            return [every[subject] for subject in subjects.tolist()]
        except KeyError:
            raise WorkspaceBusy("journeys", "an import was undone since they were read.", "Ask again.") from None

    # -- documents ----------------------------------------------------------------------------------------------

    def registry(self) -> Registry:
        """Touchpoints, rules, channels and stage models: the default ones, as the workspace's document extends them."""
        with self.engine.connect() as connection:
            found = documents.get(connection, REGISTRY, REGISTRY)
        if found is None:
            return default_registry()
        kept = self._registry
        if kept is None or kept[0] != found.body:
            kept = self._registry = found.body, extend(default_registry(), found.body, REGISTRY)
        return kept[1]

    def push(self, path: str | Path) -> documents.Document:
        """Store a document from its YAML file: a journey map, a persona, or a registry of touchpoints and models."""
        file = Path(path)
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise BadFile(str(file), f"cannot be read: {fault}.") from None
        return self.put(text, file.name)

    def put(self, text: str, where: str) -> documents.Document:
        """Store a document from its text, once it is without a fault."""
        from etappe.maps.document import read_map

        if "journey-map/1" in text:
            return self._put_map(text, read_map(text, where))
        if "persona/1" in text:
            return self.put_persona(text, where)
        extend(default_registry(), text, where)
        with self.writing(), self.engine.begin() as connection:
            return documents.put(connection, REGISTRY, REGISTRY, text)

    def _put_map(self, text: str, document: "JourneyMap") -> documents.Document:
        """Store a map's text, and keep which of its opportunities have another status than before."""
        from etappe.apps.revisions import log_decisions
        from etappe.maps.document import read_map

        self._refuse_faults(document)
        with self.writing(), self.engine.begin() as connection:
            old = documents.get(connection, MAP, document.id)
            new = documents.put(connection, MAP, document.id, text)
            if old is None or old.revision != new.revision:
                before = read_map(old.body, old.id) if old else None
                log_decisions(connection, before, document, new.revision, "")
        return new

    def _refuse_faults(self, document: "JourneyMap") -> None:
        from etappe.maps.document import check

        faults = [fault for fault in check(document, self.registry()) if fault.level == "error"]
        if faults:
            more = f" (and {len(faults) - 1} more: etappe map check)" if len(faults) > 1 else ""
            raise BadDocument("", f"{faults[0]}{more}")

    def pull(self, kind: str, name: str = REGISTRY) -> str:
        """The YAML text of a document."""
        with self.engine.connect() as connection:
            found = documents.get(connection, kind, name)
            known = [document.id for document in documents.newest(connection, kind)]
        if found is None:
            raise unknown(f"pull {kind}", kind, name, known)
        return found.body


def _refuse_days(start: str | date | None, end: str | date | None) -> None:
    if start is not None and end is not None and read_day(start) > read_day(end):
        raise BadQuestion("from, to", f"{start} is after {end}.", "Choose a first day that is not after the last.")


def _content(record: ImportRecord) -> tuple[object, ...]:
    """What an import holds, as far as its bytes and their meaning tell."""
    r = record
    return r.id, r.sha256, r.mapping, r.source, r.events, r.attributes, r.customers, r.first_us, r.last_us


def describe(record: ImportRecord) -> dict[str, Any]:
    """An import as plain data, for JSON."""
    return msgspec.structs.asdict(record)


__all__ = ["Workspace", "describe", "init", "open"]
