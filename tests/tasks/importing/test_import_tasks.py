"""`manage.py import_tasks`, from the file to the rows and their history."""

import json
from typing import Any

import pytest

from audit.models import Channel, Operation, State
from permissions.models import TaskPermission
from tasks.models import Secret, Task
from tasks.secrets import reveal_secret
from tests.conftest import SETTINGS, Governed
from tests.tasks.importing.conftest import Run
from tests.tasks.importing.sources import codearts_page


UID = "64d7c869b5760b001e46c1a2"
SETTING_COLUMNS = (
    "settings.repository.url,settings.repository.branch,settings.notifications.enabled"
)
CELLS = "https://git.example/app,develop,FALSE"


def test_rows_become_tasks_with_history_and_permissions(run: Run, governed: Governed) -> None:
    ran = run(f"id,name,{SETTING_COLUMNS}\n{UID.upper()},build,{CELLS}\n,deploy,{CELLS}\n")
    assert ran.out.startswith("2 good and 0 bad rows; imported by operation")
    task = Task.objects.get(uid=UID)
    assert (task.name, task.settings, task.enabled) == ("build", SETTINGS, True)
    assert (task.project, task.created_by) == (governed.project, governed.manager)
    assert len(Task.objects.get(name="deploy").uid) == 32
    assert task.history.get().settings == SETTINGS
    assert TaskPermission.objects.get(task=task).matrix.digest is None


def test_the_import_is_one_operation_of_its_actor(run: Run, governed: Governed) -> None:
    run(f"name,{SETTING_COLUMNS}\nbuild,{CELLS}\ndeploy,{CELLS}\n")
    operation = Operation.objects.get(kind="import_tasks")
    assert (operation.actor, operation.channel) == (governed.manager, Channel.IMPORT)
    assert (operation.state, operation.changed) == (State.APPLIED, 2)
    assert operation.finished_at
    assert operation.parameters["file"] == "tasks.csv"
    assert Task.history.filter(operation=operation).count() == 2


def test_a_row_by_the_import_equals_one_by_save(run: Run, governed: Governed) -> None:
    run(f"name,{SETTING_COLUMNS}\nbuild,{CELLS}\n")
    task = Task.objects.get(name="build")
    row = task.history.get()
    own = {field.name for field in Task._meta.concrete_fields}
    assert {name: getattr(row, name) for name in own} == {name: getattr(task, name) for name in own}
    assert (row.history_type, row.history_user_id) == ("+", governed.manager.pk)


def test_json_lines_are_imported(run: Run) -> None:
    ran = run(json.dumps({"id": UID, "name": "a", "settings": SETTINGS}), ending="jsonl")
    assert not ran.error
    assert Task.objects.get(uid=UID).settings == SETTINGS


def test_what_codearts_lists_is_imported(run: Run, governed: Governed) -> None:
    job = {
        "id": "6a027563492d4d0894eda9ed187d0f5b",
        "job_name": "build",
        "project_id": governed.project.uid,
        "disabled": True,
        "forbidden_msg": "frozen",
        "scm_web_url": "https://git.example/app",
        "code_branch": "main",
        "user_name": governed.developer.username,
    }
    ran = run(codearts_page(job), ending="json", project="")
    assert not ran.error
    task = Task.objects.get(uid=job["id"])
    assert (task.project, task.created_by) == (governed.project, governed.developer)
    assert (task.enabled, task.disabled_reason) == (False, "frozen")
    assert task.settings == {"repository": {"url": "https://git.example/app", "branch": "main"}}


def test_a_creator_without_an_account_is_refused_or_ignored(run: Run, governed: Governed) -> None:
    content = "name,creator\nbuild,somebody\n"
    assert run(content).lines == ["line 2: creator: there is no account 'somebody'"]
    run(content, ignore_creators=True)
    assert Task.objects.get().created_by == governed.manager


def test_secrets_are_stored_apart(run: Run) -> None:
    content = "name,settings.repository.token,settings.repository.url\na,hunter2-hunter2,https://g.example\n"
    assert not run(content).error
    task = Task.objects.get()
    reference = task.settings["repository"]["token"]
    assert reveal_secret(reference) == "hunter2-hunter2"
    assert "hunter2" not in json.dumps(task.settings)
    assert not Operation.objects.filter(parameters__icontains="hunter2").exists()


def test_a_bad_secret_is_refused_without_being_shown(run: Run) -> None:
    ran = run("name,settings.repository.token\na,hunter2\n")
    (line,) = ran.lines
    assert line.startswith("line 2: settings/repository/token: ")
    assert "hunter2" not in line
    assert not Secret.objects.exists()


@pytest.mark.parametrize("place", ["token", "branch"])
def test_a_reference_to_another_tasks_secret_is_refused_wherever_it_stands(
    run: Run, place: str
) -> None:
    ran = run(f"name,settings.repository.{place}\na,secret:{'0' * 32}\n")
    (line,) = ran.lines
    assert f"settings/repository/{place}: the value names a stored secret; send the secret" in line


def test_nothing_is_imported_if_a_row_is_bad(run: Run) -> None:
    ran = run("name,enabled\ngood,\nbad,maybe\n")
    assert ran.lines == ["line 3: enabled: must be true or false"]
    assert ran.error == "1 good and 1 bad rows; nothing was imported"
    assert not Task.objects.exists()
    assert not Operation.objects.filter(kind="import_tasks").exists()


