"""Terminal: data is printed as it is."""

import pytest

from etappe.apps import terminal


def test_a_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    text = "order:ok: [bold]x[/bold] 10:00:00"
    terminal.say(text)
    terminal.table(("name",), [(text,)])
    said = capsys.readouterr().out.splitlines()
    assert said[0] == text
    assert said[2].strip() == text
