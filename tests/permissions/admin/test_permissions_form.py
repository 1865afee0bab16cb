"""The grid of permissions: what is there now, what may be said, and the change that it becomes."""

from collections.abc import Sequence

import pytest
from django.contrib.auth.models import User

from audit.models import Operation, State
from permissions.admin.permissions_form import Cell, PermissionsForm
from permissions.changes import NamedFlags, SetPermissions
from permissions.flags import Flag
from tasks.admin.change_forms import ChosenTasks
from tasks.batch.plan import OutcomeKind
from tests.batches import apply, preview, statements_of
from tests.conftest import Governed, build_governed
from tests.permissions.governance import (
    ADMINISTRATOR,
    CREATOR,
    DEVELOPER,
    VIEWER,
    add_named_role,
    change,
    governance_of,
)
from tests.visitors import choose, confirm, look, page, text_of, visit, write_down


def form_of(actor: User, uids: Sequence[str], **chosen: str) -> PermissionsForm:
    """Return the form with these cells chosen; a cell is a flag's name and a role's code."""
    empty = PermissionsForm(chosen=ChosenTasks(actor=actor, uids=uids))
    names = {" ".join(name.split(" ")[:2]): name for name in empty.fields}
    data = {names.get(cell.replace("__", " "), cell): value for cell, value in chosen.items()}
    return PermissionsForm(data or None, chosen=ChosenTasks(actor=actor, uids=uids))


def cell(form: PermissionsForm, code: int, flag: Flag) -> Cell:
    """Return a cell of the grid."""
    (row,) = (row for row in form.grid() if row.role.code == code)
    return row.cells[list(Flag).index(flag)]


def choices(form: PermissionsForm, code: int, flag: Flag) -> list[str]:
    """Return what may be chosen for a cell."""
    return [value for value, _ in cell(form, code, flag).field.field.choices]


