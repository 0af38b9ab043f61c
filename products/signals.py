"""What products tell whoever is above them."""

from __future__ import annotations

from django.dispatch import Signal

# Sent inside the transaction that withdraws products; `product_ids` is their list, `by` the user who did it,
# `as_staff` whether not as their seller.
products_closed = Signal()