def test_bad_rows_can_be_skipped(run: Run) -> None:
    ran = run("name,enabled\nbad,maybe\ngood,\n", skip_bad=True)
    assert ran.lines == ["line 2: enabled: must be true or false"]
    assert not ran.error
    assert Task.objects.get().name == "good"
    assert Operation.objects.get(kind="import_tasks").parameters["skipped"] == 1


def test_when_all_rows_are_bad_skipping_them_imports_nothing(run: Run) -> None:
    assert run("name,enabled\nbad,maybe\n", skip_bad=True).error
    assert not Operation.objects.filter(kind="import_tasks").exists()


def test_a_dry_run_keeps_nothing(run: Run) -> None:
    ran = run("name\ngood\n", dry_run=True)
    assert ran.out == "1 good and 0 bad rows; nothing was imported, as this is a dry run\n"
    assert not Task.objects.exists()
    assert not Operation.objects.filter(kind="import_tasks").exists()


def test_every_problem_of_a_row_is_reported(run: Run) -> None:
    ran = run(
        "uid,name,project,type,creator,enabled,disabled_reason,settings.repository.brnch\n"
        f"xyz,{'n' * 201},nowhere,nothing,nobody,true,why,x\n"
    )
    assert ran.lines == [
        "line 2: uid: must be 24 or 32 hexadecimal digits",
        "line 2: name: has 201 characters; at most 200 are allowed",
        "line 2: disabled_reason: the task is enabled; only a disabled one has a reason",
        "line 2: project: there is no project 'nowhere'",
        "line 2: type: there is no task type 'nothing'",
        "line 2: creator: there is no account 'nobody'",
    ]


def test_settings_are_checked_against_the_type(run: Run) -> None:
    ran = run("name,settings.repository.brnch,settings.notifications.enabled\na,x,perhaps\n")
    assert ran.lines == ["line 2: settings/notifications/enabled: must be of type boolean"]
    (line,) = run("name,settings.repository.brnch\na,x\n").lines
    assert line.startswith("line 2: settings/repository: Additional properties are not allowed")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"name": 5}, "name: must be text"),
        ({"name": ""}, "name: is missing"),
        ({"name": "  "}, "name: is missing"),
        ({}, "name: is missing"),
        ({"name": "a\nb"}, "name: holds a line break or another control character"),
        ({"name": "a", "enabled": "true"}, "enabled: must be true or false"),
        ({"name": "a", "enabled": 1}, "enabled: must be true or false"),
        ({"name": "a", "settings": []}, "settings: must be an object"),
        (
            {"name": "a", "settings": {"repository": {"token": 12345678}}},
            "settings/repository/token: ",
        ),
        ({"name": "a", "uid": ["x"]}, "uid: must be text"),
    ],
)
def test_a_wrong_value_is_reported(run: Run, line: dict[str, Any], problem: str) -> None:
    ran = run(json.dumps(line), ending="jsonl")
    assert ran.lines[0].startswith(f"line 1: {problem}")
    assert "12345678" not in ran.lines[0]


def test_bytes_that_are_no_utf8_are_reported_with_their_line(run: Run) -> None:
    ran = run("name\nfine\ncafé\n".encode("latin-1"))
    assert ran.lines == ["line 3: name: is not UTF-8"]


def test_ids_and_names_count_once_in_a_file_and_in_the_database(
    run: Run, governed: Governed
) -> None:
    run(f"uid,name\n{UID},here\n")
    ran = run(
        f"uid,name\n{UID},a\n,here\n{UID[::-1]},b\n{UID[::-1].upper()},c\n,b\n", skip_bad=True
    )
    assert ran.lines == [
        f"line 2: uid: {UID} is the id of a task that exists",
        f"line 3: name: 'here' is the name of a task that exists in '{governed.project.name}'",
        f"line 5: uid: {UID[::-1]} is the id of an earlier row",
        f"line 6: name: 'b' is the name of an earlier row in '{governed.project.name}'",
    ]
    assert set(Task.objects.values_list("name", flat=True)) == {"here", "b"}


def test_an_earlier_chunk_counts_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.importing.writing.CHUNK", 2)
    ran = run(f"uid,name\n{UID},a\n,b\n,c\n{UID},d\n,a\n")
    assert [line.partition(": ")[0] for line in ran.lines] == ["line 5", "line 6"]
    assert all("an earlier row" in line for line in ran.lines)


def test_a_bad_row_takes_neither_id_nor_name(run: Run) -> None:
    ran = run(f"uid,name,enabled\n{UID},a,maybe\n{UID},a,\n", skip_bad=True)
    assert len(ran.lines) == 1
    assert Task.objects.get().uid == UID


def test_the_name_of_a_recycled_task_is_free_but_its_id_is_not(
    run: Run, governed: Governed
) -> None:
    run(f"uid,name\n{UID},a\n")
    task = Task.objects.get()
    Task.objects.filter(pk=task.pk).update(recycled_at=task.created_at)
    assert not run("name\na\n").error
    assert "is the id of a task that exists" in run(f"uid,name\n{UID},b\n").lines[0]
