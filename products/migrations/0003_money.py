"""The rules of money of a product, and the yen.

The rules are added unchecked, which locks the table for milliseconds, and hold for what is written from then on.
Migration 0004 checks the rows that are there.
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
        # Whoever comes after a lock that waits for a long transaction waits too: rather give up, and be tried again.
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
