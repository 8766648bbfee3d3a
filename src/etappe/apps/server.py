"""Server: the web application and the API in one process, on loopback."""

import os
import socket
from pathlib import Path
from typing import Any, Final

from etappe.apps.guard import check_address
from etappe.errors import RefusedAddress

PORT: Final = 8420
FOLDER: Final = "ETAPPE_SERVED_FOLDER"
PORT_NAME: Final = "ETAPPE_SERVED_PORT"
"""How the server's worker learns what it serves."""


def free_port(host: str, port: int) -> int:
    """The port itself where it is free, else the next free one of twenty; a port that was asked for is not swapped.

    Raises
    ------
    RefusedAddress
        None of them is free.
    """
    for candidate in range(port, port + 20):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    raise RefusedAddress(f"serve --port {port}", "is taken, and so are the twenty after it.", "Choose another port.")


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

    os.environ[FOLDER], os.environ[PORT_NAME] = str(folder.resolve()), str(port)
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
    from etappe.apps.workspace import open as open_workspace

    return make_app(open_workspace(os.environ[FOLDER]), int(os.environ[PORT_NAME]))
