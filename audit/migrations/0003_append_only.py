from pathlib import Path

import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_current_operation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            Path(__file__).with_suffix(".down.sql").read_text(),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="operation",
            trigger=pgtrigger.compiler.Trigger(
                name="forward_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_guard_operation()",
                    func="RAISE EXCEPTION 'the trigger calls audit_guard_operation() instead';",
                    hash="7e0fe968ea3846c71b227e6a7f3ff2956bb31c46",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_forward_only_b4de4",
                    table="audit_operation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="operation",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="966d4690268a31c9e2e7ebe4c27d2fef3e992a40",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_fdfa3",
                    table="audit_operation",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="operation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("state__in", ("queued", "running"))),
                    models.Q(
                        models.Q(("state__in", ("queued", "running")), _negated=True),
                        ("finished_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="operation_finished_has_time",
            ),
        ),
    ]
