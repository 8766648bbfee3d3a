"""What a workspace can do with personas; nothing of theirs is loaded where there are none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from etappe.store import documents

if TYPE_CHECKING:
    from etappe.analysis.clusters import Clusters, Tell
    from etappe.apps.personas import Told
    from etappe.apps.workspace import Workspace
    from etappe.maps.draft import Draft
    from etappe.maps.persona import Persona

PERSONA: Final = "persona"


class WithPersonas:
    """The part of a workspace that is about personas."""

    @property
    def _ws(self) -> "Workspace":
        return cast("Workspace", self)

    def _told(self) -> "Told | None":
        with self._ws.engine.connect() as connection:
            if not documents.newest(connection, PERSONA):
                return None
        from etappe.apps.personas import told

        return told(self._ws)

    def personas(self) -> "list[Persona]":
        """The personas, newest revision of each; `ws.journeys()` has them as columns `persona` and `persona.ID`."""
        found = self._told()
        return list(found.personas) if found else []

    def persona(self, persona_id: str) -> "Persona":
        """One persona; UnknownName proposes the nearest."""
        from etappe.apps.personas import stored

        return stored(self._ws, persona_id)[0]

    def put_persona(self, text: str, where: str) -> documents.Document:
        """Store a persona from its text, once it is without a fault."""
        from etappe.apps import personas
        from etappe.maps.persona import read_persona

        return personas.put(self._ws, read_persona(text, where), text)

    def find_personas(
        self,
        *,
        k: int | None = None,
        traits: Sequence[str] = (),
        least: int = 2,
        seed: int = 0,
        keep: bool = False,
        tell: "Tell | None" = None,
    ) -> "Clusters":
        """Kinds of behaviour among the customers, or none; with `keep` their centres and personas are stored.

        Parameters
        ----------
        k, traits, least, seed, tell : as for `etappe.analysis.clusters.find`
        """
        from etappe.apps import personas

        found = personas.find(self._ws, k=k, traits=traits, least=least, seed=seed, tell=tell)
        if keep:
            personas.keep(self._ws, found)
        return found

    def draft_map_of(self, persona_id: str, template: str = "five-stages", lang: str = "de") -> "Draft":
        """A map drafted from the journeys of a persona's customers."""
        from etappe.apps import personas

        return personas.draft_map(self._ws, persona_id, template, lang)
