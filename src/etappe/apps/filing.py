"""Filing: a stored map as a file of each kind, its numbers held in it, and reports that are written by the calendar."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from math import ceil
from pathlib import Path, PurePath
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from anyio.to_thread import run_sync
from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery, JSONBody

from etappe.apps import holding, revisions
from etappe.apps.editing import conflict_view, revision_of
from etappe.apps.map_view import bound_view
from etappe.config import Report
from etappe.errors import BadFile, BadSetting, EtappeError, UnknownName, unknown
from etappe.journeys.columns import Journeys
from etappe.maps.bound import BoundMap
from etappe.maps.files import WRITERS, read_any
from etappe.maps.page import html
from etappe.maps.printed import pdf
from etappe.maps.shared import for_sharing, note
from etappe.units import DAY_US, duration_us

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace

EVERY_S: Final = 60
PAUSES: Final = (1, 5, 15, 60)
"""Minutes from each failure of a report to its next try; the last one stays."""
LARGEST: Final = 20_000_000
"""Bytes of a map that is sent."""
log: Final = logging.getLogger("etappe")
Theme = Literal["light", "dark"]
Writer = Callable[[BoundMap, str], bytes]
KINDS: Final[dict[str, tuple[str, Writer]]] = {**WRITERS, "pdf": ("application/pdf", pdf)}
"""Each kind with its media type and writer."""


def filed(bound: BoundMap, kind: str, lang: str, theme: Theme | None = None, *, shared: bool = False) -> bytes:
    """A bound map as a file.

    Parameters
    ----------
    kind : svg, html, png, pdf, xlsx, csv, md, mmd, json, yaml or cjml
    shared : as it may be passed on: what could point at a few people is hidden (maps/shared.py)

    Raises
    ------
    UnknownName
        There is no such kind.
    MissingExtra
        The kind needs a library that is not installed.
    """
    if kind not in KINDS:
        raise unknown("kind", "kind of file", kind, KINDS)
    hidden = 0
    if shared:
        bound, hidden = for_sharing(bound)
    said = note(bound, hidden, lang) if shared else ""
    if kind == "html":
        return html(bound, lang=lang, theme=theme, note=said).encode()
    if kind == "pdf":
        return pdf(bound, lang, said)
    if kind in ("svg", "png") and theme == "dark":
        from etappe.maps.draw import svg
        from etappe.maps.picture import png

        picture = svg(bound, lang=lang, theme=theme)
        return picture.encode() if kind == "svg" else png(picture)
    return KINDS[kind][1](bound, lang)


# -- reports -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    """What became of a report."""

    map: str
    files: tuple[Path, ...]
    fault: str = ""


def written(ws: "Workspace", report: Report, day: date) -> Written:
    """Write a report of a day; a file that is there already is not written again."""
    folder = ws.folder / report.folder
    try:
        for kind in report.formats:
            if kind not in KINDS:
                raise unknown("report: formats", "kind of file", kind, KINDS)
        bound = ws.bind(ws.map(report.map))
        folder.mkdir(parents=True, exist_ok=True)
        made = []
        for kind in report.formats:
            path = folder / f"{report.map}-{day.isoformat()}.{kind}"
            if not path.exists():
                part = path.with_suffix(f".{kind}.part")
                part.write_bytes(filed(bound, kind, bound.map.language, shared=report.shared))
                part.replace(path)
                made.append(path)
    except EtappeError as fault:
        return Written(report.map, (), str(fault))
    except OSError as fault:
        return Written(report.map, (), str(BadFile(str(folder), f"cannot be written: {fault.strerror}.")))
    return Written(report.map, tuple(made))


def due(ws: "Workspace", report: Report, today: date) -> bool:
    """Whether a report is to be written: its files say when that was done last."""
    days = max(1, ceil(duration_us(report.every, "report: every") / DAY_US))
    folder = ws.folder / report.folder
    last = None
    for kind in report.formats:
        days_of = [_day(path, report.map) for path in folder.glob(f"{report.map}-*.{kind}")] if folder.is_dir() else []
        newest = max((day for day in days_of if day is not None), default=None)
        if newest is None:
            return True
        last = newest if last is None else min(last, newest)
    return last is None or last + timedelta(days=days) <= today


def _day(path: Path, map_id: str) -> date | None:
    """The day in the name of a report's file; none where somebody put another file there."""
    try:
        return date.fromisoformat(path.stem.removeprefix(f"{map_id}-"))
    except ValueError:
        return None


