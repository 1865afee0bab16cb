from pathlib import Path

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("permissions", "0006_outside_changes"),
        ("audit", "0006_months"),
    ]
    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            Path(__file__).with_suffix(".down.sql").read_text(),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="permissionmatrix",
            trigger=pgtrigger.compiler.Trigger(
                name="matrix_keeps_its_name",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="permissions_guard_matrix()",
                    func="RAISE EXCEPTION 'the trigger calls permissions_guard_matrix() instead';",
                    hash="9af3820b0e4bfef204fa08e0708baba953c63618",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_matrix_keeps_its_name_dd4cd",
                    table="permissions_permissionmatrix",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="permissionmatrix",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="e705b23332990907214f7a13ca28147a2a236550",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_45607",
                    table="permissions_permissionmatrix",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rolepermission",
            trigger=pgtrigger.compiler.Trigger(
                name="interned_rows_are_immutable",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="permissions_guard_matrix_row()",
                    func="RAISE EXCEPTION 'the trigger calls permissions_guard_matrix_row() instead';",
                    hash="f158e91fd0d745e060ba0433b3a235f0a4598d0f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_interned_rows_are_immutable_99e00",
                    table="permissions_rolepermission",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rolepermission",
            trigger=pgtrigger.compiler.Trigger(
                name="interned_rows_are_as_named",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="permissions_compare_new_rows()",
                    func="RAISE EXCEPTION 'the trigger calls permissions_compare_new_rows() instead';",
                    hash="a3b5629203fd27f2a609d518956caed1b1acc14e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_interned_rows_are_as_named_9cad1",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="permissions_rolepermission",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rolepermission",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="bfa3f1bd0733ff12708d9cc0a08c5115ff0324e2",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_557fa",
                    table="permissions_rolepermission",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalpermissionmatrix",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="04e6b10c8ebf1ad4e4e887aed747cd234852c4a3",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_515f5",
                    table="permissions_historicalpermissionmatrix",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="historicalpermissionmatrix",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="f44c3515b360dc45d2cd4d1b0d221dbf8f03adfa",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_cd5f4",
                    table="permissions_historicalpermissionmatrix",
                    when="BEFORE",
                ),
            ),
        ),
    ]
