"""Visitors of the admin, each in a browser of their own."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from audit.models import Operation, State
from audit.visibility import AUDITORS
from tasks.models import Draft
from tests.conftest import Governed


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    " object-src 'none'"
)
# What the policy would stop. Data in a script element is no script.
INLINE = re.compile(
    r"<style\b|\s(?:style|on[a-z]+)\s*=\s*[\"']|javascript:"
    r"|<script\b(?![^>]*\bsrc=)(?![^>]*\btype=\"application/json\")",
    re.IGNORECASE,
)
PERSONAS = ("superuser", "manager", "developer", "viewer", "outsider", "auditor")


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
    with connection.cursor() as cursor:
        # As at a commit: what was written outside the application is then a finished operation.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return user


class Visitor(Client):
    """A browser that takes no page with anything that the Content-Security-Policy would stop."""

    def request(self, **request: Any) -> Any:
        """Ask, and look at the answer as a browser would."""
        response = super().request(**request)
        assert_strict(response)
        return response


def assert_strict(response: Any) -> None:
    """Fail unless the answer has the policy, and nothing that it would stop."""
    directives = response.headers["Content-Security-Policy"].split("; ")
    assert sorted(directives) == sorted(POLICY.split("; "))
    if response.headers.get("Content-Type", "").startswith("text/html"):
        found = INLINE.search(response.content.decode())
        assert not found, response.content.decode()[found.start() - 80 : found.end() + 80]


def visit(user: User) -> Client:
    """Return a browser in which the user, made staff, is signed in."""
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Visitor()
    client.force_login(user)
    return client


def page(name: str, *keys: Any) -> str:
    """Return the address of a page of the admin."""
    return reverse(f"admin:{name}", args=keys)


def text_of(response: Any) -> str:
    """Return the page that was answered."""
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def save(client: Client, address: str, written: Mapping[str, Any]) -> Any:
    """Open the form of an object and send it with this; return what is answered."""
    shown = client.get(address).context["adminform"].form.shown_now
    return client.post(address, {"as_shown": shown, **written})


def choose(client: Client, action: str, uids: Sequence[str]) -> Draft:
    """Choose tasks by their ids, as the button on a task's page does; return the draft."""
    sent = {"action": action, "uids": " ".join(uids)}
    answer = client.post(page("tasks_task_choose"), sent)
    assert answer.status_code == 302, text_of(answer)
    return draft_at(answer)


def write_down(client: Client, draft: Draft, written: Mapping[str, Any]) -> Any:
    """Send the form of the draft's action; return what is shown then."""
    return client.post(page("tasks_task_draft", draft.pk), written, follow=True)


def look(client: Client, draft: Draft, **asked: Any) -> Any:
    """Return the preview's page."""
    return client.get(page("tasks_task_draft_preview", draft.pk), asked)


def rows_of(client: Any, draft: Draft, **asked: Any) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Return the rows of the preview: id, and what would differ."""
    shown = look(client, draft, **asked).context["shown"]
    return [(row.uid, [tuple(each) for each in row.differences]) for row in shown.rows]


def refused(*, kind: str) -> list[str]:
    """Return why attempts of this kind are recorded as refused."""
    found = Operation.objects.filter(kind=kind, state=State.REFUSED)
    return [refusal["detail"] for operation in found for refusal in operation.refusals]


def confirm(client: Client, draft: Draft, **sent: Any) -> Any:
    """Apply what the preview shows."""
    shown = look(client, draft).context["shown"]
    content = {"apply": shown.fingerprint, **sent}
    return client.post(page("tasks_task_draft_preview", draft.pk), content)


def draft_at(response: Any) -> Draft:
    """Return the draft to whose page an answer leads."""
    found = re.search(r"/drafts/([0-9a-f-]{36})/", response.headers["Location"])
    assert found
    return Draft.objects.get(pk=found[1])
