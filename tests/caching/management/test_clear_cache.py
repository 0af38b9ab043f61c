from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from caching.models import Invalidation
from caching.readthrough.fetch import State, fetch
from caching.readthrough.invalidation import clear
from caching.redis.connections import pool

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("clear_cache", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_what_it_names_is_loaded_again_and_nothing_else_is_touched(redis_state, things, truth):
    truth.rows = {1: b"old"}
    fetch(things, 1)
    redis_state.mset({"mp:q:celery": 1, "mp:n:{v:0}:sealed": 1, "mp:d:{o:0}:index": 1, "dj:1:a": 1, "mp:g:other": 5})
    before = {name: redis_state.get(name) for name in redis_state.scan_iter()}
    truth.rows = {1: b"new"}

    assert run("things")[0] == "things: cleared"

    kept = {name: redis_state.get(name) for name in before}
    assert kept == before
    assert fetch(things, 1)[:2] == (b"new", State.MISS)


def test_all_of_them(things):
    assert "things: cleared" in run("--all")


def test_it_lists_what_there_is_and_clears_nothing(redis_state, things):
    assert "things: fresh for 60 s, served for 3600 s, schema 1" in run("--list")
    assert redis_state.dbsize() == 0


def test_an_unknown_namespace_is_named_with_the_known_ones_and_nothing_is_cleared(redis_state, things):
    with pytest.raises(CommandError, match=r"no namespace nothing\. There are: .*things"):
        run("things", "nothing")
    assert redis_state.dbsize() == 0


@pytest.mark.parametrize("arguments", [(), ("things", "--all")])
def test_it_wants_names_or_all_and_not_both(things, arguments):
    with pytest.raises(CommandError, match="--list"):
        run(*arguments)


def test_while_redis_is_away_the_clear_is_kept(things, monkeypatch):
    monkeypatch.setattr(pool("cache").breaker, "is_open", True)

    (line, _) = run("things")

    assert line.startswith("things: cleared; Redis is away")
    assert Invalidation.objects.filter(namespace="things", ids__isnull=True).exists()


@pytest.mark.slow
def test_clearing_a_hundred_thousand_entries_is_one_command(redis_state, things, redis_commands):
    for start in range(0, 100_000, 10_000):
        redis_state.mset({f"mp:c:{{things:{id}}}": b"x" * 64 for id in range(start, start + 10_000)})
    with redis_commands() as trips:
        clear("things")
    assert trips == [["SET"]]
    # Asynchronously, because a synchronous FLUSHDB would take longer than the next test waits.
    redis_state.flushdb(asynchronous=True)
