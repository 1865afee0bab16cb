"""Choosing tasks: by rows, by a filter, by ids; and choices that are not the visitor's to make."""

import html
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings

from audit.recorder import administrative_operation
from permissions.models import RoleMember
from tasks.changes import RecycleTasks, SetEnabled
from tasks.models import Draft, Task
from tests.batches import apply
from tests.conftest import ORIGIN, Governed, build_governed
from tests.visitors import choose, draft_at, page, refused, text_of, visit, write_down


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


@pytest.mark.parametrize("address", ["tasks_task_changelist", "tasks_task_choose"])
def test_an_action_whose_flag_is_held_nowhere_is_refused_and_recorded(
    governed: Governed, address: str
) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    sent = {"action": "disable", "index": 0, "_selected_action": [task.pk], "uids": task.uid}
    visit(governed.viewer).post(page(address), sent)
    assert not Draft.objects.exists()
    assert refused(kind="choose_tasks") == ["Disable: you hold no disable_task right on any task"]


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
