"""Check the products that were there before the rules of money.

In a transaction of its own, since the one that adds a rule locks everybody out until its end. The check reads the whole
table, and neither reads nor writes wait for it.
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
