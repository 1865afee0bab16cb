from pathlib import Path

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0006_months"),
    ]

    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            Path(__file__).with_suffix(".down.sql").read_text(),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="operation",
            trigger=pgtrigger.compiler.Trigger(
                name="keeps_time",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_time()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_time() instead';",
                    hash="053f08b85929de29e52913150a19b6d79c36b0e6",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_keeps_time_316e5",
                    table="audit_operation",
                    when="BEFORE",
                ),
            ),
        ),
    ]
