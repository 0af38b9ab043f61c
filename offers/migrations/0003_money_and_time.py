"""Add the constraints on money and time of an offer, and the yen.

The constraints are added as NOT VALID, which locks the table for milliseconds; they hold for new writes. Migration 0008
validates the existing rows.
"""

from __future__ import annotations

import django.db.models.functions.math
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0002_events"),
        ("products", "0003_money"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # A lock request that waits for a long transaction blocks all requests after it. So time out, and be run again.
        migrations.RunSQL("SET LOCAL lock_timeout = '2s'", migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name="offer",
            name="offer_currency",
        ),
        migrations.AlterField(
            model_name="offer",
            name="currency",
            field=models.CharField(
                choices=[("EUR", "EUR"), ("USD", "USD"), ("GBP", "GBP"), ("CHF", "CHF"), ("JPY", "JPY")], max_length=3
            ),
        ),
        AddConstraintNotValid(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__in", ("EUR", "USD", "GBP", "CHF", "JPY"))), name="offer_currency"
            ),
        ),
        AddConstraintNotValid(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("currency", "JPY"), _negated=True),
                    ("amount", django.db.models.functions.math.Round("amount", 0)),
                    _connector="OR",
                ),
                name="offer_amount_minor_unit",
            ),
        ),
        AddConstraintNotValid(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closed_at__isnull", True), ("closed_at__lte", models.F("expires_at")), _connector="OR"
                ),
                name="offer_closed_in_time",
            ),
        ),
    ]
