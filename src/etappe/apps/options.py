"""Options: what the commands of the command line have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace

Folder = Annotated[Path, typer.Option("--workspace", "-w", help="The workspace's folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Lang = Annotated[str | None, typer.Option("--lang", help="de or en; default: the workspace's.")]
Rows = Annotated[int, typer.Option("--rows", min=0, help="At most so many rows; 0: all.")]
By = Annotated[str | None, typer.Option("--by", help="Break down by a customer attribute or a column.")]
Where = Annotated[
    str | None, typer.Option("--where", help="Only what meets it, such as: did cart then order within 7d.")
]
Start = Annotated[str | None, typer.Option("--from", help="First day, such as 2026-11-01.")]
End = Annotated[str | None, typer.Option("--to", help="Last day, included.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="The file to write.")]
Subject = Annotated[str, typer.Option(help="Whose journeys: customer, or a column such as order.")]

HERE: Final = Path()
PARTLY: Final = 3
STOPPED: Final = 130
"""Exit codes: rows were refused; somebody pressed Ctrl-C."""


def opened(folder: Path) -> "Workspace":
    """The workspace that a command works on."""
    from etappe.apps.workspace import open as open_workspace

    return open_workspace(folder)
