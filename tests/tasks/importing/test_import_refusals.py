"""What `manage.py import_tasks` refuses as a whole: files, actors; and what it shows."""

import io
import json
import os

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from audit.models import Operation
from audit.recorder import administrative_operation
from permissions.models import RoleMember
from tasks.models import Project, Task
from tests.conftest import ORIGIN, Governed, build_governed
from tests.tasks.importing.conftest import Run


@pytest.mark.parametrize(
    ("content", "ending", "error"),
    [
        ("", "csv", "the file is empty"),
        ("name\n", "csv", "the file holds no task"),
        ("\n\n", "jsonl", "the file holds no task"),
        ("name,name\na,a\n", "csv", "line 1: the column 'name' stands there twice"),
        ("name\n", "txt", "the ending of"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused(
    run: Run, content: str, ending: str, error: str
) -> None:
    ran = run(content, ending=ending)
    assert error in ran.error
    assert not Operation.objects.filter(kind="import_tasks").exists()


def test_good_rows_before_a_break_in_the_file_are_not_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.importing.writing.CHUNK", 1)
    ran = run('name\na\nb\n"c\n', skip_bad=True)
    assert "line 4: this row cannot be read" in ran.error
    assert not Task.objects.exists()


def test_a_missing_file_or_actor_is_said(run: Run, governed: Governed) -> None:
    assert "there is no account 'nobody'" in run("name\na\n", actor="nobody").error
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_tasks", "/nowhere.csv", actor=governed.manager.username)


def test_a_given_project_or_type_must_exist(run: Run) -> None:
    assert "there is no project 'nowhere'" in run("name\na\n", project="nowhere").error
    assert "there is no task type 'nothing'" in run("name\na\n", type="nothing").error


def test_a_file_cannot_steer_the_terminal(run: Run) -> None:
    ran = run(json.dumps({"name": "a", "settings": {"\u001b[2J": 1}}), ending="jsonl")
    assert "\\x1b[2J" in ran.lines[0]
    assert "\u001b" not in ran.lines[0]


@pytest.mark.parametrize("role", ["developer", "viewer", "outsider"])
def test_who_neither_administers_nor_manages_the_project_may_not_import(
    run: Run, governed: Governed, role: str
) -> None:
    actor: User = getattr(governed, role)
    refusal = f"'{actor.username}' may not add tasks to '{governed.project.name}'; superusers may,"
    assert refusal in run("name\na\n", actor=actor.username).error
    named = run(f"name,project\na,{governed.project.uid}\n", actor=actor.username, project="")
    assert named.lines[0].startswith(f"line 2: project: {refusal}")
    assert not Task.objects.exists()


def test_administrators_through_a_group_the_projects_creator_and_superusers_may_import(
    run: Run, governed: Governed
) -> None:
    group = Group.objects.create(name="administrators")
    governed.outsider.groups.add(group)
    with administrative_operation(actor=governed.admin, kind="add_member", origin=ORIGIN):
        RoleMember.objects.create(role=governed.role(-1), group=group)
    Project.objects.filter(pk=governed.project.pk).update(created_by=governed.viewer)
    for actor in (governed.outsider, governed.viewer, governed.admin):
        assert not run(f"name\nby {actor.username}\n", actor=actor.username).error
    assert Task.objects.count() == 3


def test_a_manager_of_one_project_may_not_import_into_another(run: Run, governed: Governed) -> None:
    other = build_governed("other")
    ran = run(f"name,project\na,{governed.project.name}\nb,{other.project.name}\n", project="")
    assert [line.partition(": ")[0] for line in ran.lines] == ["line 3"]


def test_an_inactive_actor_may_not_import(run: Run, governed: Governed) -> None:
    governed.admin.is_active = False
    governed.admin.save()
    assert "is not active" in run("name\na\n", actor=governed.admin.username).error


def test_a_progress_bar_is_shown_on_a_terminal_only(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal, pipe = Terminal(), io.StringIO()
    monkeypatch.setattr("sys.stderr", terminal)
    run("name\na\n")
    monkeypatch.setattr("sys.stderr", pipe)
    run("name\nb\n")
    assert "100%" in terminal.getvalue()
    assert pipe.getvalue() == ""


def test_what_somebody_else_added_meanwhile_undoes_the_import(
    run: Run, governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("name\na\n")
    # The look-up finds nothing, as when the other one commits just after it.
    monkeypatch.setattr("tasks.queries.READ_TAKEN", "SELECT NULL, NULL, NULL, NULL WHERE false")
    ran = run("name\nb\na\n")
    assert "by somebody else meanwhile; nothing was imported: run it again" in ran.error
    assert Task.objects.count() == 1


def test_standard_input_is_read_when_asked(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.write(writing, b'{"name": "piped"}\n')
    os.close(writing)
    terms = {"project": governed.project.name, "type": governed.task_type.key}
    with os.fdopen(reading) as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        call_command("import_tasks", "-", actor=governed.manager.username, format="jsonl", **terms)
    assert Task.objects.get().name == "piped"
    with pytest.raises(CommandError, match="give --format"):
        call_command("import_tasks", "-", actor=governed.manager.username)
