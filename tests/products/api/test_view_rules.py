"""What counts as a view: clients that are left out, the identity of a visitor, and the number of visitors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone
from knox.models import AuthToken

from caching.counters.family import Visit
from caching.redis.connections import pool
from products.api import view_rules
from products.api.view_rules import View, view_of
from products.cache import product_views
from products.visitors import visitors
from tests.factories import UserFactory

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/604.1"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
NIGHT = datetime(2027, 1, 15, 23, 59, 50, tzinfo=UTC)


class Clock:
    """Milliseconds since the epoch, moved by hand."""

    def __init__(self, now: datetime = NIGHT) -> None:
        self.now = now

    def __call__(self) -> int:
        return int(self.now.timestamp() * 1000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("products.visitors.clock", clock)
    return clock


def view(product_id: int = 17, method: str = "GET", **meta: str) -> View:
    request = RequestFactory().generic(method, "/", **{"HTTP_USER_AGENT": CHROME, **meta})
    return view_of(request, product_id)


def visitor(product_id: int = 17, **meta: str) -> str:
    visit = view(product_id, **meta).visit
    assert visit is not None
    return visit.visitor


def test_by_default_every_get_of_any_client_counts_and_a_head_does_not() -> None:
    assert view() == view(HTTP_USER_AGENT=GOOGLE, HTTP_AUTHORIZATION="Token abc") == View(1)
    assert view(method="HEAD") == View(0)


@pytest.mark.parametrize("agent", [GOOGLE, "curl/8.5.0", "python-requests/2.32", "okhttp/4.12.0", "", "  "])
def test_a_robot_is_left_out_and_so_is_a_client_without_a_user_agent(agent: str, settings: Any) -> None:
    settings.VIEW_SKIP_BOTS = True
    settings.VIEW_WINDOW_SECONDS = 60
    assert view(HTTP_USER_AGENT=agent) == View(0)


@pytest.mark.parametrize("agent", [CHROME, SAFARI, "Marketplace/3.1 (iOS)", CHROME + " x" * 5000])
def test_a_person_is_not(agent: str, settings: Any) -> None:
    settings.VIEW_SKIP_BOTS = True
    assert view(HTTP_USER_AGENT=agent) == View(1)


def test_a_long_user_agent_is_matched_by_its_beginning_only(settings: Any) -> None:
    settings.VIEW_SKIP_BOTS = True
    view_rules.is_bot.cache_clear()

    assert view(HTTP_USER_AGENT=("x" * 600) + GOOGLE) == View(1)
    assert view(HTTP_USER_AGENT=("x" * 600) + "another") == View(1)
    assert view_rules.is_bot.cache_info().currsize == 1


def test_a_visit_says_how_long_it_is_remembered(settings: Any, clock: Clock) -> None:
    settings.VIEW_WINDOW_SECONDS = 60
    assert view().visit == Visit(visitor(), 60_000)

    settings.VIEW_WINDOW_SECONDS, settings.VIEW_UNIQUE_DAYS = 0, 3
    assert view().visit == Visit(visitor(), 0, "20270115", 3 * 24 * 3600 * 1000)


def test_a_visitor_is_an_address_and_a_user_agent(settings: Any) -> None:
    settings.VIEW_WINDOW_SECONDS = 60
    others = [visitor(REMOTE_ADDR="192.0.2.7"), visitor(HTTP_USER_AGENT=SAFARI), visitor(HTTP_USER_AGENT="")]
    assert visitor() == visitor()
    assert len({visitor(), *others}) == 4


def test_or_a_token_wherever_it_comes_from(settings: Any) -> None:
    settings.VIEW_WINDOW_SECONDS = 60
    held = visitor(HTTP_AUTHORIZATION="Token abc1")
    assert held == visitor(HTTP_AUTHORIZATION="token  abc1", REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT=SAFARI)
    assert held != visitor(HTTP_AUTHORIZATION="Token abc2")


def test_a_view_waits_for_the_product_only_if_its_seller_is_left_out(settings: Any) -> None:
    settings.VIEW_WINDOW_SECONDS = 60
    at_once = view(HTTP_AUTHORIZATION="Token abc1")
    settings.VIEW_SKIP_SELLER = True
    later, anonymous = view(HTTP_AUTHORIZATION="Token abc1"), view()

    assert [(each.at_once, each.token) for each in (at_once, later, anonymous)] == [(1, ""), (0, "abc1"), (1, "")]


@pytest.mark.parametrize("header", ["Token", "Token ", "Basic abc1", "Token a b", "Token \xff", "Token \x00", "abc1"])
def test_what_is_no_token_makes_nobody_another_visitor(header: str, settings: Any) -> None:
    settings.VIEW_WINDOW_SECONDS = 60
    settings.VIEW_SKIP_SELLER = True
    assert view(HTTP_AUTHORIZATION=header) == view()


@pytest.mark.parametrize(
    ("proxies", "address"), [(0, "127.0.0.1"), (1, "198.51.100.2"), (2, "203.0.113.9"), (9, "203.0.113.9")]
)
def test_the_address_is_the_one_that_the_proxies_vouch_for(proxies: int, address: str, settings: Any) -> None:
    settings.VIEW_WINDOW_SECONDS = 60
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 0}
    plain = visitor(REMOTE_ADDR=address)

    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}

    assert visitor(HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.2") == plain


def test_a_visitor_is_short_and_not_the_same_for_another_product_or_key(settings: Any) -> None:
    settings.VIEW_WINDOW_SECONDS = 60
    mine, other = visitor(17), visitor(18)
    settings.SECRET_KEY = "another"
    assert len({mine, other, visitor(17)}) == 3
    assert {len(mine), len(other)} == {16}
    assert int(mine, 16)


def test_midnight_makes_nobody_another_visitor(settings: Any, clock: Clock) -> None:
    settings.VIEW_WINDOW_SECONDS, settings.VIEW_UNIQUE_DAYS = 60, 2
    before = view().visit
    clock.now += timedelta(seconds=20)
    after = view().visit

    assert before is not None
    assert after == before._replace(day="20270116")


def test_visitors_are_estimated_for_today_and_for_the_days_that_are_kept(settings: Any, clock: Clock) -> None:
    settings.VIEW_UNIQUE_DAYS = 2
    product_views.seed({17: 0}, ())

    def come(first: int, last: int) -> None:
        visits = [view(REMOTE_ADDR=f"2001:db8::{n:x}").visit for n in range(first, last)]
        pool("state").call([product_views.count_command(17, 1, visit) for visit in visits])

    # given 300 on the day before yesterday, 2,000 yesterday, and half of those with 500 new ones today
    for day, come_today in enumerate([((9000, 9300),), ((0, 2000),), ((0, 1000), (2000, 2500))]):
        clock.now = NIGHT + timedelta(days=day)
        for span in come_today:
            come(*span)

    # then
    today, kept = visitors(17)
    assert today == pytest.approx(1500, rel=0.03)
    assert kept == pytest.approx(2500, rel=0.03)


def token_of(user: Any, **fields: Any) -> str:
    return str(AuthToken.objects.create(user, **fields)[1])


def is_seller(token: str, user: Any) -> bool:
    return view_rules.is_seller(token, b'{"seller_id":%d}' % user.pk)


@pytest.mark.django_db
def test_the_holder_of_a_token_is_asked_for_once_a_minute(clock: Clock, django_assert_num_queries: Any) -> None:
    seller, other = UserFactory(), UserFactory()
    token = token_of(seller)

    with django_assert_num_queries(1):
        assert is_seller(token, seller)
        assert not is_seller(token, other)
    clock.now += timedelta(minutes=1)
    with django_assert_num_queries(1):
        assert is_seller(token, seller)


@pytest.mark.django_db
def test_a_token_that_is_expired_or_gone_is_nobodys(clock: Clock) -> None:
    seller = UserFactory()
    expired, gone = token_of(seller, expiry=timedelta(seconds=-1)), token_of(seller)
    assert is_seller(gone, seller)

    AuthToken.objects.filter(expiry__gt=timezone.now()).delete()
    clock.now += timedelta(minutes=1)

    assert not is_seller(gone, seller)
    assert not is_seller(expired, seller)
    assert is_seller(token_of(seller, expiry=None), seller)
