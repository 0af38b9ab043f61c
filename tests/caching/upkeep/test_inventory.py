"""The inventory: entries by namespace, their size and TTL from a sample, within a budget."""

from __future__ import annotations

from caching.upkeep.inventory import Inventory, take


def fill(redis_state, namespace: str, count: int, seconds: int) -> None:
    for id in range(count):
        redis_state.set(f"mp:c:{{{namespace}:{id}}}", b"x" * 100, ex=seconds)


def test_namespaces_are_counted_apart_and_in_order(redis_state):
    # given entries of two namespaces, and keys that are no entries
    fill(redis_state, "things", 3, seconds=600)
    fill(redis_state, "others", 2, seconds=60)
    redis_state.mset({"mp:q:celery": 1, "mp:c:rubbish": 1, "mp:l:{things:1}": 1})

    # when
    found = take(seconds=10, keys=1000)

    # then
    assert found.complete
    assert [(line.namespace, line.entries) for line in found.lines] == [("others", 2), ("things", 3)]
    others, things = found.lines
    assert 0 < others.ttl_seconds <= 60 < 500 < things.ttl_seconds <= 600
    assert [line.bytes_each for line in found.lines] == [
        redis_state.memory_usage("mp:c:{others:0}"),
        redis_state.memory_usage("mp:c:{things:0}"),
    ]


def test_more_entries_than_the_sample_are_counted_and_their_memory_is_estimated(redis_state, redis_commands):
    fill(redis_state, "things", 1000, seconds=600)

    with redis_commands() as trips:
        (line,) = take(seconds=10, keys=10_000).lines

    assert line.entries == 1000
    assert line.megabytes == round(1000 * line.bytes_each / 1024**2, 2)
    assert sum(trip.count("MEMORY") for trip in trips) == 300


def test_an_empty_cache_has_an_empty_inventory(redis_state):
    assert take(seconds=10, keys=1000) == Inventory([], complete=True)
    assert take(seconds=10, keys=1000).as_dict() == {"complete": True, "namespaces": []}
