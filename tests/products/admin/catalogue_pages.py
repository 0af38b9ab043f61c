"""The pages of products in the admin: their paths, what they show and what a form sends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

from django.utils import timezone

from products.models import ProductViewsHour

LIST = "/admin/products/product/"


def page_of(product: Any) -> str:
    return f"{LIST}{product.pk}/change/"


def titles(response: Any) -> set[str]:
    assert response.status_code == 200
    return {product.title for product in response.context["cl"].result_list}


def viewed(product: Any, views: int, hours_ago: int) -> datetime:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    ProductViewsHour.objects.create(product=product, hour=hour, views=views)
    return hour


def plots_of(response: Any) -> list[ElementTree.Element]:
    """Return the plots of a page, each of which must be XML by itself."""
    page = response.content.decode()
    drawn = [part.split("</svg>")[0] for part in page.split('<svg class="plot"')[1:]]
    return [ElementTree.XML(f'<svg class="plot"{part}</svg>') for part in drawn]


def form_of(product: Any, **changes: Any) -> dict[str, Any]:
    inline = {"views-TOTAL_FORMS": 0, "views-INITIAL_FORMS": 0}
    fields = {name: getattr(product, name) for name in ("title", "description", "price", "image_url")}
    return {**fields, "category": product.category_id, **inline, **changes}
