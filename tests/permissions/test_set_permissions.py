"""What SetPermissions does: flags, the link to the project, rows kept aside, and its undo."""

import json

import pytest
from django.contrib.auth.models import User

from audit.recorder import administrative_operation
from permissions.changes import NamedFlags, RestorePermissions, SetPermissions
from permissions.models import PermissionMatrix, TaskPermission
from permissions.roles import add_role
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.batch.plan import OutcomeKind, Reason
from tasks.models import Task
from tests.conftest import ORIGIN, Governed, build_governed
from tests.permissions.governance import (
    ADMINISTRATOR,
    ALL_FLAGS,
    DEVELOPER,
    VIEWER,
    Governance,
    change,
    governance_of,
    reasons,
    refusals,
    set_in_project,
)


VIEW, DELETE, EXECUTE, COPY = {"is_view"}, {"is_delete"}, {"is_execute"}, {"is_copy"}
RAISE = {VIEWER: {"is_execute": True}}
KEPT = "following, own rows aside"


def task_that_was(was: str, governed: Governed) -> str:
    """Return a task that follows, has rows of its own, or follows with such rows kept aside."""
    (uid,) = governed.add_tasks(1)
    if was != "following":
        change(governed.manager, [uid], flags={VIEWER: {"is_copy": True}})
    if was == KEPT:
        change(governed.manager, [uid], follow=True)
    return uid


def may(user: User, right: str, uid: str) -> bool:
    """Ask as the product does, without what the user object remembers."""
    return User.objects.get(pk=user.pk).has_perm(f"tasks.{right}", Task.objects.get(uid=uid))


@pytest.mark.parametrize(
    ("follow", "rows", "was", "becomes"),
    [
        (None, {}, "following", Governance("project", VIEW, None)),
        (None, {}, "own rows", Governance("own", VIEW | COPY, None)),
        (None, {}, KEPT, Governance("project", VIEW, VIEW | COPY)),
        (None, RAISE, "following", Governance("own", VIEW | EXECUTE, None)),
        (None, RAISE, "own rows", Governance("own", VIEW | COPY | EXECUTE, None)),
        (None, RAISE, KEPT, Governance("own", VIEW | EXECUTE, None)),
        (True, {}, "following", Governance("project", VIEW, None)),
        (True, {}, "own rows", Governance("project", VIEW, VIEW | COPY)),
        (True, {}, KEPT, Governance("project", VIEW, VIEW | COPY)),
        (True, RAISE, "following", Governance("project", VIEW, VIEW | EXECUTE)),
        (True, RAISE, "own rows", Governance("project", VIEW, VIEW | COPY | EXECUTE)),
        (True, RAISE, KEPT, Governance("project", VIEW, VIEW | COPY | EXECUTE)),
        (False, {}, "following", Governance("own", VIEW, None)),
        (False, {}, "own rows", Governance("own", VIEW | COPY, None)),
        (False, {}, KEPT, Governance("own", VIEW | COPY, None)),
        (False, RAISE, "following", Governance("own", VIEW | EXECUTE, None)),
        (False, RAISE, "own rows", Governance("own", VIEW | COPY | EXECUTE, None)),
        (False, RAISE, KEPT, Governance("own", VIEW | COPY | EXECUTE, None)),
    ],
)
def test_switch_and_rows_on_every_kind_of_task(
    governed: Governed,
    follow: bool | None,
    rows: dict[int, dict[str, bool]],
    was: str,
    becomes: Governance,
) -> None:
    uid = task_that_was(was, governed)
    changed = 0 if governance_of(uid) == becomes else 1
    applied = change(governed.manager, [uid], follow=follow, flags=rows)
    assert governance_of(uid) == becomes
    assert applied.operation.changed == changed
    assert TaskPermission.history.filter(operation=applied.operation).count() == changed


