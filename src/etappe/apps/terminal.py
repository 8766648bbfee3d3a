"""Terminal: what the command line shows: tables, progress on stderr, JSON on stdout, errors in one line."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

out = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
err = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


def width() -> int | None:
    """How many columns of text the terminal has; none where the output goes into a file or another program."""
    return out.width if out.is_terminal else None


def say(text: str) -> None:
    """A line of data on stdout."""
    out.print(text)


def note(text: str) -> None:
    """A line for people on stderr."""
    err.print(text)


def as_json(data: Any) -> None:
    """Data as JSON on stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(data), indent=2).decode() + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows under their heads, never folded: a wide table is scrolled, or cut by `cut`; numbers stand to the right."""
    listed = [list(row) for row in rows]
    held = [[row[i] for row in listed] for i in range(len(columns))]
    numeric = [bool(part) and all(isinstance(value, int | float | None) for value in part) for part in held]
    cells = [list(columns), *([_cell(value) for value in row] for row in listed)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        placed = zip(line, widths, numeric, strict=True)
        say("  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in placed).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)


@contextmanager
def progress(quiet: bool, unit: str = "rows") -> Iterator[Any]:
    """A bar on stderr, in rows or another unit; a function (name, done, total) to tell it."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        console=err,
        disable=quiet or not err.is_terminal,
        transient=True,
    )
    tasks: dict[str, Any] = {}

    def tell(file: str, rows: int, total: int | None) -> None:
        if file not in tasks:
            tasks[file] = bar.add_task(file, total=total)
        bar.update(tasks[file], completed=rows, total=total)

    with bar:
        yield tell
