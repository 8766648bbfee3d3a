"""Picture: a drawn map as PNG. The shipped fonts are passed along: a fresh machine has none, and would draw no text."""

from importlib.resources import as_file, files

import resvg_py

from etappe.errors import BadDocument

FONTS = ("Inter-Regular.ttf", "Inter-SemiBold.ttf")


def png(svg_text: str, scale: float = 2.0) -> bytes:
    """A PNG of an SVG.

    Parameters
    ----------
    scale : pixels for each unit of the drawing; 2 is sharp on today's screens

    Raises
    ------
    BadDocument
        The text is no SVG, or too large to be drawn.

    Examples
    --------
    >>> png('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>')[:4]
    b'\\x89PNG'
    """
    folder = files("etappe.maps").joinpath("fonts")
    with as_file(folder.joinpath(FONTS[0])) as regular, as_file(folder.joinpath(FONTS[1])) as bold:
        try:
            found = resvg_py.svg_to_bytes(
                svg_string=svg_text,
                zoom=scale,
                skip_system_fonts=True,
                font_files=[str(regular), str(bold)],
                font_family="Inter",
                sans_serif_family="Inter",
            )
        except ValueError as error:
            raise BadDocument("png", f"this cannot be drawn: {error}.") from None
    return bytes(found)
