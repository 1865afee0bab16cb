"""The admin site as a whole: every page, for every persona, at a fixed price."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import Operation
from permissions.changes import SetPermissions
from permissions.models import RoleMember
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tests.conftest import ORIGIN, Governed, build_governed
from tests.tokens import issue
from tests.visitors import PERSONAS, page, persona, text_of, visit


MODELS = [model for model in apps.get_models() if admin.site.is_registered(model)]
ACCOUNTS = {User, Group}
# How many queries a page takes for each of the PERSONAS; two are for the session and the user.
PRICE_OF_LIST = {
    "audit.Operation": (6, 8, 8, 8, 8),
    "auth.Group": (4, 2, 2, 2, 2),
    "auth.User": (4, 2, 2, 2, 2),
    "permissions.ApiToken": (4, 4, 4, 4, 4),
    "permissions.PermissionMatrix": (4, 6, 6, 6, 6),
    "permissions.Role": (4, 6, 6, 6, 6),
    "tasks.Project": (4, 5, 5, 5, 5),
    "tasks.Task": (7, 11, 11, 10, 10),
    "tasks.TaskType": (5, 6, 6, 4, 4),
}
PRICE_OF_PAGE = {
    "audit.Operation": (8, 11, 11, 5, 10),
    "auth.Group": (3, 2, 2, 2, 2),
    "auth.User": (5, 2, 2, 2, 2),
    "permissions.ApiToken": (4, 4, 4, 4, 4),
    "permissions.PermissionMatrix": (5, 6, 6, 4, 4),
    "permissions.Role": (4, 5, 5, 4, 4),
    "tasks.Project": (9, 14, 14, 6, 6),
    "tasks.Task": (8, 10, 10, 4, 4),
    "tasks.TaskType": (4, 5, 5, 4, 4),
}


def address_of(model: type[Model], what: str, *keys: Any) -> str:
    return page(f"{model._meta.app_label}_{model._meta.model_name}_{what}", *keys)


def populate(governed: Governed, *, tasks: int) -> None:
    """Let there be something on every page of the admin."""
    uids = governed.add_tasks(tasks, creator=governed.developer)
    for actor in (governed.manager, governed.developer):
        change = UpdateSettings(patch={"repository": {"branch": actor.username}})
        pipeline.apply(actor=actor, batch=Batch(change=change, uids=uids, origin=ORIGIN))
    own = SetPermissions(flags={8: {"is_execute": True}})
    pipeline.apply(actor=governed.manager, batch=Batch(change=own, uids=uids[:1], origin=ORIGIN))
    for number, owner in enumerate((governed.manager, governed.viewer, governed.admin)):
        issue(owner, name=f"robot {tasks}.{number}")


def grow(governed: Governed) -> None:
    """Add a second project in which the members of the first are, tasks, members and accounts."""
    populate(governed, tasks=12)
    other = build_governed("ledger")
    populate(other, tasks=5)
    role = governed.role(8)
    RoleMember.objects.bulk_create(
        RoleMember(role=role, user=User.objects.create_user(f"member-{number}"))
        for number in range(6)
    )
    RoleMember.objects.bulk_create(
        RoleMember(role=other.role(8), user=user) for user in (governed.manager, governed.viewer)
    )


def queries_of(client: Client, address: str) -> tuple[int, int]:
    """Return the status of the answer and how many queries it took, warm."""
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        response = client.get(address)
        text_of(response)
    return response.status_code, len(queries)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_list_opens_for_each_persona_at_a_price_that_does_not_grow(
    governed: Governed, model: type[Model]
) -> None:
    populate(governed, tasks=2)
    address = address_of(model, "changelist")
    visitors = {name: visit(persona(name, governed=governed)) for name in PERSONAS}
    before = {name: queries_of(client, address) for name, client in visitors.items()}
    for name, (status, _) in before.items():
        assert status == (403 if model in ACCOUNTS and name != "superuser" else 200), name
    grow(governed)
    assert {name: queries_of(client, address) for name, client in visitors.items()} == before
    assert tuple(queries for _, queries in before.values()) == PRICE_OF_LIST[model._meta.label]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_page_opens_for_each_persona_at_a_price_that_does_not_grow(
    governed: Governed, model: type[Model]
) -> None:
    populate(governed, tasks=2)
    visitors = {name: visit(persona(name, governed=governed)) for name in PERSONAS}
    addresses = {
        name: address_of(model, "change", first_visible(client, model, governed))
        for name, client in visitors.items()
    }
    before = {name: queries_of(client, addresses[name]) for name, client in visitors.items()}
    assert before["superuser"][0] == 200
    grow(governed)
    after = {name: queries_of(client, addresses[name]) for name, client in visitors.items()}
    assert after == before
    assert tuple(queries for _, queries in before.values()) == PRICE_OF_PAGE[model._meta.label]


def first_visible(client: Client, model: type[Model], governed: Governed) -> Any:
    """Return the key of an object that the visitor sees or, without one, that a superuser sees."""
    for each in (client, visit(governed.admin)):
        response = each.get(address_of(model, "changelist"))
        if response.status_code == 200 and response.context["cl"].result_list:
            return response.context["cl"].result_list[0].pk
    raise AssertionError(f"there is no {model}")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_nobody_deletes_anything_not_even_a_superuser(
    governed: Governed, model: type[Model]
) -> None:
    populate(governed, tasks=1)
    client = visit(governed.admin)
    key = first_visible(client, model, governed)
    count = model._default_manager.count()
    assert client.post(address_of(model, "delete", key), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [key], "post": "yes"}
    client.post(address_of(model, "changelist"), action)
    assert model._default_manager.count() == count


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_nobody_enters_without_signing_in_or_without_being_staff(
    governed: Governed, model: type[Model]
) -> None:
    stranger = Client()
    stranger.force_login(governed.viewer)
    for client in (Client(), stranger):
        response = client.get(address_of(model, "changelist"))
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/admin/login/?next=")


def test_only_our_own_pages_are_served() -> None:
    packages = {
        type(admin.site.get_model_admin(model)).__module__.split(".")[0] for model in MODELS
    }
    assert packages == {"audit", "permissions", "tasks"}


def test_signing_in_leads_where_the_visitor_wanted_to_go(governed: Governed) -> None:
    User.objects.filter(pk=governed.viewer.pk).update(is_staff=True)
    governed.viewer.refresh_from_db()
    governed.viewer.set_password("a long passphrase")
    governed.viewer.save()
    form = {"username": "payments-viewer", "password": "a long passphrase"}
    for next_, leads_to in (
        ("/admin/tasks/task/", "/admin/tasks/task/"),
        ("", "/admin/"),
        ("https://elsewhere.example/", "/admin/"),
    ):
        client = Client()
        shown = client.get("/admin/login/", {"next": next_} if next_ else {})
        action = re.search(r'<form action="([^"]*)"', text_of(shown))
        assert action
        answer = client.post(action[1].replace("&amp;", "&"), form)
        assert answer.headers["Location"] == leads_to


@pytest.mark.parametrize("name", PERSONAS)
def test_home_says_what_there_is_or_why_there_is_nothing(governed: Governed, name: str) -> None:
    response = visit(persona(name, governed=governed)).get("/admin/")
    shown = text_of(response)
    assert "Bulkhead" in shown
    assert "favicon.svg" in shown
    assert ("You hold no role in any project yet" in shown) is (name == "outsider")
    assert ("You read everything that happened" in shown) is (name == "auditor")
    assert ('href="/admin/auth/user/"' in shown) is (name == "superuser")


@pytest.mark.parametrize("app", ["audit", "auth", "permissions", "tasks"])
def test_each_app_has_a_page_of_its_pages(governed: Governed, app: str) -> None:
    assert visit(governed.admin).get(f"/admin/{app}/").status_code == 200
    assert visit(governed.viewer).get(f"/admin/{app}/").status_code == (
        404 if app == "auth" else 200
    )


@pytest.mark.django_db  # the end of a request looks at the connection that another test left open
@pytest.mark.parametrize("file", ["favicon.svg", "admin.css"])
def test_the_files_of_the_admin_are_served(client: Client, file: str) -> None:
    response = client.get(f"/static/bulkhead/{file}")
    assert response.status_code == 200
    response.close()


def test_what_is_done_in_the_admin_is_logged_once_as_operations(governed: Governed) -> None:
    form = {"name": "Ledger", "uid": "f" * 32, "description": ""}
    visit(governed.admin).post(page("tasks_project_add"), form)
    assert Operation.objects.filter(kind="add_project", channel="admin").count() == 1
    assert not LogEntry.objects.exists()
