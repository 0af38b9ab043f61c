"""What can be refused about an offer, each refusal with its stable code."""

from __future__ import annotations

from datetime import datetime

from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied


class Conflict(APIException):
    """The request is fine, and the present state of things forbids it."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "The request conflicts with the present state."


class OfferClosed(Conflict):
    """An action on an offer that was accepted, declined or withdrawn; the problem tells its state."""

    default_code = "offer_closed"

    def __init__(self, state: str, closed_at: datetime | None) -> None:
        super().__init__(f"The offer is no longer active: it is {state}.")
        self.extra = {"offer_status": state, "closed_at": closed_at}


class OfferExpired(OfferClosed):
    """An action on an offer whose time has passed, whether or not the sweep has seen it."""

    default_code = "offer_expired"


class OfferExists(Conflict):
    """The buyer has an active offer on the product already."""

    default_code = "offer_exists"
    default_detail = "You have an active offer on this product; withdraw it before you make another."


class ProductNotAvailable(Conflict):
    """The product is sold or withdrawn."""

    default_code = "product_not_available"
    default_detail = "The product is not available any more."


class OwnProduct(PermissionDenied):
    """An offer on a product of one's own."""

    default_code = "own_product"
    default_detail = "You cannot make an offer on your own product."


class NotTheBuyer(PermissionDenied):
    """The seller tried what only the buyer of the offer may do."""

    default_code = "not_the_buyer"
    default_detail = "Only the buyer who made this offer can do that."
