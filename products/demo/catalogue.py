"""Demo products, generated from a seed: what is for sale, since when, and how popular it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from products.demo.vocabulary import BRANDS, COLOURS, CONDITIONS, QUALITIES, REASONS, SHELVES, TERMS, Shelf

SOURCE = "demo"
DAYS = 60
# The views of the most popular product, and the exponent by which views fall with rank, as in real shops.
TOP_VIEWS = 4000
ZIPF_EXPONENT = 0.83
# The part of all views that fell into the last day.
RECENT_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """One product; `seller` is an index into the demo sellers, `recent_views` are by hours ago."""

    source_id: str
    seller: int
    category: str
    title: str
    description: str
    price: Decimal
    image_url: str
    created_at: datetime
    views: int
    recent_views: dict[int, int]


def generate(count: int, sellers: int, now: datetime, seed: int = 1) -> Iterator[DemoProduct]:
    """Yield `count` products, oldest first, the last one put up just before `now`."""
    random = Random(seed)
    ranks = list(range(1, count + 1))
    random.shuffle(ranks)
    step = timedelta(days=DAYS) / (count + 1)
    for number, rank in enumerate(ranks, start=1):
        shelf = random.choice(SHELVES)
        thing = random.choice(shelf.things)
        created_at = now - step * (count - number + 1)
        views = round(TOP_VIEWS / rank**ZIPF_EXPONENT)
        recent = _recent_views(random, views, (now - created_at) / timedelta(hours=1))
        yield DemoProduct(
            source_id=str(number),
            seller=random.randrange(sellers),
            category=shelf.name,
            title=_title(random, thing),
            description=_description(random, shelf, thing),
            price=_price(random, shelf),
            image_url=f"https://example.com/images/{number:06d}.jpg",
            created_at=created_at,
            views=views,
            recent_views=recent,
        )


def _title(random: Random, thing: str) -> str:
    return f"{random.choice(BRANDS)} {random.choice(QUALITIES)} {thing}, {random.choice(COLOURS)}"


def _description(random: Random, shelf: Shelf, thing: str) -> str:
    opening = f"{thing.capitalize()} from our {shelf.name.lower()} corner, model {random.randint(100, 999)}."
    sentences = [random.choice(CONDITIONS), random.choice(REASONS), random.choice(TERMS)]
    return " ".join([opening, *sentences])


def _price(random: Random, shelf: Shelf) -> Decimal:
    # Log-uniform: many cheap things, few expensive ones. The float only draws a whole number of euros.
    euros = int(math.exp(random.uniform(math.log(shelf.low), math.log(shelf.high))))
    cents = random.choice(("00", "49", "50", "90", "95", "99"))
    return Decimal(f"{euros}.{cents}")


def _recent_views(random: Random, views: int, age_hours: float) -> dict[int, int]:
    """Spread the last day's part of the views over the hours in which the product existed."""
    hours: dict[int, int] = {}
    wanted = views * RECENT_SHARE
    oldest = int(min(23, age_hours))
    for _ in range(int(wanted) + (random.random() < wanted % 1)):
        ago = random.randint(0, oldest)
        hours[ago] = hours.get(ago, 0) + 1
    return hours
