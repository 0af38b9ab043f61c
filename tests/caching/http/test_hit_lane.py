"""What the hit lane leaves to DRF: other actions, and permissions that ask for more than an entry knows."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.caching.http.reviews")]


def test_another_action_of_the_viewset_is_not_answered_by_the_entry(reviews: Any, as_user: Any) -> None:
    # Given a cached entry, and somebody who has logged in
    user = UserFactory()
    client = as_user(user)
    client.get("/reviews/1/")
    # When they ask for something else below its path, then that is answered, and it knows who asks
    assert client.get("/reviews/1/fans/").json() == {"fan": user.pk}


def test_permissions_that_are_not_open_refuse_hits_as_they_do_misses(reviews: Any, client: APIClient) -> None:
    # Given an entry that is cached
    assert client.get("/reviews/1/").status_code == 200
    # Then viewsets that are closed answer it to nobody
    assert client.get("/closed/1/").status_code == 403
    assert client.post("/closed-batch/", {"review_ids": [1]}, format="json").status_code == 403
