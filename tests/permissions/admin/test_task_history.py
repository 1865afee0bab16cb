"""The history of a task's permissions: whose they were, and flag by flag what changed."""

from typing import Any

from audit.admin.timeline import read_timeline
from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.models import Task
from tests.conftest import ORIGIN, Governed
from tests.permissions.governance import set_in_project


def told(governed: Governed, *changes: SetPermissions) -> list[Any]:
    """Apply the changes to one task; return what its history tells of the last one."""
    uid = governed.add_tasks(1)[0]
    for change in changes:
        batch = Batch(change=change, uids=[uid], origin=ORIGIN)
        pipeline.apply(actor=governed.manager, batch=batch)
    task = Task.objects.get(uid=uid)
    return [tuple(each) for each in read_timeline(page=Task, key=task.pk).rows[0].differences]


def test_leaving_the_project_s_permissions_is_told(governed: Governed) -> None:
    (what, old, new), *roles = told(governed, SetPermissions(flags={8: {"is_copy": True}}))
    assert what == "permissions"
    assert old.startswith("the project's (matrix ")
    assert new.startswith("of its own (matrix ")
    assert roles == [("Viewer of payments · copy", "no", "yes")]


def test_what_the_project_gave_is_told_as_it_was_then(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    own = SetPermissions(flags={8: {"is_copy": True}})
    batch = Batch(change=own, uids=[uid], origin=ORIGIN)
    pipeline.apply(actor=governed.manager, batch=batch)
    set_in_project(governed, 8, is_execute=True)
    (row, *_) = read_timeline(page=Task, key=Task.objects.get(uid=uid).pk).rows
    assert tuple(row.differences[1]) == ("Viewer of payments · copy", "no", "yes")


def test_a_change_of_a_task_s_own_permissions_is_told_flag_by_flag(governed: Governed) -> None:
    first = SetPermissions(flags={8: {"is_copy": True}})
    second = SetPermissions(flags={8: {"is_execute": True}, 5: {"is_view": False}})
    assert told(governed, first, second) == [
        ("Test manager of payments · view", "yes", "no"),
        ("Viewer of payments · execute", "no", "yes"),
    ]


def test_a_role_is_called_as_it_was_then(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    own = Batch(change=SetPermissions(flags={8: {"is_copy": True}}), uids=[uid], origin=ORIGIN)
    pipeline.apply(actor=governed.manager, batch=own)
    with administrative_operation(actor=governed.admin, kind="rename", origin=ORIGIN):
        for renamed in (governed.role(8), governed.project):
            renamed.name = f"another {renamed.name}"
            renamed.save()
    (row, *_) = read_timeline(page=Task, key=Task.objects.get(uid=uid).pk).rows
    assert tuple(row.differences[1]) == ("Viewer of payments · copy", "no", "yes")


def test_following_again_is_told_once(governed: Governed) -> None:
    own = SetPermissions(flags={8: {"is_copy": True}})
    (what, _, new), *roles = told(governed, own, SetPermissions(follow=True))
    assert (what, new.partition(" (")[0]) == ("permissions", "the project's")
    assert roles == [("Viewer of payments · copy", "yes", "no")]


def test_what_is_kept_aside_is_told_where_it_is_new(governed: Governed) -> None:
    own = SetPermissions(flags={8: {"is_copy": True}})
    aside = SetPermissions(follow=True, flags={8: {"is_execute": True}})
    _, (what, old, new), *_ = told(governed, own, aside)
    assert (what, old, new.split()[0]) == ("permissions kept aside", "–", "matrix")
