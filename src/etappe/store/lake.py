"""Lake: events and customer attributes as open Delta tables, one Parquet file and one commit an import.

Partitioned by import, so that undoing an import drops its files and rewrites no other. deltalake never calls fsync:
this module does, file by file, before it calls anything stored.
"""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.transaction import AddAction, PostCommitHookProperties, Transaction

UTC_US: Final = pa.timestamp("us", "UTC")

EVENTS: Final = pa.schema(
    [
        ("seq", pa.int64()),
        ("actor", pa.int64()),
        ("time", UTC_US),
        ("touchpoint", pa.string()),
        ("channel", pa.string()),
        ("value", pa.int64()),
        ("currency", pa.string()),
        ("order", pa.string()),
        ("source", pa.string()),
        ("properties", pa.string()),
        ("import", pa.string()),
    ]
)
ATTRIBUTES: Final = pa.schema(
    [("actor", pa.int64()), ("name", pa.string()), ("value", pa.string()), ("import", pa.string())]
)
COUNTED: Final = ("actor", "time")
"""The only columns with statistics in files and log: the others' extremes would leak values."""


class LakeTable:
    """One Delta table on a folder."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder, self.schema = folder, schema

    def open(self) -> DeltaTable:
        """The newest version of the table, made empty when it is not there."""
        if not (self.folder / "_delta_log").is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            counted = ",".join(name for name in COUNTED if name in self.schema.names)
            table = DeltaTable.create(
                self.folder,
                Schema.from_arrow(self.schema),
                partition_by=["import"],
                configuration={"delta.dataSkippingStatsColumns": counted},
            )
            _sync_log(self.folder)
            for parent in list(self.folder.parents)[:2]:  # the folders of lake and workspace: their entries are new
                _sync(parent)
            return table
        return DeltaTable(self.folder)

    def version(self) -> int:
        """A number that rises with every commit; -1 where there is no table yet."""
        return DeltaTable(self.folder).version() if (self.folder / "_delta_log").is_dir() else -1

    def parts(self) -> dict[str, list[Path]]:
        """The files of each import that are in force."""
        found: dict[str, list[Path]] = {}
        if self.version() >= 0:
            # pa.table() would import pandas, where it is installed, only to ask whether this is one of its frames
            actions = pa.RecordBatchReader.from_stream(self.open().get_add_actions(flatten=True)).read_all()
            paths, owners = actions["path"].to_pylist(), actions["partition.import"].to_pylist()
            for path, owner in zip(paths, owners, strict=True):
                found.setdefault(owner, []).append(self.folder / path)
        return found

    def read(self, imports: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """Some columns of some imports, in the order given and within each in the order of receipt."""
        parts = self.parts()
        schema = pa.schema([self.schema.field(name) for name in columns])
        texts = [field.name for field in schema if field.type == pa.string()]
        tables = [
            pq.ParquetFile(path, read_dictionary=texts).read(columns=list(columns))
            for owner in imports
            for path in sorted(parts.get(owner, []))
        ]
        return pa.concat_tables(tables).unify_dictionaries() if tables else schema.empty_table()

    def writer(self, import_id: str) -> "ImportWriter":
        """A file that becomes part of the table when `commit` is called, and leaves no trace otherwise."""
        return ImportWriter(self, import_id)

    def drop(self, import_id: str) -> None:
        """Take an import's files out of the table and off the disk."""
        leftover = self.folder / f"import={import_id}"
        if import_id in self.parts():
            try:
                self._drop(import_id)
            except OSError:  # a full disk takes no commit: the import's own files make room for it
                _clear(leftover)
                self._drop(import_id)
        _clear(leftover)
        if self.version() >= 0:
            _sync_log(self.folder)

    def _drop(self, import_id: str) -> None:
        table = self.open()
        if import_id in self.parts():
            table.delete(f"\"import\" = '{import_id}'")
            _sync_log(self.folder)  # before its files go
            table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)


class ImportWriter:
    """Rows of one import on their way into a table."""

    def __init__(self, table: LakeTable, import_id: str) -> None:
        self.table, self.import_id = table, import_id
        self.schema = pa.schema([field for field in table.schema if field.name != "import"])
        self.path = table.folder / f"import={import_id}" / "rows.parquet"
        self.rows = 0
        self._file: pq.ParquetWriter | None = None
        self._stats: dict[str, tuple[Any, Any]] = {}

    def __enter__(self) -> Self:
        self.table.open()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def write(self, rows: pa.Table) -> None:
        """Append rows; texts may be dictionary-encoded."""
        if self._file is None:
            texts = [f.name for f in self.schema if f.type == pa.string() and f.name not in ("order", "properties")]
            self._file = pq.ParquetWriter(
                self.path,
                rows.schema,
                compression="zstd",
                compression_level=1,
                use_dictionary=texts,
                write_statistics=[name for name in COUNTED if name in self.schema.names],
                store_schema=False,
            )
        self._file.write_table(rows, row_group_size=1_048_576)
        self.rows += rows.num_rows
        for name in COUNTED:
            if name in rows.schema.names and rows.num_rows:
                ends = pc.min_max(rows[name]).as_py()
                old = self._stats.get(name, (ends["min"], ends["max"]))
                self._stats[name] = (min(old[0], ends["min"]), max(old[1], ends["max"]))

    def commit(self, number: int) -> None:
        """Make the rows part of the table: fsync the file, then one Delta commit marked with the import's number."""
        if self._file is None:
            self._discard()
            return
        self._file.close()
        self._file = None
        _sync(self.path)
        _sync(self.path.parent)
        texts = {name: [_stat(end) for end in ends] for name, ends in self._stats.items()}
        stats = {
            "numRecords": self.rows,
            "minValues": {name: ends[0] for name, ends in texts.items()},
            "maxValues": {name: ends[1] for name, ends in texts.items()},
            "nullCount": dict.fromkeys(texts, 0),
        }
        add = AddAction(
            path=f"import={self.import_id}/{self.path.name}",
            size=self.path.stat().st_size,
            partition_values={"import": self.import_id},
            modification_time=int(time.time() * 1000),
            data_change=True,
            stats=json.dumps(stats),
        )
        self.table.open().create_write_transaction(
            [add],
            "append",
            Schema.from_arrow(self.table.schema),
            ["import"],
            commit_properties=CommitProperties(app_transactions=[Transaction("import", number)]),
            post_commithook_properties=PostCommitHookProperties(create_checkpoint=True),
        )
        _sync_log(self.table.folder)

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self._discard()

    def _discard(self) -> None:
        self.path.unlink(missing_ok=True)
        if self.path.parent.is_dir():
            self.path.parent.rmdir()


def _clear(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _stat(value: Any) -> Any:
    return value.isoformat(timespec="microseconds").replace("+00:00", "Z") if hasattr(value, "isoformat") else value


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_log(folder: Path) -> None:
    """Every file of the table's log (one call may add several commits and a checkpoint), and the folders' entries."""
    log = folder / "_delta_log"
    for path in (*sorted(log.iterdir()), log, folder):
        _sync(path)
