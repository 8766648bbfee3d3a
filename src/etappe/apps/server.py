"""Server: the web application and the API in one process, on loopback."""

import os
import socket
from pathlib import Path
from typing import Any, Final

from etappe.apps.guard import check_address
from etappe.errors import RefusedAddress

LAST_PORT: Final = 65_535
FOLDER: Final = "ETAPPE_SERVED_FOLDER"
PORT: Final = "ETAPPE_SERVED_PORT"
HOST: Final = "ETAPPE_SERVED_HOST"
"""How the server's worker learns what it serves."""


def free_port(host: str, port: int) -> int:
    """The first free port of twenty, from `port` on.

    Raises
    ------
    RefusedAddress
        None of them is free.
    """
    if not 1 <= port <= LAST_PORT:
        raise RefusedAddress(f"serve --port {port}", "is no port.", f"Choose one from 1024 to {LAST_PORT}.")
    for candidate in range(port, min(port + 20, LAST_PORT + 1)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    raise RefusedAddress(f"serve --port {port}", "is not free, nor are those after it.", "Choose another port.")


def serve(folder: Path, host: str, port: int) -> None:
    """Serve a workspace until Ctrl-C.

    Raises
    ------
    RefusedAddress
        `host` is not loopback: others could reach it, and there are no accounts yet.
    """
    check_address(host)
    from granian import Granian
    from granian.constants import Interfaces

    os.environ |= {FOLDER: str(folder.resolve()), PORT: str(port), HOST: host}
    server = Granian(
        "etappe.apps.server:application",
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        factory=True,
        log_enabled=False,
        websockets=False,
        backpressure=64,
        workers_kill_timeout=10,
    )
    server.serve()


def application() -> Any:
    """The application of the server's worker, over the workspace that `serve` named."""
    from etappe.apps.api import make_app
    from etappe.apps.filing import schedule_of
    from etappe.apps.workspace import open as open_workspace

    workspace = open_workspace(os.environ[FOLDER])
    schedule_of(workspace).start()
    return make_app(workspace, int(os.environ[PORT]), os.environ[HOST])
