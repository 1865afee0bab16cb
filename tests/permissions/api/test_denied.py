"""Whoever may not gets nothing from POST /v1/job/permissions/batch: by token, scope, task or flag."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from permissions.models import ApiToken, Scope
from permissions.tokens import revoke_token
from tests.conftest import ORIGIN, Governed, build_governed
from tests.permissions.api.refusals import BAD_ID, DENIED, GOOD, nothing_changes, refused
from tests.permissions.api.vendor_example import BATCH
from tests.permissions.governance import (
    ADMINISTRATOR,
    CREATOR,
    MANAGER,
    VIEWER,
    add_steward,
    change,
)
from tests.tasks.api.caller import Caller, caller_of
from tests.tokens import issue


def expire(_: Governed, token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(days=1))


def revoke(governed: Governed, token: ApiToken) -> None:
    revoke_token(actor=governed.manager, token_id=token.pk, origin=ORIGIN)


def deactivate(governed: Governed, _: ApiToken) -> None:
    User.objects.filter(pk=governed.manager.pk).update(is_active=False)


def move(_: Governed, token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(networks=["192.0.2.0/24"])


@pytest.mark.parametrize("spoil", [expire, revoke, deactivate, move])
def test_a_token_that_is_no_longer_good_is_401(
    governed: Governed, spoil: Callable[[Governed, ApiToken], None]
) -> None:
    issued = issue(governed.manager)
    body = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    spoil(governed, issued.token)
    caller = Caller(issued.secret, Client(raise_request_exception=False))
    assert refused(caller, body)[:2] == (401, "APIGW.0301")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer bh_unknown"},
        {"Authorization": "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=00"},
        {"X-Auth-Token": "bh_unknown"},
        {"X-Auth-Token": "bh_unknown", "Authorization": "Bearer {good}"},
    ],
    ids=["none", "unknown", "a signature alone", "unknown X-Auth-Token", "the wrong one of two"],
)
def test_no_token_or_an_unknown_one_is_401(governed: Governed, headers: dict[str, str]) -> None:
    secret = issue(governed.manager).secret
    sent = {name: value.replace("{good}", secret) for name, value in headers.items()}
    body = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    with nothing_changes():
        response = Client().post(BATCH, body, content_type="application/json", headers=sent)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="bulkhead"'
    assert response.json()["error_code"] == "APIGW.0301"


def test_a_token_without_the_scope_is_403(governed: Governed) -> None:
    scopes = [scope for scope in Scope if scope is not Scope.PERMISSIONS_WRITE]
    body = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    status, code, message = refused(caller_of(governed.manager, scopes=scopes), body)
    assert (status, code) == (403, DENIED)
    assert "permissions:write" in message


def test_tasks_that_are_not_there_and_tasks_that_one_may_not_see_are_404_alike(
    governed: Governed,
) -> None:
    hidden, unknown = build_governed("search").add_tasks(1)[0], "f" * 32
    seen = governed.add_tasks(1)[0]
    body = {"job_ids": [seen, hidden, unknown], "permissions": GOOD}
    status, code, message = refused(caller_of(governed.manager), body)
    assert (status, code) == (404, BAD_ID)
    assert f"there is no such task: {hidden}, {unknown}" in message
    assert seen not in message


def test_tasks_that_one_may_not_manage_are_403(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    body = {"job_ids": uids, "permissions": GOOD}
    status, code, message = refused(caller_of(governed.developer), body)
    assert (status, code) == (403, DENIED)
    assert f"you hold no manage_task right on this task: {', '.join(uids)}" in message


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"role_id": ADMINISTRATOR, "is_view": False}, "always holds every flag"),
        ({"role_id": CREATOR, "is_view": False}, "may change role -3"),
    ],
    ids=["administrator", "creator"],
)
def test_a_locked_role_is_403(governed: Governed, entry: dict[str, Any], says: str) -> None:
    uids = governed.add_tasks(2)
    body = {"job_ids": uids, "permissions": [entry]}
    status, code, message = refused(caller_of(add_steward(governed)), body)
    assert (status, code) == (403, DENIED)
    assert says in message
    assert all(uid in message for uid in uids)


def test_to_grant_what_one_does_not_hold_is_403(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    change(governed.admin, uids, flags={MANAGER: {"is_delete": False}})
    body = {"job_ids": uids, "permissions": [{"role_id": VIEWER, "is_delete": True}]}
    status, code, message = refused(caller_of(governed.manager), body)
    assert (status, code) == (403, DENIED)
    assert "is_delete, which you do not hold" in message
    assert all(uid in message for uid in uids)
