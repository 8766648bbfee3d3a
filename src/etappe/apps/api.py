"""API: the workspace over HTTP, JSON in and out; OpenAPI at /api/schema/openapi.json.

Every refusal has one shape: code, where, what, hint, message. 404 for what is not there, 409 for what is in the way.
"""

import logging
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any, Final

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import Body, FromPath, FromQuery, JSONBody

import etappe
from etappe.apps import changing, conforming, editing, exploring, filing, inventory_api, persona_api, revisions
from etappe.apps.filing import KINDS, Theme, filed
from etappe.apps.guard import CSP, Guard
from etappe.apps.map_view import bound_view, map_card
from etappe.apps.overview import overview
from etappe.apps.workspace import Workspace
from etappe.arrays import distinct
from etappe.collect.mapping import read_mapping
from etappe.collect.refusals import Refusal, explained
from etappe.errors import (
    BadMapping,
    EtappeError,
    NoWorkspace,
    RefusedAddress,
    UnknownName,
    WorkspaceBusy,
    unknown,
)
from etappe.journeys.columns import Journeys
from etappe.maps.evidence import people as people_of
from etappe.maps.page import style_source
from etappe.store.imports import ImportRecord
from etappe.units import iso
from etappe.vocabulary import say

MODULES: Final = (exploring, editing, filing, conforming, persona_api, inventory_api, changing)
"""Each with the routes of its part of the product."""
STATIC: Final = Path(__file__).parent / "static"
STATUS: Final[dict[type[EtappeError], int]] = {
    UnknownName: 404,
    NoWorkspace: 404,
    WorkspaceBusy: 409,
    RefusedAddress: 403,
}
log: Final = logging.getLogger("etappe")
LARGEST: Final = 1 << 30
"""Bytes of an upload; larger files come in on the command line."""


