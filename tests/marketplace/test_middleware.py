"""The site's own middleware: hosts, lengths of answers."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from offers.models import Offer
from tests.factories import ProductFactory, UserFactory
from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db

FOREIGN = {"HTTP_HOST": "evil.example"}
PROBES = ("/livez", "/readyz/", "/metrics")


@pytest.mark.parametrize("path", ["/", "/api/v1/feeds/discover", "/api/v1/products/", "/api/schema/", "/nowhere"])
@pytest.mark.parametrize("debug", [False, True])
def test_a_foreign_host_is_a_problem(api: APIClient, settings: Any, path: str, debug: bool) -> None:
    settings.DEBUG = debug

    problem(api.get(path, **FOREIGN), 400, "bad_request")


def test_a_foreign_host_changes_nothing(as_user: Any) -> None:
    body = {"product_id": ProductFactory().pk, "amount": "5"}

    response = as_user(UserFactory()).post("/api/v1/offers/", body, format="json", **FOREIGN)

    problem(response, 400, "bad_request")
    assert not Offer.objects.exists()


def test_the_admin_refuses_a_foreign_host_too(client: Any) -> None:
    assert client.get("/admin/login/", **FOREIGN).status_code == 400


@pytest.mark.parametrize("path", PROBES)
def test_probes_and_scrapes_come_under_any_name(api: APIClient, path: str) -> None:
    assert api.get(path, **FOREIGN).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/livez", "/metrics", "/api/v1/feeds/discover", "/api/v1/products/0/", "/nowhere", "/admin/login/"],
)
def test_every_answer_has_its_length(api: APIClient, path: str) -> None:
    response = api.get(path)

    assert response["Content-Length"] == str(len(response.content))


def test_the_refusal_of_a_foreign_host_has_its_length_too(api: APIClient) -> None:
    response = api.get("/", **FOREIGN)

    assert response["Content-Length"] == str(len(response.content))


def test_an_answer_that_has_no_body_has_no_length(api: APIClient, as_user: Any) -> None:
    product = ProductFactory()
    path = f"/api/v1/products/{product.pk}/"
    etag = api.get(path)["ETag"]

    unchanged = api.get(path, HTTP_IF_NONE_MATCH=etag)
    gone = as_user(product.seller).delete(path)

    assert (unchanged.status_code, gone.status_code) == (304, 204)
    assert not unchanged.has_header("Content-Length")
    assert not gone.has_header("Content-Length")
