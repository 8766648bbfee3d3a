"""Config: the settings of a workspace, from etappe.toml and then the environment (ETAPPE_NAME, ETAPPE_LANGUAGE)."""

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from etappe.errors import BadSetting, NoWorkspace

FILE: Final = "etappe.toml"
Engine = Literal["local", "spark"]


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A map that the server writes into a folder again and again: `[[report]]`."""

    map: str
    every: str = "1w"
    folder: str = "reports"
    """In the workspace's folder, where it is no whole path."""
    formats: tuple[str, ...] = ("pdf",)
    shared: bool = False
    """As it may be passed on: small numbers and people's names are hidden."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a workspace is called, and how its people read time and stages."""

    name: str = "Etappe"
    language: Literal["de", "en"] = "de"
    timezone: str = "Europe/Berlin"
    """For times without an offset, and for the days of every report."""
    stage_model: str = "m4"
    goals: tuple[str, ...] = ("store_purchase", "online_purchase", "marketplace_purchase")
    """The touchpoints that count as a purchase on the first screen, by their ids in the catalogue or their names."""
    engine: Engine = "local"
    """Where questions are answered: on this machine, or on a Spark cluster."""
    report: tuple[Report, ...] = ()
    """Maps that are written as files by the calendar."""


def read_settings(folder: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the workspace in `folder`.

    Raises
    ------
    NoWorkspace
        The folder has no etappe.toml.
    BadSetting
        A key is unknown (the nearest name is proposed) or a value out of range.
    """
    path = folder / FILE
    if not path.is_file():
        raise NoWorkspace(str(folder), "is no workspace: it has no etappe.toml.", "Make one with: etappe init DIR")
    try:
        given: dict[str, Any] = msgspec.toml.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise BadSetting(FILE, f"cannot be read: {fault}.") from None
    known = msgspec.structs.fields(Settings)
    names = [field.name for field in known]
    for name in names:
        text = environment.get(f"ETAPPE_{name.upper()}")
        if text is not None and name != "report":
            given[name] = text.split(",") if name == "goals" else text
    for key in given:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Settings are {', '.join(names)}."
            raise BadSetting(FILE, f"unknown setting {key!r}.", hint)
    try:
        settings = msgspec.convert(given, Settings)
    except msgspec.ValidationError as fault:
        raise BadSetting(FILE, f"{fault}.") from None
    check_timezone(settings.timezone, FILE)
    return settings


def check_timezone(name: str, where: str) -> None:
    """Refuse a time zone that does not exist."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise BadSetting(where, f"no time zone named {name!r}.", "Write one such as Europe/Berlin.") from None


def check_language(name: str, where: str) -> Literal["de", "en"]:
    """Refuse a language that Etappe does not speak."""
    if name in ("de", "en"):
        return "de" if name == "de" else "en"
    raise BadSetting(where, f"no language named {name!r}.", "Write de or en.")


def check_engine(name: str, where: str) -> Engine:
    """Refuse an engine that there is not."""
    if name in ("local", "spark"):
        return "spark" if name == "spark" else "local"
    raise BadSetting(where, f"no engine named {name!r}.", "Write local or spark.")


def settings_toml(settings: Settings) -> str:
    """The text of etappe.toml for these settings."""
    values = msgspec.structs.asdict(settings)
    reports = values.pop("report")
    lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in values.items()]
    for one in reports:
        lines += ["", "[[report]]"]
        lines += [
            f"{key} = {msgspec.json.encode(value).decode()}" for key, value in msgspec.structs.asdict(one).items()
        ]
    return "\n".join(lines) + "\n"
