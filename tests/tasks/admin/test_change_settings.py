"""Changing one task's settings: written down, previewed, applied through the pipeline."""

import json
from typing import Any

import pytest

from audit.models import Channel, Operation
from audit.recorder import administrative_operation
from permissions.models import RoleMember
from tasks.admin.drafts import Draft
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tasks.models import Task
from tasks.secrets import reveal_secret
from tests.conftest import ORIGIN, SETTINGS, Governed
from tests.visitors import draft_in, page, text_of, visit


SECRET = "correct horse battery"  # what no answer may hold


def add_task(governed: Governed) -> tuple[Task, str]:
    """Add a task; return it and the address of its form."""
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    return task, page("tasks_task_change_settings", task.pk)


def written(text: Any, *, version: int = 1, **secrets: str) -> dict[str, Any]:
    """Return what the form sends."""
    return {"text": json.dumps(text), "version": version, **secrets}


def test_a_developer_changes_settings_and_the_operation_says_from_where(governed: Governed) -> None:
    task, address = add_task(governed)
    client = visit(governed.developer)
    preview = client.post(address, written({"repository": {"branch": "main"}}))
    assert [tuple(each) for each in preview.context["differences"]] == [
        ("/repository/branch", "develop", "main")
    ]
    assert Task.objects.get(pk=task.pk).settings == SETTINGS
    applied = client.post(
        address, {"draft": draft_in(preview)}, headers={"User-Agent": "A browser"}
    )
    assert applied.status_code == 302
    task.refresh_from_db()
    assert task.settings["repository"]["branch"] == "main"
    operation = Operation.objects.get(kind="update_settings")
    assert (operation.actor, operation.channel) == (governed.developer, Channel.ADMIN)
    assert (operation.address, operation.user_agent) == ("127.0.0.1", "A browser")
    assert operation.request_id == applied.headers.get("X-Request-Id", "")
    assert task.history.filter(operation=operation).count() == 1


def test_settings_written_as_a_whole_replace_and_remove_but_keep_secrets(
    governed: Governed,
) -> None:
    task, address = add_task(governed)
    set_token = UpdateSettings(patch={"repository": {"token": SECRET}})
    batch = Batch(change=set_token, uids=[task.uid], origin=ORIGIN)
    pipeline.apply(actor=governed.developer, batch=batch)
    client = visit(governed.developer)
    form = client.get(f"{address}?as=whole").context["form"]
    assert json.loads(form["text"].value()) == SETTINGS
    wanted = {"repository": {"url": "https://git.example/other"}}
    preview = client.post(f"{address}?as=whole", written(wanted, version=2))
    client.post(address, {"draft": draft_in(preview)})
    task.refresh_from_db()
    token = task.settings["repository"].pop("token")
    assert reveal_secret(token) == SECRET
    assert task.settings == wanted


def test_settings_as_a_whole_do_not_overwrite_a_change_made_meanwhile(governed: Governed) -> None:
    task, address = add_task(governed)
    batch = Batch(
        change=UpdateSettings(patch={"notifications": {"enabled": True}}),
        uids=[task.uid],
        origin=ORIGIN,
    )
    pipeline.apply(actor=governed.manager, batch=batch)
    answer = visit(governed.developer).post(f"{address}?as=whole", written(SETTINGS, version=1))
    assert "changed since you opened this page" in text_of(answer)
    assert "draft" not in answer.context


def test_a_secret_goes_in_and_never_comes_back(governed: Governed) -> None:
    task, address = add_task(governed)
    client = visit(governed.developer)
    preview = client.post(address, written({}, secret_0=SECRET))
    applied = client.post(address, {"draft": draft_in(preview)}, follow=True)
    assert SECRET not in text_of(preview) + text_of(applied)
    task.refresh_from_db()
    assert reveal_secret(task.settings["repository"]["token"]) == SECRET
    assert SECRET not in json.dumps(Operation.objects.latest("created_at").parameters)
    removed = client.post(address, written({}, version=2, remove_0="on"))
    client.post(address, {"draft": draft_in(removed)})
    task.refresh_from_db()
    assert "token" not in task.settings["repository"]


def test_a_secret_that_breaks_its_rule_is_refused_without_being_repeated(
    governed: Governed,
) -> None:
    _, address = add_task(governed)
    answer = visit(governed.developer).post(address, written({}, secret_0="hunter2"))
    assert "/repository/token" in text_of(answer)
    assert "hunter2" not in text_of(answer)


