"""The catalogue: categories, products, and the view counts kept apart from them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from products.money import CURRENCIES, MoneyError, minor_unit_condition, quantised

SEARCH_CONFIG = "simple"


class Category(models.Model):
    """A category of products, named in URLs by its slug."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "categories"
        constraints = [
            models.CheckConstraint(condition=Q(slug__regex=r"^[a-z0-9]+(-[a-z0-9]+)*$"), name="category_slug"),
            models.CheckConstraint(condition=~Q(name=""), name="category_name_not_blank"),
        ]

    def __str__(self) -> str:
        return self.name


class ProductStatus(models.TextChoices):
    """The states of a product. Only the database and the admin still show a withdrawn one."""

    AVAILABLE = "available"
    SOLD = "sold"
    WITHDRAWN = "withdrawn"


class Product(models.Model):
    """Something for sale. Its view count lives in `ProductViews`, so that counting never rewrites this row."""

    seller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="products")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="products", db_index=False)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, max_length=10_000)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3, choices=[(code, code) for code in CURRENCIES])
    image_url = models.URLField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=ProductStatus, default=ProductStatus.AVAILABLE)
    source = models.CharField(max_length=40, blank=True, help_text="The catalogue it was imported from.")
    source_id = models.CharField(max_length=160, blank=True, help_text="Its id in that catalogue.")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(price__gt=0), name="product_price_positive"),
            models.CheckConstraint(condition=Q(currency__in=CURRENCIES), name="product_currency"),
            models.CheckConstraint(condition=minor_unit_condition("price"), name="product_price_minor_unit"),
            models.CheckConstraint(condition=Q(status__in=ProductStatus.values), name="product_status"),
            models.CheckConstraint(condition=~Q(title=""), name="product_title_not_blank"),
            models.CheckConstraint(
                condition=Q(source="", source_id="") | (~Q(source="") & ~Q(source_id="")),
                name="product_source_whole",
            ),
            models.UniqueConstraint(
                fields=["source", "source_id"], condition=~Q(source=""), name="product_source_once"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], condition=Q(status="available"), name="product_newest"),
            models.Index(
                fields=["category", "-created_at", "-id"],
                condition=Q(status="available"),
                name="product_category_newest",
            ),
            models.Index(
                fields=["seller", "-created_at", "-id"],
                condition=Q(status="available"),
                name="product_seller_newest",
            ),
            models.Index(fields=["price"], condition=Q(status="available"), name="product_price"),
            models.Index(fields=["category"], name="product_category"),
            GinIndex(
                SearchVector("title", "description", config=SEARCH_CONFIG),
                name="product_search",
                fastupdate=False,
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Check the price against the currency. Raises ValidationError."""
        # Django does not validate a constraint that names a field which the form does not edit, such as the currency.
        if self.price is None or self.currency not in CURRENCIES:
            return
        try:
            quantised(self.price, self.currency)
        except MoneyError as error:
            raise ValidationError({"price": str(error)}) from error


class ProductViews(models.Model):
    """The flushed views of a product: a narrow row, which PostgreSQL can update in place (HOT)."""

    product = models.OneToOneField(Product, on_delete=models.CASCADE, primary_key=True, related_name="views")
    views = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "product views"
        constraints = [models.CheckConstraint(condition=Q(views__gte=0), name="product_views_not_negative")]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.views}"


class ProductViewsHour(models.Model):
    """The flushed views of a product within one hour, written by the transaction that also writes the total."""

    pk = models.CompositePrimaryKey("hour", "product_id")
    hour = models.DateTimeField()
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="hourly_views")
    views = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "product views by hour"
        constraints = [models.CheckConstraint(condition=Q(views__gt=0), name="product_views_hour_positive")]

    def __str__(self) -> str:
        return f"{self.product_id} {self.hour:%Y-%m-%d %H}: {self.views}"
