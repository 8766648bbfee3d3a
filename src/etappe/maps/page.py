"""Page: a bound map as one HTML file: a real table that can be read aloud, printed, and used without JavaScript."""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Final

from etappe.language import number, percent, word
from etappe.maps.bound import SHOWN, Bound, BoundCell, BoundMap
from etappe.maps.curve import HEIGHT, draw_curve
from etappe.maps.draw import category_text, claimed, period, unmapped_text
from etappe.maps.figures import day, interval_text, n_text, signed, state_text, target_text, value_text
from etappe.maps.ink import COLOURS, TINTS, Ink
from etappe.maps.lanes import CURVES
from etappe.maps.model import Basis, Lane, Step, Touchpoint, stage_columns
from etappe.vocabulary import I18n, say

COLUMN: Final = 160
"""Width of a step in pixels, in the table as in the curve above it."""


def _variables(theme: str) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in COLOURS[theme].items())


def _face(name: str, weight: int) -> str:
    """A weight of Inter within the page: one file, and the same look on a machine that has no Inter."""
    font = files("etappe.maps").joinpath("fonts", f"Inter-{name}.woff2").read_bytes()
    source = f"url(data:font/woff2;base64,{b64encode(font).decode()}) format('woff2')"
    return f"@font-face{{font-family:Inter;font-weight:{weight};src:{source}}}"


