"""A counter family: live counts, and visitors, who count once within a window and are estimated by the day."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import redis

from caching.counters.application import Applied
from caching.counters.family import CounterFamily, Visit, register
from caching.counters.flushing import flush
from caching.readthrough.fetch import complete, fetch, read_once
from caching.readthrough.resource import Resource
from caching.redis.connections import pool

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def family(clock) -> CounterFamily:
    return CounterFamily("clicks", shards=2, bucket_seconds=5, clock=clock)


def start(family: CounterFamily, *ids: int) -> None:
    family.seed(dict.fromkeys(ids, 0), frozenset())


def visit(visitor: str = "ada", window: float = 60, day: str = "20270115", days: int = 2) -> Visit:
    return Visit(visitor, round(window * 1000), day, days * 24 * 3600 * 1000)


def test_a_visitor_counts_once_within_the_window_and_gets_the_same_count(family, clock, redis_state):
    start(family, 1, 2)

    counts = [family.increment(1, visit=visit(visitor)) for visitor in ("ada", "ada", "bob", "ada")]
    assert counts == [1, 1, 2, 2]
    # For another id it is another visit, and after the window a new one.
    assert family.increment(2, visit=visit()) == 1
    redis_state.delete("mp:n:{clicks:1}:seen:1:ada")
    assert family.increment(1, visit=visit()) == 3

    clock.advance(5)
    applied: dict[int, int] = {}
    flush(family, lambda hour, counts: applied.update(counts) or Applied())
    assert applied == {1: 3, 2: 1}


def test_a_visit_is_judged_and_counted_in_one_round_trip(family, redis_commands):
    start(family, 1)
    with redis_commands() as trips:
        family.increment(1, visit=visit())
        family.increment(1, visit=visit())
    assert trips == [["EVALSHA"], ["EVALSHA"]]


def test_twenty_at_once_of_one_visitor_count_once(family):
    start(family, 1)
    with ThreadPoolExecutor(8) as threads:
        counts = list(threads.map(lambda _: family.increment(1, visit=visit()), range(20)))
    assert counts == [1] * 20


def test_a_visitor_of_what_cannot_be_counted_yet_is_not_marked(family, redis_state):
    assert family.increment(1, visit=visit()) is None
    assert list(redis_state.scan_iter("mp:n:*")) == []

    seeding = family.seed_commands({1: 40}, frozenset(), 1, visit())
    assert pool("state").call(seeding) == [41]
    assert pool("state").call(seeding) == [41]
    assert family.uniques(1, ["20270115"]) == 1


def test_looking_marks_nobody(family, redis_state):
    pool("state").call(family.seed_commands({1: 4}, frozenset(), 0, visit()))
    pool("state").call([family.count_command(1, 0, visit())])

    assert list(redis_state.scan_iter("mp:n:*:seen:*")) == list(redis_state.scan_iter("mp:n:*:uniq:*")) == []
    assert family.increment(1, visit=visit()) == 5


def test_a_cold_read_counts_its_visitor_once_and_marks_it(things, truth, family, monkeypatch):
    counted_truth(things, truth, family, monkeypatch)
    read = [fetch(things, 1, 1, visit()).live for _ in range(2)]
    assert (read, family.uniques(1, ["20270115"])) == ([41, 41], 1)


@pytest.mark.parametrize(("other", "live"), [("bob", 42), ("ada", 41)])
def test_a_visitor_that_waited_for_another_load_is_counted_after_it_and_not_before(
    things, truth, family, monkeypatch, redis_state, other, live
):
    # given a visitor whose read found nothing, and who was neither counted nor marked
    counted_truth(things, truth, family, monkeypatch)
    waiting = read_once(things, 1, 1, visit("ada"))
    assert list(redis_state.scan_iter("mp:n:*")) == []

    # when another visitor, or the same one in a second request, has filled the entry meanwhile
    assert fetch(things, 1, 1, visit(other)).live == 41
    found = complete(waiting)

    # then
    assert (found.body, found.live, truth.loads) == (b"one", live, [[1]])
    assert complete(read_once(things, 1, 1, visit("ada"))).live == live


def counted_truth(things: Resource, truth: Any, family: CounterFamily, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the loader of the things return a total of 40 with each row."""
    truth.rows[1] = b"one"
    things.family = family
    monkeypatch.setattr(things, "loader", lambda ids: replace(truth.load(ids), totals=dict.fromkeys(ids, 40)))


def test_without_a_window_every_view_counts_and_the_visitor_is_one(family, redis_state):
    start(family, 1)
    assert [family.increment(1, visit=visit(window=0)) for _ in range(3)] == [1, 2, 3]
    assert family.uniques(1, ["20270115"]) == 1
    assert list(redis_state.scan_iter("mp:n:*:seen:*")) == []


def test_what_is_known_of_visitors_has_a_ttl_and_the_buckets_have_none(family, redis_state):
    start(family, 1)
    family.increment(1, visit=visit())

    ttls = {name.decode().split(":")[4]: redis_state.ttl(name) for name in redis_state.scan_iter("mp:n:*")}

    assert 0 < ttls.pop("seen") <= 60
    assert 24 * 3600 < ttls.pop("uniq") <= 2 * 24 * 3600
    assert ttls.pop("live") > 0
    assert ttls == {"buckets": -1, "b": -1}


