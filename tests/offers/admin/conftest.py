"""Browsers of members of the staff who may view offers, and who may also act on them."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.offers.admin.staff_client import staff


@pytest.fixture
def reader() -> Client:
    return staff("view_offer")


@pytest.fixture
def editor() -> Client:
    return staff("view_offer", "change_offer")
