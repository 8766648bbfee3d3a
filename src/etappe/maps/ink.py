"""Ink: writes SVG. Colours are resolved (renderers ignore CSS variables), symbols are paths (fonts lack them)."""

from collections.abc import Iterable
from html import escape
from math import cos, pi, sin
from typing import Final, Literal

from etappe.maps.letters import REGULAR
from etappe.maps.model import Basis

Theme = Literal["light", "dark", "page"]

COLOURS: Final[dict[str, dict[str, str]]] = {
    "light": {
        "bg": "#FBFBFA", "surface": "#FFFFFF", "sunken": "#F4F4F2", "line": "#E4E4E0", "strong": "#8A8A82",
        "ink": "#1C1C1A", "mute": "#5F5F58", "accent": "#0B5CAD", "good": "#1B7F4B", "warn": "#8A5A00",
        "bad": "#B3261E", "analog": "#8A5A00", "digital": "#0B5CAD", "star": "#B98900",
        "tint0": "#E8F0FA", "tint1": "#E6F4F1", "tint2": "#F3F1E3", "tint3": "#FBEEE4", "tint4": "#F1EAF6",
    },
    "dark": {
        "bg": "#151614", "surface": "#1D1F1C", "sunken": "#10110F", "line": "#32352F", "strong": "#7F847A",
        "ink": "#ECEDE8", "mute": "#A8ACA1", "accent": "#7DB7F2", "good": "#62C793", "warn": "#E0B15A",
        "bad": "#FF9A8F", "analog": "#E0B15A", "digital": "#7DB7F2", "star": "#D9AE37",
        "tint0": "#1B2A3C", "tint1": "#17302A", "tint2": "#302E1B", "tint3": "#39291C", "tint4": "#2D2338",
    },
}  # fmt: skip
COLOURS["page"] = {name: f"var(--{name})" for name in COLOURS["light"]}
"""Within a page the colours follow the reader's theme; only browsers understand variables."""
TINTS: Final = 5
FAMILY: Final = "Inter, system-ui, 'DejaVu Sans', sans-serif"