def refuse_same_files(report: Report, reports: Iterable[Report]) -> None:
    """Refuse a report whose files another one writes, too, but not as they may be passed on."""
    for other in reports:
        same = (other.map, PurePath(other.folder)) == (report.map, PurePath(report.folder))
        if same and report.shared > other.shared and set(report.formats) & set(other.formats):
            what = f"another report of map {report.map} writes the same files, not as they may be passed on."
            raise BadSetting("report: folder", what, "Give the shared one a folder of its own.")


# -- over HTTP ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failed:
    """A report that could not be written: why, how often it was tried, and when it is tried again."""

    why: str
    tries: int
    again: datetime


class Schedule:
    """Looks once a minute for reports that are due, in a thread of the server; remembers what went wrong with each."""

    def __init__(self, ws: "Workspace") -> None:
        self.ws = ws
        self.failed: dict[Report, Failed] = {}

    def start(self) -> None:
        """Begin, where the workspace asks for reports at all."""
        if self.ws.settings.report:
            Thread(target=self._run, name="reports", daemon=True).start()

    def look(self, now: datetime | None = None) -> None:
        """Write what is due; what failed is tried again after pauses that grow (`PAUSES`)."""
        now = now or datetime.now(ZoneInfo(self.ws.settings.timezone))
        for report in self.ws.settings.report:
            before = self.failed.get(report)
            if before is not None and now < before.again:
                continue
            why = self._fault(report, now.date())
            if not why:
                self.failed.pop(report, None)
                continue
            tries = before.tries + 1 if before else 1
            pause = timedelta(minutes=PAUSES[min(tries, len(PAUSES)) - 1])
            self.failed[report] = Failed(why, tries, now + pause)
            log.error("report of map %s, try %d: %s", report.map, tries, why)

    def _fault(self, report: Report, day: date) -> str:
        """What went wrong with a report, where it is due; a report that fails must not end those to come."""
        try:
            refuse_same_files(report, self.ws.settings.report)
            return written(self.ws, report, day).fault if due(self.ws, report, day) else ""
        except EtappeError as fault:
            return str(fault)
        except Exception as fault:
            log.exception("report of map %s", report.map)
            return f"{type(fault).__name__}: {fault}"

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:  # the thread goes on
                log.exception("reports")
            time.sleep(EVERY_S)


@cache
def schedule_of(ws: "Workspace") -> Schedule:
    """The one schedule of a workspace in this process; the server starts it."""
    return Schedule(ws)


def handlers(ws: "Workspace", chosen: Callable[[Request[Any, Any, Any]], Journeys]) -> list[Any]:
    """The routes."""

    @post("/api/maps/{map_id:str}/hold", sync_to_thread=True, status_code=200)
    def hold_now(
        request: Request[Any, Any, Any],
        map_id: FromPath[str],
        data: JSONBody[dict[str, Any]],
        lang: FromQuery[str] = "de",
    ) -> dict[str, Any]:
        """Write the numbers of now into the map as it was at `revision` ("Stand festhalten"); later changes stay."""
        said: Literal["de", "en"] = "de" if lang == "de" else "en"
        saved, left = holding.hold(ws, map_id, revision_of(data), str(data.get("author") or ""), chosen(request))
        shown = ws.bind(saved.map, chosen(request))
        return {
            "revision": saved.revision,
            "changed": saved.changed,
            "conflicts": [conflict_view(one, saved.map, said) for one in saved.conflicts],
            "left": left,
            "map": bound_view(shown, said, saved.revision, ws.data_version()),
        }

    @post("/api/maps/import", status_code=200, request_max_body_size=LARGEST)
    async def import_map(
        data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)],
    ) -> dict[str, Any]:
        """A new map from an uploaded file: yaml, json, csv, xlsx or cjml."""
        upload = data.get("file")
        if not isinstance(upload, UploadFile):
            raise UnknownName("file", "no file was sent.", "Send a form with a part named file.")
        content = await upload.read()
        made = await run_sync(lambda: revisions.create(ws, read_any(content, PurePath(upload.filename).name)))
        return {"id": made.map.id, "revision": made.revision}

    @get("/api/reports", sync_to_thread=True)
    def reports() -> dict[str, Any]:
        """The reports of etappe.toml, their newest files, what went wrong last, and when that is tried again."""
        told = []
        for one in ws.settings.report:
            folder = ws.folder / one.folder
            names = sorted(path.name for kind in one.formats for path in folder.glob(f"{one.map}-????-??-??.{kind}"))
            failed = schedule_of(ws).failed.get(one)
            fault = {
                "fault": failed.why if failed else None,
                "tries": failed.tries if failed else 0,
                "again": failed.again.isoformat(timespec="seconds") if failed else None,
            }
            told.append({**msgspec.to_builtins(one), "files": names[-10:], **fault})
        return {"reports": told}

    return [hold_now, import_map, reports]
