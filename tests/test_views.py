"""Filtered journeys are kept for the next question, within bounds, and never past a change of the data."""

from etappe.apps.views import MOST, Views
from journeys_text import journeys
from workspaces import shop


def test_a_view_is_made_once_and_the_oldest_goes_first():
    held = journeys("0 a, 1 b", "0 a")
    views, made = Views(), []

    def view(key):
        return views.of(held, key, lambda: made.append(key) or held.where("touchpoint = 'b'"))

    for key in range(MOST + 1):
        assert view(key) is view(key)
    assert made == list(range(MOST + 1)) or len(made) > MOST  # small bases hold fewer views
    view(0)
    assert made[-1] == 0


def test_views_never_hold_many_times_the_data():
    held = journeys(*["0 a, 1 b, 2 c"] * 10)
    views = Views()
    for key in range(6):
        views.of(held, key, lambda: held.between(0, None))
    assert views._size() <= 3 * held.events


def test_a_workspace_answers_from_the_view_and_forgets_it_with_the_data(tmp_path):
    ws = shop(tmp_path)
    first = ws.journeys(where="touchpoint = 'visit'")
    assert ws.journeys(where="touchpoint = 'visit'") is first
    assert ws.journeys(where="touchpoint = 'order'") is not first
    ws.undo("i1")
    assert ws.journeys().events == 0
    assert ws._views._held == {}
