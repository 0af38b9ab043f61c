"""Note which of the two parties of an offer was written to. It locks the events for milliseconds."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0003_money_and_time"),
    ]

    operations = [
        # Whoever comes after a lock that waits for a long transaction waits too: rather give up, and be tried again.
        migrations.RunSQL("SET LOCAL lock_timeout = '2s'", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="offerevent",
            name="told",
            field=models.CharField(blank=True, db_default="", default="", max_length=6),
        ),
    ]
