"""The admin site as a whole: every page, for every persona, at a fixed price."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client, RequestFactory

from audit.admin.recorded import RecordedAdmin
from audit.models import Operation
from permissions.admin.tokens import ApiTokenAdmin
from permissions.models import Role, RoleMember
from tasks.admin.bulk_actions import bulk_actions
from tasks.models import Task
from tests.admin_world import populate
from tests.conftest import Governed
from tests.visitors import PERSONAS, page, persona, text_of, visit


MODELS = [model for model in apps.get_models() if admin.site.is_registered(model)]

# Each leads to a preview.
OF_TASKS = {action.name for action in bulk_actions() if not action.in_bin}


def address_of(model: type[Model], what: str, *keys: Any) -> str:
    return page(f"{model._meta.app_label}_{model._meta.model_name}_{what}", *keys)


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
    before = set(model._default_manager.values_list("pk", flat=True))
    assert client.post(address_of(model, "delete", key), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [key], "post": "yes"}
    client.post(address_of(model, "changelist"), action)
    assert before <= set(model._default_manager.values_list("pk", flat=True))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_page_writes_past_the_pipeline_and_the_recorder(
    governed: Governed, rf: RequestFactory, model: type[Model]
) -> None:
    populate(governed, tasks=1)
    shown = admin.site.get_model_admin(model)
    request = rf.get("/admin/")
    request.user = governed.admin
    writes = shown.has_change_permission(request) or shown.has_add_permission(request)
    # A form is saved as one operation; tokens are made and revoked by `permissions.tokens` alone.
    assert isinstance(shown, RecordedAdmin | ApiTokenAdmin) is bool(writes)
    assert not shown.has_delete_permission(request)
    assert not shown.list_editable
    assert set(shown.get_actions(request)) == (OF_TASKS if model is Task else set())
    assert [inline.model for inline in shown.inlines] == ([RoleMember] if model is Role else [])


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
    assert ('href="/admin/auth/user/"' in shown) is (name in {"superuser", "auditor"})


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
