"""Reviews that are declared as a cached resource for the time of a test, and a client of their site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from caching import Policy, resource, withdraw
from tests.caching.http.reviews import ROWS, ClosedBatch, ClosedViewSet, ReviewBatch, ReviewViewSet, load


@pytest.fixture
def reviews() -> Iterator[Any]:
    ROWS.clear()
    ROWS.update({1: b'{"id":1}', 2: b'{"id":2}'})
    declared = resource(Policy("review", soft_ttl=60, hard_ttl=600), load)
    ReviewViewSet.resource = ReviewBatch.resource = declared
    ClosedViewSet.resource = ClosedBatch.resource = declared
    yield declared
    withdraw(declared)


@pytest.fixture
def client() -> APIClient:
    return APIClient(raise_request_exception=False)
