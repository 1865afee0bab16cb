"""Importing tasks in the admin: looked at row by row, then added as they were looked at."""

import json
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Channel, Operation, State
from audit.recorder import administrative_operation
from permissions.models import RoleMember
from permissions.roles import create_project
from tasks.models import Draft, Secret, Task
from tests.conftest import ORIGIN, Governed, build_governed
from tests.held_threads import threads, wait_until_blocked
from tests.permissions.admin.test_past import words
from tests.permissions.governance import add_steward
from tests.visitors import page, persona, text_of, visit


ROWS = [
    ["name", "project", "type", "settings.repository.branch", "settings.notifications.enabled"],
    ["build", "payments", "payments-git", "main", "true"],
    ["scan", "payments", "payments-git", "develop", "false"],
]
BAD = ["deploy", "payments", "payments-git", "", "perhaps"]


def csv_file(rows: Any = ROWS, name: str = "tasks.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, "\n".join(",".join(row) for row in rows).encode())


def xlsx_file() -> SimpleUploadedFile:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in [*ROWS[:1], [*ROWS[1][:4], True], [None] * 5, ROWS[2]]:
        sheet.append(row)
    content = BytesIO()
    book.save(content)
    return SimpleUploadedFile("tasks.xlsx", content.getvalue())


def json_file() -> SimpleUploadedFile:
    tasks = [
        {
            "name": row[0],
            "project": row[1],
            "type": row[2],
            "settings": {"repository": {"branch": row[3]}, "notifications": {"enabled": True}},
            "version": 7,
        }
        for row in ROWS[1:]
    ]
    return SimpleUploadedFile("tasks.json", json.dumps(tasks).encode())


def upload(client: Client, file: SimpleUploadedFile, **more: Any) -> Any:
    return client.post(page("tasks_task_import_file"), {"import_file": file, **more})


def refused_imports() -> list[str]:
    """Return why imports are recorded as refused."""
    found = Operation.objects.filter(kind="import_tasks", state=State.REFUSED)
    return [refusal["detail"] for operation in found for refusal in operation.refusals]


def preview(client: Client, file: SimpleUploadedFile, **more: Any) -> tuple[str, Any]:
    answer = upload(client, file, **more)
    assert answer.status_code == 302, answer.context["form"].errors
    address = answer.headers["Location"]
    return address, client.get(address)


@pytest.mark.parametrize("make", [csv_file, xlsx_file, json_file], ids=["csv", "xlsx", "json"])
def test_a_file_is_looked_at_and_then_added_as_one_operation(governed: Governed, make: Any) -> None:
    client = visit(governed.manager)
    address, shown = preview(client, make())
    told = shown.context["told"]
    assert [row[1:] for row in told.good_rows] == [
        ("build", "payments", "Git of payments"),
        ("scan", "payments", "Git of payments"),
    ]
    assert not Task.objects.exists()
    done = client.post(address, {"mark": told.mark})
    operation = Operation.objects.get(kind="import_tasks")
    assert done.headers["Location"] == page("audit_operation_change", operation.pk)
    assert (operation.channel, operation.actor) == (Channel.IMPORT, governed.manager)
    build = Task.objects.get(name="build")
    assert build.settings == {"repository": {"branch": "main"}, "notifications": {"enabled": True}}
    assert build.created_by == governed.manager
    assert client.get(address).headers["Location"] == done.headers["Location"]


def test_an_import_says_how_it_is_taken_back_and_what_it_was_asked_for_in_words(
    governed: Governed,
) -> None:
    client = visit(governed.manager)
    address, shown = preview(client, csv_file([*ROWS, BAD]))
    client.post(address, {"mark": shown.context["told"].mark, "leave_others": "on"})
    operation = Operation.objects.get(kind="import_tasks")
    shown = client.get(page("audit_operation_change", operation.pk))
    assert "An import has no Undo" in words(shown)
    assert "File tasks.csv Rows that could not become tasks 1 left out" in words(shown)
    (button,) = shown.context["buttons"]
    assert button.label == "See the tasks that it added"
    assert client.get(button.address).context["cl"].result_count == 2


def test_bad_rows_are_told_with_all_that_is_wrong_and_left_out_only_when_said_so(
    governed: Governed,
) -> None:
    governed.add_tasks(1)
    client = visit(governed.manager)
    address, shown = preview(
        client, csv_file([*ROWS, BAD, ["", "nowhere", "payments-git", "", ""]])
    )
    told = shown.context["told"]
    wrong = {row.place: row.problems for row in told.bad_rows}
    assert wrong["line 4"] == ["settings/notifications/enabled: must be of type boolean"]
    assert wrong["line 5"] == ["name: is missing", "project: there is no project 'nowhere'"]
    client.post(address, {"mark": told.mark})
    assert Task.objects.count() == 1
    client.post(address, {"mark": told.mark, "leave_others": "on"})
    assert Task.objects.count() == 3
    assert Operation.objects.get(kind="import_tasks").parameters["skipped"] == 2


def test_a_button_that_is_pressed_twice_at_once_adds_the_tasks_once(committed: Governed) -> None:
    client = visit(committed.manager)
    address, shown = preview(client, csv_file())
    sent = {"mark": shown.context["told"].mark}
    other = visit(committed.manager)
    with threads() as start:
        with transaction.atomic():
            Draft.objects.select_for_update().get()
            presses = [start(partial(each.post, address, sent)) for each in (client, other)]
            wait_until_blocked(2)
        answers = [press.result().headers["Location"] for press in presses]
    operation = Operation.objects.get(kind="import_tasks")
    assert answers == [page("audit_operation_change", operation.pk)] * 2
    assert (operation.state, Task.objects.count()) == (State.APPLIED, 2)
    assert not Draft.objects.get().change


@pytest.mark.parametrize("mark", ["", "0" * 64, None])
def test_what_was_not_previewed_is_not_added(governed: Governed, mark: str | None) -> None:
    client = visit(governed.manager)
    address, shown = preview(client, csv_file())
    if mark is None:
        mark = shown.context["told"].mark
        other, again = preview(client, csv_file())
        client.post(other, {"mark": again.context["told"].mark})
        with connection.cursor() as cursor:
            # As in the next transaction.
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    answer = client.post(address, {"mark": mark}, follow=True)
    assert "Nothing was added" in text_of(answer)
    assert "what was confirmed is not what would become of the rows" in refused_imports()
    applied = Operation.objects.filter(kind="import_tasks", state=State.APPLIED)
    assert applied.count() == (mark not in {"", "0" * 64})


def test_a_file_waits_encrypted_for_its_actor_alone(governed: Governed) -> None:
    secret = "a very private token"
    row = ["build", "payments", "payments-git", secret]
    file = csv_file([["name", "project", "type", "settings.repository.token"], row])
    client = visit(governed.manager)
    address, shown = preview(client, file)
    assert secret not in text_of(shown)
    waiting = Draft.objects.get()
    assert secret not in waiting.change + waiting.told
    for other in (governed.admin, governed.developer):
        assert visit(other).get(address).status_code == 404
        assert visit(other).post(address, {"mark": "0" * 64}).status_code == 404
    stolen = Operation.objects.filter(kind="use_draft", state=State.REFUSED)
    assert set(stolen.values_list("actor", flat=True)) == {governed.admin.pk, governed.developer.pk}
    client.post(address, {"mark": shown.context["told"].mark})
    assert secret not in json.dumps(Task.objects.get().settings)
    assert Secret.objects.count() == 1
    assert not Draft.objects.get().change


@pytest.mark.parametrize("page_of", ["tasks_task_draft", "tasks_task_draft_preview"])
def test_the_draft_of_an_import_opens_no_page_of_a_bulk_change(
    governed: Governed, page_of: str
) -> None:
    client = visit(governed.manager)
    upload(client, csv_file())
    assert client.get(page(page_of, Draft.objects.get().pk)).status_code == 404


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (SimpleUploadedFile("a.csv", b"name;type\n"), "separated by commas"),
        (SimpleUploadedFile("a.xlsx", b"PK\x03\x04 no workbook"), "no workbook that can be read"),
        (SimpleUploadedFile("a.json", b'{"name": "x"}'), "no JSON list of tasks"),
        (SimpleUploadedFile("a.json", b'[{"name": 1, "name": 2}]'), "/0/name: the key stands here"),
        (csv_file([["name", "project", "type", "colour"]]), "unknown: 'colour'"),
        (csv_file([["name", "project"], ["x", "payments"]]), "there is no column 'type'"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    governed: Governed, file: SimpleUploadedFile, told: str
) -> None:
    _, shown = preview(visit(governed.manager), file)
    assert told in shown.context["told"].error
    assert "cannot be imported" in text_of(shown)


def test_rows_take_the_project_and_the_type_that_were_given_for_all(governed: Governed) -> None:
    client = visit(governed.manager)
    given = {"project": governed.project.pk, "task_type": governed.task_type.pk}
    _, shown = preview(client, csv_file([["name"], ["build"]]), **given)
    assert shown.context["told"].good == 1


@pytest.mark.parametrize("name", ["developer", "viewer", "outsider", "auditor"])
def test_who_may_add_tasks_nowhere_imports_nothing(governed: Governed, name: str) -> None:
    client = visit(persona(name, governed=governed))
    assert client.get(page("tasks_task_import_file")).status_code == 403
    assert not Operation.objects.filter(kind="import_tasks").exists()
    sent = upload(client, csv_file())
    assert sent.status_code == 403
    assert "You may add tasks to no project" in text_of(sent)
    assert refused_imports() == ["you may add tasks to no project"]
    assert "/task/import/" not in text_of(client.get(page("tasks_task_changelist")))


def managing_by_group(governed: Governed) -> User:
    """Return a user in a group that holds the managers' role."""
    group = Group.objects.create(name="leads")
    governed.outsider.groups.add(group)
    with administrative_operation(actor=governed.admin, kind="add_member", origin=ORIGIN):
        RoleMember.objects.create(role=governed.role(3), group=group)
    return governed.outsider


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (lambda governed: governed.admin, True),
        (lambda governed: governed.manager, True),
        (managing_by_group, True),
        # Holds the managers' flags, by a role of another code.
        (add_steward, False),
    ],
    ids=["superuser", "manager", "by group", "steward"],
)
def test_the_button_is_for_those_who_may_import_into_some_project(
    governed: Governed, who: Callable[[Governed], User], may: bool
) -> None:
    client = visit(who(governed))
    shown = text_of(client.get(page("tasks_task_changelist")))
    assert ("/task/import/" in shown) is may
    assert client.get(page("tasks_task_import_file")).status_code == (200 if may else 403)


