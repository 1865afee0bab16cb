"""Finding by name or id: everything that the visitor sees elsewhere, and nothing else."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User

from permissions.models import ApiToken
from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.batches import apply
from tests.conftest import Governed, build_governed
from tests.tokens import issue
from tests.visitors import auditor, page, persona, text_of, visit


def found(user: User, term: str) -> dict[str, list[Any]]:
    """Return what is found: what is called how, by the title of its kind."""
    hits = visit(user).get(page("audit_operation_find"), {"q": term}).context["hits"]
    return {kind.title: list(kind.found) for kind in hits}


def test_an_auditor_finds_tasks_people_projects_roles_and_operations(governed: Governed) -> None:
    (uid,) = governed.add_tasks(1)
    change = UpdateSettings(patch={"repository": {"branch": "main"}})
    apply(governed.manager, change, [uid])
    issue(governed.viewer, name="payments robot")
    task, reader = Task.objects.get(uid=uid), visit(auditor())
    of_task = found(auditor(), uid)
    (hit,) = of_task["Tasks"]
    assert hit.name == task.name
    assert hit.history == page("tasks_task_history", task.pk)
    assert [each.name for each in of_task["Operations"]] == ["Change settings", "Add tasks"]
    by_name = found(auditor(), "payments")
    assert "payments-viewer" in [each.name for each in by_name["Users"]]
    assert [each.name for each in by_name["Projects"]] == ["payments"]
    assert "Api tokens" not in by_name
    (viewers,) = found(auditor(), "viewer")["Roles"]
    for each in (hit, viewers, *by_name["Users"], *by_name["Projects"]):
        assert reader.get(each.address).status_code == 200
        assert reader.get(each.history).status_code == 200


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("outsider", set()),
        ("viewer", {"Tasks", "Projects", "Task types"}),
        ("superuser", {"Tasks", "Projects", "Task types", "Users", "Operations"}),
    ],
)
def test_others_find_what_they_see(governed: Governed, name: str, kinds: set[str]) -> None:
    governed.add_tasks(1)
    build_governed("payments-of-others").add_tasks(1)
    Task.objects.update(name="payments")
    assert not ApiToken.objects.exists()
    hits = found(persona(name, governed=governed), "payments")
    assert hits.keys() == kinds
    if name == "viewer":
        assert [len(hits[kind]) for kind in ("Tasks", "Projects")] == [1, 1]


def test_words_that_few_and_words_that_many_say_find_the_same(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    (uid,) = governed.add_tasks(1)
    for branch in ("one", "two", "three"):
        change = UpdateSettings(patch={"repository": {"branch": branch}})
        apply(governed.developer, change, [uid])
    few = found(auditor(), governed.developer.username)["Operations"]
    monkeypatch.setattr("audit.trail.reader._FEW", 2)
    assert found(auditor(), governed.developer.username)["Operations"] == few
    assert [each.name for each in few] == ["Change settings"] * 3
    assert "<time datetime=" in few[0].detail


def test_what_nothing_is_called_is_said_and_many_lead_to_the_list(governed: Governed) -> None:
    governed.add_tasks(9)
    nothing = visit(auditor()).get(page("audit_operation_find"), {"q": "nothing\0"})
    assert "Nothing that you may see is called so" in text_of(nothing)
    # The page stands beside the lists, under its own name.
    heading = re.search(r'<span class="[^"]*truncate[^"]*">\s*(.*?)\s*</span>', text_of(nothing))
    assert heading
    assert heading[1] == "Find"
    (tasks, *_) = visit(auditor()).get(page("audit_operation_find"), {"q": "task"}).context["hits"]
    assert (tasks.title, len(tasks.found)) == ("Tasks", 8)
    assert visit(auditor()).get(tasks.more).context["cl"].result_count == 9
