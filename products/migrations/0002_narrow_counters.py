"""Leave room in the counter table's pages, so that an update stays on its page (HOT) and writes little WAL."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("products", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE products_productviews SET (fillfactor = 50)",
            "ALTER TABLE products_productviews RESET (fillfactor)",
        ),
    ]
