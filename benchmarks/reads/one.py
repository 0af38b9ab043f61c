"""One product through `fetch`: a hit, a counted hit, a stale hit and a miss, each beside redis-py."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.harness.rows import Reach
from benchmarks.reads import raw
from benchmarks.reads.compare import Comparison, Side
from benchmarks.reads.entries import TTL_SECONDS, check_fresh, drop, make_noticed, make_stale, uncounted
from caching import State, fetch
from caching.keys import KeySpace
from products.cache import load_products, product_views, products

HIT = Reach(1.25, at_least=False)
_KEYS = KeySpace("product")
# As long as the message of a task that refreshes one id.
_MESSAGE = b"x" * 900
# Products a turn for slower reads, which call the broker or PostgreSQL.
_FEW = 40


def hits(ids: Sequence[int]) -> list[Comparison]:
    """Return the comparisons on these products, which are fresh and have live counts."""
    client = raw.client()
    entry = dict(zip(ids, raw.keys(ids), strict=True))
    scripts = {id: product_views.count_command(id, 1).args for id in ids}

    def get_and_count(id: int) -> None:
        client.pipeline(transaction=False).get(entry[id]).execute_command(*scripts[id]).execute()

    get = Side("GET", lambda pk: client.get(entry[pk]))
    counted = Side("fetch", lambda pk: fetch(products, pk, 1), check_fresh)
    return [
        Comparison("one hit", Side("fetch", lambda pk: fetch(uncounted, pk), check_fresh), get, ids, 1, HIT),
        Comparison("one counted hit", counted, Side("GET + EVALSHA", get_and_count), ids, trips=1),
    ]


def others(ids: Sequence[int]) -> list[Comparison]:
    """Return the comparisons that leave these products stale, or stored as by redis-py."""
    few, client = ids[:_FEW], raw.client()
    entry = dict(zip(few, raw.keys(few), strict=True))
    lock = {id: _KEYS.lease(id) for id in few}
    queue = _KEYS.lease("messages")

    def get_and_lock(id: int) -> None:
        client.get(entry[id])
        client.set(lock[id], "token", nx=True, px=5000)

    def get_lock_and_send(id: int) -> None:
        get_and_lock(id)
        client.lpush(queue, _MESSAGE)

    def get_load_and_set(id: int) -> None:
        client.get(entry[id])
        client.set(entry[id], load_products([id]).bodies[id], ex=TTL_SECONDS)

    def unlock(ids: Sequence[int]) -> None:
        client.delete(queue, *lock.values())

    noticed, sent = Side("fetch", _fetch_stale, make_noticed), Side("fetch", _fetch_stale, make_stale)
    send = Side("GET, SET NX, LPUSH", get_lock_and_send, unlock)
    lost = Side("fetch", lambda pk: fetch(uncounted, pk), drop)
    load = Side("GET, query, SET", get_load_and_set, drop)
    return [
        Comparison("one stale hit, refresh on its way", noticed, Side("GET, SET NX", get_and_lock), few, trips=2),
        Comparison("one stale hit, sends the refresh", sent, send, few, trips=3),
        Comparison("one miss", lost, load, few, trips=3),
    ]


def _fetch_stale(id: int) -> None:
    assert fetch(uncounted, id).state is State.STALE
