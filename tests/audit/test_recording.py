"""Which operation a change is recorded under: as Python knows it, and as the database does."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.context import current_operation, recording
from audit.models import Channel, Operation, State
from audit.recorder import administrative_operation, record_update
from permissions.models import PermissionMatrix, TaskPermission
from tasks.models import Project, Task
from tests.conftest import ORIGIN, Governed
from tests.tracked import assert_history_equals_row, history_of, project_values, task_values


def database_operation() -> tuple[str, str]:
    """Return the operation and the actor that the database's triggers now know."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting('bulkhead.operation', true), ''),"
            " coalesce(current_setting('bulkhead.actor', true), '')"
        )
        operation, actor = cursor.fetchone()
    return operation, actor


def test_an_operation_inside_another_gives_the_outer_one_back(governed: Governed) -> None:
    before = database_operation()
    with administrative_operation(actor=governed.admin, kind="outer", origin=ORIGIN) as outer:
        with administrative_operation(actor=governed.manager, kind="inner", origin=ORIGIN) as inner:
            assert database_operation() == (str(inner.pk), str(governed.manager.pk))
        assert current_operation() is outer
        assert database_operation() == (str(outer.pk), str(governed.admin.pk))
        governed.add_tasks(1)
    assert current_operation() is None
    assert database_operation() == before == ("", "")


def test_an_operation_that_failed_is_known_to_nobody_any_more(governed: Governed) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        administrative_operation(actor=governed.admin, kind="failing", origin=ORIGIN),
    ):
        raise ZeroDivisionError
    assert current_operation() is None
    assert database_operation() == ("", "")


INSERT_TASK = """
INSERT INTO tasks_task (uid, project_id, task_type_id, name, settings, enabled, disabled_reason,
                        created_by_id, created_at, updated_at, version)
SELECT md5(n::text), %(project)s, %(type)s, 'task ' || n, '{}', true, '',
       %(creator)s, now(), now(), 1
FROM generate_series(1, %(count)s) AS n
"""


def insert_outside_the_application(governed: Governed, *, count: int) -> None:
    """Insert tasks as somebody with psql does."""
    arguments = {
        "project": governed.project.pk,
        "type": governed.task_type.pk,
        "creator": governed.developer.pk,
        "count": count,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_TASK, arguments)


def test_an_operation_from_outside_the_application_names_the_program(governed: Governed) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL application_name = 'psql'")
    insert_outside_the_application(governed, count=1)
    operation = Operation.objects.filter(channel=Channel.DATABASE).latest("created_at")
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, host(inet_client_addr())")
        assert (operation.actor_name, operation.address) == cursor.fetchone()
    assert operation.user_agent == "psql"


def test_tasks_inserted_outside_the_application_follow_their_project_under_an_operation(
    governed: Governed,
) -> None:
    insert_outside_the_application(governed, count=3)
    operation = Operation.objects.filter(channel=Channel.DATABASE).latest("created_at")
    assert operation.actor is None
    assert operation.actor_name
    matrix = PermissionMatrix.objects.get(project=governed.project, digest=None)
    rows = TaskPermission.objects.filter(task__project=governed.project)
    assert [(row.matrix_id, row.own_matrix_id) for row in rows] == [(matrix.pk, None)] * 3
    for row in rows:
        assert_history_equals_row(row)
        assert [entry["operation_id"] for entry in history_of(row)] == [str(operation.pk)]


def test_a_change_from_outside_is_recorded_where_constraints_are_checked_at_once(
    governed: Governed,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    insert_outside_the_application(governed, count=2)
    operation = Operation.objects.filter(channel=Channel.DATABASE).latest("created_at")
    assert Task.history.filter(operation=operation).count() == 2


def test_an_insert_of_no_rows_opens_no_operation(governed: Governed) -> None:
    before = Operation.objects.count()
    insert_outside_the_application(governed, count=0)
    assert Operation.objects.count() == before
    assert database_operation() == ("", "")


def test_tasks_inserted_by_the_application_have_the_permission_row_under_its_operation(
    governed: Governed, operation: Operation
) -> None:
    insert_outside_the_application(governed, count=2)
    history = TaskPermission.history.all()
    assert {(row.operation_id, row.history_user_id) for row in history} == {
        (operation.pk, governed.manager.pk)
    }


def test_a_task_of_a_project_without_a_matrix_cannot_be_inserted(governed: Governed) -> None:
    with administrative_operation(actor=governed.admin, kind="bare project", origin=ORIGIN):
        bare = Project.objects.create(**project_values(governed))
        with pytest.raises(IntegrityError, match="matrix_id"), transaction.atomic():
            Task.objects.create(**{**task_values(governed), "project": bare})


def test_an_operation_from_outside_the_application_ends_with_its_transaction(
    committed: Governed,
) -> None:
    with transaction.atomic():
        insert_outside_the_application(committed, count=1)
        operation = Operation.objects.filter(channel=Channel.DATABASE).latest("created_at")
        assert (operation.state, operation.finished_at) == (State.RUNNING, None)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.01), clock_timestamp()")
            before_the_end = cursor.fetchone()[1]
    operation.refresh_from_db()
    assert operation.state == State.APPLIED
    assert operation.finished_at is not None
    assert operation.finished_at > before_the_end


@pytest.mark.parametrize("ahead", [timedelta(days=-1), timedelta(days=1)])
def test_history_is_dated_by_the_database_and_not_after_its_operation_is_finished(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, ahead: timedelta
) -> None:
    before, wrong = timezone.now(), timezone.now() + ahead
    monkeypatch.setattr("django.utils.timezone.now", lambda: wrong)
    uids = governed.add_tasks(2)
    with administrative_operation(actor=governed.admin, kind="op", origin=ORIGIN) as operation:
        governed.task_type.save()
        keys = list(Task.objects.values_list("pk", flat=True))
        columns = {"disabled_reason": ["why"] * 2}
        record_update(model=Task, operation=operation, at=wrong, keys=keys, columns=columns)
    tasks = Task.history.filter(uid__in=uids)
    dates = [row.history_date for row in [*tasks, governed.task_type.history.latest()]]
    assert before < min(dates)
    assert operation.finished_at is not None
    assert max(dates) < operation.finished_at < before + timedelta(hours=1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failing", [False, True])
def test_a_connection_that_is_used_again_remembers_no_operation(failing: bool) -> None:
    operation = Operation(kind="test", actor_name="nobody")
    with transaction.atomic():
        with recording(operation):
            assert database_operation() == (str(operation.pk), "")
        transaction.set_rollback(failing)
    assert database_operation() == ("", "")
