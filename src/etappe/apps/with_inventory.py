"""What a workspace can do with its touchpoints: the inventory, a score card, and changes to the registry."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from etappe.errors import WorkspaceBusy, unknown
from etappe.journeys.columns import Journeys
from etappe.store import documents

if TYPE_CHECKING:
    from etappe.apps.workspace import Workspace
    from etappe.maps.inventory import Inventory, Period
    from etappe.maps.scorecard import Card
    from etappe.vocabulary import Touchpoint

REGISTRY = "registry"
DAYS = 28
_kept: "WeakKeyDictionary[Journeys, dict[tuple[object, ...], Inventory]]" = WeakKeyDictionary()
"""The inventory of journeys goes with them: a drawer that opens does not count all again."""


class WithInventory:
    """The part of a workspace that is about its touchpoints."""

    @property
    def _of(self) -> "Workspace":
        return cast("Workspace", self)

    def inventory(
        self, journeys: Journeys | None = None, *, period: "Period | None" = None, everything: Journeys | None = None
    ) -> "Inventory":
        """All touchpoints, of the data and of the registry: reach, friction, change, coverage, what cannot be seen.

        Parameters
        ----------
        journeys : by default all
        period : the last period and the one before; by default the last 28 days of the data and those before
        everything : the journeys of both periods, where `journeys` hold one only
        """
        from etappe.maps.inventory import inventory

        ws = self._of
        some = journeys if journeys is not None else ws.journeys()
        whole = everything if everything is not None else some
        span = period or last_days(ws, whole)
        registry, settings = ws.registry(), ws.settings
        key = (registry.digest, settings.stage_model, settings.goals, span, whole.origin, whole.events)
        held = _kept.setdefault(some, {})
        if key not in held:
            held[key] = inventory(
                some, registry, model=settings.stage_model, goals=settings.goals, period=span, everything=whole
            )
        return held[key]

    def touchpoint(
        self,
        name: str,
        journeys: Journeys | None = None,
        *,
        period: "Period | None" = None,
        everything: Journeys | None = None,
    ) -> "Card":
        """The score card of a touchpoint, by its id or by a name in the data; further parameters as of `inventory`."""
        from etappe.maps.scorecard import card

        ws = self._of
        some = journeys if journeys is not None else ws.journeys()
        found = self.inventory(some, period=period, everything=everything)
        return card(some, ws.registry(), found, name, everything=everything)

    def registry_revision(self) -> int:
        """The revision of the workspace's registry file; 0 while there is none."""
        with self._of.engine.connect() as connection:
            found = documents.get(connection, REGISTRY, REGISTRY)
        return found.revision if found else 0

    def put_touchpoint(self, point: "Touchpoint", *, revision: int | None = None, author: str = "") -> int:
        """Write a touchpoint into the registry file; the new revision (the old one where nothing changes).

        Parameters
        ----------
        revision : what the change was made on; none: whatever there is
        author : who made it (personal)

        Raises
        ------
        WorkspaceBusy
            Somebody saved another revision since.
        BadDocument
            The file would have a fault.
        """
        from etappe.maps.registering import registered

        ws = self._of
        with ws.writing(), ws.engine.begin() as connection:
            old = documents.get(connection, REGISTRY, REGISTRY)
            now = old.revision if old else 0
            if revision is not None and now != revision:
                what = f"is at revision {now} now, and your change was made on revision {revision}."
                raise WorkspaceBusy("registry", what, "Load it again, and make your change there.")
            body = registered(old.body if old else None, point)
            if old is not None and body == old.body:
                return now
            if not documents.append(connection, REGISTRY, REGISTRY, now + 1, body, author):
                raise WorkspaceBusy("registry", "somebody else saved it just now.", "Load it again.")
        return now + 1

    def edit_touchpoint(
        self,
        name: str,
        fields: Mapping[str, Any],
        *,
        lang: str | None = None,
        revision: int | None = None,
        author: str = "",
    ) -> tuple[str, int]:
        """Change a touchpoint's fields, or take one that the data hold into the registry; its id and the revision.

        With `like` in the fields, the id of a known touchpoint, a name in the data becomes one more name of that one.
        """
        from etappe.maps.registering import beginning, changed

        registry = self._of.registry()
        given = dict(fields)
        like = given.pop("like", None)
        entry = self.inventory().find(name)
        if entry is None:
            raise unknown("touchpoints", "touchpoint", name, [one.id for one in self.inventory().entries])
        if like is not None:
            known = {point.id: point for point in registry.touchpoints}
            if like not in known:
                raise unknown("touchpoint: like", "touchpoint", str(like), known)
            given["match"] = [*known[like].match, *(() if entry.id in known[like].match else (entry.id,))]
            point = known[like]
        elif entry.touchpoint is not None:
            point = entry.touchpoint
        else:
            assert entry.guess is not None
            point = beginning(entry.id, entry.guess, registry)
        point = changed(point, given, lang)
        return point.id, self.put_touchpoint(point, revision=revision, author=author)


def last_days(ws: "Workspace", journeys: Journeys) -> "Period | None":
    """The last 28 days of the data and the 28 before; none where the data do not cover both."""
    from datetime import date, timedelta

    if not journeys.events:
        return None
    last = date.fromisoformat(ws.local_day(int(journeys.time_us.max())))
    return period_of(ws, journeys, last - timedelta(days=DAYS - 1), last)


def period_of(ws: "Workspace", journeys: Journeys, first: Any, last: Any) -> "Period | None":
    """A period of local days and the one before it; none where the data begin within that one."""
    from datetime import timedelta

    from etappe.maps.inventory import Period

    days = (last - first).days + 1
    before = first - timedelta(days=days)
    edges = [ws.day_us(day) for day in (before, first)] + [ws.day_us(last, after=True)]
    start, middle, end = (edge for edge in edges if edge is not None)
    if not journeys.events or int(journeys.time_us.min()) > start:
        return None
    return Period(start, middle, end, days)
