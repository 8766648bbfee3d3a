"""Build: the journeys of a workspace as memory-mapped columns, made from its lake and deleted at will."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from etappe.arrays import Column, Int
from etappe.errors import WorkspaceBusy, unknown
from etappe.journeys.columns import Journeys, Origin, money_texts
from etappe.journeys.sorting import coded, coded_touchpoints, sort_rows
from etappe.store.lake import LakeTable
from etappe.units import NO_VALUE

FORMAT: Final = 2
ARRAYS: Final = ("offsets", "time_us", "touchpoint", "subject", "rows")
"""The files of a journeys folder; `rows` are the touchpoints' places in the order of receipt."""
BASE_COLUMNS: Final = ("channel", "currency", "order", "source", "import")


class Store:
    """The columns of a workspace: made from its lake when that has changed, read as memory maps otherwise."""

    def __init__(
        self, folder: Path, events: LakeTable, attributes: LakeTable, imports: Sequence[str], content: str = ""
    ) -> None:
        """`content` names what the imports hold, so that no two workspaces with other data share a version."""
        self.events, self.attributes, self.imports = events, attributes, tuple(imports)
        versions = (FORMAT, content, events.version(), attributes.version(), *imports)
        self.version = sha256(json.dumps(versions).encode()).hexdigest()[:16]
        self.root = folder

    def journeys(
        self,
        subject: str,
        timezone: str,
        properties: Sequence[str],
        name_of: Callable[[Int], list[str]],
        tell: Callable[[str], None] = lambda text: None,
    ) -> Journeys:
        """The journeys of each customer, or of another column's values such as the order."""
        folder = self.root / self.version / sha256(subject.encode()).hexdigest()[:8]
        kept = self._kept(folder)
        if kept is None:
            tell("journeys")
            made = self._build(subject, properties)
            self._write(folder, *made)
            kept = self._kept(folder) or made  # in memory where the disk is full or read-only
        about, arrays = kept
        received, rows, subjects = about["received"], arrays["rows"], arrays["subject"]
        named = [*BASE_COLUMNS, *(name for name in properties if name not in (*BASE_COLUMNS, "value"))]
        value = partial(self._value, folder, rows, received)
        names: list[str] = about["names"]
        customers = subject == "customer"
        return Journeys(
            offsets=arrays["offsets"],
            time_us=arrays["time_us"],
            touchpoint=arrays["touchpoint"],
            touchpoints=tuple(about["touchpoints"]),
            subject=subjects,
            lazy={name: partial(self._column, folder, rows, received, name) for name in named}
            | {"value": lambda: money_texts(value())},
            lazy_attributes=self._attributes(subjects) if customers else {},
            origin=Origin(
                data_until_us=about["data_until_us"],
                lake=f"{self.version}:{subject}",
                timezone=timezone,
                events=about["events"],
                subjects=len(subjects),
            ),
            lazy_value=value,
            name_of=name_of if customers else lambda chosen: [names[i] for i in chosen.tolist()],
        )

    def _kept(self, folder: Path) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Columns that were made before; None where there are none, or damaged ones, which go."""
        if not folder.is_dir():
            return None
        try:
            about: dict[str, Any] = json.loads((folder / "about.json").read_bytes())
            return about, {name: _mapped(folder, name) for name in ARRAYS}
        except (OSError, ValueError, EOFError):
            shutil.rmtree(folder, ignore_errors=True)
            return None

    def _build(self, subject: str, properties: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        table = self.events.read(self.imports, ["actor", "time", "touchpoint"])
        time_us = table["time"].cast(pa.int64()).to_numpy()
        names: list[str] = []
        if subject == "customer":
            group = table["actor"].to_numpy()
        else:
            if subject not in (*BASE_COLUMNS, *properties):
                raise unknown("subject", "column", subject, ("customer", *BASE_COLUMNS, *properties))
            column = self._receipt(subject, table.num_rows)
            group = column.codes.astype(np.int64)
            names = [str(name) for name in column.names]
        codes, touchpoints = coded_touchpoints(table["touchpoint"])
        groups = int(group.max()) + 1 if len(group) else 0
        offsets, rows, present = sort_rows(_fixed(group), groups, _fixed(time_us))
        if names and len(present) and present[0] == 0:  # rows without a subject of this kind have no journey
            rows, offsets, present = rows[offsets[1] :], offsets[1:] - offsets[1], present[1:]
        arrays = {
            "offsets": offsets.astype(np.int64),
            "time_us": time_us[rows],
            "touchpoint": codes[rows],
            "subject": present.astype(np.int64),
            "rows": rows,
        }
        about = {
            "touchpoints": touchpoints,
            "names": names,
            "data_until_us": int(time_us.max()) if len(time_us) else None,
            "events": len(rows),
            "received": len(time_us),
        }
        return about, arrays

    def _write(self, folder: Path, about: dict[str, Any], arrays: Mapping[str, Any]) -> None:
        """Write beside, then rename: a reader sees whole columns or none; none where the disk does not take them."""
        for old in self.root.glob("*") if self.root.is_dir() else ():
            if old.name != self.version:
                shutil.rmtree(old, ignore_errors=True)
        beside = self.root / self.version / f"making-{uuid4().hex[:8]}"
        try:
            beside.mkdir(parents=True)
            for name, array in arrays.items():
                np.save(beside / f"{name}.npy", array)
            (beside / "about.json").write_text(json.dumps(about, ensure_ascii=False))
            beside.rename(folder)
        except OSError:  # also where another process was faster, with the same content
            shutil.rmtree(beside, ignore_errors=True)

    def _receipt(self, name: str, received: int) -> Column:
        """A column over all events in the order of receipt."""
        if name == "import":
            parts = self.events.parts()
            lengths = [sum(pq.read_metadata(p).num_rows for p in parts.get(i, [])) for i in self.imports]
            if sum(lengths) != received:
                raise _changed()
            return coded(pa.chunked_array([pa.array(np.repeat(np.asarray(self.imports, object), lengths))]))
        if name in BASE_COLUMNS:
            return coded(self._events(name, received))
        return property_of(self._events("properties", received), name)

    def _events(self, name: str, received: int) -> pa.ChunkedArray:
        """A column of the lake, if it still holds the events from which the journeys were made."""
        try:
            column = self.events.read(self.imports, [name])[name]
        except FileNotFoundError:
            raise _changed() from None
        if len(column) != received:
            raise _changed()
        return column

    def _column(self, folder: Path, rows: Int, received: int, name: str) -> Column:
        """A column over touchpoints, made from the lake when first asked for."""
        stem = "column-" + sha256(name.encode()).hexdigest()[:12]
        try:
            return Column(_mapped(folder, stem), tuple(json.loads((folder / f"{stem}.json").read_bytes())))
        except (OSError, ValueError, EOFError):  # not made yet, or damaged
            column = self._receipt(name, received).take(rows)
        names = json.dumps(column.names, ensure_ascii=False).encode()
        _keep(folder, {f"{stem}.npy": _npy(column.codes), f"{stem}.json": names})
        return column

    def _value(self, folder: Path, rows: Int, received: int) -> Int:
        try:
            kept: Int = _mapped(folder, "value")
        except (OSError, ValueError, EOFError):
            kept = self._events("value", received).fill_null(NO_VALUE).to_numpy()[rows]
            _keep(folder, {"value.npy": _npy(kept)})
        return kept

    def _attributes(self, subjects: Int) -> dict[str, Callable[[], Column]]:
        """Of several imports that give a customer's attribute, the latest counts."""
        if not self.attributes.parts().keys() & set(self.imports):
            return {}
        table = self.attributes.read(self.imports, ["actor", "name", "value"])
        names = sorted(pc.unique(table["name"]).to_pylist())

        def load(name: str) -> Column:
            mine = table.filter(pc.equal(table["name"], name))
            column = coded(mine["value"])
            actors = mine["actor"].to_numpy()
            size = max(int(actors.max(initial=0)), int(subjects.max(initial=0))) + 1
            by_actor = np.zeros(size, column.codes.dtype)
            by_actor[actors] = column.codes
            return Column(by_actor[subjects], column.names)

        return {name: partial(load, name) for name in names}


