"""Routes of offers, below the API's base, each declared with its trailing slash."""

from __future__ import annotations

from django.urls import path

from offers.api.views import OfferViewSet

_view = OfferViewSet.as_view

urlpatterns = [
    path("offers/", _view({"get": "list", "post": "create"}), name="offer-list"),
    path("offers/expiring-soon/", _view({"get": "expiring_soon"}), name="offer-expiring-soon"),
    path("offers/<int:pk>/", _view({"get": "retrieve"}), name="offer-detail"),
    path("offers/<int:pk>/extend/", _view({"post": "extend"}), name="offer-extend"),
    path("offers/<int:pk>/withdraw/", _view({"post": "withdraw"}), name="offer-withdraw"),
    path("offers/<int:pk>/accept/", _view({"post": "accept"}), name="offer-accept"),
    path("offers/<int:pk>/decline/", _view({"post": "decline"}), name="offer-decline"),
]
