"""The front page: links to everything that the site serves."""

from __future__ import annotations

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from marketplace.ops.methods import read_only


class Door(NamedTuple):
    """A link with a short description of its target."""

    path: str
    name: str
    about: str


ROOMS: dict[str, tuple[Door, ...]] = {
    "Try it": (
        Door("/api/docs/", "API documentation", "Every endpoint, with a form"),
        Door("/api/schema/", "OpenAPI schema", "The same as a document for tools"),
        Door("/admin/", "Admin", "Products, offers, users and job runs"),
    ),
    "Read": (
        Door("/api/v1/feeds/discover/", "Discover", "Available products, newest first"),
        Door("/api/v1/feeds/trending/", "Trending", "Most viewed in the last 24 hours, late views first"),
        Door("/api/v1/products/", "Products", "By category, seller, price, words"),
    ),
    "Trade": (
        Door("/api/docs/#/auth", "Accounts", "Register, log in, log out"),
        Door("/api/docs/#/offers", "Offers", "Make, extend, accept, decline, withdraw"),
    ),
    "Operate": (
        Door("/livez/", "Liveness", "The process answers, whatever else is away"),
        Door("/readyz/", "Readiness", "PostgreSQL and Redis, part by part"),
        Door("/metrics/", "Metrics", "For Prometheus"),
        Door("/api/v1/jobs/", "Jobs", "Schedules and last runs, for staff"),
        Door("/api/v1/batch/cache-stats/", "Cache", "Memory, keys and hit rate, for staff"),
    ),
}

# The page is one file: no script, no font, no image from anywhere.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@csrf_exempt
@read_only
def front_page(request: HttpRequest) -> HttpResponse:
    """Show the links and one request to copy."""
    context = {"rooms": ROOMS, "base": f"{request.scheme}://{request.get_host()}"}
    response = render(request, "ops/front.html", context)
    response.headers["Content-Security-Policy"] = _POLICY
    return response
