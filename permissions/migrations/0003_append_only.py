import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_append_only"),
        ("permissions", "0002_effective"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="historicalapitoken",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="ada2c5dbe90e81cea6557e844cd5aaa72ebe8716",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_235d7",
                    table="permissions_historicalapitoken",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalapitoken",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="ed7ab0c8e8d799620969ce59b69dc6ed17da04b5",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_417f5",
                    table="permissions_historicalapitoken",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalrole",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="a83b25a5178fb088f30908fa064afc787f37a432",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_9d265",
                    table="permissions_historicalrole",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalrole",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="772143d78165618da2026f838b09f7f2a6326a1c",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_220a7",
                    table="permissions_historicalrole",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalrolemember",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="84b8ceecf696a811a61f369404ca2a09d6e10ba7",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_713e5",
                    table="permissions_historicalrolemember",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalrolemember",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="50b734cbf862aa300def2cbfa11799f6fc63a475",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_34040",
                    table="permissions_historicalrolemember",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalrolepermission",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="aa18acd602d9f8b84a2e416c2605af9bcf068011",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_42674",
                    table="permissions_historicalrolepermission",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalrolepermission",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="96869208b591f4208acca0f49d6dd37d582eb4fc",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_a9b2d",
                    table="permissions_historicalrolepermission",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaltaskpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="e16dd4e9c27b46758b0eed708fed0aa58cc97ced",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_2be9f",
                    table="permissions_historicaltaskpermission",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaltaskpermission",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="e6fc96b4739ae71360a71c30801ff74e65edcaca",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_b2f00",
                    table="permissions_historicaltaskpermission",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="ba6ae78dd3a2ed0c4c61313ddf8a9b4abecd3161",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_a2756",
                    table="permissions_historicalgroup",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="3508d518f5d02e5a7b0a2267470f56ec7b26a3f3",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_47e7f",
                    table="permissions_historicalgroup",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalgroup_permissions",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="ede7242d2fd455ce95841120e1681ecccfe4e933",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_2cfba",
                    table="permissions_historicalgroup_permissions",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalgroup_permissions",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="b606b1da770bba233d740cb617f1c3e17c1e7b44",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_d9c27",
                    table="permissions_historicalgroup_permissions",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaluser",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="54765c6ded43f6b4f3d5891b135cb048522ccd3e",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_2cd48",
                    table="permissions_historicaluser",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaluser",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="415b674ed6d66c5632602d3c5c32f29a2d60a4b5",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_d7f6a",
                    table="permissions_historicaluser",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaluser_groups",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="2c37b5be1b8d6125b7dd5caa52f9431c7b95d7bb",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_48a75",
                    table="permissions_historicaluser_groups",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaluser_groups",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="6dbbfa41dfc8b3ceb5f1f08603649239c754c34c",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_3ed68",
                    table="permissions_historicaluser_groups",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaluser_user_permissions",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="1a3851db52b2806491f9f62bf59573197eefc0d2",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_da0fb",
                    table="permissions_historicaluser_user_permissions",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicaluser_user_permissions",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="b34f7038cab76fbd38490e5a6d80cc94700fec50",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_b5b17",
                    table="permissions_historicaluser_user_permissions",
                    when="BEFORE",
                ),
            ),
        ),
    ]