class Api:
    """The handlers over one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def chosen(self, request: Request[Any, Any, Any]) -> Journeys:
        """The journeys that the filter line leaves."""
        query = request.query_params
        return self.workspace.journeys(
            where=query.get("where") or None, start=query.get("from") or None, end=query.get("to") or None
        )

    def handlers(self) -> list[Any]:
        """The routes, bound to the workspace."""
        ws = self.workspace

        @get("/api/meta", sync_to_thread=True)
        def meta() -> dict[str, Any]:
            """What the workspace holds, for the frame of the application."""
            return _meta(ws)

        @get("/api/overview", sync_to_thread=True)
        def first_screen(request: Request[Any, Any, Any], lang: FromQuery[str] = "de") -> dict[str, Any]:
            """The first screen: a sentence, five numbers, a line, four lists."""
            query = request.query_params
            return overview(
                ws,
                start=query.get("from") or None,
                end=query.get("to") or None,
                where=query.get("where") or None,
                lang=_lang(lang),
            )

        @get("/api/imports", sync_to_thread=True)
        def list_imports() -> dict[str, Any]:
            """All imports, the newest first."""
            return {"imports": [_import(record) for record in reversed(ws.imports())]}

        @get("/api/imports/{import_id:str}", sync_to_thread=True)
        def one_import(import_id: FromPath[str]) -> dict[str, Any]:
            """One import with its mapping and touchpoints."""
            record = ws.find_import(import_id)
            return {**_import(record), "mapping": record.mapping, "touchpoints": _touchpoints(ws, record)}

        @get("/api/imports/{import_id:str}/refused", sync_to_thread=True)
        def refused(
            import_id: FromPath[str],
            offset: FromQuery[int] = 0,
            limit: FromQuery[int] = 50,
            lang: FromQuery[str] = "en",
        ) -> dict[str, Any]:
            """Refused rows: where, what, what to do."""
            record = ws.find_import(import_id)
            rows = ws.refused(import_id, max(0, offset), max(0, min(limit, 1000)))
            return {"total": record.refused, "rows": [_refused(row, _lang(lang)) for row in rows]}

        @get("/api/imports/{import_id:str}/refused.csv", sync_to_thread=True)
        def refused_csv(import_id: FromPath[str]) -> Response[bytes]:
            """Refused rows as a file that can be corrected and imported again."""
            content = ws.refused_file(import_id)
            name = f'attachment; filename="refused-{import_id}.csv"'
            return Response(content, media_type="text/csv", headers={"content-disposition": name})

        @post("/api/imports/{import_id:str}/undo", sync_to_thread=True, status_code=200)
        def undo(import_id: FromPath[str]) -> dict[str, Any]:
            """Take an import back."""
            return {"undone": True, "events": ws.undo(import_id).events}

        @post("/api/imports/check", status_code=200, request_max_body_size=LARGEST)
        async def check_import(data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]) -> Any:
            """A dry run: what an import of this file would do."""
            return await self._upload(data, dry_run=True)

        @post("/api/imports", status_code=200, request_max_body_size=LARGEST)
        async def do_import(data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]) -> Any:
            """Import an uploaded file."""
            return await self._upload(data, dry_run=False)

        @get("/api/maps", sync_to_thread=True)
        def list_maps(request: Request[Any, Any, Any], lang: FromQuery[str] = "de") -> dict[str, Any]:
            """The maps with their curves and how much of each is measured."""
            journeys = self.chosen(request)
            return {
                "maps": [map_card(ws.bind(found, journeys), _lang(lang), at_us) for found, at_us in ws.dated_maps()]
            }

        @get("/api/maps/{map_id:str}", sync_to_thread=True)
        def one_map(
            request: Request[Any, Any, Any], map_id: FromPath[str], lang: FromQuery[str] = "de"
        ) -> Response[Any]:
            """A map with its evidence; with an ending such as .pdf behind the id: the map as a file of that kind.

            With `shared=1` as it may be passed on: what could point at a few people is hidden.
            """
            stem, _, kind = map_id.rpartition(".")
            drawn = kind in KINDS
            language = _lang(lang)
            found, revision = revisions.stored(ws, stem if drawn else map_id)
            data = ws.data_version()
            bound = ws.bind(found, self.chosen(request))
            if not drawn:
                return Response(bound_view(bound, language, revision, data), media_type="application/json")
            given = request.query_params.get("theme")
            theme: Theme | None = "dark" if given == "dark" else "light" if given == "light" else None
            content = filed(bound, kind, language, theme, shared=request.query_params.get("shared") == "1")
            name = {"content-disposition": f'inline; filename="{map_id}"'}
            if kind == "html":
                name["content-security-policy"] = CSP.replace(
                    "style-src 'self'", f"style-src {style_source()}"
                ).replace("font-src 'self'", "font-src data:")
            elif kind == "svg":
                name["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; font-src data:"
            return Response(content, media_type=KINDS[kind][0], headers=name)

        @get("/api/maps/{map_id:str}/evidence/{evidence_id:str}/people", sync_to_thread=True)
        def people(
            request: Request[Any, Any, Any],
            map_id: FromPath[str],
            evidence_id: FromPath[str],
            offset: FromQuery[int] = 0,
            limit: FromQuery[int] = 20,
        ) -> dict[str, Any]:
            """The customers behind a number of a map (personal)."""
            bound = ws.bind(ws.map(map_id), self.chosen(request))
            if evidence_id not in bound.evidence:
                raise unknown(f"map {map_id}", "evidence", evidence_id, bound.evidence)
            journeys, behind = people_of(bound.evidence[evidence_id])
            page = behind[max(0, offset) : max(0, offset) + max(0, min(limit, 200))]
            return {"total": len(behind), "people": exploring.people(journeys, page)}

        @post("/api/ask", sync_to_thread=True, status_code=200)
        def ask_question(request: Request[Any, Any, Any], data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
            """Answer any question; the body is the question, with a condition under `where` if wanted, text or tree.

            With `lang` also the main finding in a sentence, the definition, and the table as people read it.
            """
            question = {name: value for name, value in data.items() if name != "where"}
            journeys = self.chosen(request)
            journeys = journeys.where(data["where"]) if data.get("where") else journeys
            found, lang = ws.ask(question, journeys), request.query_params.get("lang")
            return exploring.said(ws, found, journeys, _lang(lang)) if lang else found.to_dict()

        @get("/health", sync_to_thread=False)
        def health() -> dict[str, str]:
            """That the process answers."""
            return {"status": "ok", "version": etappe.__version__}

        @get("/", sync_to_thread=True, include_in_schema=False)
        def front() -> Response[bytes]:
            """The web application."""
            return _static("index.html")

        @get("/{path:path}", sync_to_thread=True, include_in_schema=False)
        def page(path: FromPath[str]) -> Response[bytes]:
            """A file of the web application; a path that is no file is one of its screens."""
            return _static(path)

        return [
            meta, first_screen, list_imports, one_import, refused, refused_csv, undo, check_import, do_import,
            list_maps, one_map, people, ask_question,
            *(route for module in MODULES for route in module.handlers(ws, self.chosen)),
            health, front, page,
        ]  # fmt: skip

    async def _upload(self, data: Mapping[str, Any], *, dry_run: bool) -> Any:
        upload = data.get("file")
        if not isinstance(upload, UploadFile):
            raise UnknownName("file", "no file was sent.", "Send a form with a part named file.")
        text, source = data.get("mapping"), data.get("source")
        lang = _lang(str(data.get("lang", "en")))
        with tempfile.TemporaryDirectory(prefix="etappe-") as folder:
            path = Path(folder) / _file_name(upload.filename)
            with path.open("wb") as out:
                while piece := await upload.read(1 << 20):
                    out.write(piece)
            from anyio.to_thread import run_sync

            def work() -> Any:
                mapping = read_mapping(text, "mapping") if isinstance(text, str) and text.strip() else None
                if mapping is not None and mapping.sql is not None:
                    hint = "Run it on the command line: etappe import --mapping FILE."
                    raise BadMapping("mapping: sql", "is not taken from an upload.", hint)
                named = source if isinstance(source, str) and source.strip() else None
                return self.workspace.import_files([path], mapping=mapping, source=named, dry_run=dry_run, lang=lang)[0]

            report = await run_sync(work)
        shown = msgspec.to_builtins(report)
        shown["refused_total"] = shown["refused"]
        shown["refused"] = [_refused(row, lang) for row in report.refusals]
        del shown["refusals"]
        return shown


def _file_name(sent: str) -> str:
    """The last part of an uploaded file's name, short, and without what a file system or a terminal does not take."""
    name = "".join(c for c in PurePath(sent).name if c.isprintable())
    return "upload" if name in ("", ".", "..") else name[-60:]


