"""Picture: times of every engine as bars on a scale of powers of ten, as an SVG for docs/benchmarks.md."""

from html import escape
from math import floor, log10

ROW, GROUP, LEFT, WIDTH, TOP = 13, 14, 200, 560, 44
STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#1C1C1A}.mute{fill:#5F5F58}.line{stroke:#E4E4E0}.etappe{fill:#0B5CAD}"
    ".duckdb{fill:#B98A2E}.clickhouse{fill:#8A6BB0}.polars{fill:#4B8B6F}.usual{fill:#9CC3B1}"
    "@media(prefers-color-scheme:dark){text{fill:#ECEDE8}.mute{fill:#A8ACA1}.line{stroke:#32352F}.etappe{fill:#7DB7F2}}"
)


def picture(title: str, engines: dict[str, str], rows: list[tuple[str, dict[str, float]]]) -> str:
    """`engines`: class to name in the key; each row a question with seconds by class. Shorter is faster."""
    every = [seconds for _, times in rows for seconds in times.values()]
    low, high = 10.0 ** floor(log10(min(every))), max(every)

    def at(seconds: float) -> float:
        return LEFT + WIDTH * log10(seconds / low) / log10(high / low)

    parts, y = [], TOP
    tick = low
    while tick <= high:
        label = f"{tick * 1e3:g} ms" if tick < 1 else f"{tick:g} s"
        parts.append(f'<line class="line" x1="{at(tick):.0f}" x2="{at(tick):.0f}" y1="{TOP - 6}" y2="HEIGHT"/>')
        parts.append(f'<text class="mute" x="{at(tick):.0f}" y="{TOP - 10}" text-anchor="middle">{label}</text>')
        tick *= 10
    for name, times in rows:
        parts.append(f'<text x="0" y="{y + 10}">{escape(name)}</text>')
        for engine, seconds in times.items():
            wide = max(1.0, at(seconds) - LEFT)
            parts.append(f'<rect class="{engine}" x="{LEFT}" y="{y}" width="{wide:.1f}" height="{ROW - 3}"/>')
            told = f"{seconds * 1e3:,.1f} ms" if seconds < 1 else f"{seconds:,.1f} s"
            parts.append(f'<text class="mute" x="{LEFT + wide + 5:.0f}" y="{y + 9}">{told}</text>')
            y += ROW
        y += GROUP
    key, x = [], LEFT
    for engine, name in engines.items():
        key.append(
            f'<rect class="{engine}" x="{x}" y="2" width="10" height="10"/><text x="{x + 14}" y="11">{name}</text>'
        )
        x += 28 + 6 * len(name)
    body = "".join(parts).replace("HEIGHT", str(y - GROUP))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 70} {y}" role="img">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>{''.join(key)}{body}</svg>\n"
    )
