"""States of the cache at the time of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from caching.entries.entry import decode, encode
from caching.keys import KeySpace
from caching.readthrough.resource import Resource
from caching.readthrough.worker_health import worker_health
from marketplace.accounts.cache import users
from products import feeds
from products.cache import feed_pages, product_views, products
from products.feed_pages import PageAddress
from tests.marketplace.api.lane import variants
from tests.marketplace.api.lane.fixture_world import World
from tests.marketplace.api.lane.request import Request


class State(NamedTuple):
    """One state of the cache; `plain` if the lane still answers the plainest request, in `trips` round trips; None if
    either is allowed."""

    name: str
    of: Callable[[World], object]
    plain: bool | None = False
    trips: int = 1


def states(target: Request) -> list[State]:
    """Return the states that matter to a target."""
    if target.name == "user batch":
        return _of_entries(users, variants.USERS[0]) + _of_all(users)
    shown = variants.PRODUCTS[-1] if "feeds" in target.path else variants.PRODUCTS[0]
    found = _of_entries(products, shown) + _of_counts(shown) + _of_all(products)
    if "feeds" not in target.path:
        return found
    name = target.path.split("feeds/")[1].rstrip("/")
    page = PageAddress(name, per_page=2)
    return (
        found + _of_entries(feed_pages, str(page)) + _of_entries_ahead(page) + _of_guesses(page) + _of_all(feed_pages)
    )


def _of_entries(source: Resource, id: int | str) -> list[State]:
    keys, of = KeySpace(source.policy.namespace), f"a {source.policy.namespace}"

    def edited(name: str, change: Callable[[bytes], bytes]) -> State:
        return State(f"{of} {name}", lambda world: world.edit(source, id, change))

    def leased(name: str, token: str, missing: bool) -> State:
        def make(world: World) -> None:
            world.redis.delete(keys.entry(id)) if missing else world.age(source, id)
            world.redis.set(keys.lease(id), token, px=2600)

        return State(f"{of} {name}", make)

    return [
        State(f"{of} missing", lambda world: world.redis.delete(keys.entry(id))),
        State(f"{of} stale", lambda world: world.age(source, id)),
        edited("negative", lambda data: encode(decode(data)._replace(negative=True, body=b""))),
        edited("damaged", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        edited("cut", lambda data: data[:20]),
        edited("empty", lambda data: b""),
        edited("foreign", lambda data: b"\x80\x05K\x01."),
        edited("of another schema", lambda data: encode(decode(data)._replace(schema=9))),
        edited("of another generation", lambda data: encode(decode(data)._replace(generation=9))),
        leased("stale, being refreshed", "b0", missing=False),
        leased("missing, backed off", "x", missing=True),
        leased("stale, backed off", "x", missing=False),
    ]


def _of_counts(id: int) -> list[State]:
    key = product_views.live_key(id)

    def wrong_type(world: World) -> None:
        world.redis.delete(key)
        world.redis.hset(key, "a", "b")

    return [
        State("a live count unknown", lambda world: world.redis.delete(key)),
        State("a live count of no digits", lambda world: world.redis.set(key, "many")),
        State("a live count below zero", lambda world: world.redis.set(key, "-3"), plain=None),
        State("a live count of another type", wrong_type),
    ]


def _of_all(source: Resource) -> list[State]:
    keys, of = KeySpace(source.policy.namespace), f"{source.policy.namespace}s"

    def stale(world: World) -> None:
        world.clock.advance(source.policy.soft_ttl + 1)

    def stale_without_worker(world: World) -> None:
        stale(world)
        worker_health.note_missing()

    return [
        State(f"all {of} stale", stale),
        State(f"all {of} stale and no worker", stale_without_worker),
        State(f"all {of} fresh and no worker", lambda world: worker_health.note_missing(), plain=True),
        State(f"all {of} cleared", lambda world: source.store.clear()),
        State(f"all {of} of a generation that is none", lambda world: world.redis.set(keys.generation, "x")),
        State(f"all {of} gone", lambda world: world.redis.flushdb()),
        State("Redis away", lambda world: world.set_away(True)),
        State("PostgreSQL away", _lose_postgres, plain=True),
        State("PostgreSQL and Redis away", lambda world: (_lose_postgres(world), world.set_away(True))),
        State(f"PostgreSQL away, all {of} stale", lambda world: (_lose_postgres(world), stale(world))),
        State(f"PostgreSQL away, all {of} gone", lambda world: (_lose_postgres(world), world.redis.flushdb())),
    ]


def _lose_postgres(world: World) -> None:
    world.has_postgres = False


def _of_entries_ahead(page: PageAddress) -> list[State]:
    key = KeySpace("feed").entry(str(page.next()))
    return [State("the next page missing", lambda world: world.redis.delete(key))]


def _of_guesses(page: PageAddress) -> list[State]:
    return [
        State("a page not read before", lambda world: feeds.guesses.start_afresh(), plain=True, trips=2),
        State("a page that listed others", lambda world: feeds.guesses.remember(str(page), [11]), plain=True, trips=2),
    ]
