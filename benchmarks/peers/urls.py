"""The site's routes after those of the peers, which are found first."""

from __future__ import annotations

from django.urls import include, path

from benchmarks.peers import conventional, floor
from marketplace.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

_floor = [
    path("products/<int:pk>/", floor.detail),
    path("feeds/discover/", floor.feed_page),
    path("batch/products/", floor.products_batch),
    path("batch/users/", floor.users_batch),
]
_conventional = [
    path("products/<int:pk>/", conventional.ProductDetail.as_view()),
    path("feeds/discover/", conventional.DiscoverFeed.as_view()),
    path("batch/products/", conventional.ProductBatch.as_view()),
    path("batch/users/", conventional.UserBatch.as_view()),
]
urlpatterns = [
    path("floor/", include(_floor)),
    path("conventional/", include(_conventional)),
    *urlpatterns,
]
