"""Index events by actor, without blocking reads or writes. It can be repeated from any point, like 0005."""

from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("offers", "0006_remove_offer_due"),
    ]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS offer_event_actor", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="offerevent",
            index=models.Index(
                condition=models.Q(("actor__isnull", False)), fields=["actor"], name="offer_event_actor"
            ),
        ),
    ]
