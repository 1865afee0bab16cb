"""POST /api/v2/settings/tasks: Opsera's own example, and what the answers hold."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Channel, Operation, State
from audit.recorder import administrative_operation
from tasks.models import PreviewedPlan, Secret, Task
from tests.conftest import ORIGIN, Governed, insert_tasks
from tests.tasks.api.caller import BRANCH, SETTINGS_TASKS, caller_of, update


EXAMPLE = b"""{
  "target": [
    "64d7c869b5760b001e46c1a2",
    "64d7c869b5760b001e46c1a3"
  ],
  "settings": {
    "repository": {
      "url": "https://github.com/example/repo",
      "branch": "main"
    },
    "notifications": {
      "enabled": true
    }
  }
}"""
TOKEN = {"repository": {"token": "correct horse battery"}}


def add_tasks_of_the_example(governed: Governed) -> list[str]:
    uids = json.loads(EXAMPLE)["target"]
    with administrative_operation(actor=governed.admin, kind="add_tasks", origin=ORIGIN) as adding:
        insert_tasks(
            operation=adding,
            project=governed.project,
            task_type=governed.task_type,
            creator=governed.admin,
            uids=uids,
        )
    return list(uids)


def branches(uids: Sequence[str]) -> set[str]:
    tasks = Task.objects.filter(uid__in=uids)
    return set(tasks.values_list("settings__repository__branch", flat=True))


def test_the_vendors_example_changes_both_tasks(governed: Governed) -> None:
    uids = add_tasks_of_the_example(governed)
    response = caller_of(governed.developer).post(SETTINGS_TASKS, EXAMPLE)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    places = "/repository/url, /repository/branch, /notifications/enabled"
    assert response.json() == {
        "status": "success",
        "message": "The update operation has been completed.",
        "log": [f"Task {uid}: changed {places}" for uid in uids],
    }
    for task in Task.objects.filter(uid__in=uids):
        assert task.settings == json.loads(EXAMPLE)["settings"]


def test_a_line_of_the_log_names_twenty_places_and_counts_the_others(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    governed.task_type.schema = {"type": "object"}
    with administrative_operation(actor=governed.admin, kind="edit_task_type", origin=ORIGIN):
        governed.task_type.save()
    body = update([uid], {f"k{number:02}": number for number in range(23)})
    response = caller_of(governed.developer).post(SETTINGS_TASKS, body)
    listed = ", ".join(f"/k{number:02}" for number in range(20))
    assert response.json()["log"] == [f"Task {uid}: changed {listed} and 3 more"]


def test_the_operation_says_who_changed_what_through_which_request(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    response = caller_of(governed.developer, name="nightly").post(
        SETTINGS_TASKS, update(uids), X_Request_Id="release-42", User_Agent="curl/8"
    )
    operation = Operation.objects.get(pk=response["Location"].rpartition("/")[2])
    assert response["Location"] == f"/api/v2/operations/{operation.pk}"
    assert (operation.actor, operation.channel) == (governed.developer, Channel.API)
    assert (operation.request_id, operation.token_name) == ("release-42", "nightly")
    assert (operation.address, operation.user_agent) == ("127.0.0.1", "curl/8")
    assert (operation.state, operation.changed) == (State.APPLIED, 2)


def test_a_task_that_already_is_so_is_said_to_be_unchanged(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    caller = caller_of(governed.developer)
    caller.post(SETTINGS_TASKS, update(uids))
    again = caller.post(SETTINGS_TASKS, update(uids))
    assert again.json()["log"] == [f"Task {uids[0]}: unchanged, it already is so"]


def test_an_id_given_twice_or_in_capitals_is_one_task(governed: Governed) -> None:
    uid = governed.add_tasks(1)[0]
    response = caller_of(governed.developer).post(SETTINGS_TASKS, update([uid, uid.upper()]))
    assert response.json()["log"] == [f"Task {uid}: changed /repository/branch"]


def test_a_dry_run_shows_the_plan_and_changes_nothing(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    response = caller_of(governed.developer).post(f"{SETTINGS_TASKS}?dry_run=true", update(uids))
    body = response.json()
    assert (response.status_code, body["status"]) == (200, "success")
    assert body["message"] == "Dry run: 1 of 1 tasks would be changed; nothing was changed."
    assert body["log"] == [f"Task {uids[0]}: would change /repository/branch"]
    assert body["plan"]["counts"]["change"] == 1
    change = {"place": "/repository/branch", "before": "develop", "after": "main"}
    assert body["plan"]["targets"] == [
        {"target": uids[0], "outcome": "change", "changes": [change]}
    ]
    assert response["ETag"] == f'"{body["plan"]["fingerprint"]}"'
    assert "Location" not in response
    assert branches(uids) == {"develop"}
    assert not Operation.objects.filter(kind="update_settings").exists()


def test_a_refused_dry_run_answers_as_applying_would_and_adds_the_plan(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    unknown = "f" * 24
    response = caller_of(governed.developer).post(
        f"{SETTINGS_TASKS}?dry_run=true", update([*uids, unknown])
    )
    body = response.json()
    assert (response.status_code, body["status"]) == (404, "failed")
    assert [error["target"] for error in body["errors"]] == [unknown]
    assert [target["outcome"] for target in body["plan"]["targets"]] == ["change", "missing"]


def test_what_a_dry_run_showed_is_applied_if_nothing_changed_since(governed: Governed) -> None:
    uids = governed.add_tasks(3)
    caller = caller_of(governed.developer)
    shown = caller.post(f"{SETTINGS_TASKS}?dry_run=true", update(uids))
    applied = caller.post(SETTINGS_TASKS, update(uids), If_Match=shown["ETag"])
    assert applied.status_code == 200
    assert branches(uids) == {"main"}


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_tasks_changed_since_the_dry_run_are_named(governed: Governed, query: str) -> None:
    uids = governed.add_tasks(3)
    caller = caller_of(governed.developer)
    shown = caller.post(f"{SETTINGS_TASKS}?dry_run=true", update(uids))
    caller.post(SETTINGS_TASKS, update(uids[:1], {"notifications": {"enabled": True}}))
    drifted = caller.post(f"{SETTINGS_TASKS}{query}", update(uids), If_Match=shown["ETag"])
    assert drifted.status_code == 412
    assert [error["target"] for error in drifted.json()["errors"]] == uids[:1]
    assert branches(uids) == {"develop"}


def test_a_secret_is_stored_and_never_shown(
    governed: Governed, capfd: pytest.CaptureFixture[str]
) -> None:
    uids = governed.add_tasks(1)
    caller = caller_of(governed.developer)
    shown = caller.post(f"{SETTINGS_TASKS}?dry_run=true", update(uids, TOKEN))
    applied = caller.post(SETTINGS_TASKS, update(uids, TOKEN), Idempotency_Key="once")
    assert shown.json()["plan"]["targets"][0]["changes"] == [
        {"place": "/repository/token", "secret": True}
    ]
    assert applied.json()["log"] == [f"Task {uids[0]}: changed /repository/token"]
    assert Secret.objects.count() == 1
    assert "correct horse" not in shown.content.decode() + applied.content.decode()
    assert "correct horse" not in "".join(every_stored_text())
    assert "correct horse" not in "".join(capfd.readouterr())


def every_stored_text() -> list[str]:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows: list[str] = []
        for table in tables:
            cursor.execute(f'SELECT "{table}"::text FROM "{table}"')  # noqa: S608 - our own names
            rows += [text for (text,) in cursor.fetchall()]
    return rows


def test_a_secret_that_breaks_its_rule_is_not_in_the_answer(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    response = caller_of(governed.developer).post(
        SETTINGS_TASKS, update(uids, {"repository": {"token": "hunter2"}})
    )
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert (error["pointer"], error["rule"]) == ("/repository/token", "minLength")
    assert "hunter2" not in response.content.decode()


def test_null_removes_a_setting(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    caller_of(governed.developer).post(SETTINGS_TASKS, update(uids, {"notifications": None}))
    assert "notifications" not in Task.objects.get(uid=uids[0]).settings


@pytest.mark.parametrize(
    ("terms", "statements"),
    [({}, 12), ({"Idempotency_Key": "k-{}"}, 15), ({"Prefer": "respond-async"}, 10)],
)
def test_the_statements_do_not_grow_with_the_targets(
    governed: Governed, terms: dict[str, str], statements: int
) -> None:
    caller = caller_of(governed.developer)
    caller.post(SETTINGS_TASKS, update(governed.add_tasks(1)))  # notes the token's first use
    for number in (2, 200):
        uids = governed.add_tasks(number)
        named = {name: value.format(number) for name, value in terms.items()}
        with CaptureQueriesContext(connection) as captured:
            assert caller.post(SETTINGS_TASKS, update(uids), **named).status_code in {200, 202}
        assert len(captured) == statements


def test_unknown_keys_of_the_body_are_passed_over(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    body: dict[str, Any] = {**update(uids), "version": 1}
    assert caller_of(governed.developer).post(SETTINGS_TASKS, body).status_code == 200
    assert branches(uids) == {BRANCH["repository"]["branch"]}
    assert not PreviewedPlan.objects.exists()
