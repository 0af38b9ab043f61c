"""What products tell whoever is above them."""

from __future__ import annotations

from django.dispatch import Signal

# Sent inside the transaction that withdraws products; `product_ids` is their list.
products_closed = Signal()