STYLE: Final = (
    f"{_face('Regular', 400)}{_face('SemiBold', 600)}:root{{color-scheme:light;{_variables('light')}}}"
    f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{_variables('dark')}}}}}"
    f":root[data-theme=dark]{{color-scheme:dark;{_variables('dark')}}}"
    + """
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:14px/21px Inter,system-ui,sans-serif;
font-variant-numeric:tabular-nums}
main{padding:24px}
h1{font-size:22px;line-height:30px;margin:0 0 4px}
p{margin:0 0 8px;max-width:80ch}
.mute,.facts,figcaption{color:var(--mute)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;margin:0 0 16px;padding:0;color:var(--mute)}
.legend svg,.basis svg{vertical-align:-1px;margin-right:4px}
.scroll{overflow-x:auto;margin:0 -24px;padding:0 24px}
.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
table{border-collapse:separate;border-spacing:0}
th,td{text-align:left;vertical-align:top;font-weight:400;padding:8px;border-top:1px solid var(--line)}
tbody th{position:sticky;left:0;background:var(--bg);z-index:1;color:var(--mute);font-weight:600;font-size:12px;
width:132px;min-width:132px;max-width:132px;hyphens:auto;overflow-wrap:break-word}
thead th,thead td{border-top:0}
thead th.stage{font-weight:600;border-radius:6px 12px 12px 6px;border-right:6px solid var(--bg);
background-clip:padding-box}
.tint0{background:var(--tint0)}.tint1{background:var(--tint1)}.tint2{background:var(--tint2)}
.tint3{background:var(--tint3)}.tint4{background:var(--tint4)}
thead th.stage p{font-size:12px;line-height:17px;margin:2px 0 0;font-weight:400}
th.step,td.cell,td.none{width:160px;min-width:160px;max-width:160px;overflow-wrap:break-word;hyphens:auto}
td.wide{overflow-wrap:break-word}
td.curve{padding:0}td.curve svg{display:block}
tr.more>td,tr.more>th{border-top:0}
th.step strong{display:block;font-weight:600}
th.step svg{display:block;margin-bottom:4px}
.small,.facts{font-size:12px;line-height:17px;font-weight:400;color:var(--mute)}
.facts{display:block}
.card{background:var(--surface);border:1px solid var(--line);border-left:3px solid var(--good);border-radius:4px;
padding:6px 8px;margin-bottom:6px}
.card.pain{border-left-color:var(--bad)}.card.assumed{border-style:dashed;border-left-style:solid}
.band{background:var(--sunken);border-radius:4px;padding:4px 8px}
.assumed>.words{color:var(--mute)}
.number{font-size:17px;line-height:24px;font-weight:600}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.words{display:block}
blockquote{margin:4px 0 0}cite{display:block;font-style:normal}
details{font-size:12px;line-height:17px;color:var(--mute)}
summary{cursor:pointer;min-height:24px;line-height:24px}
tr.visibility>th,tr.visibility>td{border-top:1px dashed var(--strong)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
footer{margin-top:16px;color:var(--mute);font-size:12px;line-height:17px}
@media print{@page{size:A3 landscape;margin:10mm}:root,:root[data-theme=dark]{color-scheme:light;"""
    + _variables("light")
    + """}
main{padding:0}.scroll{overflow:visible;margin:0;padding:0}tr,.card{break-inside:avoid}
details::details-content{content-visibility:visible;block-size:auto}
body,th,td{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
)
"""The one style of the page; no element carries a style of its own, so that a strict policy can name it by its hash."""


def style_source() -> str:
    """The Content-Security-Policy source that admits the page's style.

    Examples
    --------
    >>> style_source()[:8]
    "'sha256-"
    """
    return f"'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"


class _Writer:
    def __init__(self, bound: BoundMap, lang: str) -> None:
        self.bound, self.lang = bound, lang

    def say(self, text: I18n) -> str:
        """A text of the map, escaped; in another language than the page's it says so."""
        said = escape(say(text, self.lang))
        own = self.bound.map.language if isinstance(text, str) else None
        if isinstance(text, dict) and self.lang not in text:
            own = "en" if "en" in text else next(iter(text), None)
        return said if own in (None, self.lang) or not said else f'<span lang="{escape(own or "")}">{said}</span>'

    def word(self, key: str, **values: object) -> str:
        return escape(word(key, self.lang, **values))

    def icon(self, draw: str, size: int = 10) -> str:
        return f'<svg width="{size}" height="{size}" viewBox="0 0 {size} {size}" aria-hidden="true">{draw}</svg>'

    def mark(self, basis: Basis | None, *, said: bool = False) -> str:
        """The mark of what a cell rests on; its word is there for readers that see no marks."""
        if basis is None:
            return ""
        ink = Ink("page")
        ink.point(5, 5, basis, colour="mute", radius=4.5)
        text = self.word(f"map.basis.{basis}")
        hidden = "" if said else " class=hidden"
        return f'<span class="basis">{self.icon("".join(ink.out))}<span{hidden}>{text}</span></span> '

    def legend(self) -> str:
        items = [
            f"<li>{self.mark(b, said=True)}{escape(percent(share, self.lang, 0))}</li>"
            for b, share in claimed(self.bound)
        ]
        return f'<ul class="legend">{"".join(items)}</ul>' if items else ""

    def number(self, b: Bound) -> str:
        """A number with base, interval, target and date, and how it was computed."""
        shown = b.value is not None and b.state in SHOWN
        verdict = b.verdict if shown else None
        mark = ""
        if verdict:
            ink = Ink("page")
            ink.verdict(2, 7, verdict, up=b.target is not None and (b.value or 0) > b.target)
            mark = (
                f' {self.icon("".join(ink.out), 16)}<span class="hidden">{self.word(f"map.verdict.{verdict}")}</span>'
            )
        interval = interval_text(b, self.lang)
        facts = [part for part in (n_text(b, self.lang), target_text(b, self.lang)) if part and shown]
        between = f'<span class="facts">{self.word("map.interval.short", interval=interval)}</span>' if interval else ""
        note = state_text(b, self.lang)
        until = word("map.until", self.lang, day=day(b.data_until, self.lang, b.timezone)) if b.data_until else ""
        at = word("map.at", self.lang, day=day(b.at, self.lang, b.timezone)) if b.at else ""
        how = [self.say(b.sentence), escape(until), escape(at), escape(b.source)]
        if b.share_of_data is not None:
            how.append(self.word("map.share_of_data", share=percent(b.share_of_data, self.lang, 0)))
        warned = "facts warn" if shown else "facts"
        inside = "<br>".join(part for part in how if part)
        return (
            f'<div><span class="number {verdict or ""}">{escape(value_text(b, self.lang))}</span>{mark}'
            f'<span class="small words">{self.say(b.label)}</span>'
            f'<span class="facts">{escape(" · ".join(facts))}</span>{between}'
            + (f'<span class="{warned}">{escape(note)}</span>' if note and b.state != "held" else "")
            + (f"<details><summary>{self.word('map.how')}</summary>{inside}</details>" if inside else "")
            + "</div>"
        )

    def small_number(self, b: Bound) -> str:
        if b.value is None or b.state not in SHOWN:
            return f'<span class="facts">{self.say(b.label)}: {escape(state_text(b, self.lang))}</span>'
        interval = interval_text(b, self.lang)
        between = word("map.interval.short", self.lang, interval=interval) if interval else ""
        base = " · ".join(escape(part) for part in (n_text(b, self.lang), between) if part)
        said = f"{escape(value_text(b, self.lang))} {self.say(b.label)}"
        return f'<span class="facts">{said}</span>' + (f'<span class="facts">{base}</span>' if base else "")

    def words(self, c: BoundCell) -> str:
        text: I18n = c.cell.text
        if not text and c.cell.opportunity:
            text = next((o.title for o in self.bound.map.opportunities if o.id == c.cell.opportunity), "")
        mark = self.mark(c.basis)
        first = "" if text or c.cell.image else mark
        left, right = ("„", "“") if self.lang == "de" else ("“", "”")
        quotes = "".join(
            f"<blockquote>{first if i == 0 else ''}{left}{self.say(q.text)}{right}"
            + (f' <cite class="small">{escape(q.source)}</cite>' if q.source else "")
            + "</blockquote>"
            for i, q in enumerate(c.cell.quotes)
        )
        severity = (
            f'<span class="facts">{self.word("map.severity", value=c.cell.severity)}</span>' if c.cell.severity else ""
        )
        said = self.say(text or c.cell.image or "")
        numbers = "".join(self.small_number(b) for b in self.bound.of(c.cell))
        words = f'<span class="words">{mark}{said}</span>' if said or not quotes else ""
        return f"{words}{quotes}{severity}{numbers}"

    def cell(self, c: BoundCell) -> str:
        """What stands in a cell."""
        found = self.bound.of(c.cell)
        if c.lane.type in ("metric", "evidence") and found:
            return "".join(self.number(b) for b in found)
        if c.lane.type in CURVES:
            if c.score is None:
                return "".join(self.small_number(b) for b in found)
            said = number(c.score, self.lang, 1) if c.lane.type == "arc" else signed(c.score, self.lang)
            basis = self.word(f"map.basis.{c.basis or 'assumed'}")
            return f'<span class="small">{escape(said)} {basis}</span>' + "".join(self.small_number(b) for b in found)
        assumed = " assumed" if c.basis == "assumed" else ""
        if c.lane.type in ("pain", "gain", "opportunity"):
            kind = "pain" if c.lane.type == "pain" else "gain"
            return f'<div class="card {kind}{assumed}">{self.words(c)}</div>'
        band = " band" if c.span > 1 or c.cell.step is None else ""
        return f'<div class="{(band + assumed).strip()}">{self.words(c)}</div>' if band + assumed else self.words(c)

    def curve(self, cells: list[BoundCell], count: int) -> str:
        ink = Ink("page")
        wide = count * COLUMN
        draw_curve(ink, self.bound, cells, 0, COLUMN, 0, wide - 6, self.lang)
        size = f'width="{wide}" height="{HEIGHT:.0f}" viewBox="0 0 {wide} {HEIGHT:.0f}"'
        return f'<svg {size} aria-hidden="true">{"".join(ink.out)}</svg>'

    def lane(self, lane: Lane, count: int, *, visibility: bool) -> str:
        """The rows of a lane: one, or more where cells stand at the same place; a curve has a row of its own."""
        cells = [c for c in self.bound.cells if c.lane.id == lane.id]
        tracks: list[list[BoundCell]] = []
        for c in sorted(cells, key=lambda c: (c.first, c.span)):
            free = [t for t in tracks if t[-1].first + t[-1].span <= c.first]
            if free:
                free[0].append(c)
            else:
                tracks.append([c])
        rows = [self.track(track, count) for track in tracks]
        if not rows:
            rows = [f'<td class="wide small" colspan="{count}">{self.word("map.nothing")}</td>']
        if lane.type in CURVES and cells:
            rows.insert(0, f'<td class="curve" colspan="{count}">{self.curve(cells, count)}</td>')
        note = f'<br><span class="small">{self.word("map.visibility")}</span>' if visibility else ""
        spans = f' rowspan="{len(rows)}"' if len(rows) > 1 else ""
        head = f'<th scope="row"{spans}>{self.say(lane.title)}{note}</th>'
        first = ' class="visibility"' if visibility else ""
        return f"<tr{first}>{head}{rows[0]}</tr>" + "".join(f'<tr class="more">{row}</tr>' for row in rows[1:])

    def track(self, cells: Iterable[BoundCell], count: int) -> str:
        out, at = [], 0
        for c in cells:
            out += ['<td class="none"></td>'] * (c.first - at)
            spans = f' colspan="{c.span}"' if c.span > 1 else ""
            out.append(f'<td class="{"wide" if c.span > 1 else "cell"}"{spans}>{self.cell(c)}</td>')
            at = c.first + c.span
        return "".join(out + ['<td class="none"></td>'] * (count - at))

    def step(self, step: Step, points: dict[str, Touchpoint]) -> str:
        touchpoint = points.get(step.touchpoint or "")
        ink = Ink("page")
        small: list[str] = []
        if touchpoint:
            ink.category(14, 14, touchpoint.medium, touchpoint.contact)
            small = [self.say(touchpoint.title), escape(category_text(touchpoint, self.lang))]
        if step.truth:
            ink.star(38, 12)
            small.append(self.word("map.truth", name=step.truth.upper()))
        if step.optional:
            small.append(self.word("map.optional"))
        picture = f'<svg width="48" height="28" viewBox="0 0 48 28" aria-hidden="true">{"".join(ink.out)}</svg>'
        lines = "".join(f'<span class="facts">{line}</span>' for line in small)
        return f'<th scope="col" class="step">{picture}<strong>{self.say(step.title)}</strong>{lines}</th>'

    def head(self) -> str:
        m = self.bound.map
        points = {t.id: t for t in m.touchpoints}
        stages, steps = [], []
        for i, stage in enumerate(m.stages):
            span = len(stage_columns(stage))
            text = f"<p>{self.say(stage.text)}</p>" if stage.text else ""
            scope = f'scope="colgroup" colspan="{span}"' if span > 1 else 'scope="col"'
            stages.append(f'<th {scope} class="stage tint{i % TINTS}">{self.say(stage.title)}{text}</th>')
            steps += [self.step(step, points) for step in stage.steps] or ['<td class="none"></td>']
        return f"<thead><tr><td></td>{''.join(stages)}</tr><tr><td></td>{''.join(steps)}</tr></thead>"

    def table(self) -> str:
        m = self.bound.map
        count = max(1, len(m.columns()))
        rows, behind = [], False
        for lane in m.lanes:
            crossing = lane.type in ("backstage", "support") and not behind
            behind = behind or crossing
            rows.append(self.lane(lane, count, visibility=crossing))
        caption = f'<caption class="hidden">{self.say(m.title)}</caption>'
        return f"<table>{caption}{self.head()}<tbody>{''.join(rows)}</tbody></table>"

    def foot(self) -> str:
        coverage = self.bound.coverage
        if coverage is None:
            return ""
        text = say(coverage.sentence, self.lang)
        if coverage.unmapped:
            text += " " + unmapped_text(coverage.unmapped, self.lang)
        return f"<footer>{escape(text)}</footer>"