def test_a_cell_tells_on_how_many_tasks_the_role_holds_the_flag(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    change(governed.manager, uids[:1], flags={VIEWER: {"is_copy": True}})
    form = form_of(governed.manager, uids)
    shown = [cell(form, VIEWER, flag) for flag in (Flag.VIEW, Flag.COPY, Flag.DELETE)]
    assert [(each.state, each.held, each.tasks) for each in shown] == [
        ("all", 3, 3),
        ("some", 1, 3),
        ("none", 0, 3),
    ]
    assert form.present.following == 2
    assert (form.seen, form.may_change) == (3, 3)


def test_chosen_cells_become_the_change_that_the_api_would_make(governed: Governed) -> None:
    form = form_of(
        governed.manager,
        governed.add_tasks(2),
        is_execute__8="grant",
        is_view__8="revoke",
        is_delete__4="leave",
    )
    assert form.is_valid(), form.errors
    flags = {VIEWER: {"is_view": False, "is_execute": True}}
    assert form.change() == SetPermissions(flags=flags)


def test_a_form_that_leaves_everything_is_refused(governed: Governed) -> None:
    form = form_of(governed.manager, governed.add_tasks(1), is_view__8="leave")
    assert form.non_field_errors() == ["Nothing would change: grant or revoke something."]


def test_a_role_that_was_renamed_meanwhile_is_noticed(governed: Governed) -> None:
    sent = {"is_view 500 Release": "revoke", "is_view__8": "revoke"}
    form = form_of(governed.manager, governed.add_tasks(1), **sent)
    assert "The roles changed" in str(form.non_field_errors())


def test_the_administrators_and_for_some_the_creators_row_are_locked(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    change(governed.manager, uids, flags={DEVELOPER: {"is_manager": True}})
    for actor, locked in ((governed.manager, False), (governed.developer, True)):
        form = form_of(actor, uids)
        assert cell(form, ADMINISTRATOR, Flag.VIEW).is_locked
        assert cell(form, CREATOR, Flag.VIEW).is_locked is locked
    assert "created, administers" in cell(form, CREATOR, Flag.VIEW).lock


def test_what_the_actor_does_not_hold_can_be_revoked_and_not_granted(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    lowered = {DEVELOPER: {"is_manager": True, "is_delete": False}}
    change(governed.manager, uids, flags=lowered)
    form = form_of(governed.developer, uids)
    assert choices(form, VIEWER, Flag.EXECUTE) == ["leave", "grant", "revoke"]
    assert choices(form, 3, Flag.DELETE) == ["leave", "revoke"]
    assert choices(form, VIEWER, Flag.DELETE) == ["leave"]
    assert form.not_held() == ["Delete"]


@pytest.mark.parametrize("name", ["is_view -1", "is_view -3", "is_delete 8"])
def test_a_locked_cell_that_is_sent_all_the_same_is_refused_with_the_reason(
    governed: Governed, name: str
) -> None:
    uids = governed.add_tasks(1)
    lowered = {DEVELOPER: {"is_manager": True, "is_delete": False}}
    change(governed.manager, uids, flags=lowered)
    form = form_of(governed.developer, uids, **{name: "grant", "is_view__4": "revoke"})
    assert not form.is_valid()
    ((field, (error,)),) = form.errors.items()
    assert field.startswith(name)
    assert any(why in error for why in ("Always", "created, administers", "You do not hold"))


def test_who_may_manage_none_of_the_tasks_can_choose_nothing(governed: Governed) -> None:
    form = form_of(governed.viewer, governed.add_tasks(1))
    assert all(cell.is_locked for row in form.grid() for cell in row.cells)
    nothing = form_of(governed.outsider, governed.add_tasks(1))
    assert (nothing.seen, list(nothing.grid())) == (0, [])


def test_roles_of_several_projects_are_one_row_by_code_and_name(governed: Governed) -> None:
    other = build_governed("ledger")
    add_named_role(governed, "Release")
    add_named_role(other, "Audit")
    uids = governed.add_tasks(1) + other.add_tasks(2)
    form = form_of(governed.admin, uids, **{"is_view 500 Release": "grant", "is_view__8": "revoke"})
    rows = {(row.role.code, row.role.name): row.role for row in form.grid()}
    assert [rows[500, name].tasks for name in ("Release", "Audit")] == [1, 2]
    assert (rows[VIEWER, "Viewer"].projects, rows[VIEWER, "Viewer"].tasks) == (2, 3)
    assert form.is_valid(), form.errors
    made = form.change()
    assert made.flags == {VIEWER: {"is_view": False}}
    assert made.named == (NamedFlags(500, "Release", {"is_view": True}),)
    assert SetPermissions.from_parameters(made.parameters()) == made


def test_flags_of_a_named_role_touch_only_the_projects_that_have_it(governed: Governed) -> None:
    other = build_governed("ledger")
    add_named_role(governed, "Release")
    add_named_role(other, "Audit")
    (mine,), (theirs,) = governed.add_tasks(1), other.add_tasks(1)
    release = SetPermissions(named=(NamedFlags(500, "Release", {"is_view": True}),))
    plan = preview(governed.admin, release, [mine, theirs])
    assert [each.kind for each in plan.outcomes] == [OutcomeKind.CHANGE, OutcomeKind.UNCHANGED]
    apply(governed.admin, release, [mine, theirs], expected=plan.fingerprint)
    assert governance_of(mine, role=500).held == {"is_view"}
    assert governance_of(theirs, role=500).matrix == "project"


@pytest.mark.parametrize("count", [1, 40])
def test_the_grid_takes_the_same_queries_for_any_number_of_tasks(
    governed: Governed, count: int
) -> None:
    uids = governed.add_tasks(count)
    assert statements_of(lambda: list(form_of(governed.manager, uids).grid())) == 2 * 6


def test_a_mixed_grid_is_previewed_and_applied(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    change(governed.manager, uids[:1], flags={VIEWER: {"is_execute": True}})
    client = visit(governed.manager)
    draft = choose(client, "change_permissions", uids)
    assert "on 1 of 2" in text_of(client.get(page("tasks_task_draft", draft.pk)))
    write_down(client, draft, {"is_execute 8 Viewer": "grant"})
    assert "Change permissions" in text_of(look(client, draft))
    confirm(client, draft)
    assert [governance_of(uid).held for uid in uids] == [{"is_view", "is_execute"}] * 2


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"is_view -1 Project administrator": "revoke"}, "locked_role"),
        ({"is_view -3 Task creator": "revoke"}, "locked_role"),
        ({"is_delete 8 Viewer": "grant", "is_view 8 Viewer": "revoke"}, "flag_not_held"),
    ],
)
def test_a_crafted_cell_does_not_reach_the_preview_and_is_recorded(
    governed: Governed, sent: dict[str, str], code: str
) -> None:
    uids = governed.add_tasks(1)
    change(governed.manager, uids, flags={DEVELOPER: {"is_manager": True, "is_delete": False}})
    client = visit(governed.developer)
    draft = choose(client, "change_permissions", uids)
    answer = write_down(client, draft, sent)
    assert answer.status_code == 200
    draft.refresh_from_db()
    assert not draft.change
    attempt = Operation.objects.get(kind="write_down")
    assert (attempt.actor, attempt.state) == (governed.developer, State.REFUSED)
    (refusal,) = attempt.refusals
    assert refusal["code"] == code
    assert next(iter(sent)).partition(" ")[2].split(" ", 1)[1] in refusal["detail"]
