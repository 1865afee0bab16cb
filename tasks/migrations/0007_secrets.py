import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0006_keeping"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="secret",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="56198d409c02232261cdcc4d25945ed03b5d5fae",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_2218f",
                    table="tasks_secret",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="secret",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="7c0b100a3ed0780fa38e5e7b3aad45f61f79f61f",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_91fb4",
                    table="tasks_secret",
                    when="BEFORE",
                ),
            ),
        ),
    ]
