import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0008_joining"),
        ("permissions", "0007_matrices"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="historicalapitoken",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="2f57531ace0226ea1942edae78cebb40f69b23a4",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_a3de8",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicalapitoken",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="4af5f2068040a9af867f9a2061449bf2663ff6da",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_e554c",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicalgroup",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalgroup_permissions",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="cb3d13fa45408e600d5f7b2f45b06d7d1cb73809",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_45908",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicalgroup_permissions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalpermissionmatrix",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="55abd309861e0b4e1be156fd3e32b632e71b34d8",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_ac47d",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicalpermissionmatrix",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalrole",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="4d23f2de6d185690125d1839b514f401098408ac",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_6d403",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicalrole",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalrolemember",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="0c145002c9da5fd513794378684d51a2303967c2",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_729b8",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicalrolemember",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalrolepermission",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="e3c0ce71356176ccbe08a03a9bd05ae91ed1846d",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_e0e6a",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicalrolepermission",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaltaskpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="e503cd4066fbaf3ecb7a26ef342996c2a9601d6f",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_2ade2",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicaltaskpermission",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaluser",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="9558721a5ae1fc8ee57639be553cdb3cf8258100",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_0c417",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicaluser",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaluser_groups",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="fce08270d1f24a02dfb80ea447746614bc2bd7bc",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_192eb",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicaluser_groups",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaluser_user_permissions",
            trigger=pgtrigger.compiler.Trigger(
                name="joins_nothing_finished",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_history()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_history() instead';",
                    hash="a75192424060a17b381bdc0bd3ba5c9829092e88",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_joins_nothing_finished_d189b",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_historicaluser_user_permissions",
                    when="AFTER",
                ),
            ),
        ),
    ]
