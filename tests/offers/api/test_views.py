"""The HTTP contract of offers: shapes, permissions, and every refusal as a problem."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from offers.clock import database_now
from offers.models import Offer
from products.models import Product
from tests.factories import OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/offers/"
_WHAT = ["id", "product_id", "buyer_id", "amount", "currency", "message", "status"]
FIELDS = [*_WHAT, "created_at", "expires_at", "closed_at"]


def moment(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def assert_problem(response, status: int, code: str, *fields: str) -> dict:
    body = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert {"type", "title", "detail"} <= set(body)
    assert sorted(body.get("errors", {})) == sorted(fields)
    return body


@pytest.fixture
def buyer():
    return UserFactory()


@pytest.fixture
def bids(as_user, buyer):
    return as_user(buyer)


def test_making_an_offer(bids, buyer) -> None:
    # given a product in dollars
    product = ProductFactory(currency="USD")
    # when a buyer makes an offer on it
    body = {"product_id": product.pk, "amount": "9.5", "message": "Cash"}
    response = bids.post(URL, body, format="json")
    # then the answer is the whole offer, which lives for a day
    offer = response.json()
    assert response.status_code == 201
    assert list(offer) == FIELDS
    assert response["Location"] == f"{URL}{offer['id']}/"
    assert (offer["product_id"], offer["buyer_id"]) == (product.pk, buyer.pk)
    assert (offer["amount"], offer["currency"], offer["message"]) == ("9.50", "USD", "Cash")
    assert (offer["status"], offer["closed_at"]) == ("active", None)
    assert moment(offer["expires_at"]) - moment(offer["created_at"]) == timedelta(days=1)
    # and reads the same
    assert bids.get(f"{URL}{offer['id']}/").json() == offer


def test_the_end_as_a_time_or_in_seconds(bids) -> None:
    end = (database_now() + timedelta(hours=5)).replace(microsecond=0)
    first = {"product_id": ProductFactory().pk, "amount": "1", "expires_at": end.isoformat()}
    assert moment(bids.post(URL, first, format="json").json()["expires_at"]) == end
    second = {"product_id": ProductFactory().pk, "amount": "1", "expires_in": 60}
    offer = bids.post(URL, second, format="json").json()
    assert moment(offer["expires_at"]) - moment(offer["created_at"]) == timedelta(seconds=60)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"product_id": None}, "product_id"),
        ({"product_id": "x"}, "product_id"),
        ({"product_id": 0}, "product_id"),
        ({"product_id": 2**63}, "product_id"),
        ({"product_id": 2**62}, "product_id"),
        ({"amount": None}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "1.001"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "Infinity"}, "amount"),
        ({"amount": "12345678901.00"}, "amount"),
        ({"message": "x" * 501}, "message"),
        ({"message": "a\x00b"}, "message"),
        ({"expires_in": 59}, "expires_in"),
        ({"expires_in": 2_592_001}, "expires_in"),
        ({"expires_in": 10**30}, "expires_in"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59Z"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ({"expires_in": 60, "expires_at": "2030-01-01T00:00:00Z"}, "expires_in"),
    ],
)
def test_input_errors_name_the_field(bids, change, field) -> None:
    body = {"product_id": ProductFactory().pk, "amount": "1.00", **change}
    assert_problem(bids.post(URL, body, format="json"), 400, "invalid_input", field)
    assert not Offer.objects.exists()


@pytest.mark.parametrize("body", [[], "x", None, 5])
def test_a_body_that_is_no_object(bids, body) -> None:
    assert bids.post(URL, body, format="json").status_code == 400


def test_missing_fields(bids) -> None:
    assert_problem(bids.post(URL, {}, format="json"), 400, "invalid_input", "amount", "product_id")


def test_refused_products(bids, buyer) -> None:
    def bid(product):
        return bids.post(URL, {"product_id": product.pk, "amount": "1"}, format="json")

    assert_problem(bid(ProductFactory(seller=buyer)), 403, "own_product")
    assert_problem(bid(ProductFactory(status="sold")), 409, "product_not_available")
    assert_problem(bid(ProductFactory(status="withdrawn")), 409, "product_not_available")
    assert_problem(bid(Product(pk=2**62)), 400, "invalid_input", "product_id")
    product = ProductFactory()
    assert bid(product).status_code == 201
    assert_problem(bid(product), 409, "offer_exists")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("post", ""),
        ("get", "1/"),
        ("get", "expiring-soon/"),
        ("post", "1/extend/"),
        ("post", "1/withdraw/"),
        ("post", "1/accept/"),
        ("post", "1/decline/"),
    ],
)
def test_every_route_needs_a_login(api, method, path) -> None:
    response = getattr(api, method)(URL + path)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("action", ["", "extend/", "withdraw/", "accept/", "decline/"])
def test_other_users_get_404(as_user, action) -> None:
    stranger = as_user(UserFactory())
    for id in (OfferFactory().pk, 2**62, 2**70):
        path = f"{URL}{id}/{action}"
        response = stranger.post(path, {"expires_in": 99_999}, format="json") if action else stranger.get(path)
        assert_problem(response, 404, "not_found")


def test_wrong_methods(bids) -> None:
    for method, path in [("put", ""), ("delete", "1/"), ("patch", "1/"), ("get", "1/accept/"), ("post", "1/")]:
        response = getattr(bids, method)(URL + path)
        assert response.status_code == 405
        assert response["Allow"]


def test_actions_answer_with_the_offer(as_user) -> None:
    for action, by, state in [
        ("withdraw", "buyer", "withdrawn"),
        ("decline", "seller", "declined"),
        ("accept", "seller", "accepted"),
    ]:
        offer = OfferFactory()
        response = as_user(getattr(offer, by)).post(f"{URL}{offer.pk}/{action}/")
        body = response.json()
        assert (response.status_code, list(body), body["status"]) == (200, FIELDS, state)
        assert moment(body["closed_at"]) < moment(body["expires_at"])


def test_the_wrong_party_is_refused_by_name(as_user) -> None:
    offer = OfferFactory()
    for action in ("withdraw", "extend"):
        response = as_user(offer.seller).post(f"{URL}{offer.pk}/{action}/", {"expires_in": 99_999}, format="json")
        assert_problem(response, 403, "not_the_buyer")
    for action in ("accept", "decline"):
        assert_problem(as_user(offer.buyer).post(f"{URL}{offer.pk}/{action}/"), 403, "not_the_seller")


def test_extending(bids, buyer) -> None:
    offer = OfferFactory(buyer=buyer)
    path = f"{URL}{offer.pk}/extend/"
    body = bids.post(path, {"expires_in": 172_800}, format="json").json()
    assert moment(body["expires_at"]) > offer.expires_at
    assert (list(body), body["status"]) == (FIELDS, "active")
    assert_problem(bids.post(path, {}, format="json"), 400, "invalid_input", "expires_at")
    assert_problem(bids.post(path, {"expires_in": 60}, format="json"), 400, "invalid_input", "expires_in")
    later = (database_now() + timedelta(days=31)).isoformat()
    assert_problem(bids.post(path, {"expires_at": later}, format="json"), 400, "invalid_input", "expires_at")


@pytest.mark.parametrize("action", ["extend", "withdraw", "accept", "decline"])
def test_an_expired_offer_reads_as_expired_and_every_action_conflicts(as_user, let_expire, action) -> None:
    # given an offer whose end has passed, without a run of the job
    offer = OfferFactory()
    let_expire(offer)
    client = as_user(offer.buyer if action in {"extend", "withdraw"} else offer.seller)
    # then it reads as expired
    body = client.get(f"{URL}{offer.pk}/").json()
    assert (body["status"], body["closed_at"]) == ("expired", body["expires_at"])
    # and the refusal has the offer's effective state
    response = client.post(f"{URL}{offer.pk}/{action}/", {"expires_in": 99_999}, format="json")
    problem = assert_problem(response, 409, "offer_expired")
    assert (problem["offer_status"], problem["closed_at"]) == ("expired", body["closed_at"])


def test_a_closed_offer_conflicts(as_user) -> None:
    offer = OfferFactory()
    client = as_user(offer.buyer)
    closed = client.post(f"{URL}{offer.pk}/withdraw/").json()
    problem = assert_problem(client.post(f"{URL}{offer.pk}/withdraw/"), 409, "offer_closed")
    assert (problem["offer_status"], problem["closed_at"]) == ("withdrawn", closed["closed_at"])


def test_lists_by_role_and_state(bids, buyer, let_expire) -> None:
    made, dead = OfferFactory(buyer=buyer), OfferFactory(buyer=buyer)
    received = OfferFactory(product__seller=buyer)
    OfferFactory()
    let_expire(dead)

    def ids(query: str) -> set[int]:
        body = bids.get(URL + query).json()
        assert list(body) == ["next", "previous", "results"]
        return {offer["id"] for offer in body["results"]}

    assert ids("") == {made.pk, dead.pk, received.pk}
    assert ids("?role=buyer") == {made.pk, dead.pk}
    assert ids("?role=seller") == {received.pk}
    assert ids("?role=buyer&status=active") == {made.pk}
    assert ids("?status=expired") == {dead.pk}
    assert ids("?status=accepted") == set()


def test_lists_are_newest_first_and_paged(bids, buyer) -> None:
    same = database_now()
    made = [OfferFactory(buyer=buyer, created_at=same).pk for _ in range(5)]
    seen, url = [], f"{URL}?per_page=2&role=buyer"
    while url:
        page = bids.get(url).json()
        seen += [offer["id"] for offer in page["results"]]
        url = page["next"]
    assert seen == sorted(made, reverse=True)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?role=owner", "role"),
        ("?status=dead", "status"),
        ("expiring-soon/?within=0", "within"),
        ("expiring-soon/?within=x", "within"),
        ("expiring-soon/?within=2592001", "within"),
        ("expiring-soon/?role=x", "role"),
    ],
)
def test_filters_are_checked(bids, query, field) -> None:
    assert_problem(bids.get(URL + query), 400, "invalid_input", field)


def test_a_bad_cursor_is_not_found(bids) -> None:
    assert_problem(bids.get(f"{URL}?cursor=x"), 404, "not_found")


def test_expiring_soon(bids, buyer, expire_in, let_expire) -> None:
    second, first, later, dead = (OfferFactory(buyer=buyer) for _ in range(4))
    for offer, seconds in [(second, 3000), (first, 30), (later, 4000)]:
        expire_in(offer, seconds=seconds)
    let_expire(dead)

    def ids(query: str) -> list[int]:
        return [offer["id"] for offer in bids.get(f"{URL}expiring-soon/{query}").json()["results"]]

    assert ids("") == [first.pk, second.pk]
    assert ids("?within=60") == [first.pk]
    assert ids("?within=5000&role=buyer") == [first.pk, second.pk, later.pk]
    assert ids("?role=seller") == []
    # and its pages follow the same order
    page = bids.get(f"{URL}expiring-soon/?per_page=1").json()
    assert [offer["id"] for offer in bids.get(page["next"]).json()["results"]] == [second.pk]


def test_the_slash_is_optional(bids, buyer) -> None:
    offer = OfferFactory(buyer=buyer)
    assert bids.get(URL.rstrip("/")).status_code == 200
    assert bids.get(f"{URL}{offer.pk}").status_code == 200
    assert bids.get(f"{URL}expiring-soon").status_code == 200
    assert bids.post(f"{URL}{offer.pk}/withdraw").status_code == 200
