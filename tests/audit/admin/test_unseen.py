"""What another admin has changed since a form was opened is not overwritten unseen."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import models, transaction
from django.test import Client

from audit.recorder import administrative_operation
from permissions.models import Role
from tasks.models import Project, TaskType
from tests.conftest import GIT_SCHEMA, ORIGIN, Governed
from tests.held_threads import threads, wait_until_blocked
from tests.permissions.admin.test_roles import members_form
from tests.threads import at_once
from tests.visitors import page, save, text_of, visit


WIDER = {**GIT_SCHEMA, "additionalProperties": True}
DATES = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00"}


def _role(governed: Governed) -> Role:
    with administrative_operation(actor=governed.admin, kind="add_role", origin=ORIGIN):
        return Role.objects.create(project=governed.project, code=500, name="Releaser")


def _type(schema: Any, description: str) -> dict[str, str]:
    return {"name": "Git", "description": description, "schema": json.dumps(schema)}


# For each page: its object, what one admin writes, and what another had written meanwhile.
PAGES: dict[str, tuple[Callable[[Governed], models.Model], dict[str, Any], dict[str, Any]]] = {
    "tasks_tasktype": (lambda of: of.task_type, _type(GIT_SCHEMA, "mine"), _type(WIDER, "")),
    "tasks_project": (
        lambda of: of.project,
        {"name": "Payments", "description": ""},
        {"name": "payments", "description": "theirs"},
    ),
    "permissions_role": (
        _role,
        members_form({"name": "Mine"}),
        members_form({"name": "Theirs", "external_id": "7"}),
    ),
    "auth_user": (
        lambda of: of.outsider,
        {"username": "mine", "is_active": "on", **DATES},
        {"username": "payments-outsider", "is_active": "on", "is_staff": "on", **DATES},
    ),
    "auth_group": (
        lambda _: Group.objects.create(name="platform"),
        {"name": "mine"},
        {"name": "theirs"},
    ),
}


@pytest.fixture
def colleague(governed: Governed) -> User:
    """Another superuser."""
    return User.objects.create_superuser("colleague")


@pytest.mark.parametrize("name", PAGES)
def test_what_another_admin_changed_since_is_not_overwritten_unseen(
    governed: Governed, colleague: User, name: str
) -> None:
    of, mine, theirs = PAGES[name]
    changed = of(governed)
    address = page(f"{name}_change", changed.pk)
    client = visit(governed.admin)
    shown = client.get(address).context["adminform"].form.shown_now
    assert save(visit(colleague), address, theirs).status_code == 302
    stands = type(changed)._default_manager.filter(pk=changed.pk).values().get()

    answer = client.post(address, {"as_shown": shown, **mine})
    form = answer.context["adminform"].form
    (refusal,) = form.non_field_errors()
    assert refusal.startswith(
        "Nothing was saved: since you opened this page it was changed by coll"
    )
    assert [row.operation.actor_name for row in form.unseen.rows] == ["colleague"]
    assert type(changed)._default_manager.filter(pk=changed.pk).values().get() == stands
    # What was typed is still there, and saved once it is sent again, now that theirs was seen.
    for field in mine.keys() & {"name", "username", "description", "schema"}:
        assert form[field].value() == mine[field]
    again = client.post(address, {"as_shown": form.shown_now, **mine})
    assert again.status_code == 302
    assert type(changed)._default_manager.filter(pk=changed.pk).values().get() != stands


def test_what_is_in_nobodys_history_is_not_overwritten_either(
    governed: Governed, colleague: User
) -> None:
    address = page("auth_user_change", governed.outsider.pk)
    form = {"username": governed.outsider.username, "is_active": "on", **DATES}
    client = visit(governed.admin)
    shown = client.get(address).context["adminform"].form.shown_now
    save(visit(colleague), address, {**form, "email": "o@example.org"})
    answer = client.post(address, {"as_shown": shown, **form})
    assert "changed by colleague on" in text_of(answer)
    governed.outsider.refresh_from_db()
    assert governed.outsider.email == "o@example.org"


def test_groups_that_were_given_meanwhile_are_not_taken_again(
    governed: Governed, colleague: User
) -> None:
    groups = [Group.objects.create(name=name) for name in ("platform", "release")]
    address = page("auth_user_change", governed.outsider.pk)
    form = {"username": governed.outsider.username, "is_active": "on", **DATES}
    client = visit(governed.admin)
    shown = client.get(address).context["adminform"].form.shown_now
    save(visit(colleague), address, {**form, "groups": [groups[0].pk]})
    answer = client.post(address, {"as_shown": shown, **form, "groups": [groups[1].pk]})
    assert "membership of payments-outsider in group platform" in text_of(answer)
    assert list(governed.outsider.groups.all()) == [groups[0]]


@pytest.mark.parametrize("sent", ["", "x", "0.0", f"0.{10**30}"])
def test_who_does_not_say_what_was_shown_saves_nothing(governed: Governed, sent: str) -> None:
    address = page("tasks_project_change", governed.project.pk)
    form = {"name": "Payments", "description": "", "as_shown": sent}
    answer = visit(governed.admin).post(address, form)
    assert "Nothing was saved" in text_of(answer)
    assert Project.objects.get().name == "payments"


def test_of_two_who_save_at_the_same_moment_the_second_is_told(committed: Governed) -> None:
    address = page("tasks_tasktype_change", committed.task_type.pk)
    client = visit(committed.admin)
    shown = client.get(address).context["adminform"].form.shown_now

    def send() -> Any:
        other = Client()
        other.force_login(committed.admin)
        return other.post(address, {"as_shown": shown, **_type(GIT_SCHEMA, "mine")})

    with threads() as start, transaction.atomic():
        TaskType.objects.select_for_update().get(pk=committed.task_type.pk)
        sent = start(send)
        wait_until_blocked()
        with administrative_operation(actor=committed.admin, kind="change", origin=ORIGIN):
            committed.task_type.description = "theirs"
            committed.task_type.save()
    assert "Nothing was saved" in text_of(sent.result())
    assert TaskType.objects.get().description == "theirs"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("auth_group", {"name": "platform"}),
        ("tasks_tasktype", {"key": "helm", "name": "Helm", "schema": '{"type": "object"}'}),
        ("tasks_project", {"name": "ledger", "uid": "ab" * 16}),
    ],
)
def test_of_those_who_add_the_same_at_once_one_does_and_the_others_are_told(
    committed: Governed, name: str, form: dict[str, str]
) -> None:
    clients = [visit(committed.admin) for _ in range(4)]
    calls = [partial(client.post, page(f"{name}_add"), form) for client in clients]
    answers = [each.result() for each in at_once(*calls)]
    assert sorted(each.status_code for each in answers) == [200, 200, 200, 302]
    assert sum("already exists" in text_of(each) for each in answers) == 3
