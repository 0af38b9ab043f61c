"""The data of the HTTP benchmarks: products as large as real ones, and users, generated from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from products.demo.catalogue import DemoProduct, generate
from products.demo.vocabulary import SHELVES
from products.importing.slugs import slug_of
from products.models import Category, Product, ProductViews

_SELLERS = 6
_BATCH = 1000
# Text that makes a demo product's JSON as long as the median of real ones, about 600 bytes.
_MORE = (
    " Measures {0} x {1} x {2} cm and weighs about {3} g; manual, cable and all {4} accessories are in the box."
    " Bought in {5} from a dealer in town, receipt no. {6} at hand."
)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The ids of what was made."""

    products: list[int]
    users: list[int]


@transaction.atomic
def make_catalogue(products: int, users: int) -> Catalogue:
    """Fill the database with products and users (at least six, as sellers), and nothing else."""
    with connection.cursor() as cursor:
        # Removes what the previous benchmark made. Ids continue, so no key of its entries in Redis is used again.
        cursor.execute("TRUNCATE accounts_user, products_category, products_product CASCADE")
    people = get_user_model().objects.bulk_create(_user(number) for number in range(users))
    shelves = Category.objects.bulk_create(Category(slug=slug_of(shelf.name), name=shelf.name) for shelf in SHELVES)
    categories = {category.name: category for category in shelves}
    drawn = generate(products, _SELLERS, datetime.now(UTC))
    rows = Product.objects.bulk_create(
        (_product(demo, people[demo.seller], categories[demo.category]) for demo in drawn), batch_size=_BATCH
    )
    ProductViews.objects.bulk_create((ProductViews(product=row) for row in rows), batch_size=_BATCH)
    return Catalogue([row.pk for row in rows], [user.pk for user in people])


def _user(number: int) -> Any:
    return get_user_model()(
        username=f"visitor-{number:05d}", display_name=f"Visitor Number {number}", password="!", is_active=True
    )


def _product(demo: DemoProduct, seller: Any, category: Category) -> Product:
    return Product(
        seller=seller,
        category=category,
        title=demo.title,
        description=demo.description + _more(int(demo.source_id)),
        price=demo.price,
        currency="EUR",
        image_url=demo.image_url,
        created_at=demo.created_at,
        updated_at=demo.created_at,
    )


def _more(number: int) -> str:
    # Numbers that look random, so that products compress no better than real ones.
    mixed = number * 2_654_435_761 % 2**32
    return _MORE.format(
        mixed % 97 + 3, mixed % 89 + 2, mixed % 83 + 1, mixed % 9973, mixed % 7 + 2, 2015 + mixed % 11, mixed
    )
