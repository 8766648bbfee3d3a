"""Fonts: cut the shipped Inter (Regular, SemiBold) and measure its letters.

Reads the static files of the npm package `@fontsource/inter` (SIL Open Font License 1.1), joins Latin with the
European letters of Latin Extended-A, adds the narrow no-break space, and writes into src/etappe/maps/fonts: TTF for the
renderer of pictures, WOFF2 for the web, advances.json for line breaks, and the licence.

    npm pack @fontsource/inter && tar xzf fontsource-inter-*.tgz && python tools/fonts.py package
"""

import json
import sys
import tempfile
from pathlib import Path

from fontTools.merge import Merger
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

OUT = Path(__file__).parents[1] / "src" / "etappe" / "maps" / "fonts"
WEIGHTS = {"Regular": 400, "SemiBold": 600}
EXTENDED = [*range(0x100, 0x180), 0x18F, 0x218, 0x219, 0x21A, 0x21B, 0x1E9E]
NARROW, THIN = 0x202F, 0x2009


def cut(package: Path, weight: int) -> TTFont:
    """One weight: Latin and Latin Extended-A in one font, with tabular figures and kerning."""
    pieces = []
    options = Options(layout_features=["kern", "mark", "mkmk", "ccmp", "locl", "tnum"], notdef_outline=True)
    with tempfile.TemporaryDirectory() as folder:
        for part in ("latin", "latin-ext"):
            font = TTFont(package / "files" / f"inter-{part}-{weight}-normal.woff2")
            wanted = font.getBestCmap() if part == "latin" else [c for c in EXTENDED if c in font.getBestCmap()]
            subsetter = Subsetter(options)
            subsetter.populate(unicodes=wanted)
            subsetter.subset(font)
            font.flavor = None
            path = Path(folder) / f"{part}.ttf"
            font.save(path)
            pieces.append(str(path))
        merged = Merger().merge(pieces)
    for table in merged["cmap"].tables:
        if table.isUnicode():
            table.cmap[NARROW] = table.cmap[THIN]
    return merged


def rename(font: TTFont, style: str, weight: int) -> None:
    """One family "Inter" with two weights, as the renderer looks them up."""
    names = {1: "Inter", 2: style, 4: f"Inter {style}", 6: f"Inter-{style}", 16: "Inter", 17: style}
    for number, text in names.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight


def advances(font: TTFont) -> dict[str, int]:
    """Width of each character in thousandths of the type size."""
    scale = 1000 / font["head"].unitsPerEm
    widths = font["hmtx"]
    return {chr(code): round(widths[name][0] * scale) for code, name in sorted(font.getBestCmap().items())}


def main(package: Path) -> None:
    """Write fonts, widths and licence."""
    OUT.mkdir(parents=True, exist_ok=True)
    measured = {}
    for style, weight in WEIGHTS.items():
        font = cut(package, weight)
        rename(font, style, weight)
        font.save(OUT / f"Inter-{style}.ttf")
        measured[str(weight)] = advances(font)
        font.flavor = "woff2"
        font.save(OUT / f"Inter-{style}.woff2")
    text = json.dumps(measured, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    (OUT / "advances.json").write_text(text + "\n", encoding="utf-8")
    (OUT / "LICENSE.txt").write_text((package / "LICENSE").read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
