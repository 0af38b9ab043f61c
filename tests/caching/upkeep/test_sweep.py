"""The sweep removes what no read can use, and nothing else."""

from __future__ import annotations

import pytest

from caching.entries.entry import HEADER_BYTES, Entry, encode
from caching.entries.store import Store
from caching.readthrough.fetch import fetch
from caching.readthrough.loader import Load
from caching.upkeep.sweep import Sweep

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 24 * 3600


def envelope(schema: int = 1, generation: int = 0, negative: bool = False) -> bytes:
    body = b"" if negative else b'{"id":1}'
    return encode(Entry(body, negative, schema, generation, 1_800_000_000_000, 60_000))


def sweep(seconds: float = 30, keys: int = 100_000, cursor: int = 0) -> dict:
    done = Sweep(seconds, keys, cursor)
    done.run()
    return done.stats()


def reasons(stats: dict) -> dict[str, int]:
    return {reason: one["keys"] for reason, one in stats["removed"].items()}


@pytest.fixture
def put(redis_state):
    def put(name: str, value: bytes = b"1", ttl: int | None = DAY) -> str:
        redis_state.set(f"mp:{name}", value, ex=ttl)
        return f"mp:{name}"

    return put


def test_what_reads_can_use_stays(redis_state, things, truth, put):
    truth.rows = {1: b"{}", "page:1": b"{}"}
    fetch(things, 1)
    fetch(things, 2)
    put("c:{things:page:1}", envelope())
    put("l:{things:3}", b"r123")
    put("z:mine", envelope(schema=0))
    put("t:login:ip:1")
    before = set(redis_state.keys())

    stats = sweep()

    assert stats["removed"] == {}
    assert stats["scanned"] == len(before) == 6
    assert stats["scan_complete"]
    assert set(redis_state.keys()) == before


@pytest.mark.parametrize(
    ("name", "value", "ttl", "reason"),
    [
        ("c:{things:1}", envelope(generation=9), DAY, "other_generation"),
        ("c:{things:1}", envelope(generation=9, negative=True), DAY, "other_generation"),
        ("c:{things:1}", envelope(schema=9), DAY, "other_schema"),
        ("c:{things:1}", b"", DAY, "bad_header"),
        ("c:{things:1}", envelope()[: HEADER_BYTES - 1], DAY, "bad_header"),
        ("c:{things:1}", b"\xff" + envelope()[1:], DAY, "bad_header"),
        ("z:mine", b'{"json":"of somebody"}' * 3, DAY, "bad_header"),
        ("c:{forgotten:1}", envelope(), DAY, "not_registered"),
        ("c:{things:1}", envelope(), None, "without_ttl"),
        ("l:{things:1}", b"r123", None, "without_ttl"),
        ("w:{things:1}", b"3", None, "without_ttl"),
        ("z:mine", envelope(), None, "without_ttl"),
        ("t:login:ip:1", b"3", None, "without_ttl"),
        ("c:{things:77}", envelope(), DAY, "row_gone"),
    ],
)
def test_what_no_read_can_use_goes_and_is_counted_by_its_reason(redis_state, things, put, name, value, ttl, reason):
    key = put(name, value, ttl)
    size = redis_state.memory_usage(key)

    stats = sweep()

    assert stats["removed"] == {reason: {"keys": 1, "bytes": size}}
    assert not redis_state.exists(key)


def test_a_key_of_another_type_under_the_name_of_an_entry_goes(redis_state, things):
    redis_state.lpush("mp:c:{things:1}", "a")
    redis_state.expire("mp:c:{things:1}", DAY)
    assert reasons(sweep()) == {"bad_header": 1}
    assert redis_state.dbsize() == 0


def test_state_queues_and_keys_of_others_are_never_touched(redis_state, things):
    names = ["mp:g:things", "mp:g:forgotten", "mp:n:{v:0}:sealed", "mp:n:{v:0}:live:1", "mp:d:{o:0}:index"]
    names += ["mp:q:celery", "mp:q:c:{things:1}", "dj:1:a", "other:c:{things:1}", "mp2:c:{things:1}", "c:{things:1}"]
    names += ["mp:c:strange", "mp:c:{Strange:1}"]
    for name in names:
        redis_state.set(name, b"1" if name != "mp:c:strange" else envelope(), ex=DAY if ":c:" in name else None)
    redis_state.hset("mp:n:{v:0}:b:1", "1", 5)
    before = set(redis_state.keys()) - {b"mp:c:{Strange:1}"}

    sweep()

    assert set(redis_state.keys()) == before


