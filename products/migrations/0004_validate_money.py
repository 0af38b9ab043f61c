"""Validate the constraints of 0003 for the existing products.

In a transaction of its own, since the one that adds a constraint locks the table until its end. The validation reads
the whole table, but blocks neither reads nor writes.
"""

from __future__ import annotations

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("products", "0003_money"),
    ]

    operations = [
        ValidateConstraint(model_name="product", name="product_currency"),
        ValidateConstraint(model_name="product", name="product_price_minor_unit"),
    ]
