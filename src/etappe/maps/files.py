"""Files: a bound map in each format that it leaves in, and a map read from each format that it may come in."""

from collections.abc import Callable
from typing import Final

import msgspec

from etappe.errors import BadFile
from etappe.maps.bound import BoundMap
from etappe.maps.cjml import from_cjml, to_cjml
from etappe.maps.document import dump_map, read_map
from etappe.maps.draw import svg
from etappe.maps.model import JourneyMap
from etappe.maps.page import html
from etappe.maps.picture import png
from etappe.maps.sheet import from_csv, from_xlsx, to_csv, to_xlsx
from etappe.maps.words import to_markdown, to_mermaid

Writer = Callable[[BoundMap, str], bytes]


def _json(bound: BoundMap, lang: str) -> bytes:
    return msgspec.json.format(msgspec.json.encode(bound.map), indent=2)


WRITERS: Final[dict[str, tuple[str, Writer]]] = {
    "svg": ("image/svg+xml", lambda bound, lang: svg(bound, lang=lang, theme="light").encode()),
    "png": ("image/png", lambda bound, lang: png(svg(bound, lang=lang, theme="light"))),
    "html": ("text/html", lambda bound, lang: html(bound, lang=lang).encode()),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", to_xlsx),
    "csv": ("text/csv", to_csv),
    "md": ("text/markdown", to_markdown),
    "mmd": ("text/plain", to_mermaid),
    "cjml": ("application/xml", to_cjml),
    "yaml": ("application/yaml", lambda bound, lang: dump_map(bound.map).encode()),
    "json": ("application/json", _json),
}
"""Each kind with its media type and how it is written."""


def read_any(content: bytes, name: str) -> JourneyMap:
    """A map from a file's content, by the ending of its name: yaml, json, csv, xlsx or cjml (xml).

    Raises
    ------
    BadFile
        Maps are not read from such files.
    BadMap
        With every fault and where it stands.

    Examples
    --------
    >>> read_any(b"schema: journey-map/1\\nid: shop\\ntitle: Shop\\n", "shop.yaml").id
    'shop'
    """
    kind = name.rpartition(".")[2].lower()
    if kind in ("csv", "xlsx"):
        return from_csv(content, name) if kind == "csv" else from_xlsx(content, name)
    if kind in ("cjml", "xml"):
        return from_cjml(content, name)
    if kind not in ("yaml", "yml", "json"):
        raise BadFile(name, "is no kind of file that a map is read from.", "Choose yaml, json, csv, xlsx or cjml.")
    try:
        return read_map(content.decode("utf-8-sig") + "\n", name)
    except UnicodeDecodeError:
        raise BadFile(name, "is not written in UTF-8.", "Save it as UTF-8.") from None