def test_the_keys_of_a_visit_share_a_slot_with_its_bucket(family):
    start(family, 1)
    _, _, number, *rest = family.count_command(1, 1, visit()).args
    keys = rest[: int(number)]
    assert len(keys) == 6
    assert all(key.startswith("mp:n:{clicks:1}:") for key in keys)


def test_five_thousand_visitors_are_estimated_within_three_percent(family):
    start(family, 1)
    for first in range(0, 5000, 500):
        # Each visitor comes twice, and every other one on the next day too.
        commands = [
            family.count_command(1, 1, visit(f"visitor {n}")) for n in range(first, first + 500) for _ in range(2)
        ]
        commands += [
            family.count_command(1, 1, visit(f"visitor {n}", day="20270116")) for n in range(first, first + 500, 2)
        ]
        pool("state").call(commands)

    assert family.uniques(1, ["20270115"]) == pytest.approx(5000, rel=0.03)
    assert family.uniques(1, ["20270116"]) == pytest.approx(2500, rel=0.03)
    assert family.uniques(1, ["20270115", "20270116"]) == pytest.approx(5000, rel=0.03)
    assert family.uniques(1, []) == 0


@pytest.mark.parametrize("rubbish", ["of no HyperLogLog", None])
def test_a_day_of_visitors_that_is_rubbish_is_begun_anew_and_costs_no_view(family, redis_state, rubbish):
    name = "mp:n:{clicks:1}:uniq:1:20270115"
    redis_state.set(name, rubbish) if rubbish else redis_state.rpush(name, "of another type")
    start(family, 1)
    assert family.increment(1, visit=visit()) == 1
    assert family.uniques(1, ["20270115"]) == 1


def test_a_redis_that_is_full_refuses_a_visit_like_any_view_and_forgets_no_visitor(own_redis, reroute):
    # Given a Redis that knows fifty visitors of a day, and takes no more
    _, port = own_redis
    database = reroute(port).connection_kwargs["db"]
    family = CounterFamily("clicks", shards=2, bucket_seconds=5)
    start(family, 1)
    for number in range(50):
        family.increment(1, visit=visit(f"visitor {number}"))
    with redis.Redis(port=port, db=database) as server:
        name = "mp:n:{clicks:1}:uniq:1:20270115"
        known = server.pfcount(name)
        assert known > 40
        server.config_set("maxmemory", 1)

        # When / Then: from 7.0 on the client turns the code OOM into an exception class, so the message lacks it
        with pytest.raises(redis.ResponseError, match="used memory > 'maxmemory'"):
            family.increment(1, visit=visit("one more"))
        assert server.pfcount(name) == known
        assert server.get("mp:n:{clicks:1}:live:1") == b"50"


def test_an_id_that_was_never_seeded_is_not_counted(family, redis_state):
    assert family.increment(1) is None
    assert list(redis_state.scan_iter("mp:n:*")) == []


def test_an_increment_is_one_round_trip(family, redis_commands):
    start(family, 1)
    with redis_commands() as trips:
        family.increment(1)
    assert trips == [["EVALSHA"]]


def test_no_state_key_but_the_live_count_has_a_ttl(family, redis_state):
    """The live count can be computed again, the other keys cannot."""
    start(family, 1)
    family.increment(1)
    ttls = {name.decode().split(":")[4]: redis_state.ttl(name) for name in redis_state.scan_iter("mp:n:*")}
    assert ttls.pop("live") > 0
    assert set(ttls.values()) == {-1}


@pytest.mark.parametrize("rubbish", ["rubbish", "-3", "1.5", "9" * 19, "9" * 5000, None])
def test_a_live_count_that_is_rubbish_is_seeded_again(family, redis_state, rubbish):
    name = "mp:n:{clicks:1}:live:1"
    redis_state.set(name, rubbish) if rubbish else redis_state.rpush(name, "of another type")
    assert family.live([1]) == {}
    assert family.increment(1) is None
    assert family.seed({1: 4}, frozenset(), amount=1) == {1: 5}


def test_many_ids_are_counted_in_one_round_trip(family, redis_commands):
    start(family, 1, 2)
    with redis_commands() as trips:
        assert family.increment_many({1: 2, 2: 5, 3: 1}) == {1: 2, 2: 5, 3: None}
    assert trips == [["EVALSHA"] * 3]
    assert family.increment_many({}) == {}


@pytest.mark.parametrize("amount", [0, -1, 10**9 + 1])
def test_an_amount_that_is_no_increment_is_refused_before_it_is_sent(family, redis_commands, amount):
    start(family, 1)
    with redis_commands() as trips:
        for count in (lambda: family.increment(1, amount), lambda: family.increment_many({1: amount})):
            with pytest.raises(ValueError, match="between 1 and 1000000000"):
                count()
    assert trips == []


def test_a_name_stands_for_one_family():
    with pytest.raises(ValueError, match="registered twice"):
        register(CounterFamily("product_views", shards=1, bucket_seconds=1))


def test_a_live_count_with_a_leading_zero_counts_nothing_rather_than_half(family, redis_state):
    """HINCRBY would take it, and INCRBY fail: an error after the view was counted."""
    redis_state.set("mp:n:{clicks:1}:live:1", "007")
    assert family.increment(1) is None
    assert family.backlog() == []
    assert family.seed({1: 7}, frozenset(), amount=1) == {1: 8}
