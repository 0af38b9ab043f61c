"""Add the column for the party that was notified. It locks the table of events for milliseconds."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0003_money_and_time"),
    ]

    operations = [
        # A lock request that waits for a long transaction blocks all requests after it. So time out, and be run again.
        migrations.RunSQL("SET LOCAL lock_timeout = '2s'", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="offerevent",
            name="told",
            field=models.CharField(blank=True, db_default="", default="", max_length=6),
        ),
    ]