def test_a_secret_in_the_text_is_sent_to_its_own_field(governed: Governed) -> None:
    _, address = add_task(governed)
    answer = visit(governed.developer).post(address, written({"repository": {"token": "x" * 9}}))
    assert "it has a field of its own" in text_of(answer)
    assert "draft" not in answer.context


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "line 1 column 2"),
        ("[]", "must be a JSON object"),
        ('{"a": 1, "a": 2}', "more than once"),
        ('{"repository": {"branch": ""}}', "/repository/branch"),
        ('{"colour": "red"}', "colour"),
        ('{"repository": {"branch": "develop"}}', "nothing would change"),
        ("", "This field is required"),
        ('{"a": "\\u0000"}', "U+0000"),
    ],
)
def test_what_cannot_be_applied_is_shown_again_with_the_reason(
    governed: Governed, text: str, says: str
) -> None:
    task, address = add_task(governed)
    answer = visit(governed.developer).post(address, {"text": text, "version": 1})
    assert says in text_of(answer)
    assert answer.context["form"]["text"].value() == text
    assert Task.objects.get(pk=task.pk).version == 1


def test_a_task_changed_since_the_preview_is_not_changed_and_shown_anew(
    governed: Governed,
) -> None:
    task, address = add_task(governed)
    client = visit(governed.developer)
    preview = client.post(address, written({"repository": {"branch": "main"}}))
    other = UpdateSettings(patch={"repository": {"branch": "release"}})
    batch = Batch(change=other, uids=[task.uid], origin=ORIGIN)
    pipeline.apply(actor=governed.manager, batch=batch)
    answer = client.post(address, {"draft": draft_in(preview)})
    assert "changed since the preview" in text_of(answer)
    assert tuple(answer.context["differences"][0]) == ("/repository/branch", "release", "main")
    task.refresh_from_db()
    assert task.settings["repository"]["branch"] == "release"


def test_a_viewer_changes_nothing_by_a_crafted_post(governed: Governed) -> None:
    task, address = add_task(governed)
    change = UpdateSettings(patch={"repository": {"branch": "main"}})
    plan = pipeline.preview(
        actor=governed.developer, batch=Batch(change=change, uids=[task.uid], origin=ORIGIN)
    )
    draft = Draft(change=change, uids=[task.uid], fingerprint=plan.fingerprint)
    forged = draft.seal(actor=governed.viewer)
    client = visit(governed.viewer)
    for sent in ({"draft": forged}, written({"repository": {"branch": "main"}})):
        assert client.post(address, sent).status_code == 403
    task.refresh_from_db()
    assert (task.settings, task.version) == (SETTINGS, 1)


@pytest.mark.parametrize("draft", ["", "nonsense", "gAAAAAB"])
def test_a_draft_that_was_not_made_here_is_refused(governed: Governed, draft: str) -> None:
    task, address = add_task(governed)
    answer = visit(governed.developer).post(address, {"draft": draft})
    assert answer.status_code == 200
    assert Task.objects.get(pk=task.pk).version == 1


def test_a_draft_serves_only_its_actor_and_its_task(governed: Governed) -> None:
    task, address = add_task(governed)
    other, other_address = add_task(governed)
    patch = written({"repository": {"branch": "main"}})
    draft = draft_in(visit(governed.developer).post(address, patch))
    by_another = visit(governed.manager).post(address, {"draft": draft})
    assert "expired" in text_of(by_another)
    for_another = visit(governed.developer).post(other_address, {"draft": draft})
    assert "of another task" in text_of(for_another)
    assert set(Task.objects.values_list("version", flat=True)) == {1}
    assert other.pk != task.pk


def test_a_right_revoked_after_the_preview_is_noticed(governed: Governed) -> None:
    _, address = add_task(governed)
    client = visit(governed.developer)
    preview = client.post(address, written({"repository": {"branch": "main"}}))
    with administrative_operation(actor=governed.admin, kind="x", origin=ORIGIN):
        RoleMember.objects.get(user=governed.developer).delete()
    answer = client.post(address, {"draft": draft_in(preview)})
    assert answer.status_code == 403
    assert set(Task.objects.values_list("version", flat=True)) == {1}
