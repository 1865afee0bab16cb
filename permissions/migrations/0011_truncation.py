from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("permissions", "0010_credentials")]
    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            Path(__file__).with_suffix(".down.sql").read_text(),
        )
    ]
