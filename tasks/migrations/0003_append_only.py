import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_append_only"),
        ("tasks", "0002_room_for_updates"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="historicalproject",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="9781f0c1b5d995cd9e2ac68027af2923d2f9d618",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_0ff1d",
                    table="tasks_historicalproject",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalproject",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="edf81d8aa52cd33e567ba0fc618860161d051e23",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_371d9",
                    table="tasks_historicalproject",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaltask",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="2415d1bf3203bc6310249f481b745d3abd0d72fc",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_526f9",
                    table="tasks_historicaltask",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaltask",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="b6388b7591eb462139f686c3c7b375c1529baf36",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_4d929",
                    table="tasks_historicaltask",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaltasktype",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="6866642a733e93565a989efcc0c539bab8035b93",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_d2d2d",
                    table="tasks_historicaltasktype",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaltasktype",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="25c82f6dd0dd5a779a40f5aa12872d0aec58da57",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_2f8ae",
                    table="tasks_historicaltasktype",
                    when="BEFORE",
                ),
            ),
        ),
    ]
