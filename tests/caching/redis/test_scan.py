from __future__ import annotations

import pytest

from caching.redis.scan import Walk, literal


def names_of(walk: Walk) -> set[bytes]:
    return {name for names in walk for name in names}


@pytest.fixture
def keys(redis_state) -> set[bytes]:
    redis_state.mset({f"walk:{number}": 1 for number in range(3000)} | {"other": 1})
    return {f"walk:{number}".encode() for number in range(3000)}


def test_a_walk_meets_every_key_that_matches_in_batches(redis_state, keys, redis_commands):
    walk = Walk(redis_state, "walk:*")
    with redis_commands() as trips:
        assert names_of(walk) == keys
    assert walk.complete
    assert len(trips) > 3


def test_a_budget_of_keys_ends_it_and_another_walk_goes_on_from_there(redis_state, keys):
    met, cursor, walks = set(), 0, 0
    while walks == 0 or cursor:
        walk = Walk(redis_state, "walk:*", keys=1000, cursor=cursor)
        met |= names_of(walk)
        assert walk.complete == (walk.cursor == 0)
        cursor, walks = walk.cursor, walks + 1
    assert met == keys
    assert walks > 1


def test_a_walk_without_time_meets_nothing(redis_state, keys):
    walk = Walk(redis_state, "walk:*", seconds=0)
    assert names_of(walk) == set()
    assert not walk.complete


def test_a_walk_that_was_interrupted_meets_its_last_batch_again(redis_state, keys):
    first = Walk(redis_state, "walk:*")
    batch = next(iter(first))
    assert set(batch) <= names_of(Walk(redis_state, "walk:*", cursor=first.cursor))


@pytest.mark.parametrize("text", ["a*b", "a?b", "a[b]c", "a\\b", "[^a]"])
def test_a_literal_matches_itself_alone(redis_state, text):
    redis_state.mset({text: 1, "aXb": 1, "ab": 1, "abc": 1, "b": 1})
    assert names_of(Walk(redis_state, literal(text))) == {text.encode()}