def _lang(lang: str) -> str:
    return lang if lang in ("de", "en") else "en"


def _meta(ws: Workspace) -> dict[str, Any]:
    journeys = ws.journeys()
    registry = ws.registry()
    day = ws.local_day
    attributes = []
    for name in journeys.attributes:
        column = journeys.attribute(name)
        used = distinct(column.codes).tolist()
        values = [column.names[code] for code in used if column.names[code] is not None]
        attributes.append({"name": name, "values": values[:50]})
    return {
        "workspace": ws.settings.name,
        "version": etappe.__version__,
        "language": ws.settings.language,
        "timezone": ws.settings.timezone,
        "data_until": iso(journeys.origin.data_until_us) if journeys.origin.data_until_us is not None else None,
        "first_day": day(int(journeys.time_us.min())) if journeys.events else None,
        "last_day": day(int(journeys.time_us.max())) if journeys.events else None,
        "events": journeys.events,
        "customers": len(journeys),
        "attributes": attributes,
        "maps": [
            {"id": found.id, "title": say(found.title, ws.settings.language), "parent": found.parent}
            for found in ws.maps()
        ],
        "stage_models": [{"id": model.id, "title": model.title} for model in registry.models],
        "stage_model": ws.settings.stage_model,
    }


def _import(record: ImportRecord) -> dict[str, Any]:
    span = None
    if record.first_us is not None and record.last_us is not None:
        span = {"from": iso(record.first_us), "to": iso(record.last_us)}
    keys = ("id", "source", "rows", "events", "customers", "attributes", "refused", "status")
    shown = {key: getattr(record, key) for key in keys}
    return {**shown, "file": ", ".join(record.files), "at": iso(record.at_us), "span": span}


