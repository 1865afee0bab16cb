from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("permissions", "0001_initial"),
        ("audit", "0002_current_operation"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            Path(__file__).with_suffix(".down.sql").read_text(),
        ),
        # Django cannot declare it; see the model for the reason.
        migrations.RunSQL(
            "ALTER TABLE permissions_tokenallowance SET UNLOGGED",
            "ALTER TABLE permissions_tokenallowance SET LOGGED",
        ),
    ]
