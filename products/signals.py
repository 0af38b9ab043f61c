"""Signals of products, for the apps above."""

from __future__ import annotations

from django.dispatch import Signal

# Sent inside the transaction that withdraws products. `product_ids` is a list, `by` the user who withdrew them,
# `as_staff` whether `by` acted as staff and not as the seller.
products_closed = Signal()
