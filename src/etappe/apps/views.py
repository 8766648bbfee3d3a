"""Views: filtered journeys, kept for the next question over the same filter.

A screen asks several questions of one filter, and the next click often changes the question alone. The latest few views
are kept, never more touchpoints than a few times those of the journeys that they were made from, and none once the data
have changed: what was erased or undone is in no view.
"""

from collections.abc import Callable, Collection, Hashable
from threading import Lock
from typing import Final

from etappe.journeys.columns import Journeys

MOST: Final = 8
TIMES: Final = 3
"""So many times the touchpoints of the largest journeys they come from."""


class Views:
    """The latest views of journeys.

    Examples
    --------
    >>> from etappe.journeys.columns import journeys_of
    >>> shop = journeys_of([0, 2], [0, 5], [0, 1], ["visit", "order"])
    >>> views = Views()
    >>> first = views.of(shop, "orders", lambda: shop.where("touchpoint = 'order'"))
    >>> views.of(shop, "orders", lambda: shop) is first
    True
    """

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[Journeys, Journeys]] = {}
        self._lock = Lock()

    def of(self, base: Journeys, key: Hashable, make: Callable[[], Journeys]) -> Journeys:
        """The view of `base` behind a key, made when it is not there."""
        whole = (id(base), key)
        with self._lock:
            found = self._held.pop(whole, None)
            if found is not None:
                self._held[whole] = found  # the latest used stand last
                return found[1]
        made = make()  # outside of the lock: two may make it, nobody waits
        with self._lock:
            self._held[whole] = (base, made)
            room = TIMES * max(origin.events for origin, _ in self._held.values())
            while len(self._held) > 1 and (len(self._held) > MOST or self._size() > room):
                del self._held[next(iter(self._held))]
        return made

    def only(self, bases: Collection[Journeys]) -> None:
        """Drop every view of other journeys than these."""
        kept = {id(base) for base in bases}
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if id(held[0]) in kept}

    def _size(self) -> int:
        return sum(view.events for _, view in self._held.values())