def _refused(row: Refusal, lang: str) -> dict[str, Any]:
    what, hint = explained(row, lang)
    shown = {key: getattr(row, key) for key in ("file", "line", "column", "value", "code")}
    return {**shown, "what": what, "hint": hint}


def _touchpoints(ws: Workspace, record: ImportRecord) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    if record.status != "done":
        return []
    counts = pc.value_counts(ws.events.read([record.id], ["touchpoint"])["touchpoint"]).to_pylist()
    return [
        {"name": pair["values"], "events": pair["counts"]} for pair in sorted(counts, key=lambda pair: -pair["counts"])
    ]


def _static(path: str) -> Response[bytes]:
    kinds = {
        ".html": "text/html", ".js": "text/javascript", ".css": "text/css",
        ".svg": "image/svg+xml", ".woff2": "font/woff2", ".png": "image/png", ".ico": "image/x-icon",
        ".txt": "text/plain",
    }  # fmt: skip
    name = path.strip("/")
    known = {file.relative_to(STATIC).as_posix(): file for file in STATIC.rglob("*") if file.is_file()}
    if name.startswith("api/") or (name not in known and "." in name.rpartition("/")[2]):
        raise UnknownName(f"/{name}", "there is nothing at this address.", "See /api/schema/openapi.json.")
    file = known.get(name) or known["index.html"]
    named_by_content = name.startswith("assets/")
    fresh = "max-age=31536000, immutable" if named_by_content else "no-cache"
    return Response(file.read_bytes(), media_type=kinds[file.suffix], headers={"cache-control": fresh})


def _refusal(_: Request[Any, Any, Any], fault: EtappeError) -> Response[dict[str, Any]]:
    status = next((code for kind, code in STATUS.items() if isinstance(fault, kind)), 400)
    return Response(fault.to_dict(), status_code=status)


def _http_fault(_: Request[Any, Any, Any], fault: HTTPException) -> Response[dict[str, Any]]:
    said = {"code": "bad-request", "where": "", "what": str(fault.detail), "hint": "", "message": str(fault.detail)}
    return Response(said, status_code=fault.status_code)


def _fault(request: Request[Any, Any, Any], fault: Exception) -> Response[dict[str, Any]]:
    """What nobody foresaw: told in the one shape, and noted with its place, not its text, which may name people."""
    if isinstance(fault, RecursionError):
        what, hint, status = "is nested too deeply.", "Send plainer JSON.", 400
    else:
        what, hint, status = "failed inside Etappe.", "Look at what the server printed, and report it.", 500
        last = traceback.extract_tb(fault.__traceback__)[-1]
        place = f"{PurePath(last.filename).name}:{last.lineno}"
        log.error("%s %r: %s at %s", request.method, request.scope["path"], type(fault).__name__, place)
    told = EtappeError("request", what, hint)
    return Response(told.to_dict(), status_code=status)


def make_app(workspace: Workspace, port: int, host: str = "127.0.0.1") -> Guard:
    """The ASGI application over a workspace, guarded for an address of this machine."""
    handlers = Api(workspace).handlers()
    app = Litestar(
        handlers,
        exception_handlers={EtappeError: _refusal, HTTPException: _http_fault, Exception: _fault},
        openapi_config=OpenAPIConfig(
            title="Etappe", version=etappe.__version__, path="/api/schema", render_plugins=[JsonRenderPlugin()]
        ),
    )
    return Guard(app, port, host)
