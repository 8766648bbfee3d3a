"""Guard: which requests are heard at all (Host, Origin, a header no foreign page can send), and what every answer says.

Until there are accounts, whoever reaches the address may do everything: so the address is loopback, and a page from
elsewhere in the same browser must not be able to speak for its user (cross-site requests, DNS rebinding).
"""

import ipaddress
from typing import Any, Final

import msgspec

from etappe.errors import EtappeError, RefusedAddress

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


def check_address(host: str) -> None:
    """Refuse to serve on an address that others can reach.

    Raises
    ------
    RefusedAddress
        `host` is not loopback.
    """
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        why = "there are no accounts yet, so everybody who reaches this address could read and change everything."
        raise RefusedAddress(f"serve --host {host}", why, "Serve on 127.0.0.1, and tunnel to it where needed.")


class Guard:
    """An ASGI application around another: hears only its own hosts and origins, and adds the security headers."""

    def __init__(self, app: Any, port: int, host: str = "127.0.0.1") -> None:
        self.app = app
        names = ("localhost", "127.0.0.1", "[::1]", f"[{host}]" if ":" in host else host)
        self.hosts = {name.encode() for name in names} if port == 80 else set()
        self.hosts |= {f"{name}:{port}".encode() for name in names}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hear a request, or refuse it with 403 and the reason."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        fault = self._fault(scope["method"], headers)
        if fault is not None:
            body = msgspec.json.encode(fault.to_dict())
            start = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *HEADERS]
            await send({"type": "http.response.start", "status": 403, "headers": start})
            await send({"type": "http.response.body", "body": body})
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                more = [
                    *HEADERS,
                    *([] if b"content-security-policy" in given else [(b"content-security-policy", CSP.encode())]),
                ]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self.app(scope, receive, with_headers)

    def _fault(self, method: str, headers: dict[bytes, bytes]) -> EtappeError | None:
        host = headers.get(b"host", b"")
        if host not in self.hosts:
            hint = "Open the address that `etappe serve` printed."
            return RefusedAddress("Host", f"{host.decode('latin-1')!r} is not served here.", hint)
        origin = headers.get(b"origin")
        if origin is not None and origin.removeprefix(b"http://") not in self.hosts:
            return RefusedAddress("Origin", "a page from elsewhere may not speak to this server.")
        if headers.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none") and method not in SAFE:
            return RefusedAddress("Sec-Fetch-Site", "a page from elsewhere may not speak to this server.")
        if method not in SAFE and b"x-etappe" not in headers:
            return RefusedAddress("X-Etappe", "a change needs this header.", "Send X-Etappe: 1.")
        return None
