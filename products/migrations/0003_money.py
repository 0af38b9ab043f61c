"""Add the constraints on the money of a product, and the yen.

The constraints are added as NOT VALID, which locks the table for milliseconds; they hold for new writes. Migration 0004
validates the existing rows.
"""

from __future__ import annotations

import django.db.models.functions.math
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("products", "0002_narrow_counters"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # A lock request that waits for a long transaction blocks all requests after it. So time out, and be run again.
        migrations.RunSQL("SET LOCAL lock_timeout = '2s'", migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name="product",
            name="product_currency",
        ),
        migrations.AlterField(
            model_name="product",
            name="currency",
            field=models.CharField(
                choices=[("EUR", "EUR"), ("USD", "USD"), ("GBP", "GBP"), ("CHF", "CHF"), ("JPY", "JPY")], max_length=3
            ),
        ),
        AddConstraintNotValid(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__in", ("EUR", "USD", "GBP", "CHF", "JPY"))), name="product_currency"
            ),
        ),
        AddConstraintNotValid(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("currency", "JPY"), _negated=True),
                    ("price", django.db.models.functions.math.Round("price", 0)),
                    _connector="OR",
                ),
                name="product_price_minor_unit",
            ),
        ),
    ]
