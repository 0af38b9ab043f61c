"""Validate the constraints of 0003 for the existing offers.

In a transaction of its own, since the one that adds a constraint locks the table until its end. The validation reads
the whole table, but blocks neither reads nor writes.
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
