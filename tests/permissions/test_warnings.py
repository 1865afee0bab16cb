"""What a preview of permissions warns of, and that it does so without looking at each task."""

from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from permissions.models import RoleMember
from tasks.batch import pipeline
from tasks.batch.plan import PlanWarning, WarningCode
from tasks.batch.revert import Undo, batch_to_undo
from tasks.changes import SetEnabled
from tests.batches import apply, preview, statements_of
from tests.conftest import ORIGIN, Governed, build_governed
from tests.permissions.governance import CREATOR, DEVELOPER, MANAGER, VIEWER, add_named_role, change


MANAGE = {"is_manager": True}
NO_MANAGE = {"is_manager": False}
LOST, GAINED, LEAVES, HIDDEN = (
    WarningCode.LAST_MANAGER_LOST,
    WarningCode.DELETE_GAINED,
    WarningCode.LEAVES_PROJECT,
    WarningCode.HIDDEN_FROM_ROLE,
)


def warned(governed: Governed, uids: list[str], **parameters: Any) -> dict[WarningCode, set[str]]:
    """Return the tasks that the preview of the change warns about, by code."""
    plan = preview(governed.admin, SetPermissions(**parameters), uids)
    return _by_code(plan.warnings)


def _by_code(warnings: Any) -> dict[WarningCode, set[str]]:
    return {warning.code: set(warning.uids) for warning in warnings}


def own(governed: Governed, count: int, *, creator: User | None = None) -> list[str]:
    """Add tasks with permissions of their own."""
    uids = governed.add_tasks(count, creator=creator)
    change(governed.admin, uids, follow=False)
    return uids


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def test_a_task_that_leaves_its_project_is_named_and_no_other(governed: Governed) -> None:
    (following,) = governed.add_tasks(1)
    (apart,) = own(governed, 1)
    flags = {VIEWER: {"is_copy": True}}
    assert warned(governed, [following, apart], flags=flags) == {LEAVES: {following}}
    assert warned(governed, [following, apart], follow=True) == {}


def test_a_role_that_gains_delete_is_named_with_the_tasks_on_which_it_does(
    governed: Governed,
) -> None:
    having, lacking = own(governed, 2)
    change(governed.admin, [having], flags={VIEWER: {"is_delete": True}})
    given = {"is_delete": True, "is_view": True}
    wanted = SetPermissions(flags=dict.fromkeys((VIEWER, 7, DEVELOPER), given))
    plan = preview(governed.admin, wanted, [having, lacking])
    assert plan.warnings == [
        PlanWarning(GAINED, "role 7 (Participant) gains is_delete", [having, lacking]),
        PlanWarning(GAINED, "role 8 (Viewer) gains is_delete", [lacking]),
    ]


def test_a_role_goes_by_its_code_alone_where_projects_call_it_differently(
    governed: Governed,
) -> None:
    other = build_governed("search")
    add_named_role(governed, "Release")
    add_named_role(other, "Audit")
    uids = [*own(governed, 1), *own(other, 1)]
    given = {code: {"is_view": True, "is_delete": True} for code in (500, VIEWER)}
    plan = preview(governed.admin, SetPermissions(flags=given), uids)
    told = [warning.detail for warning in plan.warnings]
    assert told == ["role 8 (Viewer) gains is_delete", "role 500 gains is_delete"]


def test_following_the_project_can_give_delete_too(governed: Governed) -> None:
    uids = own(governed, 1)
    change(governed.admin, uids, flags={DEVELOPER: {"is_delete": False}})
    assert warned(governed, uids, follow=True) == {GAINED: set(uids)}


