"""A project's own matrix: who may change it and how, how far that reaches, and its undo."""

import json
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from audit.recorder import administrative_operation
from permissions import project_pipeline
from permissions.changes import RestoreProjectMatrix, SetProjectMatrix
from permissions.flags import Flag
from permissions.models import RoleMember, RolePermission
from permissions.project_pipeline import AppliedMatrix, MatrixDrifted, MatrixRefused
from permissions.roles import create_project
from tasks.batch.errors import NotRevertible, OperationUnknown
from tasks.batch.plan import OutcomeKind, Reason, WarningCode
from tasks.changes import RecycleTasks
from tasks.models import Task
from tests.batches import apply, statements_of
from tests.conftest import ORIGIN, Governed
from tests.permissions.governance import (
    ADMINISTRATOR,
    ALL_FLAGS,
    CREATOR,
    DEVELOPER,
    MANAGER,
    VIEWER,
    add_steward,
    change,
    governance_of,
    member_of,
    set_in_project,
)
from tests.threads import at_once


RAISE = {VIEWER: {"is_execute": True}}
NO_MANAGE = {"is_manager": False}


def wanted(governed: Governed, flags: dict[int, dict[str, bool]]) -> SetProjectMatrix:
    return SetProjectMatrix(project_uid=governed.project.uid, flags=flags)


def set_matrix(
    actor: User, governed: Governed, flags: dict[int, dict[str, bool]], *, expected: str = ""
) -> AppliedMatrix:
    """Change the project's matrix."""
    return project_pipeline.apply(
        actor=actor, change=wanted(governed, flags), origin=ORIGIN, expected=expected
    )


def refusal(actor: User, governed: Governed, flags: dict[int, dict[str, bool]]) -> Any:
    """Return why the change is refused, having seen that it changes nothing."""
    before = list(RolePermission.objects.order_by("pk").values())
    with pytest.raises(MatrixRefused) as refused:
        set_matrix(actor, governed, flags)
    assert list(RolePermission.objects.order_by("pk").values()) == before
    return refused.value.plan.outcome.reason


def undo(actor: User, applied: AppliedMatrix, **choice: bool) -> AppliedMatrix:
    undoing = project_pipeline.change_to_undo(
        actor=actor, operation_id=applied.operation.pk, **choice
    )
    return project_pipeline.apply(actor=actor, change=undoing, origin=ORIGIN)


def held(governed: Governed, role: int) -> set[str]:
    """Read what a role holds in the project's own matrix."""
    (uid,) = governed.add_tasks(1)
    return governance_of(uid, role=role).held


def test_a_manager_changes_it_and_every_following_task_follows_at_once(governed: Governed) -> None:
    following, apart = governed.add_tasks(2)
    change(governed.manager, [apart], follow=False)
    applied = set_matrix(governed.manager, governed, RAISE)
    viewer = User.objects.get(pk=governed.viewer.pk)
    rights = [
        viewer.has_perm("tasks.execute_task", Task.objects.get(uid=uid))
        for uid in (following, apart)
    ]
    assert rights == [True, False]
    rows = RolePermission.history.filter(operation=applied.operation)
    assert [(row.role_code, row.is_execute, row.history_type) for row in rows] == [(8, True, "~")]
    operation = applied.operation
    assert (operation.kind, operation.targets, operation.changed) == ("set_project_matrix", 1, 1)
    assert operation.parameters == {
        "project": governed.project.uid,
        "flags": {"8": {"is_execute": True}},
    }


def test_what_already_is_so_is_recorded_as_unchanged(governed: Governed) -> None:
    applied = set_matrix(governed.manager, governed, {VIEWER: {"is_view": True}})
    assert (applied.operation.changed, applied.operation.unchanged) == (0, 1)
    assert not RolePermission.history.filter(operation=applied.operation).exists()


