"""Offers over HTTP. Only the buyer and the seller of an offer see it; everybody else gets 404."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from offers.api.serializers import (
    ExpiringSoonSerializer,
    ExtensionSerializer,
    NewOfferSerializer,
    OfferFilterSerializer,
    OfferSerializer,
)
from offers.lifecycle import transitions
from offers.lifecycle.acceptance import accept
from offers.lifecycle.creation import make_offer
from offers.lifecycle.state_machine import Actor, Role
from offers.models import Offer
from offers.selectors import expiring_soon, in_state, offers_of

S = TypeVar("S", bound=serializers.Serializer)


@extend_schema(tags=["offers"])
class OfferViewSet(GenericViewSet[Offer]):
    """A user's offers, made and received."""

    permission_classes = [IsAuthenticated]
    serializer_class = OfferSerializer
    queryset = Offer.objects.none()
    filter_backends: list[Any] = []
    page_ordering: tuple[str, ...] = ("-created_at", "-id")

    def get_queryset(self) -> QuerySet[Offer]:
        """Return the offers that the user may see."""
        return offers_of(self.request.user)

    @extend_schema(parameters=[OfferFilterSerializer], summary="Your offers, newest first")
    def list(self, request: Request) -> Response:
        """The user's offers, by role and state."""
        wanted = _valid(OfferFilterSerializer(data=request.query_params)).validated_data
        found = offers_of(request.user, wanted.get("role"))
        return self._page(found.filter(in_state(wanted["status"])) if "status" in wanted else found)

    @extend_schema(request=NewOfferSerializer, responses={201: OfferSerializer}, summary="Make an offer on a product")
    def create(self, request: Request) -> Response:
        """Make an offer in the product's currency. It lives for a day unless an end is given."""
        asked = _valid(NewOfferSerializer(data=request.data))
        data = asked.validated_data
        offer = make_offer(request.user, data["product_id"], data["amount"], asked.lifetime(), data["message"])
        location = reverse("offer-detail", args=[offer.pk])
        return Response(OfferSerializer(offer).data, status.HTTP_201_CREATED, headers={"Location": location})

    @extend_schema(summary="One offer")
    def retrieve(self, request: Request, pk: int) -> Response:
        """The offer in its effective state: past its end it reads as expired."""
        offer = self.get_queryset().filter(pk=pk).first()
        if offer is None:
            raise Http404(f"There is no offer {pk}.")
        return _answer(offer)

    @extend_schema(
        parameters=[ExpiringSoonSerializer],
        responses=OfferSerializer(many=True),
        summary="Your live offers that expire soon, soonest first",
    )
    def expiring_soon(self, request: Request) -> Response:
        """The live offers that expire within `within` seconds."""
        wanted = _valid(ExpiringSoonSerializer(data=request.query_params)).validated_data
        self.page_ordering = ("expires_at", "id")
        return self._page(expiring_soon(request.user, wanted["within"], wanted.get("role")))

    @extend_schema(request=ExtensionSerializer, summary="Extend your offer")
    def extend(self, request: Request, pk: int) -> Response:
        """Give the offer a later end; `expires_in` counts from now."""
        asked = _valid(ExtensionSerializer(data=request.data))
        return _answer(transitions.extend(pk, Actor(Role.BUYER, request.user), asked.lifetime()))

    @extend_schema(request=None, summary="Withdraw your offer")
    def withdraw(self, request: Request, pk: int) -> Response:
        """Withdraw the offer, as its buyer."""
        return _answer(transitions.withdraw(pk, request.user))

    @extend_schema(request=None, summary="Accept an offer: its product is sold")
    def accept(self, request: Request, pk: int) -> Response:
        """Accept the offer, as its seller: the product is sold and its other active offers are declined."""
        return _answer(accept(pk, request.user))

    @extend_schema(request=None, summary="Decline an offer")
    def decline(self, request: Request, pk: int) -> Response:
        """Decline the offer, as its seller."""
        return _answer(transitions.decline(pk, Actor(Role.SELLER, request.user)))

    def _page(self, found: QuerySet[Offer]) -> Response:
        page = self.paginate_queryset(found)
        return self.get_paginated_response(OfferSerializer(page, many=True).data)


def _valid(serializer: S) -> S:
    serializer.is_valid(raise_exception=True)
    return serializer


def _answer(offer: Offer) -> Response:
    return Response(OfferSerializer(offer).data)
