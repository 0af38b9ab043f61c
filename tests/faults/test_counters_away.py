"""View counts while Redis is away: what it may have counted is not repeated; what was never sent PostgreSQL accepts."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import current_app
from django.db import connection
from redis.exceptions import RedisError

from caching import metrics
from caching.counters import spill
from caching.errors import IncrementRefused
from caching.models import CounterBucket, CounterSpill
from caching.readthrough.fetch import fetch
from caching.redis.connections import Role, client, pool
from caching.redis.errors import may_have_run
from products.cache import product_views, products
from products.models import ProductViews
from products.view_counts import increment_view, sync_view_counts
from tests.caching.conftest import FakeClock
from tests.deploy.services import SCRIPTS, Service, free_port, wait_until
from tests.factories import ProductFactory
from tests.faults.audit import balance, read_books, settle
from tests.faults.proxy import Fault, Proxy
from tests.faults.redis_servers import RedisServer, reconnect, redirected
from tests.faults.test_redis_away import API, Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.slow]

# No call below makes more requests than this, including those that open a connection.
MOST_REQUESTS = 20

CALLS: dict[str, Callable[[list[int]], Any]] = {
    "increment": lambda ids: product_views.increment(ids[0]),
    "increment_many": lambda ids: product_views.increment_many(dict.fromkeys(ids, 1)),
    "fetch": lambda ids: fetch(products, ids[0], 1),
    "increment_view": lambda ids: increment_view(ids[0]),
}


@pytest.fixture
def ids(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Products whose views are counted by the test's clock."""
    monkeypatch.setattr(product_views, "clock", clock)
    spill.log.start_afresh()
    first = ProductFactory()
    return [first.pk, *[ProductFactory(seller=first.seller, category=first.category).pk for _ in range(2)]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """The Redis of this process; it keeps every write when it is killed."""
    with (
        RedisServer(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always") as server,
        redirected(server.port),
    ):
        yield server


def refused(reason: str) -> int:
    return round(metrics.INCREMENTS_REFUSED.labels(product_views.name, reason)._value.get())


def totals(ids: list[int]) -> dict[int, int]:
    return dict(ProductViews.objects.filter(product__in=ids).values_list("product_id", "views"))


def live_counts(ids: list[int]) -> dict[int, int]:
    """Return the counts that readers see."""
    return {id: fetch(products, id).live for id in ids}


@pytest.mark.parametrize(
    ("call", "warm"),
    [
        ("increment", True),
        ("increment_many", True),
        *[(name, warm) for name in ("fetch", "increment_view") for warm in (True, False)],
    ],
)
def test_a_lost_reply_is_unknown_and_nothing_is_counted_again_for_it(ids, server, call, warm):
    asked = len(ids) if call == "increment_many" else 1
    outcomes = set()
    with Proxy(server.port) as proxy, redirected(proxy.port):
        # From now on the server knows the scripts, so that each turn makes the same requests.
        increment_view(ids[0])
        for number in range(1, MOST_REQUESTS):
            # Given live counts that Redis knows, or an empty Redis
            server.client.flushdb()
            CounterSpill.objects.all().delete()
            # The probe after the previous fault is over, so the next fault does not hit it.
            wait_until(lambda: not pool("state").breaker.is_open)
            reconnect()
            for id in ids if warm else ():
                fetch(products, id)
            unknown = refused("unknown")

            # When a reply is lost
            proxy.arm(number, Fault.NO_REPLY)
            try:
                CALLS[call](ids)
                known = refused("unknown") == unknown
            except IncrementRefused as refusal:
                known = not may_have_run(refusal.__cause__)
            except RedisError as error:
                known = not may_have_run(error)

            # Then what is unknown was counted at most once, and everything else exactly once
            if not proxy.fired:
                break
            books = read_books(state=server.client)
            assert books.all == asked if known else books.all in (0, asked)
            assert known or books.spilled == 0
            outcomes.add((known, books.all))
    assert (False, asked) in outcomes


def test_what_was_never_sent_postgresql_accepts_once(ids):
    before = refused("unknown")
    with redirected(free_port()):
        # First the connection is refused, then the breaker is open and none is tried
        shown = [fetch(products, ids[0], 1).live for _ in range(3)]
        shown += [increment_view(ids[0]) for _ in range(3)]
        assert pool("state").breaker.is_open

    assert shown == [1, 2, 3, 4, 5, 6]
    assert read_books().spilled == 6
    assert refused("unknown") == before
    sync_view_counts()
    settle(6)


@pytest.mark.parametrize("role", ["cache", "state"])
def test_no_client_of_the_app_repeats_a_command_by_itself(server, role: Role):
    with Proxy(server.port) as proxy, redirected(proxy.port):
        client(role).ping()
        proxy.arm_at(b"INCR", Fault.NO_REPLY)
        with pytest.raises(redis.TimeoutError):
            client(role).incr("count")
        assert proxy.fired
        assert client(role).get_connection_kwargs()["retry"].get_retries() == 0
        assert pool(role).make_connection().retry.get_retries() == 0
    assert server.client.get("count") == b"1"


def test_the_client_of_the_queue_repeats_no_command_either():
    with current_app.connection_for_write() as queue:
        assert queue.default_channel.client.connection_pool.make_connection().retry.get_retries() == 0


@pytest.mark.parametrize("merged_while_away", [False, True])
def test_an_outage_costs_the_views_that_the_spill_has_no_room_for(
    api, server, ids, clock, settings, caplog, merged_while_away
):
    # Given views in the totals and in buckets, and a spill with room for one product
    settings.CACHING = {**settings.CACHING, "SPILL_ROWS": 1}

    def look(times: int, id: int = ids[0]) -> list[int]:
        return [api.get(f"{API}/products/{id}/").json()["view_count"] for _ in range(times)]

    assert look(3) == [1, 2, 3]
    clock.advance(5)
    sync_view_counts()
    assert look(2) == [4, 5]
    before = {reason: refused(reason) for reason in ("unknown", "full", "database")}

    # When Redis is away
    server.kill()
    reconnect()
    with caplog.at_level(logging.ERROR, "caching.counters.spill"):
        shown = look(5), look(3, ids[1])

    # Then views of one product are accepted, and the others are refused, counted and logged
    assert shown == ([4, 5, 6, 7, 8], [0, 0, 0])
    assert {reason: refused(reason) - count for reason, count in before.items()} == {
        "unknown": 0,
        "full": 3,
        "database": 0,
    }
    assert "1 increments were refused since the last such line, one of product_views now: full" in caplog.messages
    if merged_while_away:
        with pytest.raises(RedisError):
            sync_view_counts()
        assert totals(ids)[ids[0]] == 8
        assert CounterBucket.objects.filter(shard=-1, retained=True).count() == 1

    # And when Redis is back, the live counts include them after the next flush
    server.start()
    wait_until(lambda: not pool("state").breaker.is_open)
    balance(10)
    sync_view_counts()
    assert not CounterBucket.objects.filter(shard=-1, retained=True).exists()
    assert product_views.last_merge() == CounterBucket.objects.get(shard=-1).bucket
    assert look(1) == [11]
    assert product_views.live(ids[:1]) == {ids[0]: 11}
    balance(11)
    clock.advance(5)
    sync_view_counts()
    settle(11)
    assert live_counts(ids) == totals(ids)


def test_while_redis_is_loading_postgresql_accepts_views(server, ids):
    # Given a Redis that takes a second to load its data
    before = refused("unknown")
    assert [fetch(products, ids[0], 1).live for _ in range(2)] == [1, 2]
    for number in range(24):
        server.client.set(f"ballast:{number}", "." * 2_200_000)
    server.client.config_set("rdbcompression", "no")
    server.client.bgrewriteaof()
    wait_until(lambda: not server.client.info("persistence")["aof_rewrite_in_progress"])
    server.kill()
    reconnect()

    # When the product is viewed while Redis is loading
    server.start("--key-load-delay", "50000", ready=False)
    wait_until(server.is_loading)
    shown = [fetch(products, ids[0], 1).live, increment_view(ids[0])]

    # Then no command ran, so PostgreSQL accepts the views
    assert refused("unknown") == before
    assert shown == [1, 2]
    wait_until(server.answers)
    assert balance(4).spilled == 2


@pytest.fixture
def start_web(tmp_path: Path, process_env: dict[str, str]) -> Iterator[Callable[[int, int, int], tuple[Site, Path]]]:
    """Start the web server of the deployment with the servers at these ports; return it and its log file."""
    started: list[Service] = []

    def begin(database: int, cache: int, state: int) -> tuple[Site, Path]:
        port, settings = free_port(), connection.settings_dict
        url = f"postgresql://{settings['USER']}:{settings['PASSWORD']}@127.0.0.1:{database}/{settings['NAME']}"
        env = {name: value for name, value in process_env.items() if name != "PROMETHEUS_MULTIPROC_DIR"} | {
            "DATABASE_URL": url,
            "DB_CONNECT_TIMEOUT_SECONDS": "1",
            "DB_POOL_TIMEOUT_SECONDS": "0.5",
            "DJANGO_ENV": "production",
            "DJANGO_SECRET_KEY": "0123456789abcdef" * 4,
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_SSL_REDIRECT": "false",
            "REDIS_CACHE_URL": f"redis://127.0.0.1:{cache}/0",
            "REDIS_STATE_URL": f"redis://127.0.0.1:{state}/0",
            "CELERY_BROKER_URL": f"redis://127.0.0.1:{state}/0",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), process_env["PATH"]]),
            "WEB_HOST": "127.0.0.1",
            "WEB_PORT": str(port),
            "WEB_WORKERS": "1",
        }
        started.append(Service([str(SCRIPTS / "web")], env, tmp_path / "web.log"))
        site = Site(port)
        wait_until(site.is_up)
        return site, started[-1].log

    yield begin
    for service in started:
        service.kill()
        print(service.log.read_text())


