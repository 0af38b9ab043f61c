from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("caching", "0002_invalidation"),
    ]

    operations = [
        migrations.CreateModel(
            name="Dictionary",
            fields=[
                (
                    "number",
                    models.BigIntegerField(
                        help_text="What packed entries name it by; made from its data.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("namespace", models.CharField(max_length=64)),
                ("data", models.BinaryField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("samples", models.IntegerField(help_text="Number of bodies that it was trained on.")),
                (
                    "raw_bytes",
                    models.BigIntegerField(help_text="Size of the bodies that it was tried on, which are others."),
                ),
                ("packed_bytes", models.BigIntegerField(help_text="Size of the same bodies packed with it.")),
            ],
            options={
                "verbose_name_plural": "dictionaries",
                "indexes": [models.Index(fields=["namespace", "-created_at"], name="dictionary_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 0), ("number__lt", 4294967296)),
                        name="dictionary_number_32_bit",
                    )
                ],
            },
        ),
    ]
