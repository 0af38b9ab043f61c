"""The models of offers: an offer, and the events of its life."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from products.models import CURRENCIES, Product
from products.money import minor_unit_condition, text


class OfferStatus(models.TextChoices):
    """The states of an offer. It starts as active; every other state is final."""

    ACTIVE = "active"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Offer(models.Model):
    """A buyer's offer on a product.

    `status` may still be active after `expires_at`, until the job closes the offer. So read through `offers.selectors`
    and act through `offers.lifecycle.transitions`, which compare with the database's clock. `seller` repeats the
    product's seller, who never changes, so that an index can find a seller's offers.
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
            models.CheckConstraint(condition=minor_unit_condition("amount"), name="offer_amount_minor_unit"),
            models.CheckConstraint(condition=Q(status__in=OfferStatus.values), name="offer_status"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="offer_expires_later"),
            models.CheckConstraint(condition=~Q(buyer=F("seller")), name="offer_buyer_is_not_seller"),
            models.CheckConstraint(
                condition=Q(status="active", closed_at__isnull=True)
                | (~Q(status="active") & Q(closed_at__isnull=False)),
                name="offer_closed_at",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__lte=F("expires_at")), name="offer_closed_in_time"
            ),
            models.UniqueConstraint(fields=["buyer", "product"], condition=Q(status="active"), name="offer_one_active"),
        ]
        indexes = [
            models.Index(fields=["buyer", "-created_at", "-id"], name="offer_buyer_newest"),
            models.Index(fields=["seller", "-created_at", "-id"], name="offer_seller_newest"),
            models.Index(fields=["buyer", "status", "-created_at", "-id"], name="offer_buyer_status"),
            models.Index(fields=["seller", "status", "-created_at", "-id"], name="offer_seller_status"),
            # The id orders offers that end at the same time, for keyset pagination.
            models.Index(fields=["expires_at", "id"], condition=Q(status="active"), name="offer_due_in_order"),
            models.Index(fields=["buyer", "expires_at"], condition=Q(status="active"), name="offer_buyer_due"),
            models.Index(fields=["seller", "expires_at"], condition=Q(status="active"), name="offer_seller_due"),
            models.Index(fields=["product"], name="offer_product"),
        ]

    def __str__(self) -> str:
        return f"offer {self.pk}: {text(self.amount, self.currency)} {self.currency}"


# Prefix of `error` in an event that need not be delivered any more.
OBSOLETE = "obsolete: "


class OfferEvent(models.Model):
    """One event in the life of an offer: what, when, by whom, and the offer's end after it.

    The statement that changes the offer also writes the event (docs/decisions/0010). Events are the history of an offer
    and the outbox of deliveries. `actor` is null if nobody acted.

        due_at set                       waits for delivery, or is being delivered under a lease until then
        delivered_at set                 delivered
        neither, error "obsolete: ..."   not delivered, because it is out of date or has no recipient
        neither, any other error         given up
        neither, no error                history only, not to be delivered
        told set                         this party (buyer or seller) was notified, the other was not reached
    """

    class Kind(models.TextChoices):
        """The kinds of events."""

        MADE = "made"
        EXTENDED = "extended"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"
        REMINDER = "reminder"

    class Role(models.TextChoices):
        """The role of the actor; `time` if the clock or a job caused the event."""

        BUYER = "buyer"
        SELLER = "seller"
        STAFF = "staff"
        TIME = "time"

    # No foreign key constraint: the statement that writes an event has just read its offer, and checking each event at
    # the commit would slow down mass expiry.
    offer = models.ForeignKey(
        Offer, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=9, choices=Kind)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    role = models.CharField(max_length=6, choices=Role)
    expires_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="", db_default="")
    # The party that was notified, if only one of the two was.
    told = models.CharField(max_length=6, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offer", "expires_at"], condition=Q(kind="reminder"), name="offer_event_one_reminder"
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | Q(delivered_at__isnull=True), name="offer_event_due_or_delivered"
            ),
        ]
        indexes = [
            models.Index(fields=["offer", "id"], name="offer_event_of_offer"),
            models.Index(fields=["due_at", "id"], condition=Q(due_at__isnull=False), name="offer_event_due"),
            models.Index(
                fields=["id"],
                condition=Q(due_at__isnull=True, delivered_at__isnull=True)
                & ~Q(error="")
                & ~Q(error__startswith=OBSOLETE),
                name="offer_event_given_up",
            ),
            # For the deletion of a user, which looks for their events.
            models.Index(fields=["actor"], condition=Q(actor__isnull=False), name="offer_event_actor"),
        ]

    def __str__(self) -> str:
        return f"offer {self.offer_id}: {self.kind}"
