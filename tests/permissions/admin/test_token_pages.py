"""API tokens in the admin: made, shown once, revoked."""

import hashlib
import shlex
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Channel, Operation
from permissions.models import ApiToken
from tests.conftest import Governed
from tests.threads import at_once
from tests.tokens import issue
from tests.visitors import page, persona, text_of, visit


FORM: dict[str, Any] = {
    "name": "nightly",
    "scopes": ["settings:write", "tasks:read"],
    "days": 30,
    "networks": "10.0.0.0/8\n192.168.1.0/24",
}


def test_a_token_is_shown_once_with_a_command_to_try_and_never_again(governed: Governed) -> None:
    client = visit(governed.viewer)
    made = client.post(page("permissions_apitoken_add"), FORM)
    secret = made.context["issued"].secret
    assert f"Authorization: Bearer {secret}" in text_of(made)
    assert "no-store" in made.headers["Cache-Control"]
    token = ApiToken.objects.get()
    assert token.digest == hashlib.sha256(secret.encode()).hexdigest()
    for name, keys in (("changelist", ()), ("change", (token.pk,)), ("history", (token.pk,))):
        assert secret not in text_of(client.get(page(f"permissions_apitoken_{name}", *keys)))
    operation = Operation.objects.get(kind="create_token")
    assert secret not in str(operation.parameters)
    assert secret not in str(client.session.items())


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("settings:write", "/api/v2/settings/tasks?dry_run=true"),
        ("permissions:write", "/v1/job/permissions/batch?dry_run=true"),
        ("tasks:read", "/api/v2/operations/"),
    ],
)
def test_the_command_to_try_fits_the_scope_and_changes_nothing(
    governed: Governed, scope: str, path: str
) -> None:
    (uid,) = governed.add_tasks(1)
    form = {**FORM, "scopes": [scope], "networks": ""}
    made = visit(governed.manager).post(page("permissions_apitoken_add"), form)
    command = made.context["command"]
    assert path in command
    words = shlex.split(command.replace("\\\n", " "))
    body = words[words.index("-d") + 1] if "-d" in words else ""
    headers = {"Authorization": words[words.index("-H") + 1].partition(": ")[2]}
    address = words[1].removeprefix("http://testserver")
    count = Operation.objects.count()
    if body:
        assert uid in body
        answer = Client().post(address, body, content_type="application/json", headers=headers)
    else:
        answer = Client().get(address, headers=headers)
    assert answer.status_code == 200
    assert Operation.objects.count() == count


def test_a_token_for_what_has_no_such_command_is_shown_without_one(governed: Governed) -> None:
    form = {**FORM, "scopes": ["audit:read"]}
    made = visit(governed.viewer).post(page("permissions_apitoken_add"), form)
    assert "curl" not in text_of(made)


def test_the_list_says_when_each_token_was_last_used(governed: Governed) -> None:
    issue(governed.viewer)
    client = visit(governed.viewer)
    assert "never" in text_of(client.get(page("permissions_apitoken_changelist")))
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(days=400))
    year = (timezone.now() - timedelta(days=400)).year
    assert f" {year}, " in text_of(client.get(page("permissions_apitoken_changelist")))


def test_a_token_is_what_was_asked_for_and_its_makers_own(governed: Governed) -> None:
    visit(governed.viewer).post(page("permissions_apitoken_add"), {**FORM, "owner": 1})
    token = ApiToken.objects.get()
    assert token.owner == governed.viewer
    assert token.scopes == ["settings:write", "tasks:read"]
    assert token.networks == ["10.0.0.0/8", "192.168.1.0/24"]
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    operation = token.history.get().operation
    assert (operation.channel, operation.actor) == (Channel.ADMIN, governed.viewer)


def test_a_token_without_days_does_not_expire(governed: Governed) -> None:
    visit(governed.viewer).post(page("permissions_apitoken_add"), {**FORM, "days": ""})
    assert ApiToken.objects.get().expires_at is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"days": 0}, "days"),
        ({"networks": "everywhere"}, "networks"),
    ],
)
def test_a_token_that_cannot_be_is_refused_at_its_field(
    governed: Governed, change: dict[str, Any], field: str
) -> None:
    answer = visit(governed.viewer).post(page("permissions_apitoken_add"), {**FORM, **change})
    assert answer.context["form"].errors.keys() == {field}
    assert not ApiToken.objects.exists()


def test_a_second_token_of_the_same_name_is_refused(governed: Governed) -> None:
    client = visit(governed.viewer)
    client.post(page("permissions_apitoken_add"), FORM)
    answer = client.post(page("permissions_apitoken_add"), FORM)
    assert "issued" not in answer.context
    assert "if you have not seen it, revoke it and make another" in text_of(answer)
    assert ApiToken.objects.count() == 1


def test_of_tokens_made_at_once_with_one_name_only_one_is(committed: Governed) -> None:
    clients = [visit(committed.viewer) for _ in range(4)]
    calls = [partial(client.post, page("permissions_apitoken_add"), FORM) for client in clients]
    answers = [each.result() for each in at_once(*calls)]
    assert [each.status_code for each in answers] == [200] * 4
    assert sum("Copy the token now" in text_of(each) for each in answers) == 1


def test_an_owner_revokes_a_token_after_being_asked(governed: Governed) -> None:
    token = issue(governed.viewer).token
    client = visit(governed.viewer)
    address = page("permissions_apitoken_revoke", token.pk)
    assert "cannot be undone" in text_of(client.get(address))
    assert ApiToken.objects.get().revoked_at is None
    assert client.post(address).status_code == 302
    assert ApiToken.objects.get().revoked_at is not None
    assert Operation.objects.get(kind="revoke_token").actor == governed.viewer
    assert client.post(address).status_code == 403
    shown = text_of(client.get(page("permissions_apitoken_history", token.pk)))
    assert "revoked at" in shown


@pytest.mark.parametrize("name", ["manager", "outsider", "auditor"])
def test_nobody_sees_or_revokes_the_token_of_another(governed: Governed, name: str) -> None:
    token = issue(governed.viewer, name="hidden-name").token
    client = visit(persona(name, governed=governed))
    assert "hidden-name" not in text_of(client.get(page("permissions_apitoken_changelist")))
    assert client.get(page("permissions_apitoken_change", token.pk)).status_code == 302
    assert client.post(page("permissions_apitoken_revoke", token.pk)).status_code in {403, 404}
    token.refresh_from_db()
    assert token.revoked_at is None


def test_a_superuser_sees_and_revokes_any_token(governed: Governed) -> None:
    token = issue(governed.viewer).token
    visit(governed.admin).post(page("permissions_apitoken_revoke", token.pk))
    token.refresh_from_db()
    assert token.revoked_at is not None
