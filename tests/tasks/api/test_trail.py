"""The trail over HTTP: pages, exports that prove themselves, and who is told what."""

import csv
import hashlib
import io
import json
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, User

from audit.models import Operation
from permissions.models import Scope
from tasks.changes import SetEnabled, UpdateSettings
from tests.batches import apply
from tests.conftest import Governed
from tests.tasks.api.caller import SETTINGS_TASKS, Caller, caller_of, update


OPERATIONS = "/api/v2/operations"
EVENTS = "/api/v2/audit/events"
SETTINGS = "/api/v2/audit/settings"


@pytest.fixture
def uids(governed: Governed) -> list[str]:
    """Two tasks whose settings were changed, and one of which was disabled."""
    uids = sorted(governed.add_tasks(2))
    patch = {"repository": {"branch": "main", "token": "hunter2hunter2"}}
    apply(governed.developer, UpdateSettings(patch=patch), uids)
    apply(governed.manager, SetEnabled(enabled=False, reason="=frozen"), uids[:1])
    return uids


@pytest.fixture
def auditor(governed: Governed) -> Caller:
    """An auditor's program; the auditor has no role in any project."""
    auditor = User.objects.create_user("auditor")
    auditor.groups.add(Group.objects.get(name="auditors"))
    return caller_of(auditor, scopes=[Scope.AUDIT_READ])


def walk(caller: Caller, path: str, key: str, *, limit: int) -> list[dict[str, Any]]:
    """Follow the pages to the end."""
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        answer = caller.get(f"{path}{'&' if '?' in path else '?'}limit={limit}{after}").json()
        found += answer[key]
        if answer["next"] is None:
            return found
        after = f"&after={answer['next']}"


@pytest.mark.parametrize("key", ["operations", "events"])
def test_pages_lead_through_everything_once(auditor: Caller, uids: list[str], key: str) -> None:
    path = {"operations": OPERATIONS, "events": EVENTS}[key]
    paged = walk(auditor, path, key, limit=3)
    assert paged == auditor.get(f"{path}?limit=1000").json()[key]
    assert len({each["id"] for each in paged}) == len(paged) > 5


def test_the_changes_of_an_operation_are_told(
    auditor: Caller, uids: list[str], governed: Governed
) -> None:
    operation = Operation.objects.get(kind="set_enabled")
    answer = auditor.get(f"{OPERATIONS}/{operation.pk}/changes").json()
    (event,) = answer["events"]
    assert (event["version"], event["type"], event["task"]) == (1, "task.changed", uids[0])
    assert event["operation"]["actor"] == "payments-manager"
    assert event["changes"] == [
        {"place": "/enabled", "before": True, "after": False},
        {"place": "/disabled_reason", "before": "", "after": "=frozen"},
    ]
    outsider = caller_of(governed.outsider)
    assert outsider.get(f"{OPERATIONS}/{operation.pk}/changes").status_code == 404


def test_a_member_reads_of_a_task_that_they_may_view_and_of_no_other(
    uids: list[str], governed: Governed
) -> None:
    viewer, outsider = caller_of(governed.viewer), caller_of(governed.outsider, name="other")
    found = viewer.get(f"{EVENTS}?task={uids[0]}&kind=set_enabled").json()["events"]
    assert [event["task"] for event in found] == uids[:1]
    assert outsider.get(f"{EVENTS}?task={uids[0]}").status_code == 404
    assert walk(outsider, f"{EVENTS}?project={governed.project.uid}", "events", limit=9) == []


def streamed(caller: Caller, path: str, accept: str) -> bytes:
    answer = caller.get(path, Accept=accept)
    assert answer.status_code == 200
    assert answer["Content-Type"] == f"{accept}; charset=utf-8"
    return b"".join(answer.streaming_content)


def test_json_lines_end_with_a_manifest_that_proves_them_whole(
    auditor: Caller, uids: list[str]
) -> None:
    path = f"{EVENTS}?kind=update_settings"
    content = streamed(auditor, path, "application/x-ndjson")
    *lines, last = content.splitlines(keepends=True)
    manifest = json.loads(last)["manifest"]
    assert [json.loads(line) for line in lines] == auditor.get(path).json()["events"]
    assert manifest["rows"] == len(lines) == 2
    assert manifest["sha256"] == hashlib.sha256(b"".join(lines)).hexdigest()
    assert manifest["asked"] == {"kind": "update_settings"}
    exported = Operation.objects.get(kind="export_trail")
    assert manifest["export"] == str(exported.pk)
    assert (exported.actor_name, exported.parameters["asked"]) == ("auditor", manifest["asked"])
    assert b"hunter2" not in content
    ended = Operation.objects.get(kind="export_trail_finished")
    assert (ended.state, ended.token_name, ended.channel) == ("applied", "robot", "api")
    assert {name: ended.parameters[name] for name in ("export", "rows", "sha256", "seal")} == {
        name: manifest[name] for name in ("export", "rows", "sha256", "seal")
    }
    (event,) = auditor.get(f"{EVENTS}?kind=export_trail_finished").json()["events"]
    assert event["parameters"] == ended.parameters


def test_whoever_asks_for_the_head_of_an_export_exports_nothing(auditor: Caller) -> None:
    for path in (OPERATIONS, EVENTS):
        headers = {"Authorization": f"Bearer {auditor.token}", "Accept": "text/csv"}
        answer = auditor.client.head(path, headers=headers)
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert not Operation.objects.filter(kind="export_trail").exists()


