"""Law 4: a Redis that is dead or frozen costs one timeout, and not one a call."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pytest
from django.db import connection

from caching.readthrough.fetch import State, fetch
from caching.redis.breaker import Breaker
from caching.redis.connections import pool
from caching.redis.errors import BreakerOpen
from caching.redis.scripts import Command
from products.cache import products
from tests.caching.other_process import OtherProcess
from tests.deploy.services import wait_until
from tests.factories import ProductFactory

pytestmark = pytest.mark.django_db(transaction=True)


class Probe:
    """Answers as the test sets it, and counts how often it was called."""

    def __init__(self) -> None:
        self.answers = False
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.answers


def probing() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "redis-probe"]


def test_the_first_failure_opens_it_and_the_first_answer_to_a_probe_closes_it():
    probe = Probe()
    breaker = Breaker(probe, every=0.005)
    breaker.check()

    breaker.failed()
    with pytest.raises(BreakerOpen):
        breaker.check()
    wait_until(lambda: probe.asked >= 3)
    assert breaker.is_open

    probe.answers = True
    wait_until(lambda: not breaker.is_open)
    breaker.check()


def test_failures_at_the_same_time_are_probed_once():
    probe = Probe()
    breaker = Breaker(probe, every=0.005)
    before = len(probing())
    callers = [threading.Thread(target=breaker.failed) for _ in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(probing()) - before == 1
    probe.answers = True
    wait_until(lambda: not breaker.is_open)


def test_while_it_is_open_no_call_touches_a_socket(things, truth, reroute):
    # Given a server that accepts connections and never replies
    truth.rows = {id: b"%d" % id for id in range(10)}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        elsewhere = reroute(listener.getsockname()[1])
        probe = Probe()
        elsewhere.breaker = Breaker(probe, every=0.05)

        # When ten entries are read
        began = time.monotonic()
        bodies = [fetch(things, id).body for id in range(10)]
        took = time.monotonic() - began

        # Then one connection was tried, for one timeout, and every answer is there
        listener.accept()
        with pytest.raises(TimeoutError):
            listener.accept()
        assert bodies == [b"%d" % id for id in range(10)]
        assert took < 0.5
    probe.answers = True
    wait_until(lambda: not elsewhere.breaker.is_open)


@pytest.mark.fault
def test_ten_reads_of_a_frozen_redis_take_less_than_half_a_second_and_hits_come_back(own_redis, reroute):
    # Given ten products as hits
    server, port = own_redis
    elsewhere = reroute(port)
    pks = [ProductFactory(title=f"Lamp {n}").pk for n in range(10)]
    for pk in pks:
        fetch(products, pk)
    took = []
    for _ in range(3):
        # When Redis freezes
        assert all(fetch(products, pk).state is State.HIT for pk in pks)
        server.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        found = [fetch(products, pk) for pk in pks]
        took.append(time.monotonic() - began)

        # Then all are answered from PostgreSQL
        assert [f"Lamp {n}" in (answer.body or b"").decode() for n, answer in enumerate(found)] == [True] * 10
        assert {answer.state for answer in found} == {State.MISS}
        assert elsewhere.breaker.is_open

        # And after the thaw hits are back, without a request that waits for a probe
        server.send_signal(signal.SIGCONT)
        thawed = time.monotonic()
        wait_until(lambda: fetch(products, pks[0]).state is State.HIT, 10)
        print(f"ten reads took {took[-1]:.3f} s, hits were back after {time.monotonic() - thawed:.2f} s")
        assert time.monotonic() - thawed < 4
    # At least one round is not disturbed by other load on the machine.
    assert min(took) < 0.5


def test_a_connection_that_was_cut_costs_milliseconds(things, truth, proxy, reroute):
    truth.rows[1] = b"{}"
    reroute(proxy.port)
    fetch(things, 1)
    proxy.cut()

    began = time.monotonic()
    assert fetch(things, 1)[:2] == (b"{}", State.MISS)
    wait_until(lambda: fetch(things, 1).state is State.HIT)

    print(f"hits were back after {time.monotonic() - began:.3f} s")
    assert time.monotonic() - began < 0.5


def connection_ids_around_a_fork() -> list[int | None]:
    """Return the id of the connection that this process uses, of the one that a child uses, and of its own again."""

    def used() -> int:
        (id,) = pool("cache").call([Command(("CLIENT", "ID"))])
        return int(id)

    before = used()
    pool("cache").breaker.is_open = True
    receive, send = os.pipe()
    if not (child := os.fork()):
        os.write(send, str(used()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    pool("cache").breaker.is_open = False
    os.close(send)
    in_child = os.read(receive, 20)
    return [before, int(in_child) if in_child else None, used()]


def test_a_child_uses_neither_the_connections_nor_the_breaker_of_its_parent(others):
    other: OtherProcess
    (other,) = others(1)
    before, in_child, after = other.call(connection_ids_around_a_fork)
    assert in_child is not None
    assert before == after != in_child
    connection.close()
