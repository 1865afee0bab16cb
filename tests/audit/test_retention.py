"""Old months go into archives that anybody can verify, and what is needed for the time since stays."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from audit import retention, retention_queries
from audit.archived import ARCHIVE, history_begins
from audit.management.commands.audit_retention import beginning
from audit.models import Operation
from audit.months import open_months
from audit.proof.signing import trusted_keys
from audit.retention import (
    InTheWay,
    OldRows,
    _alone,
    archive_old,
    make_kept,
    old_rows,
    patiently,
)
from permissions.past.holders import Moment
from tasks.models import Task
from tasks.past import find_task
from tests.audit.aged import HISTORY, TABLE
from tests.audit.sealed import execute, partitions_of
from tests.audit.test_audit_commands import refused, said
from tests.conftest import ORIGIN, Governed
from tests.held_threads import threads
from tests.permissions.governance import what_could
from tests.tasks.api.caller import caller_of
from tests.visitors import page, visit


def test_what_an_object_was_when_the_oldest_month_began_stays(
    aged: Governed, tmp_path: Path
) -> None:
    before = list(HISTORY.objects.order_by("history_id").values())
    newest_old = {row["id"]: row for row in before if row["history_id"] < 100}
    young = [row for row in before if row["history_id"] > 100]
    call_command(
        "audit_retention", "--keep=24months", f"--archive={tmp_path}", "--actor=payments-admin"
    )
    after = list(HISTORY.objects.order_by("history_id").values())
    assert (len(before), len(newest_old), len(young)) == (7, 3, 2)
    assert after == [*sorted(newest_old.values(), key=lambda row: row["history_id"]), *young]


def test_a_task_is_found_when_the_row_of_its_creation_was_archived(
    aged: Governed, archive: Path
) -> None:
    tasks = list(Task.objects.order_by("pk"))
    assert [find_task(uid=task.uid) for task in tasks] == [task.pk for task in tasks]
    for user in (aged.viewer, aged.admin):
        could = what_could(user_id=user.pk, moment=Moment(at=timezone.now()))
        assert [right.task.id for right in could] == [task.pk for task in tasks]
    for task in tasks:
        execute("DELETE FROM permissions_taskpermission WHERE task_id = %s", [task.pk])
        execute("DELETE FROM tasks_task WHERE id = %s", [task.pk])
    assert [find_task(uid=task.uid) for task in tasks] == [task.pk for task in tasks]


def test_what_was_gone_before_the_oldest_month_is_not_kept(aged: Governed, tmp_path: Path) -> None:
    execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
    execute(
        f"INSERT INTO {TABLE} SELECT (jsonb_populate_record(row, jsonb_build_object("  # noqa: S608
        f" 'history_id', 50, 'history_type', '-'))).* FROM {TABLE} AS row WHERE history_id = 2"
    )
    gone = HISTORY.objects.get(history_id=50).id
    rows = OldRows(table=TABLE, object_key="id", below=1_000)
    make_kept(rows)
    kept = {key for (key,) in execute(f"SELECT id FROM {rows.kept}")}  # noqa: S608
    assert len(kept) == 2
    assert gone not in kept


def test_what_was_dropped_where_and_why_is_an_operation(aged: Governed, archive: Path) -> None:
    operation = Operation.objects.get(kind=ARCHIVE)
    assert operation.actor == aged.admin
    assert operation.parameters["archive"] == archive.name
    assert operation.parameters["tables"][TABLE]["kept"] == 3
    assert history_begins() == beginning(at=timezone.now(), months_ago=24)
    months = partitions_of(TABLE)
    assert not {f"{TABLE}_before"} & set(months)
    open_months(at=timezone.now())
    assert partitions_of(TABLE) == months


def test_a_moment_of_which_no_history_is_left_gets_no_answer(aged: Governed, archive: Path) -> None:
    begins = history_begins()
    assert begins is not None
    execute("SET CONSTRAINTS ALL DEFERRED")
    task, caller, client = Task.objects.earliest("pk"), caller_of(aged.admin), visit(aged.admin)
    pages = [page("tasks_task_past", task.pk), page("auth_user_past", aged.admin.pk)]
    for at, status in ((begins, 200), (begins - timedelta(seconds=1), 400)):
        for path in (f"access?user={aged.admin.username}&", f"settings?task={task.uid}&"):
            answer = caller.get(f"/api/v2/audit/{path}at={quote(at.isoformat())}")
            assert answer.status_code == status
            assert ("older history is in archives" in answer.content.decode()) is (status == 400)
        for address in pages:
            shown = client.get(address, {"at": f"{at:%Y-%m-%dT%H:%M:%S}"})
            assert ("is in archives" in shown.content.decode()) is (status == 400)
            assert ("moments" in shown.context) is (status == 200)


def test_what_a_retention_left_that_was_stopped_is_in_nobody_s_way(
    aged: Governed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("audit_retention", "--keep=24months", f"--archive={tmp_path}")
    before = HISTORY.objects.count()
    with monkeypatch.context() as patch:
        patch.setattr(retention, "_replace_months", partial(stop, before))
        with pytest.raises(KeyboardInterrupt):
            said(*command, f"--actor={aged.admin.username}")
    assert not Operation.objects.filter(kind=ARCHIVE).exists()
    assert said(*command, f"--actor={aged.admin.username}").startswith("archived 3 operations")
    (left, made) = sorted(tmp_path.iterdir())
    assert made.name == f"{left.name}-2"
    assert Operation.objects.get(kind=ARCHIVE).parameters["archive"] == made.name
    assert "rows are in the archives that you showed" in said(
        "verify_audit", "--archive", str(made)
    )


def stop(rows: int, *_: object, **__: object) -> None:
    """Be stopped where everything is made, and nothing replaced yet."""
    assert HISTORY.objects.count() == rows
    raise KeyboardInterrupt


def test_two_retentions_do_not_take_each_other_s_work_for_left_behind(
    committed: Governed, tmp_path: Path
) -> None:
    archive: dict[str, Any] = {
        "actor": committed.admin,
        "origin": ORIGIN,
        "trusted": trusted_keys(),
    }
    now = timezone.now()
    with threads() as start, _alone(), pytest.raises(InTheWay, match="somebody else archives"):
        start(lambda: archive_old(**archive, before=now, at=now, folder=tmp_path)).result()


def test_only_superusers_drop_history(aged: Governed, tmp_path: Path) -> None:
    command = ("audit_retention", "--keep=24months", f"--archive={tmp_path}")
    with pytest.raises(CommandError, match="payments-manager is no superuser"):
        said(*command, f"--actor={aged.manager.username}")
    assert not list(tmp_path.iterdir())


def test_what_is_not_sealed_or_not_as_it_was_sealed_is_not_dropped(
    aged: Governed, tmp_path: Path
) -> None:
    command = (
        "audit_retention",
        "--keep=24months",
        f"--archive={tmp_path}",
        "--actor=payments-admin",
    )
    execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
    execute(f"UPDATE {TABLE} SET name = 'another' WHERE history_id < 1000")  # noqa: S608
    assert refused(*command)[1].startswith("NOT AS SEALED: operation")
    assert HISTORY.objects.filter(history_id__lt=1000).count() == 5
    for table in ("audit_sealedrows", "audit_sealedoperation", "audit_seal"):
        execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        execute(f"DELETE FROM {table}")  # noqa: S608
    assert "are under no seal: manage.py seal_audit" in refused(*command)[1]
    assert not Operation.objects.filter(kind=ARCHIVE).exists()


def test_young_rows_keep_the_month_that_they_stand_in(aged: Governed, tmp_path: Path) -> None:
    execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
    execute(f"UPDATE {TABLE} SET history_date = now() WHERE history_id = 2")  # noqa: S608
    old = old_rows(HISTORY, before=beginning(at=timezone.now(), months_ago=24), former={})
    assert old is None


def test_the_month_that_is_kept_first_is_counted_back_from_the_present_one() -> None:
    at = datetime(2026, 3, 31, 23, tzinfo=UTC)
    assert beginning(at=at, months_ago=1) == datetime(2026, 2, 1, tzinfo=UTC)
    assert beginning(at=at, months_ago=24) == datetime(2024, 3, 1, tzinfo=UTC)
    assert beginning(at=at, months_ago=3) == datetime(2025, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("keep", ["24", "0months", "2years", "-1months"])
def test_what_to_keep_is_a_span_of_months(keep: str) -> None:
    with pytest.raises(CommandError, match="is no span like 24months"):
        said("audit_retention", f"--keep={keep}", "--archive=x", "--actor=somebody")


def test_months_are_replaced_when_nobody_is_in_the_way_and_nobody_waits_for_long(
    committed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_ATTEMPTS", 1)
    rows = OldRows(table=TABLE, object_key="id", below=0)

    def detach() -> None:
        rows.execute(retention_queries.DETACH, part=f"{TABLE}_before")
        transaction.set_rollback(True)

    with threads() as start, transaction.atomic():
        assert not HISTORY.objects.exists()
        with pytest.raises(InTheWay):
            start(lambda: patiently(detach)).result()
    patiently(detach)
    assert f"{TABLE}_before" in partitions_of(TABLE)
