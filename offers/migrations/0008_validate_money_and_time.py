"""Check the offers that were there before the rules of money and time.

In a transaction of its own, since the one that adds a rule locks everybody out until its end. The check reads the whole
table, and neither reads nor writes wait for it.
"""

from __future__ import annotations

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0007_offer_event_actor"),
    ]

    operations = [
        ValidateConstraint(model_name="offer", name="offer_currency"),
        ValidateConstraint(model_name="offer", name="offer_amount_minor_unit"),
        ValidateConstraint(model_name="offer", name="offer_closed_in_time"),
    ]
