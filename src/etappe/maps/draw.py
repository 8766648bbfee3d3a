"""Draw: a bound map as SVG: stages, steps, lanes and what each thing rests on. Measured first, then drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from etappe.language import number, percent, word
from etappe.maps.figures import day
from etappe.maps.flow import draw_flow, room_above
from etappe.maps.ink import TINTS, Ink, Theme
from etappe.maps.lanes import CURVES, GAP, PAD, Frame, lane_of
from etappe.maps.letters import BOLD, width, wrap
from etappe.maps.model import BASES, Basis, JourneyMap, Step, Touchpoint, stage_columns
from etappe.units import DAY_US, duration_us
from etappe.vocabulary import say

if TYPE_CHECKING:
    from etappe.maps.bound import BoundMap

MARGIN: Final = 24.0
LABELS: Final = 111.0
"""Width of the column of lane titles."""
NARROWEST: Final = 126.0
NAMED: Final = 3
"""So many touchpoints that are not on the map are named."""
BEHIND: Final = frozenset(("backstage", "support"))
"""The line of visibility stands above the first of these lanes."""


def _column_width(count: int) -> float:
    """Wide columns for few steps, narrow ones for many; a page of 1,356 pixels holds eight."""
    return max(NARROWEST, min(240.0, 1197 / max(1, count)))


def period(document: JourneyMap, bound: "BoundMap", lang: str) -> str:
    """Revision, window and date of the numbers, in one line."""
    parts = [word("map.revision", lang, revision=document.revision)] if document.revision else []
    window = document.window
    if window and window.rolling:
        parts.append(word("map.rolling", lang, days=round(duration_us(window.rolling) / DAY_US)))
    elif window and window.start and window.end:
        parts.append(word("map.span", lang, start=day(window.start, lang), end=day(window.end, lang)))
    if bound.data_until:
        parts.append(word("map.until", lang, day=day(bound.data_until, lang, bound.timezone)))
    return " · ".join(parts)


def summary(bound: "BoundMap", lang: str) -> str:
    """What the map rests on, as one sentence: "gemessen 53 % · angenommen 47 %"."""
    return " · ".join(f"{word(f'map.basis.{b}', lang)} {percent(s, lang, 0)}" for b, s in claimed(bound))


def claimed(bound: "BoundMap") -> list[tuple[Basis, float]]:
    """The bases that occur with their shares in whole per cent, rounded so that they sum to 100."""
    exact = {b: bound.shares[b] * 100 for b in BASES if bound.shares.get(b)}
    whole = {b: int(share) for b, share in exact.items()}
    left = round(sum(exact.values())) - sum(whole.values())
    for b in sorted(exact, key=lambda b: whole[b] - exact[b])[:left]:
        whole[b] += 1
    return [(b, share / 100) for b, share in whole.items()]


def _head(ink: Ink, bound: "BoundMap", right: float, lang: str) -> float:
    """Title, scenario, legend; gives the bottom."""
    m = bound.map
    legend = [(b, f"{word(f'map.basis.{b}', lang)} {percent(s, lang, 0)}") for b, s in claimed(bound)]
    legend_width = sum(width(text, 11) + 30 for _, text in legend)
    about = period(m, bound, lang)
    aside = max(legend_width, width(about, 11)) + 24
    narrow = right - MARGIN < aside + 320
    room = right - MARGIN - (0 if narrow else aside)
    titles = wrap(say(m.title, lang), room, 22, BOLD)
    y = ink.lines(MARGIN, 38, titles, size=22, leading=27, weight=BOLD)
    scenario = wrap(say(m.scenario, lang), room, 12, most=4) if m.scenario else []
    y = ink.lines(MARGIN, y - 5, scenario, size=12, leading=17, fill="mute")
    y += 5 if scenario else -6
    legend_y = 38.0
    if narrow:
        ink.text(MARGIN, y + 6, about, size=11, fill="mute")
        y += 18 if about else 0
        legend_y = y + 6
        x = MARGIN + 5
        y += 20 if legend else 0
    else:
        ink.text(right, 38, about, size=11, fill="mute", anchor="end")
        legend_y = 58.0 if about else 38.0
        x = right - legend_width + 20
    for basis, text in legend:
        ink.point(x, legend_y - 4, basis, radius=5)
        ink.text(x + 10, legend_y, text, size=11, fill="mute")
        x += width(text, 11) + 30
    return max(y, legend_y + 14)


def _stages(ink: Ink, bound: "BoundMap", frame: Frame, y: float) -> float:
    """The bands of the stages with their texts; gives the bottom."""
    column = 0
    bands = []
    for i, stage in enumerate(bound.map.stages):
        span = len(stage_columns(stage))
        room = span * frame.column - GAP
        titles = wrap(say(stage.title, frame.lang), room - 2 * PAD, 13, BOLD)
        text = wrap(say(stage.text, frame.lang), room - 2 * PAD, 11, most=5) if stage.text else []
        bands.append((frame.left + column * frame.column, room, titles, text, i))
        column += span
    height = max((13 + 17 * len(t) + (15 * len(x) + 2 if x else 0) for _, _, t, x, _ in bands), default=30)
    for x, room, titles, text, i in bands:
        ink.rect(x, y, room, height, fill=f"tint{i % TINTS}", radius=6)
        at = ink.lines(x + PAD, y + 20, titles, size=13, leading=17, weight=BOLD)
        ink.lines(x + PAD, at, text, size=11, leading=15)
    return y + height


def _step_title(step: Step, touchpoint: Touchpoint | None, lang: str) -> str:
    parts = [say(step.title, lang)]
    if touchpoint:
        parts += [say(touchpoint.title, lang), category_text(touchpoint, lang)]
    if step.truth:
        parts.append(word("map.truth", lang, name=step.truth.upper()))
    return " · ".join(parts)


def category_text(touchpoint: Touchpoint, lang: str) -> str:
    """The 2x2 category in words: "digital · direkt"."""
    return f"{word(f'map.medium.{touchpoint.medium}', lang)} · {word(f'map.contact.{touchpoint.contact}', lang)}"


def _steps(ink: Ink, bound: "BoundMap", frame: Frame, y: float) -> float:
    """The row of steps: shape by category, star at a moment of truth, titles; gives the bottom."""
    m, lang = bound.map, frame.lang
    points = {t.id: t for t in m.touchpoints}
    steps = {step.id: step for step in m.steps}
    room = frame.column - GAP - PAD
    y += room_above(m)
    ink.text(MARGIN, y + 36, word("map.step", lang), size=11, weight=BOLD, fill="mute")
    keys = m.columns()
    bottom = y + 64.0
    centre = y + 32
    places = [(i, steps[key]) for i, key in enumerate(keys) if key in steps]
    draw_flow(ink, m, {step.id: frame.left + i * frame.column + PAD + 12 for i, step in places}, centre, lang)
    for i, step in places:
        x = frame.left + i * frame.column + PAD
        touchpoint = points.get(step.touchpoint or "")
        ink.open(_step_title(step, touchpoint, lang))
        if touchpoint:
            ink.category(x + 12, centre, touchpoint.medium, touchpoint.contact)
        else:
            ink.rect(x + 2, centre - 10, 20, 20, stroke="strong", radius=3, dash="3 3")
        if step.truth:
            ink.rect(x + 25, centre - 10, 18, 18, fill="bg")
            ink.star(x + 34, centre - 3)
        at = ink.lines(x, y + 62, wrap(say(step.title, lang), room, 12.5, BOLD), size=12.5, leading=15.5, weight=BOLD)
        small: list[str] = []
        if touchpoint:
            title = say(touchpoint.title, lang)
            small = wrap(title, room, 10.5) if title != say(step.title, lang) else []
            small += wrap(category_text(touchpoint, lang), room, 10.5)
        if step.optional:
            small.append(word("map.optional", lang))
        at = ink.lines(x, at + 2, small, size=10.5, leading=13.5, fill="mute")
        bottom = max(bottom, at - 4)
        ink.close()
    return bottom


def unmapped_text(unmapped: Sequence[tuple[str, int]], lang: str) -> str:
    """What is not on the map: the most frequent, and how many more.

    Examples
    --------
    >>> unmapped_text((("a", 9), ("b", 8), ("c", 2), ("d", 1), ("e", 1)), "en")
    'Not on the map: a (9), b (8), c (2) and 2 more.'
    """
    listed = ", ".join(f"{name} ({number(count, lang)})" for name, count in unmapped[:NAMED])
    rest = len(unmapped) - NAMED
    if rest > 0:
        listed = word("map.unmapped.more", lang, list=listed, count=number(rest, lang))
    return word("map.unmapped", lang, list=listed)


def svg(bound: "BoundMap", lang: str = "de", theme: Theme = "light") -> str:
    """The picture of a map.

    Parameters
    ----------
    lang : "de" or "en", for the labels, and for texts that the map holds in both
    theme : "light" or "dark"

    Examples
    --------
    >>> from etappe.maps.document import read_map
    >>> from etappe.maps.evidence import bind
    >>> svg(bind(read_map("schema: journey-map/1\\nid: shop\\ntitle: Shop\\n"))).startswith("<svg")
    True
    """
    m = bound.map
    ink = Ink(theme)
    count = max(1, len(m.columns()))
    frame = Frame(MARGIN + LABELS, _column_width(count), count, lang)
    right = frame.right
    y = _head(ink, bound, right - GAP, lang) + 8
    y = _stages(ink, bound, frame, y)
    if m.steps:
        y = _steps(ink, bound, frame, y) + 6
    behind = False
    for lane in m.lanes:
        cells = [c for c in bound.cells if c.lane.id == lane.id]
        crossing = lane.type in BEHIND and not behind
        behind = behind or crossing
        ink.line(MARGIN, y, right - GAP, y, stroke="strong" if crossing else "line", dash="4 4" if crossing else "")
        axis = 24 if lane.type in CURVES else 0
        titles = wrap(say(lane.title, lang), LABELS - 14 - axis, 11, BOLD)
        label_y = ink.lines(MARGIN, y + 20, titles, size=11, leading=14, weight=BOLD, fill="mute")
        if crossing:
            note = wrap(word("map.visibility", lang), LABELS - 10, 10)
            label_y = ink.lines(MARGIN, label_y + 1, note, size=10, leading=12.5, fill="mute")
        if lane.collapsed:
            y = max(y + 36, label_y)
            continue
        height, draw = lane_of(ink, bound, cells, frame)
        draw(y)
        y = max(y + height, label_y - 4)
    y = _foot(ink, bound, right, y, lang)
    description = " · ".join(part for part in (period(m, bound, lang), summary(bound, lang)) if part)
    return ink.document(right - GAP + MARGIN, y, say(m.title, lang), description, lang)


def _foot(ink: Ink, bound: "BoundMap", right: float, y: float, lang: str) -> float:
    """How much of the data the map explains; gives the bottom."""
    coverage = bound.coverage
    if coverage is None:
        return y + 24
    ink.line(MARGIN, y, right - GAP, y)
    text = say(coverage.sentence, lang)
    if coverage.unmapped:
        text += " " + unmapped_text(coverage.unmapped, lang)
    y = ink.lines(MARGIN, y + 22, wrap(text, right - GAP - MARGIN, 11), size=11, leading=15, fill="mute")
    return y + 10
