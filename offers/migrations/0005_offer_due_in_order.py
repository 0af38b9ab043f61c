"""Index due offers by their ids too, while everybody reads and writes.

Concurrently, hence outside a transaction: a run that is stopped may leave an index that is unfinished and never used.
The next run begins by removing it, so the migration can be repeated from any point. Until it is through, the index
that it replaces is there.
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
