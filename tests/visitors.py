"""Visitors of the admin, each in a browser of their own."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from audit.visibility import AUDITORS
from tests.conftest import Governed


PERSONAS = ("superuser", "manager", "viewer", "outsider", "auditor")


def persona(name: str, *, governed: Governed) -> User:
    """Return the account that the persona has around a project."""
    if name == "superuser":
        return governed.admin
    if name == "auditor":
        return auditor()
    user = getattr(governed, name)
    assert isinstance(user, User)
    return user


def auditor() -> User:
    """Return an account whose only right is to read what happened."""
    user, _ = User.objects.get_or_create(username="auditor")
    user.groups.add(Group.objects.get(name=AUDITORS))
    return user


def visit(user: User) -> Client:
    """Return a browser in which the user, made staff, is signed in."""
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(user)
    return client


def page(name: str, *keys: Any) -> str:
    """Return the address of a page of the admin."""
    return reverse(f"admin:{name}", args=keys)


def text_of(response: Any) -> str:
    """Return the page that was answered."""
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def draft_in(response: Any) -> str:
    """Return the draft that a preview carries."""
    draft = response.context["draft"]
    assert isinstance(draft, str)
    return draft
