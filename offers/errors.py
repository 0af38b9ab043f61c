"""Refusals about offers, each with its stable code."""

from __future__ import annotations

from datetime import datetime

from products.errors import Conflict, Forbidden


class OfferClosed(Conflict):
    """An action on an offer that was accepted, declined or withdrawn; `extra` holds its state and when it closed."""

    code = "offer_closed"

    def __init__(self, state: str, closed_at: datetime | None) -> None:
        detail = f"The offer is no longer active: it is {state}."
        super().__init__(detail, offer_status=state, closed_at=closed_at)


class OfferExpired(OfferClosed):
    """An action on an offer whose time has passed, whether or not the job has closed it."""

    code = "offer_expired"


class OfferExists(Conflict):
    """The buyer has an active offer on the product already."""

    code = "offer_exists"
    detail = "You have an active offer on this product; withdraw it before you make another."


class ProductNotAvailable(Conflict):
    """The product is sold or withdrawn."""

    code = "product_not_available"
    detail = "The product is not available any more."


class OwnProduct(Forbidden):
    """An offer by the seller of the product."""

    code = "own_product"
    detail = "You cannot make an offer on your own product."


class NotTheBuyer(Forbidden):
    """An action of the seller that only the buyer of the offer may take."""

    code = "not_the_buyer"
    detail = "Only the buyer who made this offer can do that."
