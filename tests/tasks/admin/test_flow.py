"""From chosen tasks to an operation: each action, the part that can, drift, the worker."""

import pytest

from audit.models import Operation, State
from permissions.changes import SetPermissions
from tasks.changes import RecycleTasks, UpdateSettings
from tasks.models import Task
from tests.batches import apply
from tests.conftest import Governed, build_governed
from tests.visitors import choose, confirm, look, page, rows_of, text_of, visit, write_down


NOBODYS = "0" * 24


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("use_own", [("Permissions", "the project's", "its own")]),
        ("recycle", [("recycled", "no", "yes")]),
    ],
)
def test_an_action_is_previewed_in_words_and_applied(
    governed: Governed, action: str, says: list[tuple[str, ...]]
) -> None:
    uid = governed.add_tasks(1)[0]
    client = visit(governed.manager)
    draft = choose(client, action, [uid])
    expected = [(what, old, new.format(uid=uid)) for what, old, new in says]
    assert rows_of(client, draft) == [(uid, expected)]
    applied = confirm(client, draft)
    operation = Operation.objects.latest("created_at")
    assert applied.headers["Location"].endswith(f"/{operation.pk}/change/")
    assert (operation.changed, operation.state) == (1, State.APPLIED)


def test_copies_are_called_as_the_form_says(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    client = visit(governed.developer)
    draft = choose(client, "copy", [uid])
    assert 'value="copy"' in text_of(client.get(page("tasks_task_draft", draft.pk)))
    assert "between them blanks" in text_of(write_down(client, draft, {"word": "-/"}))
    write_down(client, draft, {"word": "eu west"})
    assert rows_of(client, draft) == [(uid, [("Copy", "–", f"task {uid}-eu west-1")])]
    confirm(client, draft)
    assert Task.objects.filter(name=f"task {uid}-eu west-1").exists()


def test_flags_are_previewed_one_by_one_with_the_names_of_roles(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    apply(governed.manager, SetPermissions(flags={8: {"is_copy": True}}), [uid])
    client = visit(governed.manager)
    draft = choose(client, "follow", [uid])
    assert rows_of(client, draft) == [
        (uid, [("Permissions", "its own", "the project's"), ("Viewer · copy", "yes", "no")])
    ]


def test_a_task_comes_back_out_of_the_recycle_bin(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    apply(governed.manager, RecycleTasks(), [uid])
    task = Task.objects.get(uid=uid)
    client = visit(governed.manager)
    shown = text_of(client.get(page("tasks_task_change", task.pk)))
    assert 'value="restore"' in shown
    assert 'value="recycle"' not in shown
    confirm(client, choose(client, "restore", [uid]))
    task.refresh_from_db()
    assert task.recycled_at is None


def test_the_part_that_can_is_changed_only_when_it_is_said(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    hidden = build_governed("ledger").add_tasks(1)
    client = visit(governed.developer)
    draft = choose(client, "disable", [*uids, *hidden, NOBODYS])
    shown = write_down(client, draft, {"reason": "x"}).context["shown"]
    assert [(tab.title, tab.size) for tab in shown.tabs] == [("Will change", 2), ("Not found", 2)]
    assert rows_of(client, draft, outcome="missing") == [(hidden[0], []), (NOBODYS, [])]
    refused = confirm(client, draft)
    assert refused.headers["Location"].endswith("/preview/")
    assert Task.objects.filter(enabled=False).count() == 0
    confirm(client, draft, leave_others="on")
    assert set(Task.objects.filter(enabled=False).values_list("uid", flat=True)) == set(uids)
    assert Operation.objects.get(kind="set_enabled").targets == 2


def test_what_drifted_is_not_applied_but_shown_and_can_be_previewed_again(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(3)
    client = visit(governed.developer)
    draft = choose(client, "change_settings", uids)
    write_down(client, draft, {"text": '{"repository": {"branch": "main"}}'})
    apply(governed.manager, UpdateSettings(patch={"repository": {"branch": "release"}}), uids[:1])
    confirm(client, draft)
    assert Operation.objects.get(actor=governed.developer).state == State.REFUSED
    drifted = look(client, draft)
    assert "1 task changed since the preview" in text_of(drifted)
    assert rows_of(client, draft, outcome="drifted") == [
        (uids[0], [("/repository/branch", "release", "main")])
    ]
    assert 'name="apply"' not in text_of(drifted)
    client.post(page("tasks_task_draft_preview", draft.pk), {"again": "1"})
    confirm(client, draft)
    assert Operation.objects.get(actor=governed.developer, state=State.APPLIED).changed == 3


def test_many_targets_are_left_to_the_worker(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.admin.drafts.APPLIED_AT_ONCE", 1)
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(2))
    write_down(client, draft, {"reason": "x"})
    confirm(client, draft)
    assert Operation.objects.get(kind="set_enabled").state == State.QUEUED
    assert Task.objects.filter(enabled=True).count() == 2


@pytest.mark.parametrize(("shown", "state"), [(True, State.APPLIED), (False, State.REFUSED)])
def test_a_reason_is_recorded_without_what_nobody_can_type(
    governed: Governed, shown: bool, state: State
) -> None:
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(1))
    fingerprint = write_down(client, draft, {"reason": "x"}).context["shown"].fingerprint
    sent = {"apply": fingerprint if shown else "0" * 64, "reason": "it\0 leaks"}
    client.post(page("tasks_task_draft_preview", draft.pk), sent)
    operation = Operation.objects.get(kind="set_enabled")
    assert (operation.state, operation.reason) == (state, "it leaks")