def property_of(properties: pa.ChunkedArray, name: str) -> Column:
    """One property, from the column that holds all of them as JSON."""
    import duckdb

    path = "$." + json.dumps(name)
    with duckdb.connect() as memory:
        memory.register("rows", pa.table({"properties": properties.cast(pa.string())}))
        query = "SELECT json_extract_string(properties, ?) AS v FROM rows"
        found = memory.sql(query, params=[path]).to_arrow_table()
    return coded(found["v"])


def _fixed(array: Any) -> Int:
    """Numbers as kernels take them, read-only: Arrow's are so after one import and not after several.

    A kernel that meets both is compiled twice, and the first import into a served workspace would wait for it.
    """
    view = np.ascontiguousarray(array, np.int64).view()
    view.flags.writeable = False
    return view


def _changed() -> WorkspaceBusy:
    return WorkspaceBusy("journeys", "the data has changed since these journeys were read.", "Ask again.")


def _npy(array: Any) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _keep(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Keep files for the next reader: written beside, then renamed, since two may make the same ones at once.

    Newer journeys may have taken the folder's place, or the disk may be full: then nothing is kept, and nothing lost.
    """
    for name, content in contents.items():
        beside = folder / f"{name}.{uuid4().hex[:8]}"
        try:
            beside.write_bytes(content)
            beside.replace(folder / name)
        except OSError:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            return


def _mapped(folder: Path, name: str) -> Any:
    return np.load(folder / f"{name}.npy", mmap_mode="r").view(np.ndarray)
