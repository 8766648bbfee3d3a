"""Errors: where, what, what to do; each kind has a stable code with a heading in docs/errors.md."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, ClassVar


class EtappeError(Exception):
    """A refusal that a person can act on.

    `where` names the place (a file and line, a question's field), `what` says what is wrong, `hint` what to do.
    """

    code: ClassVar[str] = "error"

    def __init__(self, where: str, what: str, hint: str = "") -> None:
        self.where, self.what, self.hint = where, what, hint
        super().__init__(where, what, hint)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}{' ' + self.hint if self.hint else ''}"

    def to_dict(self) -> dict[str, Any]:
        """The one shape of an error in JSON: code, where, what, hint, message."""
        return {"code": self.code, "where": self.where, "what": self.what, "hint": self.hint, "message": str(self)}


class UnknownName(EtappeError):
    """A touchpoint, stage, column, question or document that is not there."""

    code = "unknown-name"


class BadDuration(EtappeError):
    """A length of time without a unit, or not above zero."""

    code = "bad-duration"


class BadQuestion(EtappeError):
    """A question that cannot be asked as it stands."""

    code = "bad-question"


class BadExpression(EtappeError):
    """A condition that cannot be read; the message points into its text."""

    code = "bad-expression"


class BadMapping(EtappeError):
    """A mapping file that does not fit its source."""

    code = "bad-mapping"


class BadFile(EtappeError):
    """A file that cannot be read as what it should be."""

    code = "bad-file"


class BadDocument(EtappeError):
    """A map, registry or stage model with a fault in it."""

    code = "bad-document"


class BadSetting(EtappeError):
    """A setting in etappe.toml or the environment that is unknown or out of range."""

    code = "bad-setting"


class NoWorkspace(EtappeError):
    """A folder that holds no workspace."""

    code = "no-workspace"


class WorkspaceBusy(EtappeError):
    """A workspace that another process is writing to."""

    code = "workspace-busy"


class NotWritten(EtappeError):
    """A workspace that the disk does not take: full, read-only or broken."""

    code = "not-written"


class RefusedAddress(EtappeError):
    """A network address, host or origin that is not served."""

    code = "refused-address"


class MissingExtra(EtappeError):
    """An optional part of Etappe that is not installed."""

    code = "missing-extra"


class MixedCurrencies(EtappeError):
    """A sum over values of several currencies."""

    code = "mixed-currencies"


def unknown(where: str, kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """An UnknownName that proposes the nearest known name, or lists the first few."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        hint = f"Did you mean {near[0]!r}?"
    elif names:
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        hint = f"Known: {', '.join(names[:8])}{more}."
    else:
        hint = f"There is no {kind} here yet."
    return UnknownName(where, f"no {kind} named {name!r}.", hint)
