"""Drop the index of due offers that 0005 replaces, without blocking reads or writes."""

from __future__ import annotations

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("offers", "0005_offer_due_in_order"),
    ]

    operations = [
        RemoveIndexConcurrently(
            model_name="offer",
            name="offer_due",
        ),
    ]
