"""Reports: what the command line says of an import, of touchpoints, of a map's faults; and maps drawn into files."""

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

from etappe.apps import terminal
from etappe.collect.refusals import explained
from etappe.errors import BadFile
from etappe.language import number, word
from etappe.units import SECOND_US

if TYPE_CHECKING:
    from etappe.apps.importing import ImportReport
    from etappe.apps.workspace import Workspace
    from etappe.maps.bound import BoundMap

Theme = Literal["light", "dark"]
FORMATS: Final = ("svg", "html", "png")


def show_report(report: "ImportReport", lang: str, workspace: Path) -> None:
    """What became of a file, in sentences; refused rows with place, reason and remedy."""
    if report.status == "already":
        terminal.say(word("cli.import.already", lang, file=report.file, id=report.id))
        return
    counts = {
        key: number(getattr(report, key), lang) for key in ("rows", "events", "customers", "attributes", "refused")
    }
    said = {"file": report.file, "id": report.id or "-", **counts}
    terminal.say(word("cli.import.checked" if report.status == "checked" else "cli.import.done", lang, **said))
    if report.left_out:
        terminal.say(word("cli.import.left_out", lang, rows=number(report.left_out, lang)))
    for sentence in report.guesses:
        terminal.say(f"  {sentence}")
    if report.status == "checked":
        for sentence in report.sentences:
            terminal.say(f"  {sentence}")
        terminal.say(report.mapping)
    first = {refusal.code: refusal for refusal in reversed(report.refusals)}
    for code, count in report.reasons.items():
        what, hint = explained(first[code], lang)
        said = {"count": number(count, lang), "line": number(first[code].line, lang), "what": what, "hint": hint}
        terminal.say(word("cli.import.reason", lang, **said))
    if report.refused and report.id:
        terminal.say(word("cli.import.export", lang, id=report.id, folder=workspace))


def show_imports(ws: "Workspace") -> None:
    """The ledger of imports, times in the workspace's zone."""
    zone = ZoneInfo(ws.settings.timezone)
    heads = ("id", "status", "file", "source", "at", "rows", "events", "attributes", "customers", "refused")
    rows = []
    for r in ws.imports():
        at = datetime.fromtimestamp(r.at_us // SECOND_US, zone).isoformat(" ", "minutes")
        counts = (r.rows, r.events, r.attributes, r.customers, r.refused)
        rows.append((r.id, r.status, ", ".join(r.files), r.source, at, *counts))
    terminal.table(heads, rows)


def show_faults(faults: Sequence[Any], file: Path, as_json: bool) -> bool:
    """A map's faults; whether one of them is an error."""
    if as_json:
        terminal.as_json({"file": str(file), "faults": faults})
    else:
        for fault in faults:
            terminal.say(f"{fault.level}: {fault}")
        if not faults:
            terminal.say(f"{file}: no fault.")
    return any(fault.level == "error" for fault in faults)


def render(file: str, out: Path, theme: Theme, workspace: Path, lang: str | None, shared: bool = False) -> None:
    """Draw a map, a YAML file or the id of a stored one, with the workspace's numbers where there is one."""
    from etappe.apps.workspace import Workspace
    from etappe.config import FILE
    from etappe.maps.document import read_map
    from etappe.maps.evidence import bind

    is_file = Path(file).is_file()
    if is_file and not (workspace / FILE).exists():
        bound = bind(read_map(Path(file)), now_us=time.time_ns() // 1000)
        draw(bound, out, lang or bound.map.language, theme, shared)
        return
    ws = Workspace(workspace)
    bound = ws.bind(read_map(Path(file)) if is_file else ws.map(file))
    draw(bound, out, lang or bound.map.language, theme, shared)


def draw(bound: "BoundMap", out: Path, lang: str, theme: Theme, shared: bool = False) -> None:
    """Write a bound map as a file of the kind that its name ends with."""
    from etappe.apps.filing import KINDS, filed

    kind = out.suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise BadFile(str(out), "has no known ending.", f"Write one of {', '.join('.' + name for name in KINDS)}.")
    content = filed(bound, kind, lang, theme, shared=shared)
    try:
        out.write_bytes(content)
    except OSError as fault:
        raise BadFile(str(out), f"cannot be written: {fault.strerror}.") from None