def test_a_prefix_that_is_a_glob_sweeps_its_own_keys_alone(redis_state, things, settings):
    settings.CACHING = {**settings.CACHING, "KEY_PREFIX": "m?"}
    redis_state.set("mp:c:{forgotten:1}", envelope())
    redis_state.set("m?:c:{forgotten:1}", envelope())
    assert reasons(sweep()) == {"not_registered": 1}
    assert redis_state.keys() == [b"mp:c:{forgotten:1}"]


def test_after_a_clear_the_old_go_and_the_new_stay(redis_state, things, truth):
    truth.rows = dict.fromkeys(range(10), b"{}")
    for id in range(10):
        fetch(things, id)
    things.store.clear()
    fetch(things, 3)

    assert reasons(sweep()) == {"other_generation": 9}
    assert redis_state.keys("mp:c:*") == [b"mp:c:{things:3}"]


def test_an_entry_that_was_filled_again_meanwhile_survives(redis_state, things, put, monkeypatch):
    # Given an entry of another schema that a reader fills again after the sweep has read it
    key = put("c:{things:1}", envelope(schema=9))
    look = Store.read

    def read(store, ids, *args):
        redis_state.set(key, envelope(), ex=DAY)
        return look(store, ids, *args)

    monkeypatch.setattr(Store, "read", read)
    things.loader = lambda ids: Load(dict.fromkeys(ids, b"{}"))

    stats = sweep()

    assert stats["removed"] == {"other_schema": {"keys": 0, "bytes": 0}}
    assert redis_state.get(key) == envelope()


def test_an_entry_that_was_given_a_ttl_meanwhile_survives(redis_state, things, put, monkeypatch):
    key = put("c:{things:1}", envelope(), None)
    look = Store.read

    def read(store, ids, *args):
        redis_state.expire(key, DAY)
        return look(store, ids, *args)

    monkeypatch.setattr(Store, "read", read)
    sweep()
    assert redis_state.exists(key)


def test_rows_are_looked_up_in_chunks_and_no_more_of_them_than_the_limit(redis_state, things, truth, monkeypatch):
    monkeypatch.setattr("caching.upkeep.sweep._ROWS", 250)
    redis_state.mset({f"mp:c:{{things:{id}}}": envelope() for id in range(400)})
    for name in redis_state.scan_iter():
        redis_state.expire(name, DAY)

    stats = sweep()

    assert stats["rows_checked"] == 250
    assert reasons(stats) == {"row_gone": 250}
    assert [len(ids) for ids in truth.loads] == [100, 100, 50]


@pytest.mark.parametrize("id", ["page:1", "-1", "01", "1" * 20, "[[1],{}]", ""])
def test_an_id_that_names_no_row_is_not_looked_up(redis_state, things, truth, put, id):
    put(f"c:{{things:{id}}}", envelope())
    assert sweep()["rows_checked"] == 0
    assert truth.loads == []


def test_a_sweep_that_its_budget_ended_goes_on_where_it_was(redis_state, things):
    redis_state.mset({f"mp:c:{{forgotten:{id}}}": envelope() for id in range(3000)})
    removed, cursor, sweeps = 0, 0, 0
    while sweeps == 0 or cursor:
        stats = sweep(keys=1000, cursor=cursor)
        removed += stats["removed"].get("not_registered", {"keys": 0})["keys"]
        cursor, sweeps = int(stats["scan_cursor"]), sweeps + 1
        assert stats["scan_complete"] == (cursor == 0)
    assert removed == 3000
    assert sweeps > 1
    assert redis_state.dbsize() == 0


def test_it_reads_headers_and_never_bodies(redis_state, things, redis_commands, put):
    put("c:{things:1}", envelope())
    with redis_commands() as trips:
        sweep()
    assert {name for trip in trips for name in trip} <= {"SCAN", "GETRANGE", "PTTL", "MGET", "EVALSHA", "EVAL"}
