"""A site with a cached detail and a cached batch of reviews, open and closed ones: the URLs and rows of these tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import include, path
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ViewSet

from caching import Id, Load
from caching.http import CachedBatch, CachedDetail

ROWS: dict[Id, bytes] = {}


def load(ids: Sequence[Id]) -> Load:
    return Load({id: ROWS[id] for id in ids if id in ROWS})


class ReviewViewSet(CachedDetail, ViewSet):
    """The viewset of docs/first-resource.md."""

    def create(self, request: Any) -> Any:
        raise AssertionError

    @action(detail=True)
    def fans(self, request: Request, pk: str) -> Response:
        return Response({"fan": request.user.pk})


class ReviewBatch(CachedBatch):
    """The viewset of docs/first-resource.md."""

    ids_field = "review_ids"


class ClosedViewSet(ReviewViewSet):
    """A viewset whose permissions ask for more than a cached entry can know."""

    permission_classes = (IsAuthenticated,)


class ClosedBatch(ReviewBatch):
    """A batch of the same."""

    permission_classes = (IsAuthenticated,)


router = SimpleRouter()
router.register("reviews", ReviewViewSet, basename="review")
router.register("closed", ClosedViewSet, basename="closed")
urlpatterns = [
    path("", include(router.urls)),
    path("batch/", ReviewBatch.as_view({"post": "create"})),
    path("closed-batch/", ClosedBatch.as_view({"post": "create"})),
]
