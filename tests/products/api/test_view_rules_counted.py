"""What counts as a view, seen over HTTP: each setting alone and all together, by the hit lane and by DRF."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from knox.models import AuthToken
from rest_framework.views import APIView

from caching import metrics
from caching.models import CounterSpill
from caching.redis.connections import pool
from products.cache import product_views, products
from products.visitors import Visitors, visitors
from tests.factories import ProductFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class Reader:
    """Reads products as a browser does, by the hit lane, or by DRF, which alone answers this Accept header."""

    def __init__(self, api: Any, way: str) -> None:
        self.api = api
        self.accept = "application/json" if way == "lane" else "application/json;q=0.9"

    def get(self, product: Any, **meta: str) -> Any:
        said = {"HTTP_ACCEPT": self.accept, "HTTP_USER_AGENT": CHROME, **meta}
        return self.api.get(f"/api/v1/products/{product.pk}/", **said)

    def count(self, product: Any, **meta: str) -> int:
        """Read a product, and return the view count in the answer."""
        answer = self.get(product, **meta)
        assert answer.status_code == 200, answer.content
        return int(answer.json()["view_count"])


@pytest.fixture(params=["lane", "drf"])
def reader(api: Any, request: pytest.FixtureRequest) -> Reader:
    return Reader(api, request.param)


@pytest.fixture
def by_lane(api: Any) -> Reader:
    return Reader(api, "lane")


def token(user: Any, **fields: Any) -> str:
    return f"Token {AuthToken.objects.create(user, **fields)[1]}"


def everything(settings: Any) -> None:
    settings.VIEW_WINDOW_SECONDS = 1800
    settings.VIEW_UNIQUE_DAYS = 7
    settings.VIEW_SKIP_BOTS = settings.VIEW_SKIP_SELLER = True


def live(product: Any) -> int:
    return product_views.live([product.pk])[product.pk]


def refuse(*_: Any, **__: Any) -> None:
    raise AssertionError("DRF was asked")


def test_by_default_each_get_of_any_client_counts_in_one_round_trip(
    reader: Reader, redis_commands: Any, django_assert_num_queries: Any
) -> None:
    product = ProductFactory(views=40)
    seller = token(product.seller)
    reader.get(product)

    with redis_commands() as trips, django_assert_num_queries(0):
        shown = [reader.count(product), reader.count(product, HTTP_USER_AGENT=GOOGLE)]
        shown.append(reader.count(product, HTTP_AUTHORIZATION=seller))

    assert shown == [42, 43, 44]
    assert trips == [["MGET", "EVALSHA"]] * 3


def test_with_every_setting_a_plain_hit_is_answered_by_the_lane_in_one_round_trip(
    by_lane: Reader,
    settings: Any,
    redis_commands: Any,
    django_assert_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everything(settings)
    product = ProductFactory(views=40)
    by_lane.get(product)
    monkeypatch.setattr(APIView, "dispatch", refuse)

    with redis_commands() as trips, django_assert_num_queries(0):
        answers = [by_lane.get(product), by_lane.get(product, REMOTE_ADDR="192.0.2.7")]
        answers.append(by_lane.get(product, HTTP_USER_AGENT=GOOGLE))

    assert [answer.json()["view_count"] for answer in answers] == [41, 42, 42]
    assert {answer["Cache-Status"] for answer in answers} == {"marketplace; hit"}
    assert trips == [["MGET", "EVALSHA"], ["MGET", "EVALSHA"], ["MGET", "GET"]]


def test_a_visitor_counts_once_in_the_window(reader: Reader, settings: Any, redis_state: Any) -> None:
    settings.VIEW_WINDOW_SECONDS = 1800
    product, another = ProductFactory(views=40), ProductFactory()

    shown = [reader.count(product) for _ in range(3)]
    shown += [reader.count(product, REMOTE_ADDR="192.0.2.7"), reader.count(another)]
    assert shown == [41, 41, 41, 42, 1]

    (mark,) = redis_state.scan_iter(f"*:seen:{another.pk}:*")
    assert 1700 < redis_state.ttl(mark) <= 1800
    redis_state.delete(mark)
    assert reader.count(another) == 2


def test_a_304_marks_and_counts_like_any_get_and_a_head_does_not(reader: Reader, settings: Any) -> None:
    everything(settings)
    product = ProductFactory()
    etag = reader.get(product)["ETag"]

    answer = reader.get(product, HTTP_IF_NONE_MATCH=etag, REMOTE_ADDR="192.0.2.7")
    reader.api.head(f"/api/v1/products/{product.pk}/", HTTP_USER_AGENT=CHROME, REMOTE_ADDR="192.0.2.8")

    assert (answer.status_code, live(product), visitors(product.pk)) == (304, 2, Visitors(2, 2))


def test_a_robot_reads_and_is_not_counted(reader: Reader, settings: Any) -> None:
    settings.VIEW_SKIP_BOTS = True
    product = ProductFactory(views=40)

    # A miss, which fills the entry for the reads after it.
    assert reader.count(product, HTTP_USER_AGENT=GOOGLE) == 40
    assert reader.count(product) == 41
    assert reader.count(product, HTTP_USER_AGENT="") == 41


def test_a_seller_sees_the_true_count_and_does_not_raise_it(reader: Reader, settings: Any) -> None:
    settings.VIEW_SKIP_SELLER = True
    product = ProductFactory(views=40)
    seller, buyer = token(product.seller), token(UserFactory())

    shown = [reader.count(product, HTTP_AUTHORIZATION=who) for who in (seller, buyer, seller)]
    shown += [reader.count(product), reader.count(product, HTTP_AUTHORIZATION=seller)]

    assert shown == [40, 41, 41, 42, 42]


def test_a_read_with_a_token_is_two_round_trips_and_a_query_a_minute(
    by_lane: Reader,
    settings: Any,
    redis_commands: Any,
    django_assert_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.VIEW_SKIP_SELLER = True
    monkeypatch.setattr("products.visitors.clock", lambda: 1_800_000_000_000)
    product = ProductFactory()
    seller, buyer = token(product.seller), token(UserFactory())
    by_lane.get(product)
    monkeypatch.setattr(APIView, "dispatch", refuse)

    for queries in (1, 0):
        with redis_commands() as trips, django_assert_num_queries(queries):
            by_lane.get(product, HTTP_AUTHORIZATION=buyer)
        assert trips == [["MGET", "GET"], ["EVALSHA"]]
    with redis_commands() as trips, django_assert_num_queries(1):
        by_lane.get(product, HTTP_AUTHORIZATION=seller)
    assert trips == [["MGET", "GET"]]


@pytest.mark.parametrize("header", ["", "Token abc1"])
def test_what_the_lane_read_and_left_to_drf_is_counted_once(
    by_lane: Reader, header: str, settings: Any, redis_commands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a stale entry, which only DRF answers
    settings.VIEW_SKIP_SELLER = True
    product = ProductFactory(views=40)
    by_lane.get(product)
    late = products.store.clock() + products.policy.soft_ms(negative=False)
    monkeypatch.setattr(products.store, "clock", lambda: late)

    # when
    with redis_commands() as trips:
        answer = by_lane.get(product, HTTP_AUTHORIZATION=header)

    # then
    assert (answer["Cache-Status"], answer.json()["view_count"]) == ("marketplace; hit; detail=stale", 42)
    reads = [commands for commands in trips if "MGET" in commands]
    assert reads == [["MGET", "GET" if header else "EVALSHA"]]


@pytest.mark.parametrize("header", ["Token nonsense", "Token \xff \x00", "Token", "Basic eDp5", "Token a b", "expired"])
def test_bad_credentials_change_nothing(reader: Reader, header: str, settings: Any) -> None:
    product = ProductFactory(views=40)
    header = token(product.seller, expiry=timedelta(days=-1)) if header == "expired" else header
    plain = reader.get(product)

    settings.VIEW_SKIP_SELLER = True
    answer = reader.get(product, HTTP_AUTHORIZATION=header)

    assert (answer.status_code, answer.json()) == (200, {**plain.json(), "view_count": 42})
    assert (answer["ETag"], answer["Vary"]) == (plain["ETag"], plain["Vary"])


def test_a_read_with_a_token_is_answered_and_counted_while_postgres_is_away(reader: Reader, settings: Any) -> None:
    settings.VIEW_SKIP_SELLER = True
    product = ProductFactory(views=40)
    seller = token(product.seller)
    reader.get(product)

    with connection.execute_wrapper(_lost):
        shown = reader.count(product, HTTP_AUTHORIZATION=seller)

    assert shown == live(product) == 42


def test_every_setting_together(reader: Reader, settings: Any) -> None:
    everything(settings)
    product = ProductFactory(views=40)
    seller, buyer = token(product.seller), token(UserFactory())

    shown = [
        reader.count(product, HTTP_AUTHORIZATION=seller),
        reader.count(product, HTTP_USER_AGENT=GOOGLE),
        reader.count(product, HTTP_AUTHORIZATION=buyer, HTTP_USER_AGENT=GOOGLE),
        reader.count(product, HTTP_AUTHORIZATION=buyer),
        reader.count(product, HTTP_AUTHORIZATION=buyer, REMOTE_ADDR="192.0.2.7"),
        reader.count(product),
        reader.count(product),
    ]

    assert shown == [40, 40, 40, 41, 41, 42, 42]
    assert visitors(product.pk) == Visitors(2, 2)


def test_nothing_of_a_person_lies_in_redis(reader: Reader, settings: Any, redis_state: Any) -> None:
    everything(settings)
    product = ProductFactory()
    buyer = token(UserFactory())
    reader.get(product, REMOTE_ADDR="192.0.2.77")
    reader.get(product, HTTP_AUTHORIZATION=buyer)

    keys = list(redis_state.scan_iter("*"))
    everything_in_redis = b" ".join([*keys, *(redis_state.dump(key) for key in keys)])

    assert sum(b":seen:" in key for key in keys) == 2
    for secret in ("192.0.2.77", "Chrome", buyer.removeprefix("Token ")):
        assert secret.encode() not in everything_in_redis


def test_a_live_count_that_was_evicted_costs_no_visitor_and_marks_none_twice(
    reader: Reader, settings: Any, redis_state: Any
) -> None:
    everything(settings)
    product = ProductFactory(views=40)
    reader.get(product)
    redis_state.delete(product_views.live_key(product.pk))

    shown = [reader.count(product), reader.count(product, REMOTE_ADDR="192.0.2.7")]

    assert shown == [41, 42]


@pytest.mark.parametrize("header", ["", "Token nonsense"])
def test_while_redis_is_away_a_view_of_any_visitor_is_accepted(reader: Reader, header: str, settings: Any) -> None:
    everything(settings)
    product = ProductFactory(views=40)

    pool("state").breaker.is_open = True
    shown = [reader.count(product, HTTP_AUTHORIZATION=header) for _ in range(2)]
    pool("state").breaker.is_open = False

    assert sum(CounterSpill.objects.values_list("amount", flat=True)) == 2
    assert shown == [41, 42]


@pytest.mark.parametrize(("postgres", "reason"), [("there", "full"), ("away", "database")])
def test_a_view_that_no_server_accepts_after_the_read_is_refused_and_the_read_answered(
    reader: Reader, postgres: str, reason: str, settings: Any, redis_state: Any
) -> None:
    # given a Redis in which only counting fails, and a PostgreSQL that accepts no views
    settings.VIEW_SKIP_SELLER = True
    settings.CACHING = {**settings.CACHING, "SPILL_ROWS": 0}
    product = ProductFactory(views=40)
    reader.get(product)
    redis_state.rpush(product_views.key(product_views.shard(product.pk), "sealed"), "of another type")
    before = refused(reason)

    # when
    wrapper = _lost if postgres == "away" else _as_ever
    with connection.execute_wrapper(wrapper):
        shown = reader.count(product, HTTP_AUTHORIZATION="Token abc1")

    # then
    assert (shown, refused(reason) - before) == (41, 1)


def refused(reason: str) -> float:
    return float(metrics.INCREMENTS_REFUSED.labels(product_views.name, reason)._value.get())


def test_a_product_that_does_not_exist_has_no_visitor(reader: Reader, settings: Any, redis_state: Any) -> None:
    everything(settings)
    missing = ProductFactory.build(pk=999_999)

    statuses = [reader.get(missing).status_code, reader.get(missing, HTTP_AUTHORIZATION="Token abc").status_code]

    assert statuses == [404, 404]
    assert list(redis_state.scan_iter("mp:n:*")) == []


def _lost(*_: Any) -> Any:
    raise OperationalError("the server closed the connection unexpectedly")


def _as_ever(execute: Any, *args: Any) -> Any:
    return execute(*args)