def test_whoever_created_a_project_may_import_into_it(governed: Governed) -> None:
    with administrative_operation(actor=governed.admin, kind="x", origin=ORIGIN) as operation:
        create_project(actor=governed.viewer, operation=operation, name="mine")
    shown = text_of(visit(governed.viewer).get(page("tasks_task_changelist")))
    assert "/task/import/" in shown


def test_what_an_export_writes_for_a_secret_is_not_taken_for_one(governed: Governed) -> None:
    row = ["build", "payments", "payments-git", '"secret, set"']
    file = csv_file([["name", "project", "type", "settings.repository.token"], row])
    _, shown = preview(visit(governed.manager), file)
    (bad,) = shown.context["told"].bad_rows
    assert "is what an export writes for a secret" in bad.problems[0]
    assert reverse("admin:tasks_task_import_file") in text_of(shown)


def test_looking_at_an_import_writes_nothing_and_a_page_of_it_costs_what_any_costs(
    governed: Governed,
) -> None:
    client = visit(governed.manager)
    rows = [[f"build {number}", "payments", "payments-git"] for number in range(120)]
    address, _ = preview(client, csv_file([["name", "project", "type"], *rows]))
    pages = []
    for number in ("1", "3", "9" * 5_000, "²", "-1"):
        with CaptureQueriesContext(connection) as asked:
            shown = client.get(address, {"page": number})
        assert not [query for query in asked if not query["sql"].startswith("SELECT")]
        assert not [query for query in asked if '"tasks_draft"."change"' in query["sql"]]
        pages.append((len(asked), len(shown.context["good_rows"])))
    assert pages == [(5, 50), (5, 20), (5, 50), (5, 50), (5, 50)]


def test_a_project_that_is_not_offered_is_refused_and_recorded(governed: Governed) -> None:
    other = build_governed("ledger").project
    sent = upload(visit(governed.manager), csv_file(), project=other.pk)
    assert "Select a valid choice" in text_of(sent)
    assert refused_imports() == ["the project is none that you may add tasks to"]
    assert not Draft.objects.exists()


def test_of_an_actors_files_only_the_latest_wait(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.admin.import_drafts.MOST_FILES", 2)
    client, others = visit(governed.manager), visit(governed.admin)
    theirs, _ = preview(others, csv_file())
    waiting = [preview(client, csv_file())[0] for _ in range(3)]
    assert [client.get(each).status_code for each in waiting] == [404, 200, 200]
    assert others.get(theirs).status_code == 200
