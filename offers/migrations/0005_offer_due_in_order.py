"""Add the id to the index of due offers, without blocking reads or writes.

CONCURRENTLY needs to run outside a transaction, so an interrupted run can leave an invalid index, which is never used.
The next run drops it first, so the migration can be repeated from any point. The index that it replaces is dropped in
0006, after this one is built.
"""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("offers", "0004_event_told"),
    ]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS offer_due_in_order", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("status", "active")), fields=["expires_at", "id"], name="offer_due_in_order"
            ),
        ),
    ]
