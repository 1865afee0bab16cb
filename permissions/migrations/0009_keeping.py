from pathlib import Path

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("permissions", "0008_joining"),
    ]

    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            Path(__file__).with_suffix(".down.sql").read_text(),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="governedtask",
            trigger=pgtrigger.compiler.Trigger(
                name="every_task_has_a_permission_row",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="permissions_add_rows()",
                    func="RAISE EXCEPTION 'the trigger calls permissions_add_rows() instead';",
                    hash="c3b1d6ade228b737cef93f5732d06c506c288859",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_every_task_has_a_permission_row_b4d75",
                    referencing="REFERENCING NEW TABLE AS new_tasks ",
                    table="tasks_task",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="role",
            trigger=pgtrigger.compiler.Trigger(
                name="role_keeps_its_code",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."code" IS DISTINCT FROM (NEW."code") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id"))',
                    execute="permissions_keep_role()",
                    func="RAISE EXCEPTION 'the trigger calls permissions_keep_role() instead';",
                    hash="90afe4caf40791478be0f563dac9518b124f7947",
                    operation="UPDATE",
                    pgid="pgtrigger_role_keeps_its_code_f5590",
                    table="permissions_role",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rolemember",
            trigger=pgtrigger.compiler.Trigger(
                name="task_creators_are_no_members",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="permissions_guard_member()",
                    func="RAISE EXCEPTION 'the trigger calls permissions_guard_member() instead';",
                    hash="d059a3136162f4e756a87713ab75c3ea558a544c",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_task_creators_are_no_members_04511",
                    table="permissions_rolemember",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rolepermission",
            trigger=pgtrigger.compiler.Trigger(
                name="administrator_keeps_his_row",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."role_code" =  -1)',
                    execute="permissions_keep_administrator()",
                    func="RAISE EXCEPTION 'the trigger calls permissions_keep_administrator() instead';",
                    hash="b90a1b526389df6ab36055989b1642aba5cfc8fd",
                    operation="DELETE",
                    pgid="pgtrigger_administrator_keeps_his_row_e159b",
                    table="permissions_rolepermission",
                    when="BEFORE",
                ),
            ),
        ),
    ]
