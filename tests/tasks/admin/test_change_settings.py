"""Changing settings in the admin: written down, previewed, applied through the pipeline."""

import json
from typing import Any

import pytest

from audit.models import Channel, Operation
from tasks.models import Draft, Task, TaskType
from tasks.secrets import reveal_secret
from tests.conftest import GIT_SCHEMA, SETTINGS, Governed
from tests.visitors import choose, confirm, look, text_of, visit, write_down


SECRET = "correct horse battery"  # what no answer may hold


def written(text: Any, **secrets: str) -> dict[str, Any]:
    """Return what the form sends."""
    fields = {f"patch-{name}/repository/token": value for name, value in secrets.items()}
    return {"text": json.dumps(text), **fields}


def test_a_developer_changes_settings_and_the_operation_says_from_where(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    client = visit(governed.developer)
    draft = choose(client, "change_settings", [task.uid])
    preview = write_down(client, draft, written({"repository": {"branch": "main"}}))
    assert [tuple(each) for each in preview.context["shown"].rows[0].differences] == [
        ("/repository/branch", "develop", "main")
    ]
    assert Task.objects.get(pk=task.pk).settings == SETTINGS
    client.defaults["HTTP_USER_AGENT"] = "A browser"
    applied = confirm(client, draft)
    operation = Operation.objects.get(kind="update_settings")
    assert applied.headers["Location"].endswith(f"/{operation.pk}/change/")
    task.refresh_from_db()
    assert task.settings["repository"]["branch"] == "main"
    assert (operation.actor, operation.channel) == (governed.developer, Channel.ADMIN)
    assert (operation.address, operation.user_agent) == ("127.0.0.1", "A browser")
    assert operation.request_id == applied.headers.get("X-Request-Id", "")
    assert task.history.filter(operation=operation).count() == 1


def test_a_secret_goes_in_and_never_comes_back(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1)[0])
    client = visit(governed.developer)
    draft = choose(client, "change_settings", [task.uid])
    preview = write_down(client, draft, written({}, how="set", value=SECRET))
    stored = json.dumps(Draft.objects.filter(pk=draft.pk).values().get(), default=str)
    form_again = client.get(preview.redirect_chain[-1][0].replace("preview/", ""))
    applied = confirm(client, draft)
    shown = client.get(applied.headers["Location"])
    assert SECRET not in stored + text_of(preview) + text_of(form_again) + text_of(shown)
    task.refresh_from_db()
    assert reveal_secret(task.settings["repository"]["token"]) == SECRET
    assert SECRET not in json.dumps(Operation.objects.latest("created_at").parameters)
    removing = choose(client, "change_settings", [task.uid])
    write_down(client, removing, written({}, how="remove"))
    confirm(client, removing)
    task.refresh_from_db()
    assert "token" not in task.settings["repository"]


def test_a_secret_that_breaks_its_rule_is_refused_without_being_repeated(
    governed: Governed,
) -> None:
    client = visit(governed.developer)
    draft = choose(client, "change_settings", governed.add_tasks(1))
    answer = write_down(client, draft, written({}, how="set", value="hunter2"))
    assert "/repository/token" in text_of(answer)
    assert "hunter2" not in text_of(answer)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Line 1, column 2"),
        ("[]", "must be a JSON object"),
        ('{"a": 1, "a": 2}', "more than once"),
        ("", "Nothing would change"),
        ('{"a": "\\u0000"}', "U+0000"),
        ('{"repository": {"token": "xxxxxxxxx"}}', "has a field of its own"),
        ('{"repository": {"branch": ""}}', "shorter than 1 character"),
        ('{"colour": "red"}', "there is no such setting"),
    ],
)
def test_what_says_no_change_is_shown_again_with_the_reason(
    governed: Governed, text: str, says: str
) -> None:
    client = visit(governed.developer)
    draft = choose(client, "change_settings", governed.add_tasks(1))
    answer = write_down(client, draft, {"text": text})
    assert says in text_of(answer)
    # But for a secret, which no page shows again.
    assert answer.context["form"]["text"].value() == text.replace("xxxxxxxxx", "")
    draft.refresh_from_db()
    assert not draft.change


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        ({"notifications": None}, "/:"),
        ({"repository": {"branch": "develop"}}, "nothing would change"),
    ],
)
def test_what_cannot_be_applied_is_previewed_with_the_reason(
    governed: Governed, patch: Any, says: str
) -> None:
    # Of whole settings only the pipeline can judge.
    schema = {**GIT_SCHEMA, "anyOf": [{"required": ["notifications"]}]}
    TaskType.objects.filter(pk=governed.task_type.pk).update(schema=schema)
    client = visit(governed.developer)
    draft = choose(client, "change_settings", governed.add_tasks(1))
    answer = write_down(client, draft, written(patch))
    assert says in text_of(answer)
    assert not answer.context["shown"].fingerprint
    page = text_of(look(client, draft))
    assert 'name="apply"' not in page
    assert "Write it differently" in page
