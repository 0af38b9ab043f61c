"""Index due offers by their ids too, and events by who acted, while everybody reads and writes.

Concurrently, hence outside a transaction: a run that is stopped may leave an index that is unfinished and never used.
The next run begins by removing it, so the migration can be repeated from any point.
"""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


def remove_unfinished(index: str) -> migrations.RunSQL:
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("offers", "0004_event_told"),
    ]

    operations = [
        remove_unfinished("offer_due_in_order"),
        AddIndexConcurrently(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("status", "active")), fields=["expires_at", "id"], name="offer_due_in_order"
            ),
        ),
        # Not before its successor is there, so that the sweep never reads the whole table.
        RemoveIndexConcurrently(
            model_name="offer",
            name="offer_due",
        ),
        remove_unfinished("offer_event_actor"),
        AddIndexConcurrently(
            model_name="offerevent",
            index=models.Index(
                condition=models.Q(("actor__isnull", False)), fields=["actor"], name="offer_event_actor"
            ),
        ),
    ]
