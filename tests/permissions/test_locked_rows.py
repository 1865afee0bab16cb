"""Who may change which role's row: locked rows, and no flag from whom does not hold it."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection, transaction

from audit.recorder import administrative_operation
from permissions.models import Role, RoleMember, TaskPermission
from permissions.roles import create_project
from tasks.batch.plan import OutcomeKind, Reason
from tasks.models import Task, new_uid
from tests.conftest import ORIGIN, Governed, build_governed, insert_tasks
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
    reasons,
    refusals,
    set_in_project,
)


LOWER = {"is_delete": False}


@pytest.mark.parametrize("flag", list(ALL_FLAGS))
def test_nobody_lowers_the_administrators_row(governed: Governed, flag: str) -> None:
    uids = governed.add_tasks(2)
    lowered = {ADMINISTRATOR: {**ALL_FLAGS, flag: False}, VIEWER: {"is_copy": True}}
    for actor in (governed.admin, governed.manager):
        for follow in (None, True, False):
            outcomes = refusals(actor, uids, flags=lowered, follow=follow)
            assert {outcome.uid for outcome in outcomes} == set(uids)
            assert {outcome.reason for outcome in outcomes} == {Reason.LOCKED_ROLE}
            assert {outcome.kind for outcome in outcomes} == {OutcomeKind.DENIED}


@pytest.mark.parametrize("repeated", [ALL_FLAGS, {"is_view": True}, {}])
def test_repeating_the_administrators_row_is_accepted(
    governed: Governed, repeated: dict[str, bool]
) -> None:
    (uid,) = governed.add_tasks(1)
    change(governed.manager, [uid], flags={ADMINISTRATOR: repeated, VIEWER: {"is_copy": True}})
    assert governance_of(uid, role=ADMINISTRATOR).held == set(ALL_FLAGS)
    assert governance_of(uid).held == {"is_view", "is_copy"}


def test_the_creators_row_is_changed_by_administrators_managers_and_superusers(
    governed: Governed,
) -> None:
    (uid,) = governed.add_tasks(1)
    administrator = member_of(governed, ADMINISTRATOR, "administrator")
    for actor in (governed.manager, administrator, governed.admin):
        change(actor, [uid], flags={CREATOR: LOWER})
        assert governance_of(uid, role=CREATOR).held == set(ALL_FLAGS) - {"is_delete"}
        change(actor, [uid], flags={CREATOR: ALL_FLAGS})


def test_the_projects_creator_changes_the_task_creators_row(governed: Governed) -> None:
    founder, uid = User.objects.create_user("founder"), new_uid()
    with administrative_operation(actor=founder, kind="add_project", origin=ORIGIN) as operation:
        project = create_project(actor=founder, operation=operation, name="founded")
        insert_tasks(
            operation=operation,
            project=project,
            task_type=governed.task_type,
            creator=governed.admin,
            uids=[uid],
        )
    change(founder, [uid], flags={CREATOR: LOWER})
    assert governance_of(uid, role=CREATOR).held == set(ALL_FLAGS) - {"is_delete"}


def test_nobody_else_changes_the_creators_row_not_even_the_creator(governed: Governed) -> None:
    steward = add_steward(governed)
    (uid,) = governed.add_tasks(1, creator=steward)
    for follow in (None, True, False):
        assert reasons(steward, [uid], flags={CREATOR: LOWER}, follow=follow) == [
            Reason.LOCKED_ROLE
        ]
    # To repeat it is no change of it.
    change(steward, [uid], flags={CREATOR: ALL_FLAGS, VIEWER: {"is_copy": True}})
    assert governance_of(uid).held == {"is_view", "is_copy"}


@pytest.mark.parametrize("follow", [True, False])
def test_the_switch_is_no_way_around_the_creators_lock(governed: Governed, follow: bool) -> None:
    steward = add_steward(governed)
    (uid,) = governed.add_tasks(1)
    change(governed.manager, [uid], flags={CREATOR: LOWER})
    change(governed.manager, [uid], follow=not follow)
    assert reasons(steward, [uid], follow=follow) == [Reason.LOCKED_ROLE]
    change(governed.manager, [uid], follow=follow)


def test_a_flag_is_granted_only_by_who_holds_it_on_that_very_task(governed: Governed) -> None:
    held, lacking = governed.add_tasks(2)
    change(governed.admin, [lacking], flags={MANAGER: LOWER})
    grant = {VIEWER: {"is_delete": True, "is_copy": True}}
    (outcome,) = refusals(governed.manager, [held, lacking], flags=grant)
    assert (outcome.uid, outcome.reason) == (lacking, Reason.NOT_HELD)
    assert "is_delete" in outcome.detail
    assert "is_copy" not in outcome.detail
    change(governed.manager, [held], flags=grant)
    assert governance_of(held).held == {"is_view", "is_delete", "is_copy"}


def test_nobody_raises_their_own_role(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    change(governed.admin, [uid], flags={MANAGER: LOWER})
    assert reasons(governed.manager, [uid], flags={MANAGER: ALL_FLAGS}) == [Reason.NOT_HELD]


def test_to_take_away_takes_the_manage_flag_alone(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    change(governed.admin, [uid], flags={MANAGER: LOWER})
    change(governed.manager, [uid], flags={DEVELOPER: LOWER})
    assert "is_delete" not in governance_of(uid, role=DEVELOPER).held


def test_the_switch_is_no_way_to_grant_what_one_does_not_hold(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    change(governed.admin, [uid], flags={VIEWER: {"is_delete": True}})
    change(governed.admin, [uid], follow=True)
    set_in_project(governed, MANAGER, is_delete=False)
    assert reasons(governed.manager, [uid], follow=False) == [Reason.NOT_HELD]


def test_rows_kept_aside_are_granted_only_by_who_holds_the_flags(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    set_in_project(governed, MANAGER, is_delete=False)
    kept = {VIEWER: {"is_delete": True}}
    assert reasons(governed.manager, [uid], flags=kept, follow=True) == [Reason.NOT_HELD]
    change(governed.admin, [uid], flags=kept, follow=True)
    assert governance_of(uid).aside == {"is_view", "is_delete"}


def test_who_may_not_manage_is_denied_and_who_may_not_see_finds_nothing(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(2)
    flags = {VIEWER: {"is_copy": True}}
    assert reasons(governed.developer, uids, flags=flags) == [Reason.NO_RIGHT] * 2
    assert reasons(governed.outsider, uids, flags=flags) == [Reason.NOT_FOUND] * 2


def test_a_creators_row_kept_aside_is_not_overwritten_on_the_way_back(governed: Governed) -> None:
    steward = add_steward(governed)
    (uid,) = governed.add_tasks(1)
    change(governed.manager, [uid], flags={CREATOR: LOWER})
    change(governed.manager, [uid], follow=True)
    # What is in force would stay, but what the manager had decided for the task would be gone.
    assert reasons(steward, [uid], follow=False, flags={CREATOR: ALL_FLAGS}) == [Reason.LOCKED_ROLE]


def test_no_setting_of_a_session_makes_tasks_roles_or_rows_become_others(
    governed: Governed,
) -> None:
    other = build_governed("treasury")
    (uid,) = governed.add_tasks(1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pgtrigger.ignore', '{' || string_agg(tgname, ',') || '}', true)"
            " FROM pg_trigger WHERE tgname LIKE 'pgtrigger%'"
        )
    role, matrix = governed.role(8), governed.project.matrices.get(digest=None)
    for rows, another in (
        (Task.objects.filter(uid=uid), {"project": other.project}),
        (Task.objects.filter(uid=uid), {"created_by": governed.outsider}),
        (Role.objects.filter(pk=role.pk), {"code": 700}),
        (RoleMember.objects.filter(user=governed.viewer), {"role": governed.role(CREATOR)}),
    ):
        with pytest.raises(IntegrityError, match=r"keeps its|has no members"), transaction.atomic():
            rows.update(**another)
    with pytest.raises(IntegrityError, match="cannot be removed"), transaction.atomic():
        matrix.rows.filter(role_code=-1).delete()
    assert TaskPermission.objects.filter(task__uid__in=governed.add_tasks(1)).exists()


@pytest.mark.parametrize("holder", ["user", "group"])
def test_the_database_itself_lets_nobody_be_a_member_of_the_task_creators(
    governed: Governed, holder: str
) -> None:
    holders = {"user": governed.outsider, "group": Group.objects.create(name="platform")}
    with (
        pytest.raises(IntegrityError, match="the role of the task creator has no members"),
        administrative_operation(actor=governed.admin, kind="add_member", origin=ORIGIN),
    ):
        RoleMember.objects.create(role=governed.role(CREATOR), **{holder: holders[holder]})


def test_the_database_lets_no_member_move_to_the_task_creators(governed: Governed) -> None:
    moved = RoleMember.objects.filter(user=governed.viewer)
    with pytest.raises(IntegrityError, match="the role of the task creator has no members"):
        moved.update(role=governed.role(CREATOR))
