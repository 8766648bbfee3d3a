"""Words: a map as Markdown, for a wiki or a ticket, and as a Mermaid journey, which shows titles and feelings alone."""

from etappe.language import word
from etappe.maps.bound import SHOWN, BoundCell, BoundMap
from etappe.maps.figures import value_text
from etappe.vocabulary import say


def to_markdown(bound: BoundMap, lang: str = "de") -> bytes:
    """A map as a Markdown table: a column for each step, a row for each lane.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> from etappe.maps.evidence import bind
    >>> to_markdown(bind(template("five-stages")), "en").decode().splitlines()[0]
    '# Customer journey in five stages'
    """
    m = bound.map
    count = len(m.columns())
    lines = [f"# {_plain(say(m.title, lang))}", ""]
    if m.scenario:
        lines += [_plain(say(m.scenario, lang)), ""]
    stages: list[str] = []
    steps: list[str] = []
    for stage in m.stages:
        stages += [say(stage.title, lang), *[""] * (max(1, len(stage.steps)) - 1)]
        steps += [say(step.title, lang) for step in stage.steps] or [""]
    lines.append(_line(["", *stages]))
    lines.append("|" + " --- |" * (count + 1))
    lines.append(
        _line([f"**{word('map.part.step', lang)}**", *(f"**{_cell(step)}**" if step else "" for step in steps)])
    )
    for lane in m.lanes:
        told = [""] * count
        for c in bound.cells:
            if c.lane.id == lane.id:
                told[c.first] = "<br>".join(part for part in (told[c.first], *_said(bound, c, lang)) if part)
        lines.append("| " + " | ".join([f"**{_cell(say(lane.title, lang))}**", *told]) + " |")
    return ("\n".join(lines) + "\n").encode()


def _said(bound: BoundMap, c: BoundCell, lang: str) -> list[str]:
    numbers = [f"{value_text(b, lang)} {say(b.label, lang)}" for b in bound.of(c.cell) if b.state in SHOWN]
    score = f"{c.score:+.1f}" if c.score is not None else ""
    quotes = [f"„{say(quote.text, lang)}“" for quote in c.cell.quotes]
    return [_cell(part) for part in (say(c.cell.text, lang), *quotes, score, *numbers) if part]


def _plain(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    """A text within a table: no bar ends the cell, no sign makes a heading, a link or a tag."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return _plain(text)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell if cell.startswith("**") else _cell(cell) for cell in cells) + " |"


def to_mermaid(bound: BoundMap, lang: str = "de") -> bytes:
    """A map as a Mermaid `journey`: stages, steps and the first emotion curve, from 1 to 5; all else is left out.

    Examples
    --------
    >>> from etappe.maps.draft import template
    >>> from etappe.maps.evidence import bind
    >>> to_mermaid(bind(template("five-stages")), "en").decode().splitlines()[:3]
    ['journey', '  title Customer journey in five stages', '  section Awareness']
    """
    m = bound.map
    lanes = [lane.id for lane in m.lanes if lane.type in ("emotion", "arc") and not lane.to_be]
    scores = {
        c.first: c.score if c.lane.type == "arc" else c.score + 3
        for c in reversed(bound.cells)
        if lanes and c.lane.id == lanes[0] and c.score is not None
    }
    points = {point.id: say(point.title, lang) for point in m.touchpoints}
    lines, at = ["journey", f"  title {_bare(say(m.title, lang))}"], 0
    for stage in m.stages:
        lines.append(f"  section {_bare(say(stage.title, lang))}")
        for step in stage.steps:
            score = round(min(5, max(1, scores.get(at, 3))))
            who = _bare(points.get(step.touchpoint or "", "")) or "–"
            lines.append(f"    {_bare(say(step.title, lang))}: {score}: {who}")
            at += 1
        at += not stage.steps
    return ("\n".join(lines) + "\n").encode()


def _bare(text: str) -> str:
    """A text that Mermaid reads as one: a colon, a comma or a semicolon would end it."""
    return _plain(text.replace(":", " –").replace(",", " ").replace(";", " ").replace("#", " "))
