import struct

import pytest

from etappe.errors import BadDocument
from etappe.maps.draw import svg
from etappe.maps.picture import png
from maps import small


def size(picture: bytes):
    return struct.unpack(">II", picture[16:24])


def test_a_picture_has_the_size_that_is_asked():
    drawn = svg(small(), "de")
    wide, high = size(png(drawn, 1.0))
    assert size(png(drawn, 2.0)) == (2 * wide, 2 * high)


def test_text_is_drawn_on_a_machine_without_fonts():
    # system fonts are never looked at: only the shipped ones can have drawn the difference
    def letters(text):
        return png(f'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40" font-family="Inter, sans-serif">'
                   f'<text x="4" y="30" font-size="24">{text}</text></svg>')  # fmt: skip

    assert len(letters("Größe −1,4")) > 3 * len(letters(""))
    assert letters("●") == letters("▲")  # both are missing: that is why symbols are paths


def test_both_weights_are_drawn():
    def weight(value):
        return png(f'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40" font-family="Inter">'
                   f'<text x="4" y="30" font-size="24" font-weight="{value}">Kasse</text></svg>')  # fmt: skip

    assert weight(400) != weight(600)


def test_what_is_no_svg_is_refused():
    with pytest.raises(BadDocument, match="cannot be drawn"):
        png("<p>Hallo</p>")
