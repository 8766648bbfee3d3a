"""Printed: a map as PDF: the drawn map on one page, its numbers with base and interval as a table behind it.

The file is tagged and says its language, title and what the picture shows (PDF/UA-1), so that it can be read aloud.
Needs the extra `pdf` (typst).
"""

import re
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from etappe.errors import BadDocument, MissingExtra
from etappe.language import LANGUAGES, word
from etappe.maps.bound import SHOWN, BoundMap
from etappe.maps.draw import svg
from etappe.maps.figures import day, interval_text, state_text, value_text
from etappe.vocabulary import say

A3: Final = (420.0, 297.0)
MARGIN: Final = 10.0
SMALLEST: Final = 0.55
"""A map that would be drawn smaller than this on A3 gets a page of its own size: its small print stays readable."""
MM_PER_UNIT: Final = 25.4 / 96


def pdf(bound: BoundMap, lang: str = "de", note: str = "") -> bytes:
    """A map as PDF.

    Raises
    ------
    MissingExtra
        typst is not installed.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> from etappe.maps.evidence import bind
    >>> pdf(bind(template("five-stages")))[:5]
    b'%PDF-'
    """
    try:
        import typst
    except ModuleNotFoundError:
        hint = "Install it with: pip install 'etappe[pdf]'"
        raise MissingExtra("", "a PDF needs typst.", hint) from None

    lang = lang if lang in LANGUAGES else "en"
    picture = svg(bound, lang=lang, theme="light")
    fonts = files("etappe.maps").joinpath("fonts")
    with tempfile.TemporaryDirectory(prefix="etappe-") as name, as_file(fonts) as folder:
        (Path(name) / "map.svg").write_text(picture, encoding="utf-8")
        source = Path(name) / "map.typ"
        source.write_text(_source(bound, picture, lang, note), encoding="utf-8")
        try:
            found = typst.compile(
                str(source), font_paths=[str(folder)], ignore_system_fonts=True, pdf_standards=["ua-1"]
            )
        except typst.TypstError as error:
            raise BadDocument("pdf", f"this cannot be printed: {error}.") from None
    if not isinstance(found, bytes):
        raise BadDocument("pdf", "this cannot be printed on one page a part.", "Draw it as HTML.")
    return found


def _quoted(text: str) -> str:
    """A text as a string of Typst: nothing in it is a command."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _source(bound: BoundMap, picture: str, lang: str, note: str) -> str:
    m = bound.map
    title = say(m.title, lang)
    wide, high = _size(picture)
    room = (A3[0] - 2 * MARGIN, A3[1] - 2 * MARGIN)
    scale = min(room[0] / wide, room[1] / high)
    page = A3 if scale >= SMALLEST else (wide * SMALLEST + 2 * MARGIN, high * SMALLEST + 2 * MARGIN)
    stages = "; ".join(
        f"{say(stage.title, lang)}: {', '.join(say(step.title, lang) for step in stage.steps) or '–'}"
        for stage in m.stages
    )
    alt = word("map.pdf.alt", lang, title=title, stages=stages)
    lines = [
        f"#set document(title: {_quoted(title)})",
        f'#set text(font: "Inter", lang: "{lang}", size: 9pt)',
        f'#set page(fill: rgb("#FBFBFA"), width: {page[0]:.1f}mm, height: {page[1]:.1f}mm, margin: {MARGIN}mm)',
        f'#align(center + horizon, image("map.svg", alt: {_quoted(alt)}, width: 100%, height: 100%, fit: "contain"))',
    ]
    rows = _rows(bound, lang)
    if rows or note:
        heads = [word(f"map.pdf.{name}", lang) for name in ("evidence", "value", "interval", "n", "state")]
        lines += [
            "#pagebreak()",
            '#set page(fill: white, paper: "a4", margin: 18mm)',
            f"#heading(level: 1, text(size: 14pt, {_quoted(title)}))",
            f"#text(fill: luma(90), {_quoted(note or _until(bound, lang))})",
            "#v(4mm)",
        ]
        if rows:
            cells = ", ".join(f"[#text({_quoted(cell)})]" for row in rows for cell in row)
            head = ", ".join(f'[#text(weight: "semibold", {_quoted(text)})]' for text in heads)
            lines.append(
                "#table(columns: (3fr, 1.2fr, 1.6fr, 0.8fr, 2fr), stroke: (x, y) => (bottom: 0.4pt + luma(200)), "
                f"table.header({head}), {cells})"
            )
    return "\n".join(lines) + "\n"


def _size(picture: str) -> tuple[float, float]:
    """Width and height of a drawn map in millimetres."""
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', picture)
    if found is None:
        raise BadDocument("pdf", "the drawn map has no size.")
    return float(found[1]) * MM_PER_UNIT, float(found[2]) * MM_PER_UNIT


def _rows(bound: BoundMap, lang: str) -> list[tuple[str, str, str, str, str]]:
    """Each number: what it is, its value, interval, base, and what to read with care."""
    return [
        (
            say(b.label, lang),
            value_text(b, lang) if b.state in SHOWN else "–",
            interval_text(b, lang) if b.state in SHOWN else "",
            f"{b.n:,}".replace(",", "." if lang == "de" else ",") if b.n is not None and b.state in SHOWN else "",
            state_text(b, lang),
        )
        for b in bound.evidence.values()
    ]


def _until(bound: BoundMap, lang: str) -> str:
    return word("map.until", lang, day=day(bound.data_until, lang, bound.timezone)) if bound.data_until else ""