def html(bound: BoundMap, lang: str = "de", theme: str | None = None, note: str = "") -> str:
    """A map as one HTML file.

    Parameters
    ----------
    lang : "de" or "en"
    theme : "light" or "dark"; without it the reader's own setting decides
    note : stands at the end, such as what a page that is passed on does not show

    Examples
    --------
    >>> from etappe.maps.document import read_map
    >>> from etappe.maps.evidence import bind
    >>> "<table>" in html(bind(read_map("schema: journey-map/1\\nid: shop\\ntitle: Shop\\n")))
    True
    """
    w = _Writer(bound, lang)
    m = bound.map
    about = period(m, bound, lang)
    fixed = f' data-theme="{theme}"' if theme in ("light", "dark") else ""
    return (
        f'<!doctype html>\n<html lang="{escape(lang)}"{fixed}><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(say(m.title, lang))}</title><style>{STYLE}</style></head><body><main>"
        f"<h1>{w.say(m.title)}</h1>"
        + (f"<p>{w.say(m.scenario)}</p>" if m.scenario else "")
        + (f'<p class="mute">{escape(about)}</p>' if about else "")
        + w.legend()
        + f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(say(m.title, lang))}">{w.table()}</div>'
        + w.foot()
        + (f"<footer>{escape(note)}</footer>" if note else "")
        + "</main></body></html>\n"
    )