def test_a_role_without_a_row_gets_one(governed: Governed) -> None:
    with administrative_operation(actor=governed.admin, kind="remove_row", origin=ORIGIN):
        RolePermission.objects.filter(matrix__project=governed.project, role_code=7).delete()
    applied = set_matrix(governed.manager, governed, {7: {"is_view": True}})
    assert held(governed, 7) == {"is_view"}
    assert RolePermission.history.get(operation=applied.operation).history_type == "+"
    undo(governed.manager, applied)
    assert held(governed, 7) == set()


def test_a_preview_says_who_gains_and_loses_what_and_how_far_that_reaches(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(4, creator=governed.outsider)
    change(governed.admin, uids[:1], follow=False)
    apply(governed.admin, RecycleTasks(), uids[1:2])
    group = Group.objects.create(name="testers")
    group.user_set.add(governed.developer, User.objects.create_user("gone", is_active=False))
    with administrative_operation(actor=governed.admin, kind="add_member", origin=ORIGIN):
        RoleMember.objects.create(role=governed.role(VIEWER), group=group)
    flags = {**RAISE, 7: {"is_copy": False}, 5: {"is_view": False, "is_modify": True}}
    plan = project_pipeline.preview(actor=governed.manager, change=wanted(governed, flags))
    assert plan.gains == {VIEWER: [Flag.EXECUTE], 5: [Flag.MODIFY]}
    assert plan.losses == {5: [Flag.VIEW]}
    assert (plan.reach.tasks, plan.reach.users) == (2, 2)
    creators = {CREATOR: {"is_copy": False}}
    plan = project_pipeline.preview(actor=governed.manager, change=wanted(governed, creators))
    assert (plan.reach.tasks, plan.reach.users) == (2, 1)


def test_a_preview_shows_before_and_after_like_that_of_tasks(governed: Governed) -> None:
    plan = project_pipeline.preview(actor=governed.manager, change=wanted(governed, RAISE))
    assert plan.outcome.changed == [f"/roles/{VIEWER}/is_execute"]
    before, after = (
        json.loads(text)["roles"]["8"] for text in (plan.outcome.before, plan.outcome.after)
    )
    assert (before, after) == (["is_view"], ["is_view", "is_execute"])


@pytest.mark.parametrize(
    ("actor", "reason"),
    [
        ("developer", Reason.NO_RIGHT),
        ("viewer", Reason.NO_RIGHT),
        ("outsider", Reason.NOT_FOUND),
    ],
)
def test_who_manages_nothing_by_a_role_may_not(
    governed: Governed, actor: str, reason: Reason
) -> None:
    # As the creator of a task one manages that task, and not its project.
    governed.add_tasks(1, creator=governed.viewer)
    assert refusal(getattr(governed, actor), governed, RAISE) is reason


def test_administrators_creators_and_managing_roles_may(governed: Governed) -> None:
    founder = User.objects.create_user("founder")
    with administrative_operation(actor=founder, kind="add_project", origin=ORIGIN) as operation:
        project = create_project(actor=founder, operation=operation, name="founded")
    own = SetProjectMatrix(project_uid=project.uid, flags=RAISE)
    project_pipeline.apply(actor=founder, change=own, origin=ORIGIN)
    administrator = member_of(governed, ADMINISTRATOR, "administrator")
    for actor in (governed.admin, administrator, add_steward(governed)):
        set_matrix(actor, governed, RAISE)
        set_matrix(actor, governed, {VIEWER: {"is_execute": False}})


def test_an_account_that_is_closed_may_nothing(governed: Governed) -> None:
    User.objects.filter(pk=governed.admin.pk).update(is_active=False)
    assert refusal(governed.admin, governed, RAISE) is Reason.NOT_FOUND


def test_nobody_grants_what_their_roles_do_not_hold(governed: Governed) -> None:
    set_in_project(governed, MANAGER, is_delete=False)
    # What one holds as the creator of single tasks is not held in the project.
    governed.add_tasks(1, creator=governed.manager)
    for role in (VIEWER, MANAGER):
        assert refusal(governed.manager, governed, {role: {"is_delete": True}}) is Reason.NOT_HELD
    set_matrix(governed.manager, governed, {DEVELOPER: {"is_delete": False}})
    assert refusal(governed.manager, governed, {DEVELOPER: ALL_FLAGS}) is Reason.NOT_HELD


def test_the_administrators_row_is_locked_for_everybody(governed: Governed) -> None:
    for actor in (governed.admin, governed.manager):
        flags = {ADMINISTRATOR: {"is_delete": False}, **RAISE}
        assert refusal(actor, governed, flags) is Reason.LOCKED_ROLE
    set_matrix(governed.manager, governed, {ADMINISTRATOR: ALL_FLAGS, **RAISE})


def test_the_task_creators_row_is_changed_by_managers_alone(governed: Governed) -> None:
    lowered = {CREATOR: {"is_delete": False}}
    assert refusal(add_steward(governed), governed, lowered) is Reason.LOCKED_ROLE
    set_matrix(governed.manager, governed, lowered)
    assert "is_delete" not in held(governed, CREATOR)


def test_a_role_of_no_project_is_refused(governed: Governed) -> None:
    assert refusal(governed.manager, governed, {999: {"is_view": True}}) is Reason.UNKNOWN_ROLE


def test_a_fingerprint_binds_to_the_matrix_that_was_previewed(governed: Governed) -> None:
    seen = project_pipeline.preview(actor=governed.manager, change=wanted(governed, RAISE))
    again = project_pipeline.preview(actor=governed.admin, change=wanted(governed, RAISE))
    assert seen.fingerprint == again.fingerprint
    set_in_project(governed, DEVELOPER, is_copy=False)
    with pytest.raises(MatrixDrifted):
        set_matrix(governed.manager, governed, RAISE, expected=seen.fingerprint)
    assert held(governed, VIEWER) == {"is_view"}
    now = project_pipeline.preview(actor=governed.manager, change=wanted(governed, RAISE))
    set_matrix(governed.manager, governed, RAISE, expected=now.fingerprint)


def test_warnings_tell_of_delete_and_of_tasks_without_managers(governed: Governed) -> None:
    governed.add_tasks(2, creator=governed.outsider)
    governed.add_tasks(1, creator=User.objects.create_user("gone", is_active=False))
    flags = {VIEWER: {"is_delete": True}, MANAGER: NO_MANAGE}
    plan = project_pipeline.preview(actor=governed.admin, change=wanted(governed, flags))
    assert [(warning.code, warning.detail) for warning in plan.warnings] == [
        (
            WarningCode.LAST_MANAGER_LOST,
            "nobody but the project's administrators may manage 1 task(s) any more",
        ),
        (WarningCode.DELETE_GAINED, "role 8 gains is_delete"),
    ]
    flags = {CREATOR: NO_MANAGE, MANAGER: NO_MANAGE}
    (warning,) = project_pipeline.preview(
        actor=governed.admin, change=wanted(governed, flags)
    ).warnings
    assert "3 task(s)" in warning.detail


def test_undo_gives_the_rows_back_and_can_be_undone(governed: Governed) -> None:
    applied = set_matrix(governed.manager, governed, {**RAISE, DEVELOPER: {"is_copy": False}})
    undone = undo(governed.manager, applied)
    assert undone.operation.reverts == applied.operation
    assert undone.operation.kind == RestoreProjectMatrix.kind
    assert held(governed, VIEWER) == {"is_view"}
    assert "is_copy" in held(governed, DEVELOPER)
    undo(governed.manager, undone)
    assert held(governed, VIEWER) == {"is_view", "is_execute"}


def test_undo_reports_the_roles_that_were_changed_since(governed: Governed) -> None:
    applied = set_matrix(governed.manager, governed, {**RAISE, 5: {"is_copy": True}})
    set_matrix(governed.manager, governed, {VIEWER: {"is_copy": True}})
    with pytest.raises(MatrixRefused) as refused:
        undo(governed.manager, applied)
    outcome = refused.value.plan.outcome
    assert (outcome.kind, outcome.reason) == (OutcomeKind.CONFLICT, Reason.CHANGED_SINCE)
    assert outcome.detail.endswith("role 8")
    undo(governed.manager, applied, skip_conflicts=True)
    assert held(governed, VIEWER) == {"is_view", "is_execute", "is_copy"}
    assert held(governed, 5) == {"is_view"}


def test_undo_takes_back_what_was_changed_since_when_it_is_said(governed: Governed) -> None:
    applied = set_matrix(governed.manager, governed, RAISE)
    set_matrix(governed.manager, governed, {VIEWER: {"is_copy": True}})
    undo(governed.manager, applied, overwrite=True)
    assert held(governed, VIEWER) == {"is_view"}


def test_undo_is_no_way_to_grant_what_one_does_not_hold(governed: Governed) -> None:
    set_in_project(governed, VIEWER, is_delete=True)
    applied = set_matrix(governed.manager, governed, {VIEWER: {"is_delete": False}})
    set_in_project(governed, MANAGER, is_delete=False)
    with pytest.raises(MatrixRefused) as refused:
        undo(governed.manager, applied)
    assert refused.value.plan.outcome.reason is Reason.NOT_HELD


def test_only_ones_own_changes_of_a_matrix_are_undone(governed: Governed) -> None:
    applied = set_matrix(governed.manager, governed, RAISE)
    with pytest.raises(OperationUnknown):
        undo(governed.developer, applied)
    nothing = set_matrix(governed.manager, governed, RAISE)
    other = apply(governed.manager, RecycleTasks(), governed.add_tasks(1))
    for operation in (nothing.operation, other.operation):
        with pytest.raises(NotRevertible):
            project_pipeline.change_to_undo(actor=governed.manager, operation_id=operation.pk)


def test_changes_survive_their_record(governed: Governed) -> None:
    changes = (
        wanted(governed, {**RAISE, -3: {}}),
        RestoreProjectMatrix(project_uid="p", operation_id="o", skip_conflicts=True),
    )
    for each in changes:
        assert type(each).from_parameters(json.loads(json.dumps(each.parameters()))) == each


def test_the_number_of_statements_does_not_grow_with_the_tasks_or_the_roles(
    governed: Governed,
) -> None:
    every = {code: {"is_copy": True} for code in (0, 5, 6, 7, VIEWER)}
    for count, flags in ((1, RAISE), (30, every)):
        governed.add_tasks(count)
        made = [
            statements_of(
                partial(
                    project_pipeline.preview, actor=governed.manager, change=wanted(governed, flags)
                )
            ),
            statements_of(partial(set_matrix, governed.manager, governed, flags)),
        ]
        assert made == [7, 14]


def test_changes_of_one_matrix_made_at_once_do_not_undo_each_other(committed: Governed) -> None:
    roles = (0, 5, 6, 7, VIEWER)
    calls = [
        partial(set_matrix, committed.manager, committed, {role: {"is_copy": True}})
        for role in roles
    ]
    for done in at_once(*calls):
        assert done.result().operation.changed == 1
    rows = RolePermission.objects.filter(matrix__digest=None, role_code__in=roles)
    assert set(rows.values_list("is_copy", flat=True)) == {True}
    assert rows.values_list("matrix__version", flat=True)[0] == 1 + len(roles)


def test_of_two_who_confirmed_the_same_matrix_only_one_changes_it(committed: Governed) -> None:
    seen = project_pipeline.preview(actor=committed.manager, change=wanted(committed, RAISE))
    apply_it = partial(set_matrix, committed.manager, committed, RAISE, expected=seen.fingerprint)
    errors = [done.exception() for done in at_once(apply_it, apply_it)]
    assert sorted(map(type, errors), key=str) == [type(None), MatrixDrifted]
