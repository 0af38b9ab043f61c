"""What can go wrong with a product, each with its stable code."""

from __future__ import annotations

from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied


class NotTheSeller(PermissionDenied):
    """Somebody tried what only the seller of a product may do with it, or with the offers on it."""

    default_code = "not_the_seller"
    default_detail = "Only the seller of a product can change or withdraw it."


class ProductSold(APIException):
    """A sold product was to be changed."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "product_sold"
    default_detail = "The product is sold and cannot be changed any more."