def test_flags_and_roles_that_are_not_named_stay(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    assert may(governed.developer, "execute_task", uid)
    change(governed.manager, [uid], flags={DEVELOPER: {"is_execute": False}})
    assert not may(governed.developer, "execute_task", uid)
    assert governance_of(uid, role=DEVELOPER).held == set(ALL_FLAGS) - EXECUTE - {"is_manager"}
    assert governance_of(uid).held == VIEW


def test_rows_for_a_following_task_start_from_the_projects_matrix_of_that_moment(
    governed: Governed,
) -> None:
    uid = task_that_was(KEPT, governed)
    set_in_project(governed, VIEWER, is_delete=True)
    change(governed.manager, [uid], flags=RAISE)
    assert governance_of(uid) == Governance("own", VIEW | DELETE | EXECUTE, None)


def test_rows_that_equal_the_projects_still_make_the_task_leave(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    change(governed.manager, [uid], flags={VIEWER: {"is_view": True}})
    set_in_project(governed, VIEWER, is_view=False)
    assert governance_of(uid) == Governance("own", VIEW, None)
    assert may(governed.viewer, "view_task", uid)


def test_a_row_without_a_flag_says_nothing(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    applied = change(governed.manager, [uid], flags={VIEWER: {}})
    assert applied.plan.counts == {OutcomeKind.UNCHANGED: 1}
    assert reasons(governed.manager, [uid], flags={999: {}}) == [Reason.UNKNOWN_ROLE]


def test_to_deny_a_role_what_it_has_no_row_for_is_no_change(governed: Governed) -> None:
    uid = task_that_was("own rows", governed)
    with administrative_operation(actor=governed.admin, kind="add_role", origin=ORIGIN):
        later = add_role(project=governed.project, name="Later").code
    applied = change(governed.manager, [uid], flags={later: dict.fromkeys(ALL_FLAGS, False)})
    assert applied.plan.counts == {OutcomeKind.UNCHANGED: 1}
    change(governed.manager, [uid], flags={later: {"is_view": True}})
    assert governance_of(uid, role=later).held == VIEW


def test_tasks_that_end_alike_share_one_matrix(governed: Governed) -> None:
    following = [task_that_was("following", governed) for _ in range(2)]
    own = task_that_was("own rows", governed)
    change(
        governed.manager, [*following, own], flags={VIEWER: {"is_copy": True, "is_execute": True}}
    )
    assert TaskPermission.objects.values("matrix").distinct().count() == 1
    # The project's, that of the first change, and that of the second.
    assert PermissionMatrix.objects.filter(project=governed.project).count() == 3


def test_one_batch_may_span_projects_unless_it_names_one(governed: Governed) -> None:
    other = build_governed("search")
    here, there = governed.add_tasks(1), other.add_tasks(1)
    uid = governed.project.uid
    outcomes = refusals(governed.admin, [*here, *there], flags=RAISE, project_uid=uid)
    assert [(outcome.uid, outcome.reason) for outcome in outcomes] == [
        (there[0], Reason.OTHER_PROJECT)
    ]
    change(governed.admin, [*here, *there], flags=RAISE)
    assert {governance_of(uid).held == VIEW | EXECUTE for uid in [*here, *there]} == {True}


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (VIEWER, "eb344656-dbab-466b-91a7-87262c44e5e5"),  # the developer's
        (VIEWER, "nobody's"),
        (500, "eb344656-dbab-466b-91a7-87262c44e5e5"),
    ],
)
def test_a_role_whose_two_keys_disagree_is_refused(governed: Governed, code: int, key: str) -> None:
    with administrative_operation(actor=governed.admin, kind="add_role", origin=ORIGIN):
        add_role(project=governed.project, name="Custom")
    uids, flags = governed.add_tasks(1), {code: {"is_view": True}}
    (outcome,) = refusals(governed.manager, uids, flags=flags, external_ids={code: key})
    assert outcome.reason is Reason.UNKNOWN_ROLE
    assert key in outcome.detail


def test_a_role_without_a_second_key_takes_any_that_is_no_others(governed: Governed) -> None:
    with administrative_operation(actor=governed.admin, kind="add_role", origin=ORIGIN):
        add_role(project=governed.project, name="Custom")
    uids = governed.add_tasks(1)
    change(
        governed.manager,
        uids,
        flags={500: {"is_view": True}, VIEWER: {"is_copy": True}},
        external_ids={500: "its own", VIEWER: governed.role(VIEWER).external_id},
    )
    assert governance_of(uids[0], role=500).held == VIEW


def test_a_preview_shows_what_is_in_force_and_what_is_kept_aside(governed: Governed) -> None:
    uid = task_that_was("own rows", governed)
    wanted = SetPermissions(flags=RAISE, follow=True)
    batch = Batch(change=wanted, uids=[uid], origin=ORIGIN)
    (outcome,) = pipeline.preview(actor=governed.manager, batch=batch).outcomes
    assert outcome.changed == [
        "/follows_project",
        f"/roles/{VIEWER}/is_copy",
        f"/own_roles/{VIEWER}/is_execute",
    ]
    after = json.loads(outcome.after)
    assert after["roles"][str(VIEWER)] == ["is_view"]
    assert set(after["own_roles"][str(VIEWER)]) == VIEW | COPY | EXECUTE


@pytest.mark.parametrize(
    ("was", "follow", "rows"),
    [
        *[(was, None, RAISE) for was in ("following", "own rows", KEPT)],
        *[(was, True, RAISE) for was in ("following", "own rows", KEPT)],
        # A task with rows of its own does not follow: there is nothing to undo.
        *[(was, False, {}) for was in ("following", KEPT)],
    ],
)
def test_undo_restores_the_link_and_both_sets_of_rows(
    governed: Governed, was: str, follow: bool | None, rows: dict[int, dict[str, bool]]
) -> None:
    uid = task_that_was(was, governed)
    before = governance_of(uid)
    applied = change(governed.manager, [uid], follow=follow, flags=rows)
    undo = RestorePermissions(operation_id=str(applied.operation.pk))
    uids = undo.uids_of(operation_id=undo.operation_id)
    pipeline.apply(actor=governed.manager, batch=Batch(change=undo, uids=uids, origin=ORIGIN))
    assert governance_of(uid) == before


def test_a_change_survives_its_record(governed: Governed) -> None:
    wanted = SetPermissions(
        flags={VIEWER: {"is_copy": True}, ADMINISTRATOR: {}},
        named=(NamedFlags(500, "Release", {"is_view": True}),),
        follow=False,
        project_uid=governed.project.uid,
        external_ids={VIEWER: "key"},
    )
    stored = json.loads(json.dumps(wanted.parameters()))
    assert SetPermissions.from_parameters(stored) == wanted
