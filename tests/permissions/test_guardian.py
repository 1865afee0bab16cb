"""guardian answers from the view, and nothing writes or asks around it."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import guardian.shortcuts
import guardian.utils
import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db import transaction

from audit.recorder import administrative_operation
from permissions.effective import tasks_with, users_with
from permissions.flags import Flag
from permissions.guardian_managers import PermissionsAreMatrices, ViewQuerySet
from permissions.models import RoleMember, TaskGroupPermission, TaskUserPermission
from tasks.models import Task
from tests.conftest import ORIGIN, Governed


ROOT = Path(settings.BASE_DIR)
# Asked as callers without types do; guardian's own are narrower than what it takes.
shortcuts: Any = guardian.shortcuts
guardian_utils: Any = guardian.utils


def task_of(governed: Governed) -> Task:
    """Add a task to the project."""
    return Task.objects.get(uid=governed.add_tasks(1)[0])


def test_guardian_uses_the_models_on_the_views(db: None) -> None:
    assert guardian_utils.get_user_obj_perms_model(Task) is TaskUserPermission
    assert guardian_utils.get_group_obj_perms_model(Task) is TaskGroupPermission


Write = Callable[[User, Group, Task], object]

WRITES: dict[str, Write] = {
    "assign_perm to a user": lambda user, _, task: shortcuts.assign_perm("view_task", user, task),
    "assign_perm to a group": lambda _, group, task: shortcuts.assign_perm(
        "view_task", group, task
    ),
    "assign_perm to users": lambda user, _, task: shortcuts.assign_perm(
        "view_task", User.objects.filter(pk=user.pk), task
    ),
    "assign_perm to groups": lambda _, group, task: shortcuts.assign_perm(
        "view_task", Group.objects.filter(pk=group.pk), task
    ),
    "assign_perm on many": lambda user, _, task: shortcuts.assign_perm(
        "view_task", user, Task.objects.filter(pk=task.pk)
    ),
    "assign_perm on many to a group": lambda _, group, task: shortcuts.assign_perm(
        "view_task", group, Task.objects.filter(pk=task.pk)
    ),
    "bulk_assign_perm": lambda user, _, __: TaskUserPermission.objects.bulk_assign_perm(
        "view_task", user, Task.objects.all()
    ),
    "remove_perm of a user": lambda user, _, task: shortcuts.remove_perm("view_task", user, task),
    "remove_perm of a group": lambda _, group, task: shortcuts.remove_perm(
        "view_task", group, task
    ),
    "remove_perm on many": lambda user, _, __: shortcuts.remove_perm(
        "view_task", user, Task.objects.all()
    ),
    "create": lambda user, _, task: TaskUserPermission.objects.create(
        user=user, content_object=task
    ),
    "get_or_create": lambda user, _, __: TaskUserPermission.objects.get_or_create(user=user),
    "update_or_create": lambda user, _, __: TaskUserPermission.objects.update_or_create(user=user),
    "bulk_create": lambda *_: TaskUserPermission.objects.bulk_create([]),
    "bulk_update": lambda *_: TaskUserPermission.objects.bulk_update([], ["via"]),
    "update": lambda *_: TaskUserPermission.objects.all().update(via="x"),
    "delete": lambda user, *_: TaskUserPermission.objects.filter(user=user).delete(),
    "save": lambda user, _, task: TaskUserPermission(user=user, content_object=task).save(),
    "delete of a row": lambda *_: TaskUserPermission.objects.all()[0].delete(),
    "through the user": lambda user, _, task: user.task_permissions.create(content_object=task),
    "through the task": lambda _, __, task: task.user_permissions.all().delete(),
    "group: create": lambda _, group, task: TaskGroupPermission.objects.create(
        group=group, content_object=task
    ),
    "group: bulk_create": lambda *_: TaskGroupPermission.objects.bulk_create([]),
    "group: update": lambda *_: TaskGroupPermission.objects.all().update(group=1),
    "group: delete": lambda *_: TaskGroupPermission.objects.all().delete(),
    "group: save": lambda _, group, task: TaskGroupPermission(
        group=group, content_object=task
    ).save(),
    "group: delete of a row": lambda *_: TaskGroupPermission().delete(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_every_way_to_write_a_single_grant_is_refused(governed: Governed, write: Write) -> None:
    task, group = task_of(governed), Group.objects.create(name="testers")
    before = set(TaskUserPermission.objects.values_list("user", "permission"))
    with pytest.raises(PermissionsAreMatrices, match="SetPermissions"), transaction.atomic():
        write(governed.manager, group, task)
    assert set(TaskUserPermission.objects.values_list("user", "permission")) == before


def test_superusers_hold_everything_and_the_inactive_nothing(governed: Governed) -> None:
    task = task_of(governed)
    for user in (governed.admin, governed.manager):
        assert {flag.codename for flag in Flag} <= set(shortcuts.get_perms(user, task))
        User.objects.filter(pk=user.pk).update(is_active=False)
        user = User.objects.get(pk=user.pk)  # noqa: PLW2901 - what it holds is remembered with it
        assert shortcuts.get_perms(user, task) == []
        assert not user.has_perm("tasks.view_task", task)
        assert not tasks_with(user=user, permission="view_task").exists()
        assert user not in users_with(task=task, permission="view_task")


def test_a_visitor_without_an_account_holds_nothing(governed: Governed) -> None:
    task = task_of(governed)
    assert not AnonymousUser().has_perm("tasks.view_task", task)
    assert not tasks_with(user=AnonymousUser(), permission="view_task").exists()


def test_a_permission_on_the_model_as_a_whole_opens_no_task(governed: Governed) -> None:
    task = task_of(governed)
    group = Group.objects.create(name="testers")
    governed.outsider.groups.add(group)
    for permission in Permission.objects.filter(content_type__model="task"):
        governed.outsider.user_permissions.add(permission)
        group.permissions.add(permission)
    outsider = User.objects.get(pk=governed.outsider.pk)
    assert outsider.has_perm("tasks.view_task")
    assert not outsider.has_perm("tasks.view_task", task)
    assert not tasks_with(user=outsider, permission="view_task").exists()
    assert outsider not in users_with(task=task, permission="view_task")


def test_two_ways_of_one_right_are_not_two_rights(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_of(governed)
    with administrative_operation(actor=governed.admin, kind="add members", origin=ORIGIN):
        RoleMember.objects.create(role=governed.role(5), user=governed.viewer)
    both = ["view_task", "delete_task"]
    ask: dict[str, Any] = {"klass": Task, "use_groups": False, "accept_global_perms": False}
    assert not shortcuts.get_objects_for_user(governed.viewer, both, **ask)
    # What guardian says by itself, counting rows: this is what the queryset's own count prevents.
    monkeypatch.delattr(ViewQuerySet, "annotate")
    assert shortcuts.get_objects_for_user(governed.viewer, both, **ask)


def test_users_tasks_and_groups_can_be_deleted_despite_the_view(governed: Governed) -> None:
    task = task_of(governed)
    group = Group.objects.create(name="testers")
    governed.outsider.groups.add(group)
    with administrative_operation(actor=governed.admin, kind="delete", origin=ORIGIN):
        RoleMember.objects.create(role=governed.role(8), group=group)
        RoleMember.objects.create(role=governed.role(8), user=governed.outsider)
        assert governed.outsider in shortcuts.get_users_with_perms(task)
        group.delete()
        governed.outsider.delete()
        task.delete()
    assert not Task.objects.exists()
    assert not TaskUserPermission.objects.exists()


def names_in(path: Path) -> set[str]:
    """Return every name that a Python file uses or imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.alias):
            names.add(node.name)
    return names


ASKED_THROUGH_EFFECTIVE = {
    "get_objects_for_user",
    "get_objects_for_group",
    "get_users_with_perms",
    "get_groups_with_perms",
    "ObjectPermissionChecker",
}


def test_only_the_module_for_lists_asks_guardian_for_lists() -> None:
    callers = {
        str(path.relative_to(ROOT))
        for app in ("audit", "config", "permissions", "tasks")
        for path in (ROOT / app).rglob("*.py")
        if names_in(path) & ASKED_THROUGH_EFFECTIVE
    }
    assert callers == {"permissions/effective.py"}
