"""Origins add up, so that an answer of many entries says how many were fresh, stale or loaded."""

from __future__ import annotations

from caching.readthrough.origin import ORIGIN_OF, Origin, State


def test_the_origins_of_entries_add_up() -> None:
    found = [State.HIT, State.MISS, State.HIT, State.STALE]
    assert sum((ORIGIN_OF[state] for state in found), Origin()) == Origin(hits=2, stale=1, misses=1)


def test_every_state_has_an_origin_of_one_entry() -> None:
    assert {state: (each.hits, each.stale, each.misses) for state, each in ORIGIN_OF.items()} == {
        State.HIT: (1, 0, 0),
        State.STALE: (0, 1, 0),
        State.MISS: (0, 0, 1),
    }
