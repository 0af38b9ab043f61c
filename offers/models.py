"""An offer: what a buyer would pay for a product, until when, and what became of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from products.models import CURRENCIES, Product


class OfferStatus(models.TextChoices):
    """The states of an offer: it begins active and leaves that state once, for ever."""

    ACTIVE = "active"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Offer(models.Model):
    """A buyer's offer on a product.

    `status` may still say active after `expires_at`: the sweep is late by design, so whoever reads or acts
    uses `offers.selectors` and `offers.transitions`, which compare with the database's clock.
    `seller` repeats the product's seller, who never changes, so that a seller's offers have an index.
    """

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="offers", db_index=False)
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="offers_made", db_index=False
    )
    seller = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="offers_received", db_index=False
    )
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3, choices=[(code, code) for code in CURRENCIES])
    message = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=OfferStatus, default=OfferStatus.ACTIVE)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="offer_amount_positive"),
            models.CheckConstraint(condition=Q(currency__in=CURRENCIES), name="offer_currency"),
            models.CheckConstraint(condition=Q(status__in=OfferStatus.values), name="offer_status"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="offer_expires_later"),
            models.CheckConstraint(condition=~Q(buyer=F("seller")), name="offer_buyer_is_not_seller"),
            models.CheckConstraint(
                condition=Q(status="active", closed_at__isnull=True)
                | (~Q(status="active") & Q(closed_at__isnull=False)),
                name="offer_closed_at",
            ),
            models.UniqueConstraint(fields=["buyer", "product"], condition=Q(status="active"), name="offer_one_active"),
        ]
        indexes = [
            models.Index(fields=["buyer", "-created_at", "-id"], name="offer_buyer_newest"),
            models.Index(fields=["seller", "-created_at", "-id"], name="offer_seller_newest"),
            models.Index(fields=["buyer", "status", "-created_at", "-id"], name="offer_buyer_status"),
            models.Index(fields=["seller", "status", "-created_at", "-id"], name="offer_seller_status"),
            models.Index(fields=["expires_at"], condition=Q(status="active"), name="offer_due"),
            models.Index(fields=["buyer", "expires_at"], condition=Q(status="active"), name="offer_buyer_due"),
            models.Index(fields=["seller", "expires_at"], condition=Q(status="active"), name="offer_seller_due"),
            models.Index(fields=["product"], name="offer_product"),
        ]

    def __str__(self) -> str:
        return f"offer {self.pk}: {self.amount} {self.currency}"
