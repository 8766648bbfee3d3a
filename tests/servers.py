"""A real server in a process of its own, on loopback, for tests of the interface and the screens."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from etappe.apps.server import free_port

# Granian shares a port that is in use, so that two test processes that ask at once would answer for each other.
FIRST_PORT = 18420 + 20 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


class Client:
    """What a browser on this machine would send, unless told otherwise."""

    def __init__(self, port: int) -> None:
        self.port, self.address = port, f"http://127.0.0.1:{port}"

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Host": f"127.0.0.1:{self.port}", **({"X-Etappe": "1"} if method != "GET" else {}), **(headers or {})}
        if isinstance(body, dict):
            body, sent["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, path, body=body, headers={k: v for k, v in sent.items() if v})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON of an answer that has to be 200."""
        status, _, body = self.send("GET", path)
        assert status == 200, body
        return json.loads(body)

    def form(self, path: str, **parts: str | tuple[str, bytes]) -> tuple[int, Any]:
        """Send a form; a part that is a file is (name, bytes)."""
        lines = b""
        for name, part in parts.items():
            file, content = part if isinstance(part, tuple) else (None, part.encode())
            named = f'; filename="{file}"' if file else ""
            lines += (
                f'--edge\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"
            )
        kind = {"Content-Type": "multipart/form-data; boundary=edge"}
        status, _, body = self.send("POST", path, lines + b"--edge--\r\n", kind)
        return status, json.loads(body)


@contextmanager
def served(folder: Path) -> Iterator[Client]:
    """Serve a workspace until the block ends; stopped by its process id."""
    port = free_port("127.0.0.1", FIRST_PORT)
    program = "from etappe.apps.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "-w", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            client = Client(port)
            for _ in range(300):
                try:
                    if client.send("GET", "/health")[0] == 200:
                        break
                except OSError:
                    if process.poll() is not None:
                        raise AssertionError(process.stdout.read() if process.stdout else "") from None
                    time.sleep(0.1)
            yield client
        finally:
            process.terminate()
            process.wait(20)
