"""Small workspaces for tests: made through the same import as everything else."""

from pathlib import Path

from etappe.apps.workspace import Workspace, init
from etappe.config import Settings

SHARED = Path(__file__).parents[2] / "shared" / "data"
"""Real data that tests use where it is there (see CONTRIBUTING)."""

SHOP = """user;at;what;where;amount;shop_order
0007;2026-03-01T10:00:00+01:00;visit;web;;
0007;2026-03-01T10:05:00+01:00;order;web;19,90;A1
8;2026-03-02T09:00:00+01:00;visit;web;;
8;2026-03-05T09:00:00+01:00;visit;app;;
8;2026-03-05T09:30:00+01:00;order;app;100,00;A2
9;2026-03-06;visit;web;;
"""
SHOP_MAPPING = """timezone = "Europe/Berlin"
delimiter = ";"
decimal = ","
customer = "user"
time = "at"
touchpoint = "what"
channel = "where"
order = "shop_order"
value = { column = "amount", currency = "EUR" }
"""
PEOPLE = "user,age\n0007,30-39\n8,40-49\n9,40-49\n10,70+\n"
PEOPLE_MAPPING = 'customer = "user"\n[attributes]\ncolumns = ["age"]\n'


def made(folder: Path) -> Workspace:
    """An empty workspace, German, in Berlin."""
    return init(folder / "shop", Settings(name="Shop", goals=("order",)))


def written(folder: Path, name: str, text: str) -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def shop(folder: Path) -> Workspace:
    """A shop with six events of three customers, and the ages of four."""
    workspace = made(folder)
    workspace.import_files([written(folder, "shop.csv", SHOP)], mapping=written(folder, "shop.toml", SHOP_MAPPING))
    workspace.import_files(
        [written(folder, "people.csv", PEOPLE)], mapping=written(folder, "people.toml", PEOPLE_MAPPING)
    )
    return workspace
