from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("permissions", "0003_append_only"),
        ("audit", "0005_outside_operations"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            Path(__file__).with_suffix(".down.sql").read_text(),
        )
    ]
