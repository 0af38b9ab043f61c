"""Receivers of signals from products."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.dispatch import receiver

from offers.lifecycle.acceptance import decline_all_on
from offers.lifecycle.state_machine import Actor, Role
from products.signals import products_closed


@receiver(products_closed, dispatch_uid="offers.decline_offers_on_closed_products")
def decline_offers_on_closed_products(
    product_ids: list[int], by: AbstractBaseUser, as_staff: bool, **kwargs: Any
) -> None:
    """Decline the offers on withdrawn products, in the transaction that withdraws them."""
    decline_all_on(product_ids, Actor(Role.STAFF if as_staff else Role.SELLER, by))
