"""Inventory view: the touchpoints and a score card as data for the screen, the command line and HTTP, in a language.

Every number has its base, its interval and a text as people read it; what rests on fewer than 30 says so.
"""

from collections.abc import Sequence
from typing import Any, Final

from etappe.analysis.answer import MIN_N
from etappe.journeys.stages import Registry
from etappe.journeys.targets import LOWER
from etappe.language import MINUS, date, day, duration, number, percent, word
from etappe.maps.figures import NBSP, amount
from etappe.maps.guessing import Guess
from etappe.maps.inventory import Category, Change, Entry, Inventory, Period, Share, Sign
from etappe.maps.playbook import Aid, Item
from etappe.maps.scorecard import Amount, Card, Point, Target
from etappe.units import MONEY, iso
from etappe.vocabulary import ATOMS, Touchpoint, say

DASH: Final = "–"
SIGNALS: Final = ("exit", "loop", "u-turn", "back-step", "long-wait", "support", "low-score")


class View:
    """An inventory in a language."""

    def __init__(self, found: Inventory, registry: Registry, timezone: str, lang: str) -> None:
        self.found, self.registry, self.timezone, self.lang = found, registry, timezone, lang
        self.stages = {stage.id: say(stage.title, lang) for stage in registry.model(found.model, "model").stages}
        self.channels = {channel.id: say(channel.title, lang) for channel in registry.channels}
        self.titles = {point.id: say(point.title, lang) for point in registry.touchpoints}

    def word(self, key: str, **values: object) -> str:
        """A text of the inventory."""
        return word(f"inventory.{key}", self.lang, **values)

    def title(self, id: str) -> str:
        """What people call a touchpoint."""
        return self.titles.get(id) or id

    # -- numbers -----------------------------------------------------------------------------------------------

    def share(self, share: Share | None) -> dict[str, Any] | None:
        """A share with its texts."""
        if share is None:
            return None
        text = DASH if share.value is None else percent(share.value, self.lang)
        return {
            "value": share.value, "count": share.count, "n": share.n, "low": share.low, "high": share.high,
            "few": share.few, "text": text, "base": self.base(share.n),
            "interval": self.interval(share.low, share.high, lambda x: number(x * 100, self.lang, 1)),
            "note": self.few(share.n),
        }  # fmt: skip

    def amount(self, found: Amount | None, kind: str) -> dict[str, Any] | None:
        """A time, a sum of money or a mean with its texts."""
        if found is None:
            return None

        def said(value: float) -> str:
            if kind == "time":
                return duration(value, self.lang)
            if kind == "money":
                return amount(value / MONEY, "money", self.lang, found.currency)
            return number(value, self.lang, 2)

        return {
            "value": found.value, "n": found.n, "low": found.low, "high": found.high, "currency": found.currency,
            "few": found.few, "text": DASH if found.value is None else said(found.value), "base": self.base(found.n),
            "interval": self.interval(found.low, found.high, said), "note": self.few(found.n),
        }  # fmt: skip

    def base(self, n: int) -> str:
        """The base: "n = 1.715"."""
        return f"n{NBSP}={NBSP}{number(n, self.lang)}"

    def few(self, n: int) -> str:
        """That a number rests on too few; nothing where it does not."""
        return self.word("few", n=number(n, self.lang), least=MIN_N) if n < MIN_N else ""

    def interval(self, low: float | None, high: float | None, said: Any) -> str:
        """The 95 % interval in words."""
        if low is None or high is None:
            return ""
        return word(
            "map.interval.95", self.lang, interval=word("map.interval", self.lang, low=said(low), high=said(high))
        )

    def change(self, change: Change | None) -> dict[str, Any] | None:
        """How the reach moved, in percentage points."""
        if change is None:
            return None

        def points(value: float) -> str:
            text = number(abs(value) * 100, self.lang, 1)
            return text if not any(c in "123456789" for c in text) else f"{MINUS if value < 0 else '+'}{text}"

        apart = change.difference
        return {
            "difference": apart, "low": change.low, "high": change.high, "direction": change.direction,
            "now": self.share(change.now), "before": self.share(change.before),
            "text": DASH if apart is None else self.word("points", value=points(apart)),
            "interval": self.interval(change.low, change.high, points),
            "note": self.word(f"change.{change.direction}"),
        }  # fmt: skip

    # -- words about a touchpoint ------------------------------------------------------------------------------

    def sign(self, sign: Sign) -> dict[str, Any]:
        """A sign, with the numbers that make it one."""
        share, at = sign.share, sign.typical
        values: dict[str, str] = {}
        if share is not None and share.value is not None and at is not None:
            values = {
                "share": percent(share.value, self.lang),
                "usual": percent(at, self.lang),
                "n": number(share.n, self.lang),
            }
        return {
            "kind": sign.kind,
            "title": self.word(f"sign.{sign.kind}"),
            "text": self.word(f"why.{sign.kind}", **values),
        }

    def guess(self, guess: Guess | None) -> dict[str, Any] | None:
        """What an unknown touchpoint may be, said as a guess."""
        if guess is None:
            return None
        stage = self.stages.get(self.registry.model(self.found.model).atoms.get(guess.atom) or "")
        values = {
            "like": self.title(guess.like or ""),
            "stage": stage or self.word("stage.none"),
            "category": self.category(guess.medium, guess.contact),
        }
        return {
            "of": guess.of, "like": guess.like, "like_title": self.title(guess.like) if guess.like else None,
            "atom": guess.atom, "medium": guess.medium, "contact": guess.contact, "channel": guess.channel,
            "stage": stage, "category": values["category"], "text": self.word(f"guess.{guess.of}", **values),
        }  # fmt: skip

    def category(self, medium: str, contact: str) -> str:
        """A field of the 2x2 matrix: "analog, direkt"."""
        return f"{word(f'map.medium.{medium}', self.lang)}, {word(f'map.contact.{contact}', self.lang)}"

    def entry(self, entry: Entry) -> dict[str, Any]:
        """A row of the inventory."""
        point = entry.touchpoint
        known = self.point(point) if point else {}
        reach = self.share(entry.reach)
        if reach is not None and entry.state in ("dark", "absent"):
            reach |= {"text": DASH, "value": None, "interval": "", "note": ""}
        top = max((s for s in entry.signs if s.kind in SIGNALS and s.share), key=_excess, default=None)
        return {
            "id": entry.id, "key": entry.key, "title": self.title(entry.id), "state": entry.state,
            "state_text": self.word(f"state.{entry.state}"), "state_why": self.why(entry), "names": list(entry.names),
            "stage": entry.stage, "stage_title": self.stage(entry), "reach": reach, "events": entry.events,
            "events_text": number(entry.events, self.lang), "change": self.change(entry.change),
            "signs": [self.sign(sign) for sign in entry.signs], "friction": self.sign(top) if top else None,
            "guess": self.guess(entry.guess), **known,
        }  # fmt: skip

    def stage(self, entry: Entry) -> str:
        """The stage's title; where there is none, why."""
        if entry.touchpoint is None:
            return ""
        return self.stages.get(entry.stage or "") or self.word("stage.none")

    def why(self, entry: Entry) -> str:
        """Why a touchpoint cannot be seen, or is not known."""
        if entry.state == "measured":
            return ""
        kind: str = entry.state
        if kind == "dark" and entry.touchpoint is not None:
            kind = f"dark.{entry.touchpoint.medium}.{entry.touchpoint.contact}"
        return self.word(f"why.state.{kind}")

    def point(self, point: Touchpoint) -> dict[str, Any]:
        """What the registry says of a touchpoint."""
        goal = say(point.goal, self.lang).strip()
        return {
            "atom": point.atom, "atom_title": word(f"inventory.atom.{point.atom}", self.lang), "medium": point.medium,
            "contact": point.contact, "category": self.category(point.medium, point.contact), "channel": point.channel,
            "channel_title": self.channels.get(point.channel, point.channel), "owner": say(point.owner, self.lang),
            "goal": goal, "goal_note": "" if goal else self.word("goal.none"), "kpi": point.kpi,
            "kpi_title": self.word(f"kpi.{point.kpi}") if point.kpi else "",
            "target": point.target if isinstance(point.target, str) else f"{point.target:g}",
            "due": point.due.isoformat() if point.due else "",
            "match": list(point.match),
        }  # fmt: skip

    # -- the whole ---------------------------------------------------------------------------------------------

    def sentence(self) -> str:
        """The main finding."""
        found = self.found
        seen = [e for e in found.entries if e.state == "measured" and e.events]
        strange = [e for e in found.entries if e.state == "discovered"]
        dark = sum(e.state == "dark" for e in found.entries)
        if not found.events:
            return self.word("sentence.nothing")
        cover = found.coverage.events
        said = [
            self.word(
                "sentence.cover", count=number(len(seen), self.lang), share=percent(cover.value or 0.0, self.lang)
            )
            if len(seen) != 1
            else self.word("sentence.cover_one", share=percent(cover.value or 0.0, self.lang))
        ]
        if strange:
            top = strange[0]
            values = {"name": top.id, "share": percent(top.reach.value or 0.0, self.lang)}
            many = len(strange) > 1
            said.append(
                self.word("sentence.strange", count=number(len(strange), self.lang), **values)
                if many
                else self.word("sentence.strange_one", **values)
            )
        if dark:
            said.append(
                self.word("sentence.dark", count=number(dark, self.lang))
                if dark > 1
                else self.word("sentence.dark_one")
            )
        return " ".join(said)

    def coverage(self) -> dict[str, Any]:
        """What the registry explains, the 2x2 matrix, and who has no goal."""
        found = self.found.coverage
        goalless = [self.title(id) for id in found.goalless]
        return {
            "events": self.share(found.events), "journeys": self.share(found.journeys),
            "digital": self.share(found.digital),
            "text": self.word(
                "coverage", events=percent(found.events.value or 0.0, self.lang),
                journeys=percent(found.journeys.value or 0.0, self.lang),
            ),
            "digital_text": self.word("digital", share=percent(found.digital.value or 0.0, self.lang)),
            "categories": [self.field(one) for one in found.categories],
            "goalless": [{"id": id, "title": self.title(id)} for id in found.goalless],
            "goalless_text": self.word("goalless", names=", ".join(goalless)) if goalless else "",
        }  # fmt: skip

    def field(self, one: Category) -> dict[str, Any]:
        """A field of the 2x2 matrix."""
        return {
            "medium": one.medium, "contact": one.contact, "title": self.category(one.medium, one.contact),
            "touchpoints": one.touchpoints, "measured": one.measured, "events": one.events,
            "reach": self.share(one.reach),
            "text": self.word("field", seen=number(one.measured, self.lang), all=number(one.touchpoints, self.lang)),
        }  # fmt: skip

    def period(self, period: Period | None) -> dict[str, Any] | None:
        """The last period, and what it is compared with."""
        if period is None:
            return None
        first, last = (date(us, self.lang, self.timezone) for us in (period.middle_us, period.end_us - 1))
        text = self.word("period", days=number(period.days, self.lang), first=first, last=last)
        return {"from": iso(period.middle_us), "to": iso(period.end_us), "days": period.days, "text": text}

    def whole(self, revision: int, state: str) -> dict[str, Any]:
        """Everything the screen shows before a touchpoint is opened."""
        model = self.registry.model(self.found.model)
        return {
            "state": state, "revision": revision, "sentence": self.sentence(), "journeys": self.found.journeys,
            "events": self.found.events, "entries": [self.entry(entry) for entry in self.found.entries],
            "coverage": self.coverage(), "period": self.period(self.found.period), "model": self.found.model,
            "model_title": say(model.title, self.lang),
            "stages": [{"id": id, "title": title} for id, title in self.stages.items()],
            "choices": self.choices(),
        }  # fmt: skip

    def choices(self) -> dict[str, Any]:
        """What can be chosen in the form: channels, atoms with their stage, figures."""
        atoms = self.registry.model(self.found.model).atoms

        def atom(name: Any) -> str:
            stage = self.stages.get(atoms.get(name) or "") or self.word("stage.none")
            return f"{word(f'inventory.atom.{name}', self.lang)} ({stage})"

        channels = sorted(self.channels.items(), key=lambda pair: pair[1].casefold())
        return {
            "channels": [{"value": id, "name": title} for id, title in channels],
            "atoms": [{"value": name, "name": atom(name)} for name in ATOMS],
            "kpis": [
                {"value": kpi, "name": self.word(f"kpi.{kpi}"), "hint": self.word(f"kpi.hint.{kpi}")}
                for kpi in ("reach", "onward", "conversion", "time", "exit", "satisfaction", "revenue")
            ],
            "known": [{"value": p.id, "name": say(p.title, self.lang)} for p in self.registry.touchpoints],
        }  # fmt: skip

    # -- a score card ------------------------------------------------------------------------------------------

    def card(self, card: Card, revision: int) -> dict[str, Any]:
        """A score card: each figure with its number, its base and what it means; signs, trend, suggestions."""
        entry, goals = card.entry, [self.title(id) for id in self.found.goals]
        measured = entry.state in ("measured", "discovered")
        figures: list[dict[str, Any]] = []

        def figure(id: str, found: dict[str, Any] | None, why: str = "", **values: str) -> None:
            none = why or self.word("figure.none")
            shown = found or {"value": None, "text": DASH, "base": "", "interval": "", "note": none, "n": 0}
            figures.append(
                {"id": id, "title": self.word(f"kpi.{id}"), "how": self.word(f"how.{id}", **values), **shown}
            )

        if measured:
            figure("reach", self.share(entry.reach))
            figure("onward", self.share(card.onward))
            figure("time", self.amount(card.time, "time"))
            goal_text = ", ".join(goals)
            figure("conversion", self.share(card.conversion), self.word("conversion.none"), goals=goal_text or DASH)
            figure("exit", self.share(entry.friction.get("exit")), goal=self.title(self.found.goal or "") or DASH)
            score = card.satisfaction
            figure("satisfaction", self.amount(score.mean, "score") if score else None, self.word("satisfaction.none"))
            if score:
                figures[-1]["note"] = " ".join(filter(None, (
                    self.word("satisfaction.scale", column=score.column, least=number(score.least, self.lang),
                              most=number(score.most, self.lang)), figures[-1]["note"],
                )))  # fmt: skip
            why = self.word("revenue.mixed", names=", ".join(card.mixed)) if card.mixed else self.word("revenue.none")
            figure("revenue", self.amount(card.revenue, "money"), why)
        friction = [
            {"signal": name, "title": word(f"ui.explore.signal.{name}", self.lang), **(self.share(share) or {})}
            for name, share in entry.friction.items()
            if name != "exit"
        ]
        overall = card.conversion_all
        against = ""
        if overall is not None and overall.value is not None and measured:
            against = self.word(
                "conversion.all", share=percent(overall.value, self.lang), n=number(overall.n, self.lang)
            )
        return {
            **self.entry(entry), "revision": revision, "figures": figures, "frictions": friction,
            "conversion_all": self.share(overall), "conversion_all_text": against,
            "ways": [{"to": w.to, "title": self.title(w.to), "share": self.share(w.share)} for w in card.ways],
            "trend": [self.trend(point) for point in card.trend], "period": self.period(self.found.period),
            "trend_note": self.word("trend.none") if measured and not card.trend else "",
            "signs": [self.sign(sign) for sign in card.signs], "target_state": self.target(card.target),
            "suggestions": [self.item(item, card.signs) for item in card.items],
            "aids": [self.aid(aid) for aid in card.aids], "suggestions_note": self.word("suggestions.note"),
            "choices": self.choices(),
        }  # fmt: skip

    def trend(self, point: Point) -> dict[str, Any]:
        """A point of the trend."""
        return {
            "from": iso(point.start_us), "to": iso(point.end_us), "reach": self.share(point.reach),
            "first": date(point.start_us, self.lang, self.timezone),
            "last": date(point.end_us - 1, self.lang, self.timezone),
        }  # fmt: skip

    def target(self, target: Target | None) -> dict[str, Any] | None:
        """Whether the target is reached."""
        if target is None:
            return None
        side = "most" if target.kpi in LOWER else "least"
        text = target.text if isinstance(target.text, str) else number(target.text, self.lang, 2)
        by = self.word("target.due", day=day(target.due.isoformat(), self.lang)) if target.due else ""
        wanted = self.word(f"target.{side}", figure=self.word(f"kpi.{target.kpi}"), value=text, due=by)
        return {
            "kpi": target.kpi, "value": target.value, "verdict": target.verdict,
            "text": f"{wanted} {self.word(f'verdict.{target.verdict}')}",
        }  # fmt: skip

    def item(self, item: Item, signs: Sequence[Sign]) -> dict[str, Any]:
        """A suggestion, with the sign that it answers and the statement that it comes from."""
        mine = [self.sign(sign) for sign in signs if sign.kind in item.signs]
        return {
            "id": item.id, "requirement": item.requirement, "title": say(item.title, self.lang),
            "text": say(item.text, self.lang), "because": mine[0]["text"] if mine else "",
            "measure": self.word("measure", text=say(item.measure, self.lang)),
            "source": self.word("source", id=item.requirement),
        }  # fmt: skip

    def aid(self, aid: Aid) -> dict[str, Any]:
        """A way to see a dark touchpoint."""
        return {
            "id": aid.id, "requirement": aid.requirement, "title": say(aid.title, self.lang),
            "text": say(aid.text, self.lang), "source": self.word("source", id=aid.requirement),
        }  # fmt: skip


def _excess(sign: Sign) -> float:
    return ((sign.share.value if sign.share else None) or 0.0) - (sign.typical or 0.0)
