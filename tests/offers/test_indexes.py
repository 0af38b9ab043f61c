"""Every query of offers finds its index among 200,000 offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from offers.deadlines import ActiveOffers, UpcomingOffers
from offers.lifecycle.acceptance import decline_all_on
from offers.lifecycle.state_machine import Actor, Role, expire_batch, expire_ids
from offers.models import Offer, OfferStatus
from offers.selectors import expiring_soon, in_state, offers_of
from tests.bulk import DEALER, drop_everything, make_catalogue, make_offers
from tests.plans import Plan, plan_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def many_offers(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Products and offers, committed once for all tests of this module."""
    with django_db_blocker.unblock():
        make_catalogue(10_000)
        make_offers()
    yield
    with django_db_blocker.unblock():
        drop_everything()


@pytest.fixture
def person() -> Any:
    return get_user_model().objects.get(pk=DEALER)


def assert_reads(plan: Plan, *indexes: str) -> None:
    assert plan.indexes & set(indexes), plan.text
    assert not plan.scanned_tables & {"offers_offer"}, plan.text


def page(found: Any, ordering: tuple[str, ...] = ("-created_at", "-id")) -> Callable[[], Any]:
    return lambda: list(found.order_by(*ordering)[:21])


@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_my_offers_are_read_newest_first_from_their_index(person: Any, role: Any) -> None:
    plan = plan_of(page(offers_of(person, role)), "offers_offer")

    assert_reads(plan, f"offer_{role}_newest")


def test_my_offers_in_both_roles_use_both_indexes(person: Any) -> None:
    plan = plan_of(page(offers_of(person)), "offers_offer")

    assert_reads(plan, "offer_buyer_newest", "offer_buyer_status")
    assert_reads(plan, "offer_seller_newest", "offer_seller_status")


@pytest.mark.parametrize("state", OfferStatus.values)
@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_my_offers_in_a_state_are_read_from_an_index_of_the_role(person: Any, role: Any, state: str) -> None:
    found = offers_of(person, role).filter(in_state(state))

    plan = plan_of(page(found), "offers_offer")

    assert_reads(plan, f"offer_{role}_status", f"offer_{role}_newest", f"offer_{role}_due")


@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_offers_that_expire_soon_are_read_from_the_index_of_live_offers(person: Any, role: Any) -> None:
    found = expiring_soon(person, 3600, role)

    plan = plan_of(lambda: list(found[:21]), "offers_offer")

    assert_reads(plan, f"offer_{role}_due", "offer_due_in_order")


def test_offers_that_expire_soon_in_both_roles_need_no_table_scan(person: Any) -> None:
    plan = plan_of(lambda: list(expiring_soon(person, 3600)[:21]), "offers_offer")

    assert_reads(plan, "offer_due_in_order", "offer_buyer_due")


def test_the_sweep_takes_the_longest_due_from_their_index() -> None:
    plan = plan_of(lambda: expire_batch(100), "offers_offer")

    assert_reads(plan, "offer_due_in_order")


def test_the_next_batch_of_the_sweep_starts_after_the_last_one() -> None:
    first = ActiveOffers().page(None, 10)[-1]

    plan = plan_of(lambda: expire_batch(100, first), "offers_offer")

    assert_reads(plan, "offer_due_in_order")
    assert '"Index Cond": "((expires_at <=' in plan.text
    assert "ROW(expires_at, id) >" in plan.text.split('"Index Cond"')[1].split("\n")[0]


def test_the_sweep_by_ids_reads_only_these_ids() -> None:
    plan = plan_of(lambda: expire_ids(list(range(1000, 2000, 7))), "offers_offer")

    assert_reads(plan, "offers_offer_pkey")


def test_the_repair_reads_pages_in_the_order_of_the_index() -> None:
    first = ActiveOffers().page(None, 10)[-1]

    plan = plan_of(lambda: ActiveOffers().page(first, 1000), "offers_offer")

    assert_reads(plan, "offer_due_in_order")


def test_a_repair_starts_at_now_and_skips_ended_offers() -> None:
    plan = plan_of(lambda: UpcomingOffers().page(None, 1000), "offers_offer")

    assert_reads(plan, "offer_due_in_order")
    assert '"Index Cond": "(expires_at > ' in plan.text


@pytest.mark.parametrize("ids", [[4000], list(range(4000, 4100))], ids=["one", "a hundred"])
def test_the_active_offers_on_a_product_are_found_by_its_index(person: Any, ids: list[int]) -> None:
    plan = plan_of(lambda: decline_all_on(ids, Actor(Role.SELLER, person)), "offers_offer")

    assert_reads(plan, "offer_product", "offer_one_active")


def test_an_active_offer_is_found_by_buyer_and_product() -> None:
    mine = Offer.objects.filter(buyer_id=DEALER, product_id=4000, status=OfferStatus.ACTIVE)

    plan = plan_of(lambda: list(mine), "offers_offer")

    assert_reads(plan, "offer_one_active")
