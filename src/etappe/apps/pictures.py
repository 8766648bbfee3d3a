"""Pictures: an answer drawn as SVG for a PNG: its finding, its bars or its flow, and the base that it rests on.

Colours stand in it resolved and words are set in the shipped font: the picture is the same on every machine.
"""

import textwrap
from html import escape
from typing import Any, Final, Literal

from etappe.analysis.answer import Answer
from etappe.analysis.sankey import sankey
from etappe.analysis.show import SHARES, base_line, cell
from etappe.language import word

WIDTH, MARGIN, LINE, BAR, NAMES = 1000, 40, 24, 30, 300
"""Of the picture, its edge, a line of text, a row with a bar, and the column of names; pixels."""
LETTERS: Final = 84
"""Letters of the sentence in a line, at 18 pixels."""
MOST: Final = 25
"""Rows that are drawn; a file has all."""
APART: Final = ("model", "signal", "period", "group")
INKS: Final = {
    "light": {"page": "#FBFBFA", "ink": "#1C1C1A", "mute": "#5F5F58", "grey": "#8A8A82", "accent": "#0B5CAD"},
    "dark": {"page": "#151614", "ink": "#ECEDE8", "mute": "#A8ACA1", "grey": "#7F847A", "accent": "#7DB7F2"},
}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _bars(found: Answer, lang: str, top: float) -> tuple[str, float]:
    """A bar for each row, named and with its number; how far down they reach."""
    question = type(found.question)
    names = found.table.column_names
    rows: list[dict[str, Any]] = found.rows()[:MOST]
    if question.bar not in names or question.label not in names:
        return _facts(found, lang, top)
    values = [row[question.bar] or 0 for row in rows]
    whole = 1.0 if question.bar in SHARES and max(values, default=0) > 0.3 else max((abs(v) for v in values), default=0)
    room = WIDTH - 2 * MARGIN - NAMES - 90
    drawn = []
    for i, (row, value) in enumerate(zip(rows, values, strict=True)):
        y = top + i * BAR
        label = question.label
        # What tells two rows of one name apart stands with it.
        parts = [label, *(one for one in APART if one != label and row.get(one) is not None)]
        name = _cut(" · ".join(cell(part, row[part], lang) for part in parts), 40)
        width = max(1.0, abs(value) / (whole or 1) * room)
        drawn.append(
            f'<text class="name" x="{MARGIN}" y="{y + 19}">{escape(name)}</text>'
            f'<rect class="bar" x="{MARGIN + NAMES}" y="{y + 4}" width="{width:.1f}" height="{BAR - 10}" rx="2"/>'
            f'<text class="name" x="{MARGIN + NAMES + width + 8:.1f}" y="{y + 19}">'
            f"{escape(cell(question.bar, row[question.bar], lang))}</text>"
        )
    return "".join(drawn), top + len(rows) * BAR


def _facts(found: Answer, lang: str, top: float) -> tuple[str, float]:
    """Where nothing is drawn as a bar: the numbers of the first row, each with its name."""
    drawn = []
    row = next(iter(found.rows()), {})
    for i, (name, value) in enumerate(row.items()):
        y = top + i * LINE + 16
        title = word(f"answer.column.{'value' if name.startswith('value_') else name}", lang)
        drawn.append(f'<text class="small" x="{MARGIN}" y="{y}">{escape(title)}</text>')
        drawn.append(f'<text class="name" x="{MARGIN + NAMES}" y="{y}">{escape(cell(name, value, lang))}</text>')
    return "".join(drawn), top + len(row) * LINE


def picture(found: Answer, caption: str, lang: str, theme: Literal["light", "dark"] = "light") -> str:
    """The answer as an SVG that holds everything it needs but the font."""
    ink = INKS[theme]
    y = MARGIN + 14.0
    title = word(f"answer.title.{found.question.__struct_config__.tag}", lang)
    drawn = [f'<text class="small" x="{MARGIN}" y="{y}">{escape(title)}</text>']
    for line in textwrap.wrap(caption, LETTERS):
        y += LINE
        drawn.append(f'<text class="lead" x="{MARGIN}" y="{y}">{escape(line)}</text>')
    y += LINE
    flow = sankey(found, lang) if found.question.__struct_config__.tag == "flow" else ""
    if flow:
        tall = float(flow.split('viewBox="0 0 ', 1)[1].split('"', 1)[0].split()[1])
        flow = flow.replace("<svg ", f'<svg overflow="visible" height="{tall:.0f}" ', 1)
        drawn.append(f'<g transform="translate({MARGIN} {y})">{flow}</g>')
        y += tall
    else:
        chart, y = _bars(found, lang, y)
        drawn.append(chart)
    y += LINE + 6
    drawn.append(f'<text class="small" x="{MARGIN}" y="{y}">{escape(base_line(found, lang))}</text>')
    height = round(y + MARGIN - 10)
    style = (
        f"text{{font-family:Inter;fill:{ink['ink']}}}.lead{{font-size:18px;font-weight:600}}.name{{font-size:13px}}"
        f".small{{font-size:12px;fill:{ink['mute']}}}.bar{{fill:{ink['accent']}}}"
        f".flow path{{fill:none;stroke:{ink['accent']};stroke-opacity:.28}}.flow text{{font-size:11px}}"
        f".flow rect{{fill:{ink['accent']}}}.flow .other,.flow .none{{fill:{ink['grey']}}}"
        f".flow .exit,.flow .start{{fill:{ink['ink']}}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
        f'<style>{style}</style><rect width="{WIDTH}" height="{height}" fill="{ink["page"]}"/>{"".join(drawn)}</svg>'
    )
