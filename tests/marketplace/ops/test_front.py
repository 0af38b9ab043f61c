"""The front page links to everything, and loads nothing from other hosts."""

from __future__ import annotations

import re

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def test_every_link_leads_somewhere(api: APIClient) -> None:
    page = api.get("/")

    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    links = re.findall(r'href="([^"]+)"', page.content.decode())
    assert {"/api/docs/", "/api/schema/", "/admin/", "/metrics/", "/livez/", "/readyz/", "/api/v1/jobs/"} <= set(links)
    assert {"/api/docs/#/auth", "/api/docs/#/offers"} <= set(links)
    for link in links:
        # Staff pages answer 401; the admin redirects to its login.
        assert api.get(link).status_code in (200, 302, 401), link


def test_the_page_shows_one_request_for_this_very_host(api: APIClient) -> None:
    page = api.get("/", HTTP_HOST="localhost:8123").content.decode()

    assert "curl -i http://localhost:8123/api/v1/feeds/discover/" in page


def test_the_page_loads_nothing(api: APIClient) -> None:
    page = api.get("/")

    assert not re.findall(r"<script|<link|<img|@import|url\(", page.content.decode())
    assert page["Content-Security-Policy"].startswith("default-src 'none'")
