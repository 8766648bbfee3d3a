"""Files: a bound map in each format that it leaves in, and a map read from each format that it may come in."""

from collections.abc import Callable
from typing import Final

import msgspec

from etappe.maps.bound import BoundMap
from etappe.maps.document import dump_map
from etappe.maps.draw import svg
from etappe.maps.page import html
from etappe.maps.picture import png

Writer = Callable[[BoundMap, str], bytes]


def _json(bound: BoundMap, lang: str) -> bytes:
    return msgspec.json.format(msgspec.json.encode(bound.map), indent=2)


WRITERS: Final[dict[str, tuple[str, Writer]]] = {
    "svg": ("image/svg+xml", lambda bound, lang: svg(bound, lang=lang, theme="light").encode()),
    "png": ("image/png", lambda bound, lang: png(svg(bound, lang=lang, theme="light"))),
    "html": ("text/html", lambda bound, lang: html(bound, lang=lang).encode()),
    "yaml": ("application/yaml", lambda bound, lang: dump_map(bound.map).encode()),
    "json": ("application/json", _json),
}
"""Each kind with its media type and how it is written."""