def test_operations_are_streamed_as_they_are_listed(auditor: Caller, uids: list[str]) -> None:
    path = f"{OPERATIONS}?kind=update_settings"
    (listed,) = auditor.get(path).json()["operations"]
    line, last = streamed(auditor, path, "application/x-ndjson").splitlines()
    assert json.loads(line) == listed
    manifest = json.loads(last)["manifest"]
    assert (manifest["rows"], manifest["asked"]["list"]) == (1, "operations")
    head, row, _ = csv.reader(io.StringIO(streamed(auditor, path, "text/csv").decode()))
    told = dict(zip(head, row, strict=True))
    assert (told["operation"], told["changed"], told["channel"]) == (listed["id"], "2", "command")
    assert listed["counts"] == {"targets": 2, "changed": 2, "unchanged": 0, "refused": 0}
    assert 0 < listed["duration"] < 60
    assert auditor.get(f"{OPERATIONS}/{listed['id']}").json()["counts"] == listed["counts"]


def test_from_where_others_came_and_how_much_they_changed_is_told_to_auditors_alone(
    auditor: Caller, uids: list[str], governed: Governed
) -> None:
    developer, manager = caller_of(governed.developer), caller_of(governed.manager, name="other")
    answer = developer.post(
        SETTINGS_TASKS, update(uids[1:], {"repository": {"branch": "next"}}), User_Agent="robot/1"
    )
    path = f"{OPERATIONS}?kind=update_settings&limit=1"
    told = {}
    for caller in (auditor, developer, manager):
        (operation,) = caller.get(path).json()["operations"]
        assert answer["Location"].endswith(operation["id"])
        (event,) = caller.get(f"{OPERATIONS}/{operation['id']}/changes").json()["events"]
        assert event["operation"] == operation
        of_others = (operation["address"], operation["user_agent"], operation["counts"]["changed"])
        told[caller.token] = of_others
    assert list(told.values()) == [("127.0.0.1", "robot/1", 1)] * 2 + [(None, None, None)]


def test_a_table_has_the_same_rows_and_no_formulas(auditor: Caller, uids: list[str]) -> None:
    content = streamed(auditor, EVENTS, "text/csv")
    head, *rows, last = csv.reader(io.StringIO(content.decode()))
    assert last[0] == "#manifest"
    manifest = json.loads(last[1])
    body = content[: content.index(b"#manifest")]
    assert manifest["sha256"] == hashlib.sha256(body).hexdigest()
    ids = [row[head.index("id")] for row in rows]
    told = walk(auditor, EVENTS, "events", limit=50)
    assert manifest["rows"] == len(ids)
    # All but the end of the export itself.
    assert ids == [event["id"] for event in told[1:]]
    assert told[0]["type"] == "operation.export_trail_finished"
    written = [json.loads(row[head.index("changes")]) for row in rows]
    assert written == [event["changes"] for event in told[1:]]
    asked = json.loads(rows[0][head.index("asked")])
    assert asked["parameters"] == told[1]["parameters"]
    assert {row[head.index("reason")] for row in rows} == {""}
    assert not any(cell.startswith("=") for row in rows for cell in row)


# A place as an answer's `next` says it, with a number where the operation's id belongs.
ALTERED = urlsafe_b64encode(b'["2026-05-03T14:00:00Z",7,"task",1]').decode()


@pytest.mark.parametrize(
    "query",
    [
        *(
            "actr=x",
            "role=a",
            "task=x",
            "limit=0",
            "after=x",
            "since=2026-05-03",
            "settings_key=a",
            "flag=execute",
        ),
        f"after={ALTERED}",
    ],
)
def test_a_question_that_says_nothing_is_refused(auditor: Caller, query: str) -> None:
    answer = auditor.get(f"{EVENTS}?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["errors"][0]["detail"]


def test_settings_are_told_as_they_were(auditor: Caller, uids: list[str]) -> None:
    changed = Operation.objects.get(kind="update_settings")
    before = quote(changed.created_at.isoformat())
    after = quote(changed.finished_at.isoformat())  # type: ignore[union-attr]  # it is finished
    answer = auditor.get(f"{SETTINGS}?task={uids[0]}&at={before}&compared_with={after}").json()
    assert answer["state"]["settings"]["repository"]["branch"] == "develop"
    assert answer["compared_state"]["settings"]["repository"]["token"] == {"secret": True}
    assert answer["changes"] == [
        {"place": "/repository/branch", "before": "develop", "after": "main"},
        {"place": "/repository/token", "secret": True},
    ]
    assert auditor.get(f"{SETTINGS}?task={uids[0]}&at=2001-01-01T00:00:00Z").json()["state"] is None


def test_settings_are_told_to_who_may_view_the_task(uids: list[str], governed: Governed) -> None:
    path = f"{SETTINGS}?task={uids[0]}&at=2026-01-01T00:00:00Z"
    assert caller_of(governed.viewer).get(path).status_code == 200
    assert caller_of(governed.outsider).get(path).status_code == 404
    assert caller_of(governed.viewer, name="b").get(f"{SETTINGS}?task={uids[0]}").status_code == 400
