"""Records: one record of a text file taken apart letter by letter, with quotes, doubled quotes and line breaks."""

import re
from functools import cache

from etappe.collect.refusals import FIELD_LIMIT


@cache
def _stop(delimiter: str) -> re.Pattern[str]:
    """Where a field without quotes ends."""
    return re.compile(r"[ \t\n]" if delimiter == " " else f"[{re.escape(delimiter)}\n]")


class Unfinished(Exception):
    """A quoted field that is still open at the end of what was read."""


class Fault(Exception):
    """A record that cannot be taken apart; `args[0]` is the code."""


def split_record(text: str, at: int, delimiter: str, final: bool) -> tuple[list[str], int]:
    """The fields of the record that starts at a place of a text, and the place of its line end.

    A field in quotes may hold delimiters, line breaks and doubled quotes; blanks around the quotes are allowed.

    Raises
    ------
    Fault
        stray-quote, unclosed-quote, too-long.
    Unfinished
        A quote is open at the end of the text, and more may come.

    Examples
    --------
    >>> split_record('1,"a\\nb" ,c\\n', 0, ",", True)
    (['1', 'a\\nb', 'c'], 10)
    """
    fields: list[str] = []
    blanks = " \t" if delimiter in " \t" else " "
    runs = delimiter == " "
    while True:
        start = at
        while at < len(text) and text[at] in blanks and (runs or text[at] != delimiter):
            at += 1
        if at < len(text) and text[at] == '"':
            pieces = []
            while True:
                close = text.find('"', at + 1)
                if close < 0 or close - at > FIELD_LIMIT * 2:
                    if close < 0 and not final and len(text) - at <= FIELD_LIMIT * 2:
                        raise Unfinished
                    raise Fault("unclosed-quote" if close < 0 or "\n" in text[at:close] else "too-long")
                pieces.append(text[at + 1 : close])
                at = close + 1
                if text[at : at + 1] != '"':
                    break
            if at == len(text) and not final:
                raise Unfinished
            fields.append('"'.join(pieces))
            while at < len(text) and text[at] in blanks and text[at] != delimiter:
                at += 1
            if not (
                at == len(text) or text[at] in (delimiter, "\n", "\t" if runs else "\n") or text[at : at + 2] == "\r\n"
            ):
                raise Fault("unclosed-quote" if "\n" in fields[-1] else "stray-quote")
        else:
            at = start if not runs else at
            stop = _stop(delimiter).search(text, at)
            end = stop.start() if stop else len(text)
            piece = text[at:end]
            if '"' in piece:
                raise Fault("stray-quote")
            stop_line = end == len(text) or text[end] == "\n"
            if not (runs and stop_line and fields and not piece.strip()):
                fields.append(piece.removesuffix("\r") if stop_line else piece)
            at = end
        if at < len(text) and text[at] == "\r":
            at += 1
        if at == len(text) or text[at] == "\n":
            return fields, at
        at += 1


def rough(text: str, delimiter: str) -> list[str]:
    """The fields of a broken record, as well as they can be told apart."""
    line = text.rstrip("\r\n")
    return line.split() if delimiter == " " else line.split(delimiter)
