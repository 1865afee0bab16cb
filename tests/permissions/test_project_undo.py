"""Undoing a change of a project's permissions like any other: over HTTP, by command, in the admin."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import Operation, State
from permissions import project_pipeline
from permissions.changes import SetProjectMatrix
from permissions.models import RolePermission, Scope
from tests.conftest import ORIGIN, Governed
from tests.permissions.governance import VIEWER, set_in_project
from tests.tasks.api.caller import Caller, caller_of
from tests.threads import at_once
from tests.visitors import page, text_of, visit


def change(governed: Governed, **flags: bool) -> Operation:
    """Set flags of the viewers in the project's matrix, as the manager."""
    wanted = SetProjectMatrix(project_uid=governed.project.uid, flags={VIEWER: flags})
    return project_pipeline.apply(actor=governed.manager, change=wanted, origin=ORIGIN).operation


def viewers(governed: Governed) -> set[str]:
    """Return what the viewers hold in the project's matrix."""
    rows = RolePermission.objects.filter(matrix__project=governed.project, matrix__digest=None)
    row = rows.get(role_code=VIEWER)
    return {name for name in ("is_view", "is_copy", "is_execute") if getattr(row, name)}


def revert(caller: Caller, operation: Operation, body: Any = b"", **headers: str) -> Any:
    return caller.post(f"/api/v2/operations/{operation.pk}/revert", body, **headers)


def test_it_is_undone_over_http_with_preview_binding_and_key(governed: Governed) -> None:
    operation = change(governed, is_copy=True)
    caller, uid = caller_of(governed.manager), governed.project.uid
    shown = caller.post(f"/api/v2/operations/{operation.pk}/revert?dry_run=true", b"")
    assert (
        shown.json()["message"] == "Dry run: 1 of 1 projects would be changed; nothing was changed."
    )
    assert viewers(governed) == {"is_view", "is_copy"}
    terms = {"If_Match": shown["ETag"], "Idempotency_Key": "k", "Prefer": "respond-async"}
    first, again = (revert(caller, operation, **terms) for _ in range(2))
    assert (first.status_code, again["Idempotency-Replayed"]) == (200, "true")
    assert first.json()["log"] == [f"Project {uid}: changed /roles/8/is_copy"]
    assert viewers(governed) == {"is_view"}
    assert Operation.objects.get(kind="restore_project_matrix").reverts == operation
    assert caller.get(f"/api/v2/operations/{operation.pk}").json()["reverted_by"] == [
        first["Location"]
    ]


@pytest.mark.parametrize(
    ("body", "status", "left"),
    [
        (b"", 409, {"is_view", "is_copy", "is_execute"}),
        ({"skip_conflicts": True}, 200, {"is_view", "is_copy", "is_execute"}),
        ({"overwrite": True}, 200, {"is_view"}),
    ],
)
def test_what_has_been_changed_since_is_taken_back_only_when_it_is_said(
    governed: Governed, body: Any, status: int, left: set[str]
) -> None:
    operation = change(governed, is_copy=True)
    change(governed, is_execute=True)
    answer = revert(caller_of(governed.manager), operation, body)
    assert answer.status_code == status
    if status == 409:
        assert answer.json()["errors"][0]["code"] == "changed_since"
    assert viewers(governed) == left


def test_it_takes_the_scope_to_write_permissions(governed: Governed) -> None:
    operation = change(governed, is_copy=True)
    weak = caller_of(governed.manager, scopes=[Scope.SETTINGS_WRITE], name="weak")
    assert revert(weak, operation).status_code == 403
    assert revert(caller_of(governed.developer), operation).status_code == 404
    assert viewers(governed) == {"is_view", "is_copy"}


def test_a_stale_fingerprint_undoes_nothing_and_is_recorded(governed: Governed) -> None:
    operation = change(governed, is_copy=True)
    answer = revert(caller_of(governed.manager), operation, If_Match='"of-another-time"')
    assert answer.status_code == 412
    assert Operation.objects.get(kind="restore_project_matrix").state == State.REFUSED


def test_it_is_undone_by_command(governed: Governed) -> None:
    operation = change(governed, is_copy=True)
    said = StringIO()
    arguments = ("revert_operation", str(operation.pk), "--actor", "payments-manager")
    call_command(*arguments, "--dry-run", stdout=said)
    assert viewers(governed) == {"is_view", "is_copy"}
    call_command(*arguments, stdout=said)
    assert "1 projects: 1 change" in said.getvalue()
    assert viewers(governed) == {"is_view"}
    with pytest.raises(CommandError, match="no such operation"):
        call_command("revert_operation", str(operation.pk), "--actor", "payments-viewer")


def test_it_is_undone_from_its_operations_page_with_a_preview(governed: Governed) -> None:
    operation = change(governed, is_copy=True)
    client = visit(governed.manager)
    shown = client.get(page("audit_operation_change", operation.pk))
    assert "The project was changed." in text_of(shown)
    (button,) = shown.context["buttons"]
    preview = client.get(button.address)
    assert "This is what would change" in text_of(preview)
    sent = {"fingerprint": preview.context["plan"].fingerprint, "seen": preview.context["seen"]}
    client.post(button.address, sent)
    assert viewers(governed) == {"is_view"}
    assert visit(governed.developer).get(button.address).status_code == 404
    answer = visit(governed.manager).post(button.address, sent, follow=True)
    assert "Nothing would change" in text_of(answer)


def test_its_page_asks_what_to_do_about_what_has_been_changed_since(governed: Governed) -> None:
    operation = change(governed, is_copy=True)
    set_in_project(governed, VIEWER, is_execute=True)
    client = visit(governed.manager)
    address = page("audit_operation_undo_permissions", operation.pk)
    assert "Also undo those changed since" in text_of(client.get(address))
    chosen = f"{address}?since=overwrite"
    context = client.get(chosen).context
    client.post(chosen, {"fingerprint": context["plan"].fingerprint, "seen": context["seen"]})
    assert viewers(governed) == {"is_view"}


def test_of_two_undos_at_once_one_undoes_and_the_other_finds_nothing_to_do(
    committed: Governed,
) -> None:
    operation = change(committed, is_copy=True)
    undo = project_pipeline.change_to_undo(actor=committed.manager, operation_id=operation.pk)

    def call() -> Any:
        return project_pipeline.apply(actor=committed.manager, change=undo, origin=ORIGIN)

    done = [each.result().operation.changed for each in at_once(call, call)]
    assert sorted(done) == [0, 1]
    assert viewers(committed) == {"is_view"}
