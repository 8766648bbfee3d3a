"""What a workspace can do with journey maps; what draws and binds them loads with its first use."""

import time
from typing import TYPE_CHECKING, Final, Literal, cast

from etappe.store import documents

if TYPE_CHECKING:
    from etappe.analysis.answer import Answer
    from etappe.apps.revisions import Saved
    from etappe.apps.workspace import Workspace
    from etappe.journeys.columns import Journeys
    from etappe.maps.bound import BoundMap
    from etappe.maps.model import JourneyMap

MAP: Final = "map"


class WithMaps:
    """The part of a workspace that is about journey maps."""

    @property
    def _maps(self) -> "Workspace":
        return cast("Workspace", self)

    def maps(self) -> "list[JourneyMap]":
        """The journey maps, newest revision of each."""
        return [found for found, _ in self.dated_maps()]

    def dated_maps(self) -> "list[tuple[JourneyMap, int]]":
        """The journey maps, each with the time of its newest revision."""
        from etappe.maps.document import read_map

        with self._maps.engine.connect() as connection:
            found = documents.newest(connection, MAP)
        return [(read_map(document.body, document.id), document.at_us) for document in found]

    def map(self, map_id: str, revision: int | None = None) -> "JourneyMap":
        """One journey map, by default its newest revision."""
        from etappe.apps import revisions

        return revisions.stored(self._maps, map_id, revision)[0]

    def save(self, document: "JourneyMap", revision: int | None = None, author: str = "") -> "Saved":
        """Store a map as a new revision, or as a new map where none has its id.

        Parameters
        ----------
        revision : the one that was changed; what others saved since is merged. By default the newest, whose place the
            whole map takes.

        Returns
        -------
        The map as it is stored now (`map`), its `revision`, whether anything `changed`, and `conflicts`: fields that
        somebody else wrote at the same time, whose text stands.

        Examples
        --------
        >>> shop = ws.map("shop")                                                      # doctest: +SKIP
        >>> ws.save(msgspec.structs.replace(shop, title="Shop"), author="Lena")        # doctest: +SKIP
        """
        from etappe.apps import revisions

        newest = revisions.newest(self._maps, document.id)
        if not newest and revision is None:
            return revisions.create(self._maps, document, author)
        return revisions.replace(self._maps, document.id, document, newest if revision is None else revision, author)

    def hold(
        self, map_id: str, revision: int | None = None, author: str = "", journeys: "Journeys | None" = None
    ) -> "Saved":
        """Write the numbers of now into a map ("Stand festhalten"), so that a print can be reproduced.

        Parameters
        ----------
        revision : whose numbers were seen; what others saved since stays. By default the newest
        journeys : by default all
        """
        from etappe.apps import holding

        return holding.hold(self._maps, map_id, revision, author, journeys)[0]

    def bind(
        self, document: "JourneyMap | str", journeys: "Journeys | None" = None, now_us: int | None = None
    ) -> "BoundMap":
        """A map, or the stored one of an id, with its evidence computed from the journeys."""
        from etappe.maps.evidence import bind

        found = self.map(document) if isinstance(document, str) else document
        chosen = journeys if journeys is not None else self._maps.journeys()
        now = now_us if now_us is not None else time.time_ns() // 1000
        return bind(found, chosen, self._maps.registry(), now)

    def conformance(
        self,
        document: "JourneyMap | str",
        journeys: "Journeys | None" = None,
        *,
        others: Literal["ignore", "extra"] = "ignore",
        wait: str | None = None,
        repeats: bool = False,
        by: str | None = None,
    ) -> "Answer":
        """The journeys held against a map as the plan (docs/conformance.md); steps have the map's touchpoints as names.

        Parameters
        ----------
        document : a map, or the id of a stored one
        journeys : by default all
        others, wait, by : as for `etappe.conformance`
        repeats : each step may be done several times in a row
        """
        from etappe.maps.plan import asked_of

        ws = self._maps
        planned = self.map(document) if isinstance(document, str) else document
        held = journeys if journeys is not None else ws.journeys()
        found, question, _ = asked_of(planned, held, ws.registry(), repeats=repeats, others=others, wait=wait, by=by)
        return ws.ask(question, found)
