"""Synthetic journeys with planted deviations from a plan: SYNTHETIC data with a known truth, seeded; no real person is
behind them.

Each person first follows a plan, with its options, repeats, ways and time limits; then deviations are planted, and what
was planted is the truth. It was written, with these rules, before there was a method, and is not changed to suit one:

- skipped: all touchpoints of a step that the plan asks for are taken out. Truth: (skipped, step, "").
- extra: a touchpoint comes in at a random place: one that no step names, or one of a step that the person did, which
  the plan does not repeat, and at which nothing else was planted. Truth: (extra, touchpoint, "").
- out_of_order: two neighbouring steps change places; one deviation. Truth: (out_of_order, what came too early, what it
  came before). Both follow quickly, so that no time limit is touched.
- late: more than the step's limit since the step before it. Truth: (late, step, "").
- other_channel: not the channel that the step asks for. Truth: (other_channel, step, the channel it was).
- open: the person is under way: the journey ends after some step, the data end within the limit of the next one, and
  nothing else is planted. Truth: (open, the next step, "").

Deviations closer together than `apart` steps can be told in more than one way (to skip a step and to come late to the
next one is also to skip it and be in time), so that only settings with `apart` have a truth that can be known; "close"
shows what is found without that rule. Extras fall anywhere.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np

from etappe.arrays import column_of
from etappe.journeys.columns import Journeys, journeys_of

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
END_US: Final = 1_782_864_000_000_000  # 2026-07-01, when the data end
CHANNELS: Final = ("web", "app", "store", "phone", "email")
OUTSIDE: Final = ("newsletter", "banner", "blog", "forum")
"""Touchpoints that no plan names."""

Label = tuple[str, str, str]


@dataclass(frozen=True)
class Step:
    """A step of a plan; any of `names` is it."""

    names: tuple[str, ...]
    limit_us: int = 0
    channels: tuple[str, ...] = ()
    optional: bool = False
    repeats: bool = False

    @property
    def name(self) -> str:
        return " | ".join(self.names)


Ways = tuple[tuple[Step, ...], ...]
"""One of several ways."""


@dataclass(frozen=True)
class Planned:
    """A plan as a text and as what the generator follows."""

    text: str
    parts: tuple[Step | Ways, ...]


def _step(names: str, days: float = 0, via: str = "", **options: bool) -> Step:
    return Step(tuple(names.split("|")), round(days * DAY_US), tuple(via.split()), **options)


PLANS: Final = {
    "sequence": Planned(
        "search -> visit within 3d -> product within 2d -> cart within 1d via [web app] -> checkout within 1d"
        " -> payment within 12h via web -> delivery within 7d -> review within 30d via [email app]",
        (
            _step("search"), _step("visit", 3), _step("product", 2), _step("cart", 1, "web app"), _step("checkout", 1),
            _step("payment", 0.5, "web"), _step("delivery", 7), _step("review", 30, "email app"),
        ),
    ),
    "options": Planned(
        "search -> visit+ within 5d -> compare? within 3d -> cart within 2d -> coupon? within 1d via [email app]"
        " -> order within 1d via [web app] -> call? within 4d via phone -> delivery within 9d -> use+ within 14d"
        " -> return? within 14d -> review",
        (
            _step("search"), _step("visit", 5, repeats=True), _step("compare", 3, optional=True), _step("cart", 2),
            _step("coupon", 1, "email app", optional=True), _step("order", 1, "web app"),
            _step("call", 4, "phone", optional=True), _step("delivery", 9), _step("use", 14, repeats=True),
            _step("return", 14, optional=True), _step("review"),
        ),
    ),
    "branches": Planned(
        "ad -> visit within 4d -> (advice within 3d via store -> offer within 5d -> talk within 4d | chat within 3d)"
        " -> (web_order|store_order) within 7d -> payment within 2d"
        " -> (parcel within 5d -> unpack within 2d | pickup within 3d via store) -> rating within 20d",
        (
            _step("ad"), _step("visit", 4),
            ((_step("advice", 3, "store"), _step("offer", 5), _step("talk", 4)), (_step("chat", 3),)),
            _step("web_order|store_order", 7), _step("payment", 2),
            ((_step("parcel", 5), _step("unpack", 2)), (_step("pickup", 3, "store"),)), _step("rating", 20),
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """What is planted."""

    plan: str
    seed: int
    persons: int = 4000
    deviating: float = 0.7
    """The share of persons with deviations."""
    most: int = 3
    """Deviations in one of them, 1 to `most`."""
    apart: int = 2
    """Steps between two deviations."""
    outside: bool = True
    """Whether touchpoints that no step names are extras; else some come in as what nobody counts."""
    open: float = 0.15


SETTINGS: Final = {
    "sequence": Setting("sequence", 21),
    "options": Setting("options", 22),
    "branches": Setting("branches", 23),
    "sequence, with what nobody counts": Setting("sequence", 24, outside=False),
    "branches, with what nobody counts": Setting("branches", 25, outside=False),
    "close": Setting("options", 26, apart=0, most=4),
}
"""All but "close" have a truth that can be known."""


@dataclass(frozen=True)
class Logged:
    """Journeys with the deviations that were planted in each."""

    journeys: Journeys
    truth: list[list[Label]]
    plan: str
    others: str
    """What touchpoints that no step names are."""


@dataclass
class _Done:
    """A touchpoint of a person; `step` is None for one that no step asks for."""

    step: Step | None
    name: str
    channel: str
    gap_us: int
    """Since the one before."""
    touched: bool = False


@dataclass
class _Person:
    done: list[_Done] = field(default_factory=list)
    truth: list[Label] = field(default_factory=list)


def _gap(rng: np.random.Generator, step: Step) -> int:
    """In time: well within the limit, or some days where there is none."""
    if step.limit_us:
        return round(step.limit_us * rng.uniform(0.02, 0.5))
    return round(DAY_US * rng.lognormal(0.5, 0.8))


def _follow(rng: np.random.Generator, plan: Planned) -> list[_Done]:
    """A journey as planned."""
    steps: list[Step] = []
    for part in plan.parts:
        steps += [part] if isinstance(part, Step) else part[rng.integers(len(part))]
    done = []
    for step in steps:
        if step.optional and rng.random() < 0.5:
            continue
        for _ in range(rng.integers(1, 4) if step.repeats else 1):
            name = step.names[rng.integers(len(step.names))]
            channel = str(rng.choice(step.channels or CHANNELS))
            done.append(_Done(step, name, channel, _gap(rng, step)))
    return done


def _free(done: list[_Done], at: int, apart: int, span: int = 1) -> bool:
    """Whether nothing was planted near."""
    return not any(one.touched for one in done[max(0, at - apart) : at + span + apart])


def _skip(rng: np.random.Generator, person: _Person, apart: int) -> bool:
    at = int(rng.integers(len(person.done)))
    step = person.done[at].step
    run = [i for i, one in enumerate(person.done) if one.step is step]
    first, last = run[0], run[-1]
    if step is None or step.optional or not _free(person.done, first, apart, len(run)):
        return False
    # What stays beside the gap is taken as touched, so that the next deviation keeps its distance.
    for beside in (first - 1, last + 1):
        if 0 <= beside < len(person.done):
            person.done[beside].touched = True
    if last + 1 < len(person.done):
        person.done[last + 1].gap_us += sum(person.done[i].gap_us for i in run)
    del person.done[first : last + 1]
    person.truth.append(("skipped", step.name, ""))
    return True


def _swap(rng: np.random.Generator, person: _Person, apart: int) -> bool:
    done = person.done
    at = int(rng.integers(len(done) - 1))
    one, other = done[at], done[at + 1]
    if one.step is None or other.step is None or one.step.repeats or other.step.repeats:
        return False
    if not _free(done, at, apart, 2):
        return False
    done[at], done[at + 1] = replace(other, touched=True), replace(one, touched=True)
    for i in range(at, min(at + 3, len(done))):
        done[i].gap_us = round(HOUR_US * rng.uniform(0.05, 0.5))
    person.truth.append(("out_of_order", other.step.name, one.step.name))
    return True


def _delay(rng: np.random.Generator, person: _Person, apart: int) -> bool:
    at = int(rng.integers(1, len(person.done)))
    one = person.done[at]
    if one.step is None or not one.step.limit_us or not _free(person.done, at, apart):
        return False
    one.gap_us, one.touched = round(one.step.limit_us * rng.uniform(1.05, 3)), True
    person.truth.append(("late", one.step.name, ""))
    return True


def _reroute(rng: np.random.Generator, person: _Person, apart: int) -> bool:
    at = int(rng.integers(len(person.done)))
    one = person.done[at]
    if one.step is None or not one.step.channels or not _free(person.done, at, apart):
        return False
    one.channel, one.touched = str(rng.choice([c for c in CHANNELS if c not in one.step.channels])), True
    person.truth.append(("other_channel", one.step.name, one.channel))
    return True


def _insert(rng: np.random.Generator, person: _Person, name: str) -> None:
    """Somewhere: within a gap, which stays as long as it was, or before or after all."""
    done = person.done
    at = int(rng.integers(len(done) + 1))
    channel = str(rng.choice(CHANNELS))
    if at == 0 or at == len(done):
        gap = round(DAY_US * rng.lognormal(0, 0.5))
        if at == 0:
            done[0].gap_us = gap
        done.insert(at, _Done(None, name, channel, gap, touched=False))
        return
    before = round(done[at].gap_us * rng.uniform(0.1, 0.9))
    done[at].gap_us -= before
    done.insert(at, _Done(None, name, channel, before, touched=False))


def _extra(rng: np.random.Generator, person: _Person, *, outside: bool) -> None:
    names = [
        one.name for one in person.done if one.step is not None and not one.step.repeats and not one.touched
    ]  # fmt: skip
    name = str(rng.choice([*names, *(OUTSIDE if outside else ())])) if names or outside else ""
    if name:
        _insert(rng, person, name)
        person.truth.append(("extra", name, ""))


def _person(rng: np.random.Generator, plan: Planned, setting: Setting) -> tuple[_Person, int]:
    """A person, and how long before the end of the data the journey ends."""
    person = _Person(_follow(rng, plan))
    since = round(DAY_US * rng.uniform(120, 400))
    if rng.random() < setting.open:
        ends = [
            i
            for i in range(1, len(person.done))
            if (step := person.done[i].step) and person.done[i - 1].step is not step
            if step.limit_us and not step.optional
            # The step before the next one is what the plan says: nothing optional lies between.
            if _directly(plan, person.done[i - 1].step, step)
        ]
        at = int(rng.choice(ends))
        following = person.done[at].step
        assert following is not None
        person.done = person.done[:at]
        person.truth = [("open", following.name, "")]
        return person, round(following.limit_us * rng.uniform(0, 0.9))
    if rng.random() < setting.deviating:
        planted = 0
        for _ in range(int(rng.integers(1, setting.most + 1))):
            kind = int(rng.integers(5))
            if kind == 4:
                planted += 1
                continue
            any((_skip, _swap, _delay, _reroute)[kind](rng, person, setting.apart) for _ in range(8))
        for _ in range(planted):  # last, so that places count what is there
            _extra(rng, person, outside=setting.outside)
    if not setting.outside:
        for _ in range(int(rng.poisson(2))):
            _insert(rng, person, str(rng.choice(OUTSIDE)))
    return person, since


def _directly(plan: Planned, one: Step | None, other: Step) -> bool:
    """Whether one step stands directly before the other in the plan, which has no other way there."""
    parts = plan.parts
    for a, b in pairwise(parts):
        if a is one and b is other:
            return True
    for part in parts:
        if not isinstance(part, Step):
            for way in part:
                if any(a is one and b is other for a, b in pairwise(way)):
                    return True
    return False


def planted(setting: Setting) -> Logged:
    """The journeys of a setting; the data end at END_US."""
    rng = np.random.default_rng(setting.seed)
    plan = PLANS[setting.plan]
    names: dict[str, int] = {}
    codes: list[int] = []
    channels: list[str] = []
    times: list[int] = []
    offsets, truth = [0], []
    for _ in range(setting.persons):
        person, since = _person(rng, plan, setting)
        gaps = [0, *(one.gap_us for one in person.done[1:])]
        last = END_US - since
        at = last - sum(gaps)
        for one, gap in zip(person.done, gaps, strict=True):
            at += gap
            times.append(at)
            codes.append(names.setdefault(one.name, len(names)))
            channels.append(one.channel)
        offsets.append(len(times))
        truth.append(sorted(person.truth))
    held = journeys_of(
        np.array(offsets), np.array(times), codes, list(names), columns={"channel": column_of(channels)}
    )  # fmt: skip
    held = replace(held, origin=replace(held.origin, data_until_us=END_US))
    return Logged(held, truth, plan.text, "extra" if setting.outside else "ignore")