def clean(text: str) -> str:
    """A text as XML can hold it: escaped, control characters gone.

    Examples
    --------
    >>> clean('a < "b"\\x00')
    'a &lt; &quot;b&quot;'
    """
    return escape("".join(c for c in text if c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff"))


def num(value: float) -> str:
    """A coordinate, one decimal at most."""
    return (
        f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")
    )


class Ink:
    """Collects the elements of one picture in a theme."""

    def __init__(self, theme: Theme) -> None:
        self.colours = COLOURS[theme]
        self.out: list[str] = []

    def colour(self, name: str) -> str:
        """A colour of the theme by its name."""
        return self.colours[name]

    def open(self, title: str) -> None:
        """Start a group with a title, which readers and pointers show."""
        self.out.append(f"<g><title>{clean(title)}</title>")

    def close(self) -> None:
        """End the group."""
        self.out.append("</g>")

    def text(
        self, x: float, y: float, text: str, *, size: float = 12, weight: int = REGULAR, fill: str = "ink",
        anchor: Literal["start", "middle", "end"] = "start", lang: str | None = None,
    ) -> None:  # fmt: skip
        """One line of text; y is its baseline."""
        bold = f' font-weight="{weight}"' if weight != REGULAR else ""
        side = f' text-anchor="{anchor}"' if anchor != "start" else ""
        tongue = f' xml:lang="{clean(lang)}"' if lang else ""
        self.out.append(
            f'<text x="{num(x)}" y="{num(y)}" font-size="{num(size)}" fill="{self.colour(fill)}"{bold}{side}{tongue}>'
            f"{clean(text)}</text>"
        )

    def lines(
        self, x: float, y: float, lines: Iterable[str], *, size: float = 12, leading: float = 16,
        weight: int = REGULAR, fill: str = "ink",
    ) -> float:  # fmt: skip
        """Lines below each other; gives the baseline after the last."""
        for line in lines:
            self.text(x, y, line, size=size, weight=weight, fill=fill)
            y += leading
        return y

    def rect(
        self, x: float, y: float, w: float, h: float, *, fill: str = "none", stroke: str = "", radius: float = 0,
        width: float = 1, dash: str = "",
    ) -> None:  # fmt: skip
        """A rectangle."""
        paint = self.colour(fill) if fill != "none" else "none"
        edge = f' stroke="{self.colour(stroke)}" stroke-width="{num(width)}"' if stroke else ""
        broken = f' stroke-dasharray="{dash}"' if dash else ""
        round_ = f' rx="{num(radius)}"' if radius else ""
        self.out.append(
            f'<rect x="{num(x)}" y="{num(y)}" width="{num(w)}" height="{num(h)}"{round_} fill="{paint}"{edge}{broken}/>'
        )

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, stroke: str = "line", width: float = 1, dash: str = ""
    ) -> None:
        """A straight line."""
        broken = f' stroke-dasharray="{dash}"' if dash else ""
        self.out.append(
            f'<line x1="{num(x1)}" y1="{num(y1)}" x2="{num(x2)}" y2="{num(y2)}" stroke="{self.colour(stroke)}" '
            f'stroke-width="{num(width)}"{broken}/>'
        )

    def path(
        self, d: str, *, fill: str = "none", stroke: str = "", width: float = 1, dash: str = "", cap: str = ""
    ) -> None:
        """A path."""
        paint = self.colour(fill) if fill != "none" else "none"
        edge = f' stroke="{self.colour(stroke)}" stroke-width="{num(width)}"' if stroke else ""
        broken = f' stroke-dasharray="{dash}"' if dash else ""
        ends = f' stroke-linecap="{cap}" stroke-linejoin="{cap}"' if cap else ""
        self.out.append(f'<path d="{d}" fill="{paint}"{edge}{broken}{ends}/>')

    def point(self, x: float, y: float, basis: Basis, *, colour: str = "accent", radius: float = 6) -> None:
        """A point by what it rests on: filled measured, half-filled derived, ringed researched, hollow assumed."""
        edge = max(1.2, radius * 0.38)
        r = radius - edge / 2
        paint = self.colour(colour)
        inside = paint if basis == "measured" else self.colour("bg")
        self.out.append(
            f'<circle cx="{num(x)}" cy="{num(y)}" r="{num(r)}" fill="{inside}" stroke="{paint}" '
            f'stroke-width="{num(edge)}"/>'
        )
        if basis == "derived":
            self.path(f"M{num(x)} {num(y - r)}A{num(r)} {num(r)} 0 0 0 {num(x)} {num(y + r)}Z", fill=colour)
        elif basis == "researched":
            self.out.append(f'<circle cx="{num(x)}" cy="{num(y)}" r="{num(max(1, r * 0.4))}" fill="{paint}"/>')

    def verdict(self, x: float, y: float, verdict: str, *, up: bool) -> None:
        """A check for a target that is met; a triangle that points to where the value lies for one that is missed."""
        if verdict == "good":
            self.path(f"M{num(x)} {num(y)}l4 4 7-9", stroke="good", width=2, cap="round")
        elif up:
            self.path(f"M{num(x + 5.5)} {num(y - 5)}l5.5 9h-11z", fill="bad")
        else:
            self.path(f"M{num(x)} {num(y - 4)}h11l-5.5 9z", fill="bad")

    def star(self, x: float, y: float, radius: float = 7) -> None:
        """A star of five points."""
        corners = [
            (x + r * sin(i * pi / 5), y - r * cos(i * pi / 5)) for i, r in enumerate((radius, radius * 0.45) * 5)
        ]
        self.path("M" + "L".join(f"{num(a)} {num(b)}" for a, b in corners) + "Z", fill="star")

    def category(self, x: float, y: float, medium: str, contact: str) -> None:
        """The 2x2 of touchpoints: circle analogue and direct, diamond indirect; square digital and direct, hexagon."""
        colour = medium
        if (medium, contact) == ("analog", "direct"):
            d = f"M{num(x - 10)} {num(y)}a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z"
        elif medium == "analog":
            d = f"M{num(x)} {num(y - 12)}l12 12-12 12-12-12z"
        elif contact == "direct":
            d = f"M{num(x - 9.5)} {num(y - 6.5)}a3 3 0 0 1 3-3h13a3 3 0 0 1 3 3v13a3 3 0 0 1-3 3h-13a3 3 0 0 1-3-3z"
        else:
            d = f"M{num(x - 5.5)} {num(y - 10)}h11l6 10-6 10h-11l-6-10z"
        self.path(d, fill="surface", stroke=colour, width=2.5)

    def document(self, width: float, height: float, title: str, description: str, lang: str) -> str:
        """The whole picture."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {num(width)} {num(height)}" width="{num(width)}" '
            f'height="{num(height)}" role="img" aria-labelledby="map-title map-desc" xml:lang="{clean(lang)}" '
            f'font-family="{FAMILY}"><title id="map-title">{clean(title)}</title>'
            f'<desc id="map-desc">{clean(description)}</desc>'
            f'<rect width="100%" height="100%" fill="{self.colour("bg")}"/>' + "".join(self.out) + "</svg>\n"
        )
