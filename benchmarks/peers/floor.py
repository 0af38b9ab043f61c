"""The floor: bare Django views that fetch rendered bytes and live counts in one round trip and join them.

It has no freshness, checksum, lease, validation or header; what ours costs above it is the price of these. A miss is
noticed only when the bytes cannot be joined, so a hit pays nothing for it. Missing bodies are loaded by our loaders in
one query and set unconditionally in one round trip. The views use django-redis' pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django_redis import get_redis_connection

from caching.redis import key_prefix
from caching.redis.scripts import script
from marketplace.accounts.cache import load_users
from products.cache import load_products, product_views
from products.feed_pages import PER_PAGE

_PREFIX = f"{key_prefix()}:floor"
_BODY, _LIVE, _USER, _PAGE = (f"{_PREFIX}:{kind}:" for kind in ("body", "live", "user", "page"))
_COUNTER = [f"{_PREFIX}:sealed", f"{_PREFIX}:buckets", f"{_PREFIX}:b:"]
_BUCKET_MS = product_views.bucket_seconds * 1000
_JSON = "application/json"


def store(products: Mapping[int, bytes], users: Mapping[int, bytes], pages: Mapping[int, Sequence[int]]) -> None:
    """Store everything that the views will read."""
    pipeline = get_redis_connection("default").pipeline(transaction=False)
    for id, body in products.items():
        pipeline.set(f"{_BODY}{id}", body)
        pipeline.set(f"{_LIVE}{id}", 0)
    for id, body in users.items():
        pipeline.set(f"{_USER}{id}", body)
    for page, ids in pages.items():
        pipeline.set(f"{_PAGE}{page}", ",".join(map(str, ids)))
    pipeline.execute()


def forget(products: Iterable[int], counted: Iterable[int], users: Iterable[int]) -> None:
    """Delete the bodies of products, the live counts of products, and the bodies of users."""
    keys = [f"{stem}{id}" for stem, ids in ((_BODY, products), (_LIVE, counted), (_USER, users)) for id in ids]
    get_redis_connection("default").delete(*keys)


def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer a product and count a view."""
    pipeline = get_redis_connection("default").pipeline(transaction=False)
    pipeline.get(f"{_BODY}{pk}")
    pipeline.evalsha(_count_digest(), 4, f"{_LIVE}{pk}", *_COUNTER, pk, 1, _BUCKET_MS, "")
    body, live = pipeline.execute()
    try:
        answer = _with_count(body, live)
    except TypeError:
        answer = _with_count(*_loaded_detail(pk, live))
    return HttpResponse(answer, content_type=_JSON)


def feed_page(request: HttpRequest) -> HttpResponse:
    """Answer a page of the newest products."""
    page = int(request.GET.get("page", "1"))
    keys = [f"{_PAGE}{page}", _BODY, _LIVE]
    ids, bodies, counts = get_redis_connection("default").evalsha(_page_digest(), 3, *keys)
    following = f"http://{request.get_host()}{request.path}?page={page + 1}" if len(ids) > PER_PAGE else None
    previous = f"http://{request.get_host()}{request.path}?page={page - 1}" if page > 1 else None
    try:
        results = b",".join(map(_with_count, bodies[:PER_PAGE], counts))
    except TypeError:
        listed = list(map(int, ids[:PER_PAGE]))
        results = b",".join(map(_with_count, *_loaded_products(listed, bodies, counts)))
    links = (orjson.dumps(following), orjson.dumps(previous))
    return HttpResponse(b'{"next":%b,"previous":%b,"results":[%b]}' % (*links, results), content_type=_JSON)


@csrf_exempt
def products_batch(request: HttpRequest) -> HttpResponse:
    """Answer many products."""
    ids = orjson.loads(request.body)["product_ids"]
    keys = [f"{_BODY}{id}" for id in ids]
    keys += [f"{_LIVE}{id}" for id in ids]
    values = get_redis_connection("default").mget(keys)
    size = len(ids)
    try:
        joined = b",".join(map(_with_count, values[:size], values[size:]))
    except TypeError:
        joined = b",".join(map(_with_count, *_loaded_products(ids, values[:size], values[size:])))
    return HttpResponse(b"[%b]" % joined, content_type=_JSON)


@csrf_exempt
def users_batch(request: HttpRequest) -> HttpResponse:
    """Answer many users."""
    ids = orjson.loads(request.body)["user_ids"]
    bodies = get_redis_connection("default").mget([f"{_USER}{id}" for id in ids])
    try:
        joined = b",".join(bodies)
    except TypeError:
        joined = b",".join(_loaded_users(ids, bodies))
    return HttpResponse(b"[%b]" % joined, content_type=_JSON)


def _loaded_detail(pk: int, live: int | None) -> tuple[bytes, int]:
    """Load a product, and count the view if its live count was missing too."""
    load = load_products([pk])
    pipeline = get_redis_connection("default").pipeline(transaction=False)
    pipeline.set(f"{_BODY}{pk}", load.bodies[pk])
    if live is None:
        pipeline.set(f"{_LIVE}{pk}", load.totals[pk])
        pipeline.evalsha(_count_digest(), 4, f"{_LIVE}{pk}", *_COUNTER, pk, 1, _BUCKET_MS, "")
    answers = pipeline.execute()
    return load.bodies[pk], answers[-1] if live is None else live


def _loaded_products(
    ids: Sequence[int], bodies: Sequence[bytes | None], counts: Sequence[bytes | None]
) -> tuple[list[bytes], list[bytes | int]]:
    """Load the products whose body or live count is missing, and return all bodies and counts."""
    load = load_products([id for id, body, count in zip(ids, bodies, counts, strict=False) if None in (body, count)])
    pipeline = get_redis_connection("default").pipeline(transaction=False)
    whole: tuple[list[bytes], list[bytes | int]] = ([], [])
    for id, body, count in zip(ids, bodies, counts, strict=False):
        if body is None:
            pipeline.set(f"{_BODY}{id}", load.bodies[id])
        if count is None:
            pipeline.set(f"{_LIVE}{id}", load.totals[id])
        whole[0].append(load.bodies[id] if body is None else body)
        whole[1].append(load.totals[id] if count is None else count)
    pipeline.execute()
    return whole


def _loaded_users(ids: Sequence[int], bodies: Sequence[bytes | None]) -> list[bytes]:
    """Load the users that are missing, and return all of them."""
    loaded = load_users([id for id, body in zip(ids, bodies, strict=True) if body is None]).bodies
    pipeline = get_redis_connection("default").pipeline(transaction=False)
    for id, body in loaded.items():
        pipeline.set(f"{_USER}{id}", body)
    pipeline.execute()
    return [loaded[id] if body is None else body for id, body in zip(ids, bodies, strict=True)]


def _with_count(body: bytes, count: bytes | int) -> bytes:
    return b'%b,"view_count":%d}' % (body[:-1], int(count))


@cache
def _count_digest() -> str:
    # The project's own script, so that both sides give Redis the same work.
    return _load(script("count").source)


@cache
def _page_digest() -> str:
    return _load(Path(__file__).with_name("floor_page.lua").read_text("utf-8"))


def _load(source: str) -> str:
    digest: str | bytes = get_redis_connection("default").script_load(source)
    return digest.decode() if isinstance(digest, bytes) else digest
