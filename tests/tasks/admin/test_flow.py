"""From chosen tasks to an operation: each action, the part that can, drift, files, crafted requests."""

import csv
import html
import json
import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from django.utils import timezone

from audit.models import Operation, State
from audit.recorder import administrative_operation
from permissions.changes import CopyTasks, SetPermissions
from permissions.models import RoleMember
from tasks.admin.drafts import (
    DraftUnusable,
    DraftUsed,
    change_of,
    draft_of_batch,
    preview_draft,
)
from tasks.batch.pipeline import Batch
from tasks.changes import RecycleTasks, RestoreTasks, SetEnabled, UpdateSettings
from tasks.jobs import prune_kept
from tasks.models import Draft, Task, TaskType
from tests.batches import apply
from tests.conftest import ORIGIN, Governed, build_governed
from tests.visitors import choose, confirm, draft_at, look, page, text_of, visit, write_down


NOBODYS = "0" * 24
FILE = {"format": "csv"}


def rows_of(client: Any, draft: Draft, **asked: Any) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Return the rows of the preview: id, and what would differ."""
    shown = look(client, draft, **asked).context["shown"]
    return [(row.uid, [tuple(each) for each in row.differences]) for row in shown.rows]


def body_of(response: Any) -> str:
    """Return the file that was sent."""
    assert response.headers["Content-Disposition"].startswith("attachment")
    return b"".join(response.streaming_content).decode()


def refused(*, kind: str) -> list[str]:
    """Return why attempts of this kind are recorded as refused."""
    found = Operation.objects.filter(kind=kind, state=State.REFUSED)
    return [refusal["detail"] for operation in found for refusal in operation.refusals]


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


def test_a_draft_is_applied_once_and_leads_to_its_operation_ever_after(governed: Governed) -> None:
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(1))
    fingerprint = write_down(client, draft, {"reason": "x"}).context["shown"].fingerprint
    address = page("tasks_task_draft_preview", draft.pk)
    answers = [client.post(address, {"apply": fingerprint}) for _ in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert client.get(address).headers["Location"] == answers[0].headers["Location"]
    assert Operation.objects.filter(kind="set_enabled").count() == 1


def test_what_another_window_applied_or_forgot_meanwhile_is_not_previewed_over(
    governed: Governed,
) -> None:
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(1))
    write_down(client, draft, {"reason": "x"})
    seen_before = Draft.objects.get(pk=draft.pk)
    again = partial(preview_draft, actor=governed.developer, draft=seen_before, origin=ORIGIN)
    confirm(client, draft)
    with pytest.raises(DraftUsed):
        again(change=SetEnabled(enabled=True))
    draft.refresh_from_db()
    assert change_of(draft) == SetEnabled(enabled=False, reason="x")
    draft.delete()
    with pytest.raises(DraftUnusable):
        again(change=SetEnabled(enabled=True))


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


@pytest.mark.parametrize("name", ["manager", "outsider", "admin"])
def test_a_draft_is_its_actors_alone(governed: Governed, name: str) -> None:
    owner = visit(governed.developer)
    draft = choose(owner, "disable", governed.add_tasks(1))
    fingerprint = write_down(owner, draft, {"reason": "x"}).context["shown"].fingerprint
    thief = visit(getattr(governed, name))
    for address in ("", "_preview", "_csv", "_export"):
        where = page(f"tasks_task_draft{address}", draft.pk)
        assert thief.get(where).status_code == 404
        assert thief.post(where, {"apply": fingerprint, "reason": "y"}).status_code == 404
    assert Task.objects.filter(enabled=True).count() == 1
    assert refused(kind="use_draft") == ["the draft is somebody else's"]


@pytest.mark.parametrize("fingerprint", ["", "nonsense", "0" * 64, "\0"])
def test_a_fingerprint_that_was_not_shown_applies_nothing(
    governed: Governed, fingerprint: str
) -> None:
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(1))
    write_down(client, draft, {"reason": "x"})
    answer = client.post(
        page("tasks_task_draft_preview", draft.pk), {"apply": fingerprint}, follow=True
    )
    assert "Nothing was applied" in text_of(answer)
    assert Task.objects.filter(enabled=True).count() == 1
    assert Operation.objects.get(kind="set_enabled").refusals[0]["code"] == "drifted"


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


def test_a_flag_that_is_held_elsewhere_only_is_refused_task_by_task(governed: Governed) -> None:
    other = build_governed("ledger")
    with administrative_operation(actor=governed.admin, kind="x", origin=ORIGIN):
        RoleMember.objects.create(role=other.role(8), user=governed.developer)
    client = visit(governed.developer)
    draft = choose(client, "disable", other.add_tasks(1))
    shown = write_down(client, draft, {"reason": "x"})
    assert "None of these tasks can be changed" in text_of(shown)
    sent = {"apply": Draft.objects.get().fingerprint, "leave_others": "on"}
    client.post(page("tasks_task_draft_preview", draft.pk), sent)
    assert not Task.objects.filter(enabled=False).exists()


def test_a_selection_cannot_be_forged_in_the_list(governed: Governed) -> None:
    mine, hidden = governed.add_tasks(1), build_governed("ledger").add_tasks(1)
    keys = list(Task.objects.filter(uid__in=[*mine, *hidden]).values_list("pk", flat=True))
    sent = {"action": "disable", "index": 0, "_selected_action": keys}
    client = visit(governed.developer)
    assert draft_at(client.post(page("tasks_task_changelist"), sent)).uids == mine
    (detail,) = refused(kind="choose_tasks")
    assert detail == "1 of the ticked rows are no tasks that you may view"
    forged = {**sent, "_selected_action": [Task.objects.get(uid=hidden[0]).pk]}
    answer = client.post(page("tasks_task_changelist"), forged, follow=True)
    assert "None of these tasks is there any more" in text_of(answer)


def test_what_can_be_no_key_is_left_out_of_a_selection_and_recorded(governed: Governed) -> None:
    mine = governed.add_tasks(1)
    keys = [Task.objects.get(uid=mine[0]).pk, "abc", "\0", "-1", "9" * 40, "1.0", "\u0661"]
    sent = {"action": "disable", "index": 0, "_selected_action": keys}
    answer = visit(governed.developer).post(page("tasks_task_changelist"), sent)
    assert draft_at(answer).uids == mine
    assert refused(kind="choose_tasks") == ["6 of the ticked rows are no tasks that you may view"]


def test_a_task_that_a_colleague_took_out_of_the_list_meanwhile_is_no_forged_selection(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(2)
    keys = list(Task.objects.filter(uid__in=uids).values_list("pk", flat=True))
    apply(governed.manager, RecycleTasks(), uids[:1])
    sent = {"action": "disable", "index": 0, "_selected_action": keys}
    client = visit(governed.developer)
    answer = client.post(page("tasks_task_changelist"), sent)
    assert draft_at(answer).uids == uids[1:]
    assert "1 of the ticked tasks are not in the list any more" in text_of(
        client.get(answer.headers["Location"])
    )
    assert refused(kind="choose_tasks") == []


@pytest.mark.parametrize("address", ["tasks_task_changelist", "tasks_task_choose"])
def test_an_action_whose_flag_is_held_nowhere_is_refused_and_recorded(
    governed: Governed, address: str
) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    sent = {"action": "disable", "index": 0, "_selected_action": [task.pk], "uids": task.uid}
    visit(governed.viewer).post(page(address), sent)
    assert not Draft.objects.exists()
    assert refused(kind="choose_tasks") == ["Disable: you hold no disable_task right on any task"]


def test_all_that_match_are_chosen_across_pages_up_to_the_limit(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    apply(governed.developer, SetEnabled(enabled=False, reason="x"), uids[:1])
    client = visit(governed.developer)
    address = page("tasks_task_changelist") + "?enabled__exact=1"
    first = Task.objects.get(uid=uids[1]).pk
    sent = {"action": "disable", "index": 0, "select_across": 1, "_selected_action": [first]}
    assert set(draft_at(client.post(address, sent)).uids) == set(uids[1:])
    with override_settings(BULKHEAD_MAX_TARGETS=1):
        answer = client.post(address, sent, follow=True)
    assert "More than 1 tasks are chosen" in text_of(answer)


def test_all_that_match_are_chosen_without_ticking(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    apply(governed.developer, SetEnabled(enabled=False, reason="x"), uids[:1])
    client = visit(governed.developer)
    listed = client.get(page("tasks_task_changelist"), {"enabled__exact": "1"})
    (link,) = re.findall(r'href="([^"]*matching=1)"', text_of(listed))
    address = html.unescape(link)
    assert "2 tasks match" in text_of(client.get(address))
    assert set(draft_at(client.post(address, {"action": "disable"})).uids) == set(uids[1:])
    forbidden = visit(governed.viewer).post(address, {"action": "disable"})
    assert "2 tasks match" in text_of(forbidden)


def test_ids_are_pasted_and_uploaded_and_wrong_ones_are_named(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    client = visit(governed.viewer)
    address = page("tasks_task_choose")
    file = SimpleUploadedFile("ids.txt", f"\ufeff{uids[1].upper()}\r\n".encode())
    sent = {"action": "export", "uids": f" {uids[0]},\n{uids[0]};", "file": file}
    assert draft_at(client.post(address, sent)).uids == uids
    wrong = client.post(address, {"action": "export", "uids": f"{uids[0]} build-17 <b>"})
    assert "These are no ids of tasks: build-17, &lt;b&gt;." in text_of(wrong)
    assert "Paste at least one id" in text_of(client.post(address, {"action": "export"}))


def test_a_page_of_a_preview_knows_the_types_of_the_targets_on_other_pages(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = governed.add_tasks(2)
    other = build_governed("ledger").task_type
    TaskType.objects.filter(pk=other.pk).update(schema={"type": "object"})
    Task.objects.filter(uid=uids[1]).update(task_type=other)
    monkeypatch.setattr("tasks.admin.preview_page.PER_PAGE", 1)
    change = UpdateSettings(patch={"repository": {"token": "correct horse battery"}})
    batch = Batch(change=change, uids=uids, origin=ORIGIN)
    draft = draft_of_batch(actor=governed.developer, action="change_settings", batch=batch)
    client = visit(governed.developer)
    assert [row[0] for row in rows_of(client, draft)] == uids[:1]
    shown = look(client, draft, outcome="invalid").context["shown"]
    assert [row.why for row in shown.rows] == [
        ["/repository/token: is secret in another type of this batch; split the batch"]
    ]


def test_a_page_of_a_preview_calls_copies_as_they_will_be_called(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = governed.add_tasks(3)
    names = ["a" * 190, "a" * 191, "b"]
    for uid, name in zip(uids, names, strict=True):
        Task.objects.filter(uid=uid).update(name=name)
    monkeypatch.setattr("tasks.admin.preview_page.PER_PAGE", 1)
    batch = Batch(change=CopyTasks(), uids=uids, origin=ORIGIN)
    draft = draft_of_batch(actor=governed.manager, action="copy", batch=batch)
    assert draft.companions == uids[:2]
    client = visit(governed.manager)
    shown = [rows_of(client, draft, page=page)[0][1][0][2] for page in (1, 2, 3)]
    assert shown == [f"{'a' * 184}-copy-1", f"{'a' * 184}-copy-2", "b-copy-1"]


def test_a_page_of_a_preview_of_a_restore_reads_no_more_than_itself_and_two_namesakes(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = governed.add_tasks(6)
    apply(governed.manager, RecycleTasks(), uids)
    Task.objects.filter(uid__in=uids[:4]).update(name="nightly")
    monkeypatch.setattr("tasks.admin.preview_page.PER_PAGE", 1)
    client = visit(governed.manager)
    draft = choose(client, "restore", uids)
    asked: list[int] = []
    read = RestoreTasks.read

    def noting(change: RestoreTasks, *, uids: list[str], lock: bool) -> Any:
        asked.append(len(uids))
        return read(change, uids=uids, lock=lock)

    monkeypatch.setattr(RestoreTasks, "read", noting)
    for number in (1, 2, 3, 4):
        (row,) = look(client, draft, outcome="invalid", page=number).context["shown"].rows
        assert row.why == ["another of the tasks to restore has the name 'nightly' in its project"]
    assert [row[0] for row in rows_of(client, draft, page=2)] == uids[5:]
    assert max(asked) == 3


def test_a_preview_is_a_file_that_no_spreadsheet_runs(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    Task.objects.filter(uid=uid).update(name="=1+1")
    client = visit(governed.developer)
    draft = choose(client, "disable", [uid, NOBODYS])
    write_down(client, draft, {"reason": "@x"})
    file = body_of(client.get(page("tasks_task_draft_csv", draft.pk)))
    head, *rows = csv.reader(file.splitlines())
    assert head[-3:] == ["before", "after", "why"]
    assert rows == [
        [uid, "'=1+1", "payments", "Will change", "enabled", "yes", "no", ""],
        [uid, "'=1+1", "payments", "Will change", "disabled reason", "–", "'@x", ""],
        [NOBODYS, "", "", "Not found", "", "", "", "there is no such task"],
    ]


def test_an_export_has_what_the_visitor_may_view_and_no_secret(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    hidden = build_governed("ledger").add_tasks(1)
    secret = UpdateSettings(patch={"repository": {"token": "correct horse battery"}})
    apply(governed.developer, secret, uids[:1])
    client = visit(governed.viewer)
    draft = choose(client, "export", [*uids, *hidden])
    address = page("tasks_task_draft_export", draft.pk)
    assert "1 of the chosen ids names no task" in text_of(client.get(address))
    exported = json.loads(body_of(client.get(address, {"format": "json"})))
    assert [task["uid"] for task in exported] == uids
    assert exported[0]["settings"]["repository"]["token"] == "secret, set"
    file = body_of(client.get(address, FILE))
    assert [row["uid"] for row in csv.DictReader(file.splitlines())] == uids
    assert "correct horse" not in file
    assert "secret:" not in file


def test_a_draft_is_forgotten_after_an_hour(governed: Governed) -> None:
    client = visit(governed.developer)
    draft = choose(client, "disable", governed.add_tasks(1))
    Draft.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "There is no such draft" in text_of(client.get(page("tasks_task_draft", draft.pk)))
    prune_kept()
    assert not Draft.objects.exists()


def test_an_actors_latest_drafts_are_kept_and_what_the_worker_has_not_done(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.admin.drafts.MOST_DRAFTS", 2)
    monkeypatch.setattr("tasks.admin.drafts.APPLIED_AT_ONCE", 0)
    uids = governed.add_tasks(1)
    others = choose(visit(governed.manager), "disable", uids)
    client = visit(governed.developer)
    with_worker = choose(client, "disable", uids)
    write_down(client, with_worker, {"reason": "x"})
    confirm(client, with_worker)
    _, *latest = (choose(client, "disable", uids) for _ in range(3))
    assert set(Draft.objects.all()) == {others, with_worker, *latest}
