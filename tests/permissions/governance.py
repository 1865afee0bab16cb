"""Applies SetPermissions and reads back what governs a task."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import pytest
from django.contrib.auth.models import User

from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from permissions.flags import Flag, flags_in
from permissions.models import Role, RoleMember, RolePermission, TaskPermission
from permissions.past.holders import Moment, TaskRights
from permissions.past.rights import read_rights
from permissions.roles import add_role
from tasks.batch import pipeline
from tasks.batch.errors import PlanRefused
from tasks.batch.pipeline import Applied, Batch
from tasks.batch.plan import Outcome, Reason
from tests.conftest import ORIGIN, Governed


CREATOR, ADMINISTRATOR, MANAGER, DEVELOPER, VIEWER = -3, -1, 3, 4, 8
ALL_FLAGS = {flag.vendor_name: True for flag in Flag}


class Governance(NamedTuple):
    """Whose matrix a task has, what a role holds under it, and under the one kept aside."""

    matrix: Literal["project", "own"]
    held: set[str]
    aside: set[str] | None


def governance_of(uid: str, *, role: int = VIEWER) -> Governance:
    """Read what governs the task, from its tables."""
    governed = TaskPermission.objects.select_related("matrix").get(task__uid=uid)
    return Governance(
        matrix="own" if governed.matrix.digest else "project",
        held=_held_in(governed.matrix_id, role),
        aside=_held_in(governed.own_matrix_id, role) if governed.own_matrix_id else None,
    )


def change(actor: User, uids: Sequence[str], **parameters: Any) -> Applied:
    """Apply SetPermissions with these parameters."""
    batch = Batch(change=SetPermissions(**parameters), uids=uids, origin=ORIGIN)
    return pipeline.apply(actor=actor, batch=batch)


def refusals(actor: User, uids: Sequence[str], **parameters: Any) -> list[Outcome]:
    """Return why the change is refused, having seen that it changes nothing."""
    before = list(TaskPermission.objects.order_by("pk").values())
    with pytest.raises(PlanRefused) as refused:
        change(actor, uids, **parameters)
    assert list(TaskPermission.objects.order_by("pk").values()) == before
    return refused.value.plan.refusals


def reasons(actor: User, uids: Sequence[str], **parameters: Any) -> list[Reason | None]:
    """Return the reasons for which the change is refused, one per task."""
    return [outcome.reason for outcome in refusals(actor, uids, **parameters)]


def set_in_project(governed: Governed, role: int, **flags: bool) -> None:
    """Change a row of the project's own matrix, as its administration does."""
    row = RolePermission.objects.get(
        matrix__project=governed.project, matrix__digest=None, role_code=role
    )
    for name, value in flags.items():
        setattr(row, name, value)
    with administrative_operation(actor=governed.admin, kind="edit_matrix", origin=ORIGIN):
        row.save()


def member_of(governed: Governed, role: int, name: str) -> User:
    """Return a new user who holds the role."""
    user = User.objects.create_user(name)
    with administrative_operation(actor=governed.admin, kind="add_member", origin=ORIGIN):
        RoleMember.objects.create(role=governed.role(role), user=user)
    return user


def add_named_role(governed: Governed, name: str) -> Role:
    """Add a custom role, which holds nothing, to the project."""
    with administrative_operation(actor=governed.admin, kind="add_role", origin=ORIGIN):
        return add_role(project=governed.project, name=name)


def add_steward(governed: Governed) -> User:
    """Return a user whose custom role holds every flag, and is none of the vendor's managers."""
    role = add_named_role(governed, "Steward")
    set_in_project(governed, role.code, **ALL_FLAGS)
    return member_of(governed, role.code, "steward")


def _held_in(matrix_id: int, role: int) -> set[str]:
    row = RolePermission.objects.filter(matrix=matrix_id, role_code=role).first()
    return {flag.vendor_name for flag in flags_in(row.flags)} if row else set()


def what_could(*, user_id: int, moment: Moment) -> list[TaskRights]:
    """Return the tasks on which the user held any flag, by key, and why: all pages of it."""
    page = read_rights(user_id=user_id, moment=moment)
    found = page.rights
    while page.following is not None and (moment.limit is None or len(found) < moment.limit):
        page = read_rights(user_id=user_id, moment=replace(moment, after=page.following))
        found += page.rights
    return found[: moment.limit]
