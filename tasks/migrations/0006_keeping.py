from pathlib import Path

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0005_joining"),
    ]

    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            Path(__file__).with_suffix(".down.sql").read_text(),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="task",
            trigger=pgtrigger.compiler.Trigger(
                name="task_keeps_id_creator_project",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."uid" IS DISTINCT FROM (NEW."uid"))',
                    execute="tasks_keep_task()",
                    func="RAISE EXCEPTION 'the trigger calls tasks_keep_task() instead';",
                    hash="f4219765acce029d7c5d638430aa0908ef0d5db2",
                    operation="UPDATE",
                    pgid="pgtrigger_task_keeps_id_creator_project_086a0",
                    table="tasks_task",
                    when="BEFORE",
                ),
            ),
        ),
    ]
