"""Why?: the answer in words and in rows, and only to those who may ask."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.recorder import administrative_operation
from permissions.changes import SetPermissions
from permissions.models import RoleMember
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import RecycleTasks, SetEnabled
from tasks.models import Task
from tests.conftest import ORIGIN, Governed
from tests.visitors import page, persona, text_of, visit


def one_task(governed: Governed) -> Task:
    return Task.objects.get(uid=governed.add_tasks(1)[0])


def ask(client: Client, task: Task, about: User | str, flag: str) -> Any:
    """Ask why somebody may, or may not; return the page."""
    address = page("tasks_task_why", task.pk)
    return client.get(address, {"user": str(about), "flag": f"{flag}_task"})


def words(response: Any) -> str:
    """Return the whole answer as text."""
    answer = response.context["answer"]["words"]
    said = [answer.headline, *answer.reasons, *answer.missing, *answer.remarks]
    return "\n".join(said)


def give_own(governed: Governed, task: Task, flags: dict[int, dict[str, bool]]) -> None:
    change = SetPermissions(flags=flags)
    pipeline.apply(actor=governed.admin, batch=Batch(change=change, uids=[task.uid], origin=ORIGIN))


def test_a_right_is_explained_by_role_way_and_matrix(governed: Governed) -> None:
    response = ask(visit(governed.manager), one_task(governed), governed.developer, "execute")
    assert words(response) == (
        "Yes. payments-developer may execute this task.\n"
        "payments-developer holds the role Developer (is a member); it holds execute in"
        " the permissions of payments, which the task follows."
    )
    (row,) = response.context["answer"]["rows"]
    assert (row.code, row.ways, row.held) == (4, ["is a member"], [True] * 6 + [False])
    assert "Developer" in text_of(response)


def test_a_right_by_a_group_names_the_group(governed: Governed) -> None:
    task = one_task(governed)
    testers = Group.objects.create(name="testers")
    governed.viewer.groups.add(testers)
    with administrative_operation(actor=governed.admin, kind="x", origin=ORIGIN):
        RoleMember.objects.create(role=governed.role(4), group=testers)
    said = words(ask(visit(governed.manager), task, governed.viewer, "execute"))
    assert "holds the role Developer (is in the group testers, which is a member)" in said
    assert "Viewer" not in said


def test_a_creator_s_right_says_that_it_comes_from_creating(governed: Governed) -> None:
    task = Task.objects.get(uid=governed.add_tasks(1, creator=governed.outsider)[0])
    client = visit(governed.admin)
    assert "Task creator (created the task)" in words(ask(client, task, governed.outsider, "copy"))
    give_own(governed, task, {-3: {"is_copy": False}})
    said = words(ask(client, task, governed.outsider, "copy"))
    assert "What a task's creator holds is locked" in said


def test_a_refusal_names_the_flag_and_the_roles_that_hold_it(governed: Governed) -> None:
    said = words(ask(visit(governed.manager), one_task(governed), governed.viewer, "execute"))
    assert said == (
        "No. payments-viewer may not execute this task.\n"
        "payments-viewer holds the role Viewer (is a member); it does not hold execute in"
        " the permissions of payments, which the task follows.\n"
        "Missing is execute for Viewer, or a role that holds execute here: Task creator, Project"
        " administrator, Project manager, Developer, Committer, System engineer."
    )


def test_a_refusal_by_the_task_s_own_permissions_says_that_the_project_would_allow_it(
    governed: Governed,
) -> None:
    task = one_task(governed)
    give_own(governed, task, {4: {"is_execute": False}})
    response = ask(visit(governed.manager), task, governed.developer, "execute")
    assert "it does not hold execute in the task's own permissions" in words(response)
    assert "The permissions of payments would allow it" in words(response)
    assert "Execute </span>In project" in text_of(response)


def test_who_holds_no_role_is_told_so(governed: Governed) -> None:
    said = words(ask(visit(governed.admin), one_task(governed), governed.outsider, "view"))
    assert "payments-outsider holds no role in payments" in said
    assert "Missing is a role that holds view here: Task creator, " in said


def test_inactive_accounts_and_superusers_are_explained_before_any_role(governed: Governed) -> None:
    task, client = one_task(governed), visit(governed.admin)
    assert "is a superuser" in words(ask(client, task, governed.admin, "delete"))
    User.objects.filter(pk=governed.developer.pk).update(is_active=False)
    said = words(ask(client, task, governed.developer, "execute"))
    assert said.splitlines()[1:] == [
        "The account is inactive: it may do nothing, whatever roles it holds.",
        "A superuser would have to make the account active.",
    ]


def test_a_right_that_is_of_no_use_is_called_so(governed: Governed) -> None:
    task, client = one_task(governed), visit(governed.admin)
    give_own(governed, task, {4: {"is_view": False}})
    change = SetEnabled(enabled=False, reason="moved")
    pipeline.apply(actor=governed.admin, batch=Batch(change=change, uids=[task.uid], origin=ORIGIN))
    said = words(ask(client, task, governed.developer, "execute"))
    assert "But payments-developer may not view the task" in said
    assert "But the task is disabled" in said
    assert "recycle bin" not in said
    binned = RecycleTasks()
    pipeline.apply(actor=governed.admin, batch=Batch(change=binned, uids=[task.uid], origin=ORIGIN))
    client = visit(persona("auditor", governed=governed))
    assert "in the recycle bin" in words(ask(client, task, governed.developer, "execute"))


@pytest.mark.parametrize(
    ("name", "hidden"), [("manager", "merger-agent"), ("viewer", "payments-developer")]
)
def test_a_name_that_nobody_has_and_one_not_to_be_asked_about_are_answered_alike(
    governed: Governed, name: str, hidden: str
) -> None:
    User.objects.get_or_create(username=hidden)
    task, client = one_task(governed), visit(persona(name, governed=governed))
    hidden_shown, unknown_shown = (
        re.sub(r'csrf\w+" value="\w+|"csrfToken": "\w+', "", text_of(response)).replace(about, "?")
        for about in (hidden, "unknown-agent")
        if (response := ask(client, task, about, "view")).context["answer"] is None
    )
    assert hidden_shown == unknown_shown
    assert "There is nobody of this name about whom you may ask." in hidden_shown


def test_to_an_outsider_the_task_does_not_exist(governed: Governed) -> None:
    task, client = one_task(governed), visit(governed.outsider)
    for key in (task.pk, task.pk + 1):
        assert client.get(page("tasks_task_why", key)).status_code == 404
        assert client.get(page("tasks_task_why_people", key)).status_code == 404


def test_an_auditor_asks_about_a_task_that_he_may_not_view(governed: Governed) -> None:
    task, client = one_task(governed), visit(persona("auditor", governed=governed))
    response = ask(client, task, governed.viewer, "view")
    assert "Yes. payments-viewer may view this task." in words(response)
    assert client.get(page("tasks_task_why", "0")).status_code == 404
    assert client.get(page("tasks_task_why", "x")).status_code == 404


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("superuser", ["payments-developer"]),
        ("manager", ["payments-developer"]),
        ("viewer", []),
    ],
)
def test_only_names_to_be_asked_about_are_suggested(
    governed: Governed, name: str, suggested: list[str]
) -> None:
    address = page("tasks_task_why_people", one_task(governed).pk)
    client = visit(persona(name, governed=governed))
    assert client.get(address, {"q": "payments-d"}).json() == {"names": suggested}
    assert client.get(address, {"q": "\0"}).status_code == 200


def test_the_page_takes_as_many_queries_for_every_task(governed: Governed) -> None:
    task, client = one_task(governed), visit(governed.manager)
    prices = []
    for run in range(2):
        ask(client, task, governed.viewer, "view")
        with CaptureQueriesContext(connection) as queries:
            ask(client, task, governed.viewer, "view")
        prices.append(len(queries))
        governed.add_tasks(5)
        RoleMember.objects.bulk_create(
            RoleMember(
                role=governed.role(8), user=User.objects.create_user(f"member-{run}-{number}")
            )
            for number in range(6)
        )
    assert prices == [11, 11]


@pytest.mark.parametrize("query", ["?user=", "?user=x&flag=fly_task", "?user=a%00b", "?flag=view"])
def test_a_malformed_question_is_shown_with_what_is_wrong(governed: Governed, query: str) -> None:
    address = page("tasks_task_why", one_task(governed).pk)
    response = visit(governed.manager).get(address + query)
    assert response.status_code == 200
    assert response.context["answer"] is None
