"""Routes of products, feeds and the product batch, below the API's base."""

from __future__ import annotations

from django.urls import path
from rest_framework.routers import SimpleRouter

from products.api.batch import ProductBatch
from products.api.feeds import FeedView
from products.api.views import ProductViewSet

router = SimpleRouter()
router.register("products", ProductViewSet, basename="product")

urlpatterns = [
    *router.urls,
    path("feeds/discover/", FeedView.as_view(feed="discover"), name="feed-discover"),
    path("feeds/trending/", FeedView.as_view(feed="trending"), name="feed-trending"),
    path("feeds/category/<slug:name>/", FeedView.as_view(feed="category"), name="feed-category"),
    path("feeds/seller/<int:name>/", FeedView.as_view(feed="seller"), name="feed-seller"),
    path("batch/products/", ProductBatch.as_view({"post": "create"}), name="batch-products"),
]
