"""Who could do what at a moment, over HTTP."""

from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.conftest import Governed
from tests.permissions.governance import change
from tests.tasks.api.caller import Answered, caller_of


ACCESS = "/api/v2/audit/access"


class Question:
    """A task whose developers lost the right to execute it between two moments."""

    def __init__(self, governed: Governed) -> None:
        self.governed = governed
        (self.uid,) = governed.add_tasks(1)
        self.before = now()
        change(governed.manager, [self.uid], flags={4: {"is_execute": False}})
        self.after = now()

    def ask(self, actor: User, **asked: str) -> Answered:
        query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
        return caller_of(actor, name=query[-90:]).get(f"{ACCESS}?{query}")


def now() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.USOF')")
        at: str = cursor.fetchone()[0]
    return at


@pytest.fixture
def question(committed: Governed) -> Question:
    return Question(committed)


def test_who_could_is_told_with_every_way(question: Question) -> None:
    asked = {"task": question.uid, "flag": "is_execute"}
    admin = question.governed.admin
    before = question.ask(admin, at=question.before, **asked).json()
    held = {holder["user"]: holder for holder in before["holders"]}
    assert held["payments-developer"]["ways"] == [
        {
            "via": "member",
            "role": 4,
            "role_name": "Developer",
            "group": None,
            "flags": ["is_execute"],
        }
    ]
    assert before["task"]["follows_project"] is True
    after = question.ask(admin, at=question.after, **asked).json()
    assert "payments-developer" not in {holder["user"] for holder in after["holders"]}


def test_two_moments_are_compared(question: Question) -> None:
    answer = question.ask(
        question.governed.admin,
        at=question.before,
        compared_with=question.after,
        task=question.uid,
        flag="is_execute",
    ).json()
    (changed,) = answer["changes"]
    assert (changed["user"], changed["after"]) == ("payments-developer", None)
    assert changed["before"]["flags"] == ["is_execute"]


def test_what_somebody_could_do_is_told_to_them_and_to_auditors(question: Question) -> None:
    governed = question.governed
    asked = {"user": "payments-developer", "at": question.after}
    mine = question.ask(governed.developer, **asked).json()
    (rights,) = mine["rights"]
    assert rights["task"]["id"] == question.uid
    assert "is_execute" not in rights["flags"]
    assert question.ask(governed.admin, **asked).json() == mine
    assert question.ask(governed.viewer, **asked).status_code == 404


def test_a_task_is_asked_about_by_its_managers_and_by_nobody_else(question: Question) -> None:
    asked = {"task": question.uid, "at": question.after}
    assert question.ask(question.governed.manager, **asked).status_code == 200
    assert question.ask(question.governed.viewer, **asked).status_code == 404


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"task": "0" * 32}, "at"),
        ({"at": "2026-05-03T14:00:00Z"}, "task"),
        ({"at": "2999-05-03T14:00:00Z", "user": "x"}, "at"),
        ({"at": "2026-05-03T14:00:00Z", "user": "x", "flag": "is_exec"}, "flag"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    governed: Governed, asked: dict[str, str], named: str
) -> None:
    query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    answer = caller_of(governed.admin).get(f"{ACCESS}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"].startswith(f"{named}: ")


def test_two_moments_of_a_user_are_compared(question: Question) -> None:
    asked = {"user": "payments-developer", "at": question.before}
    answer = question.ask(question.governed.admin, **asked, compared_with=question.after)
    body = answer.json()
    (change,) = body["changes"]
    assert change["before"]["task"]["id"] == change["after"]["task"]["id"] == question.uid
    assert set(change["before"]["flags"]) - set(change["after"]["flags"]) == {"is_execute"}
    assert body["next"] is None
    account = {"user": "payments-developer", "active": True, "staff": False, "superuser": False}
    role = {"project_name": "payments", "role": 4, "role_name": "Developer", "group": None}
    assert body["account"] == body["compared_account"] == {**account, "groups": [], "roles": [role]}
    flag = question.ask(
        question.governed.developer, **asked, compared_with=question.after, flag="is_view"
    )
    assert flag.json()["changes"] == []
