"""The pages of a preview, and the files of previews and of chosen tasks."""

import csv
import json
from typing import Any

import pytest

from permissions.changes import CopyTasks
from tasks.admin.drafts import (
    draft_of_batch,
)
from tasks.batch.pipeline import Batch
from tasks.changes import RecycleTasks, RestoreTasks, UpdateSettings
from tasks.models import Task, TaskType
from tests.batches import apply
from tests.conftest import ORIGIN, Governed, build_governed
from tests.visitors import choose, look, page, rows_of, text_of, visit, write_down


NOBODYS = "0" * 24


FILE = {"format": "csv"}


def body_of(response: Any) -> str:
    """Return the file that was sent."""
    assert response.headers["Content-Disposition"].startswith("attachment")
    return b"".join(response.streaming_content).decode()


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
