"""Calls through the pool: what is sent again, what is not, and the state of a connection after an error."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest
import redis
from redis.exceptions import MaxConnectionsError

import caching.redis.connection_pool
from caching.counters.family import CounterFamily
from caching.redis.connection_pool import Pool
from caching.redis.connections import client, pool
from caching.redis.scripts import Command
from tests.deploy.services import wait_until


def run(*args: object, on: Pool | None = None) -> object:
    (answer,) = (on or pool("cache")).call([Command(args)])
    return answer


def test_a_script_that_redis_forgot_is_sent_with_its_source_and_nothing_else_runs_twice(own_server, redis_commands):
    # Given a counter, and a Redis that lost its scripts
    family = CounterFamily("clicks", shards=1, bucket_seconds=5)
    family.seed({1: 10}, frozenset())
    own_server.script_flush()

    # When increments of both kinds travel together
    with redis_commands() as trips:
        mixed = [Command(("INCR", "a")), family.count_command(1, 5), Command(("INCR", "a")), family.count_command(1, 1)]
        answers = pool("state").call(mixed)

    # Then each of them happened once, and only the scripts went again
    assert answers == [1, 15, 2, 16]
    assert trips == [["INCR", "EVALSHA", "INCR", "EVALSHA"], ["EVAL", "EVAL"]]
    assert own_server.get("a") == b"2"
    assert family.live([1]) == {1: 16}


def test_an_error_among_the_replies_is_raised_and_the_connection_goes_on():
    before = run("CLIENT", "ID")
    commands = [Command(("SET", "word", "x")), Command(("INCR", "word")), Command(("SET", "after", "y"))]

    with pytest.raises(redis.ResponseError, match="not an integer"):
        pool("cache").call(commands)

    assert run("GET", "after") == b"y"
    assert run("CLIENT", "ID") == before
    assert not pool("cache").breaker.is_open


class Interruption(BaseException):
    """Raised in the middle of a call, like a time limit of Celery."""


def test_an_interruption_leaves_no_connection_with_half_a_reply_behind():
    def interrupt(*_: object) -> None:
        raise Interruption

    # Given a call that is interrupted between its first reply and its last
    run("PING")
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.03)
        with pytest.raises(Interruption):
            pool("cache").call(
                [Command(("ECHO", "first")), Command(("BLPOP", "nothing", "0.15")), Command(("ECHO", "last"))]
            )
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)

    # Then each of the next calls gets the reply to its own command
    wait_until(lambda: not pool("cache").breaker.is_open)
    assert [run("ECHO", word) for word in ("a", "b", "c")] == [b"a", b"b", b"c"]
    assert client("cache").echo("d") == b"d"


def test_an_interruption_between_two_replies_leaves_none_behind(monkeypatch):
    """Within a reply redis-py itself drops the connection; between two replies only our code does."""
    read, seen = caching.redis.connection_pool._reply, []

    def interrupted(*args: Any) -> Any:
        seen.append(1)
        if len(seen) == 2:
            raise Interruption
        return read(*args)

    with monkeypatch.context() as patch:
        patch.setattr("caching.redis.connection_pool._reply", interrupted)
        with pytest.raises(Interruption):
            pool("cache").call([Command(("ECHO", "first")), Command(("ECHO", "last"))])

    wait_until(lambda: not pool("cache").breaker.is_open)
    assert [run("ECHO", word) for word in ("a", "b")] == [b"a", b"b"]


def test_a_full_pool_is_no_failure_of_redis(reroute, redis_state):
    own = Pool(**redis_state.connection_pool.connection_kwargs, max_connections=1)
    busy = threading.Thread(target=own.call, args=([Command(("BLPOP", "nothing", "0.2"))], 5.0))
    busy.start()
    wait_until(lambda: len(own._in_use_connections) == 1)

    with pytest.raises(MaxConnectionsError):
        run("PING", on=own)

    assert not own.breaker.is_open
    busy.join()
    assert run("PING", on=own) == b"PONG"


def test_idle_connections_are_there_for_every_client_of_the_pool(redis_state):
    # Given as many calls at once as there may be connections
    own = Pool(**redis_state.connection_pool.connection_kwargs, max_connections=3)
    together = threading.Barrier(3)

    def call() -> None:
        together.wait()
        own.call([Command(("BLPOP", "nothing", "0.1"))], patience=5.0)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    # Then a plain redis-py client gets one of them
    assert redis.Redis(connection_pool=own).ping()


def test_a_connection_that_was_closed_while_idle_is_replaced_in_time(reroute, proxy, monkeypatch):
    own = reroute(proxy.port)
    run("PING", on=own)
    monkeypatch.setattr("caching.redis.connection_pool._IDLE_SECONDS", 0)
    proxy.cut()
    assert run("PING", on=own) == b"PONG"
    assert not own.breaker.is_open


@pytest.mark.parametrize("argument", ["\ud800", object()])
def test_a_command_that_cannot_be_packed_is_no_failure_of_redis(argument):
    with pytest.raises((UnicodeEncodeError, TypeError)):
        run("GET", argument)
    assert not pool("cache").breaker.is_open
