import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0008_joining"),
        ("tasks", "0004_outside_changes"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="historicalproject",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="2f6d60576565160e854dcae7a000337b1d91e4db",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_434e5",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="tasks_historicalproject",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaltask",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="eef67c4d41ba08735cc3e4b66884de7e48840601",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_579a1",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="tasks_historicaltask",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaltasktype",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="cb910b480b5628cb0dfb8156ea83076a5482931a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_2680d",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="tasks_historicaltasktype",
                    when="AFTER",
                ),
            ),
        ),
    ]