def test_a_role_that_newly_holds_something_without_view_is_named_and_no_other(
    governed: Governed,
) -> None:
    blind, seeing = own(governed, 2)
    change(governed.admin, [blind], flags={7: {"is_copy": True}})
    change(governed.admin, [seeing], flags={7: {"is_view": True}})
    # A viewer who cannot view holds nothing that could be missed.
    flags = {7: {"is_execute": True}, VIEWER: {"is_view": False}}
    plan = preview(governed.admin, SetPermissions(flags=flags), [blind, seeing])
    detail = " holds is_execute, is_copy without is_view, which hides the task from it"
    assert plan.warnings == [PlanWarning(HIDDEN, f"role 7 (Participant){detail}", [blind])]
    assert warned(governed, [seeing], flags={7: {"is_view": False, "is_copy": True}}) == {
        HIDDEN: {seeing}
    }
    assert warned(governed, [blind], flags={7: {"is_copy": False}}) == {}


def test_the_last_manager_is_lost_where_neither_a_role_nor_the_creator_manages(
    governed: Governed,
) -> None:
    kept, lost = own(governed, 2)
    change(governed.admin, [kept], flags={DEVELOPER: MANAGE})
    flags = {MANAGER: NO_MANAGE, CREATOR: NO_MANAGE}
    assert warned(governed, [kept, lost], flags=flags) == {LOST: {lost}}


def test_a_creator_still_manages_unless_the_account_is_closed(governed: Governed) -> None:
    (present,) = own(governed, 1, creator=governed.developer)
    (departed,) = own(governed, 1, creator=governed.viewer)
    deactivate(governed.viewer)
    flags = {MANAGER: NO_MANAGE}
    assert warned(governed, [present, departed], flags=flags) == {LOST: {departed}}


def test_a_role_that_nobody_active_holds_manages_nothing(governed: Governed) -> None:
    uids = own(governed, 1)
    change(governed.admin, uids, flags={CREATOR: NO_MANAGE, 5: MANAGE})
    assert warned(governed, uids, flags={MANAGER: NO_MANAGE}) == {LOST: set(uids)}
    deactivate(governed.manager)
    assert warned(governed, uids, flags={MANAGER: NO_MANAGE}) == {}


def test_members_of_groups_are_managers_like_others(governed: Governed) -> None:
    uids = own(governed, 1)
    change(governed.admin, uids, flags={CREATOR: NO_MANAGE, 5: MANAGE})
    testers = Group.objects.create(name="testers")
    with administrative_operation(actor=governed.admin, kind="add_member", origin=ORIGIN):
        RoleMember.objects.create(role=governed.role(5), group=testers)
    assert warned(governed, uids, flags={MANAGER: NO_MANAGE}) == {LOST: set(uids)}
    testers.user_set.add(governed.outsider)
    assert warned(governed, uids, flags={MANAGER: NO_MANAGE}) == {}


def test_undo_warns_like_any_other_change(governed: Governed) -> None:
    (uid,) = own(governed, 1)
    applied = change(governed.admin, [uid], flags={VIEWER: {"is_delete": True}})
    undone = apply(governed.admin, SetPermissions(flags={VIEWER: {"is_delete": False}}), [uid])
    assert applied.plan.warnings == ()
    asked = Undo(operation_id=undone.operation.pk)
    batch = batch_to_undo(actor=governed.admin, undo=asked, origin=ORIGIN)
    plan = pipeline.preview(actor=governed.admin, batch=batch)
    assert _by_code(plan.warnings) == {GAINED: {uid}}


def test_what_is_refused_or_unchanged_is_not_warned_of(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    flags = {VIEWER: {"is_delete": True}}
    plan = preview(governed.developer, SetPermissions(flags=flags), uids)
    assert plan.refusals
    assert plan.warnings == []
    assert preview(governed.developer, SetEnabled(enabled=False), uids).warnings == []


@pytest.mark.parametrize("count", [2, 20])
def test_warnings_take_three_statements_at_most_however_many_tasks_and_projects(
    governed: Governed, count: int
) -> None:
    uids = [*own(governed, count), *own(build_governed("search"), count)]
    plain = SetPermissions(flags={VIEWER: {"is_copy": True}})
    flags = {MANAGER: NO_MANAGE, CREATOR: NO_MANAGE, VIEWER: {"is_delete": True}}
    risky = SetPermissions(flags=flags)
    made = [
        statements_of(partial(preview, governed.admin, change, uids)) for change in (plain, risky)
    ]
    assert made == [6, 8]
