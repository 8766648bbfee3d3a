import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from etappe.maps.document import read_map
from etappe.maps.draft import TEMPLATES, template
from etappe.maps.evidence import bind
from etappe.maps.page import STYLE, html, style_source
from maps import HEAD, small

VOID = {"meta", "br", "link", "img"}


class Grid(HTMLParser):
    """Reads the table's rows as numbers of columns, and checks that tags are closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.tags, self.attributes = [], [], [], []
        self.waiting = []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.attributes += list(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append(sum(n for n, left in self.waiting))
            self.waiting = [(n, left - 1) for n, left in self.waiting if left > 1]
        if tag in ("td", "th"):
            columns = int(attrs.get("colspan", 1))
            self.rows[-1] += columns
            if int(attrs.get("rowspan", 1)) > 1:
                self.waiting.append((columns, int(attrs["rowspan"]) - 1))

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def grid(text):
    found = Grid()
    found.feed(text)
    assert not found.open
    return found


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_table_is_whole(name):
    found = grid(html(bind(template(name)), "en"))
    count = len(template(name).columns())
    assert set(found.rows) == {count + 1}


def test_rows_and_columns_have_headers_with_a_scope():
    text = html(small(), "de")
    assert set(grid(text).rows) == {5}
    assert text.count('<th scope="row"') == 6
    assert text.count('<th scope="col" class="step"') == 4
    assert '<th scope="colgroup" colspan="2"' in text


def test_the_page_works_without_script_and_under_a_strict_policy():
    text = html(small(), "de")
    found = grid(text)
    assert "script" not in found.tags
    assert not [name for name in found.attributes if name == "style" or name.startswith("on")]
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style == [STYLE]
    assert style_source() == f"'sha256-{b64encode(sha256(style[0].encode()).digest()).decode()}'"
    assert not re.findall(r"(?:src|href)=|url\((?!data:)|@import", text)


def test_every_number_stands_with_base_interval_and_date():
    text = html(small(), "de")
    cell = text[text.index("60,0") : text.index("60,0") + 1200]
    assert "n\u00a0=\u00a0100 · Ziel 50" in cell
    assert "95\u00a0%: 50,2 bis 69,1" in cell
    assert "Daten bis 11.05.1970" in cell
    assert "binnen 7 Tagen" in cell
    assert "<details>" in cell


def test_a_feeling_can_be_read_without_seeing_the_curve():
    text = html(small(), "en")
    assert "+0.5 assumed" in text
    assert "+1.2 measured" in text
    assert text.count('aria-hidden="true"') == text.count("<svg")


def test_everything_is_escaped():
    evil = "<img src=x onerror=alert(1)>"
    text = HEAD.replace("title: Shop", f"title: '{evil}'") + (
        f"scenario: '{evil}'\n"
        f"touchpoints: [{{id: t, title: '{evil}', channel: c, medium: analog, contact: direct}}]\n"
        f"stages: [{{id: a, title: '{evil}', text: '{evil}', steps: [{{id: s, title: '{evil}', touchpoint: t}}]}}]\n"
        f"lanes: [{{id: l, type: text, title: '{evil}'}}, {{id: m, type: metric, title: M}}, "
        f"{{id: p, type: pain, title: P}}]\n"
        f"cells:\n  - {{lane: l, step: s, text: '{evil}', quotes: [{{text: '{evil}', source: '{evil}'}}]}}\n"
        f"  - {{lane: m, step: s, evidence: e}}\n  - {{lane: p, step: s, evidence: e}}\n"
        f"evidence: [{{id: e, title: '{evil}', metric: manual, value: 1, n: 50, source: '{evil}'}}]\n"
    )
    assert "<img" not in html(bind(read_map(text)), "de")


def test_a_text_in_another_language_says_so():
    text = HEAD + "language: de\nstages: [{id: a, title: {de: Kauf}, steps: [{id: s, title: zahlt}]}]\n"
    page = html(bind(read_map(text)), "en")
    assert '<html lang="en">' in page
    assert '<span lang="de">zahlt</span>' in page
    assert '<span lang="de">Kauf</span>' in page
    assert '<span lang="de">' not in html(bind(read_map(text)), "de")


def test_the_reader_or_the_address_chooses_the_theme():
    assert "data-theme" not in html(small(), "de").split("<head>")[0]
    assert '<html lang="de" data-theme="dark">' in html(small(), "de", "dark")
    assert "prefers-color-scheme:dark" in STYLE
    assert "@media print" in STYLE