def test_with_state_and_database_away_what_the_cache_has_is_answered_and_its_view_refused(start_web, tmp_path):
    path = f"{API}/products/{ProductFactory(title='Lamp', views=40).pk}/"
    with (
        RedisServer(tmp_path / "cache") as cache,
        RedisServer(tmp_path / "state") as state,
        Proxy(int(connection.settings_dict["PORT"])) as database,
    ):
        # Given an entry on one server and its count on another
        site, log = start_web(database.port, cache.port, state.port)
        assert [site.ask("GET", path).json()["view_count"] for _ in range(2)] == [41, 42]

        # When counts and database are away
        state.kill()
        database.refuse()
        answer = site.ask("GET", path)

        # Then the entry is answered, and its view is refused, counted and logged
        assert (answer.status, answer.json()["title"]) == (200, "Lamp")
        assert site.total("counter_increments_refused_total") == 1
        # The connection was open, so the command may have arrived before the server died.
        reason = b'counter_increments_refused_total{family="product_views",reason="unknown"} 1.0'
        assert reason in site.ask("GET", "/metrics").body
        assert (
            "1 increments were refused since the last such line, one of product_views now: unknown" in log.read_text()
        )

        # And with everything away the answer is 503, and its view is refused too
        cache.kill()
        answer = site.ask("GET", path)
        assert (answer.status, answer.json()["code"]) == (503, "database_unavailable")
        assert site.total("counter_increments_refused_total") == 2
