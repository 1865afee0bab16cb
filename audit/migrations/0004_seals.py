from pathlib import Path

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_append_only"),
    ]

    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            Path(__file__).with_suffix(".down.sql").read_text(),
        ),
        migrations.CreateModel(
            name="Layout",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("document", models.TextField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("sealed_at", models.DateTimeField(db_index=True)),
                ("document", models.TextField()),
                ("signature", models.CharField(max_length=128)),
            ],
        ),
        migrations.CreateModel(
            name="SealedOperation",
            fields=[
                (
                    "operation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="sealed",
                        serialize=False,
                        to="audit.operation",
                    ),
                ),
                ("place", models.PositiveIntegerField()),
                (
                    "seal",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="operations_under",
                        to="audit.seal",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SealedRows",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "operation",
                        "table_name",
                        "part",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("table_name", models.CharField(db_collation="C", max_length=63)),
                ("part", models.PositiveIntegerField()),
                ("entries", models.BinaryField()),
                (
                    "operation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="audit.operation",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "sealed rows",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Unsealed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "operation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="audit.operation",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="operation",
            trigger=pgtrigger.compiler.Trigger(
                name="waits_for_seal",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NEW."finished_at" IS NOT NULL)',
                    execute="audit_await_seal()",
                    func="RAISE EXCEPTION 'the trigger calls audit_await_seal() instead';",
                    hash="ac58842e5210e598ac7a39e98a6d5b5a29e475e3",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_waits_for_seal_6dbfa",
                    table="audit_operation",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="layout",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="b8a914d4c501be2f2a78d86b6bf21cd1df6ddb66",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_5a21b",
                    table="audit_layout",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="layout",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="e43bb1b0258c56cd39656bfc4fcc15b1f1efe2b5",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_20653",
                    table="audit_layout",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="seal",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="de8f03ff49efbf19a2b589ba767ec8a69a71273b",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_4de12",
                    table="audit_seal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="seal",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="4b428b425819c52ee2eef1bd597551bbeceb7b26",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_8dbe2",
                    table="audit_seal",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="sealedoperation",
            constraint=models.UniqueConstraint(fields=("seal", "place"), name="seal_place_once"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sealedoperation",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="f3525059e59a3f6d717ab33dc481b9c8a1a8eb95",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_b28b6",
                    table="audit_sealedoperation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sealedoperation",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="307c27140577611975043953a099f2ce1225e48b",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_800df",
                    table="audit_sealedoperation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sealedrows",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="feb255383e4f97402841307036e64056b6ccf59e",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_cbc39",
                    table="audit_sealedrows",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sealedrows",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    execute="audit_refuse_change()",
                    func="RAISE EXCEPTION 'the trigger calls audit_refuse_change() instead';",
                    hash="c5dc550b26c78d7825d00d2dedf5720c12110eef",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_append_only_truncate_7db4f",
                    table="audit_sealedrows",
                    when="BEFORE",
                ),
            ),
        ),
        # Those that were finished before there were seals.
        migrations.RunSQL(
            "INSERT INTO audit_unsealed (operation_id) SELECT id FROM audit_operation"
            " WHERE finished_at IS NOT NULL ORDER BY finished_at, id",
            migrations.RunSQL.noop,
        ),
    ]
