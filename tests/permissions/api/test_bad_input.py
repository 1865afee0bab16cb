"""What bad input gets from POST /v1/job/permissions/batch.

Its status, the vendor's code, and every offender by name; and each time nothing has changed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit.models import Operation
from permissions.models import ApiToken, PermissionMatrix, Scope, TaskPermission
from permissions.tokens import revoke_token
from tasks.api.idempotency import Answer, KeyReceipt
from tasks.batch import pipeline
from tasks.batch.pipeline import Applied
from tests.conftest import ORIGIN, Governed, build_governed
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


INVALID, BAD_ID, DENIED = "CB.00060200", "CB.00060201", "CB.00060403"
GOOD = [{"role_id": VIEWER, "is_execute": True}]


@contextmanager
def nothing_changes() -> Iterator[None]:
    """See that no permission, no history and no applied operation comes of what is done inside."""

    def everything() -> list[Any]:
        return [
            list(TaskPermission.objects.order_by("pk").values()),
            PermissionMatrix.objects.count(),
            TaskPermission.history.count(),
            Operation.objects.exclude(kind__contains="token").exclude(state="refused").count(),
        ]

    before = everything()
    yield
    assert everything() == before


def refused(
    caller: Caller, body: Any, *, path: str = BATCH, **headers: str
) -> tuple[int, str, str]:
    """Return status, code and message of a refusal that changed nothing and has the one shape."""
    with nothing_changes():
        response = caller.post(path, body, **{"X-Request-Id": "req-7", **headers})
    assert response["Content-Type"] == "application/json"
    assert response["X-Request-Id"] == "req-7"
    answer = response.json()
    assert answer.keys() == {"error_code", "error_msg"}
    return response.status_code, answer["error_code"], answer["error_msg"]


@dataclass(frozen=True)
class Row:
    """A body, or what is different about a good one, and what the answer says."""

    says: str
    raw: bytes | None = None
    changed: Mapping[str, Any] = field(default_factory=dict)
    code: str = INVALID


ROLE = {"role_id": 8, "is_view": True}
MALFORMED: Mapping[str, Row] = {
    "no body": Row("empty", raw=b""),
    "not JSON": Row("not JSON", raw=b'{"job_ids": ['),
    "not UTF-8": Row("not UTF-8", raw=b'{"job_ids": ["\xff"]}'),
    "an array": Row("must be a JSON object", raw=b"[]"),
    "a key twice": Row("/job_ids", raw=b'{"job_ids": [], "job_ids": []}'),
    "NaN": Row("NaN", raw=b'{"job_ids": NaN}'),
    "half a character": Row("surrogate", raw=b'{"job_ids": ["\\ud800"]}'),
    "the character NUL": Row("U+0000", raw=b'{"job_ids": ["\\u0000"]}'),
    "nested too deep": Row("nested", raw=b'{"job_ids": ' + b"[" * 40 + b"]" * 40 + b"}"),
    "nested far too deep": Row("nested", raw=b"[" * 5000 + b"]" * 5000),
    "no tasks": Row("/job_ids", changed={"job_ids": None}),
    "an empty list of tasks": Row("/job_ids", changed={"job_ids": []}),
    "one task as text": Row("/job_ids", changed={"job_ids": "6a02"}),
    "a task that is a number": Row("/job_ids/0", changed={"job_ids": [5]}),
    "nothing to do": Row("nothing to do", changed={"permissions": []}),
    "no flag": Row("nothing to do", changed={"permissions": [{"role_id": 8}]}),
    "permissions as an object": Row("/permissions", changed={"permissions": ROLE}),
    "a role that is text": Row("/permissions/1", changed={"permissions": [ROLE, "viewer"]}),
    "a role without its id": Row("/permissions/0/role_id", changed={"permissions": [{}]}),
    "a role id that is true": Row("role_id", changed={"permissions": [{**ROLE, "role_id": True}]}),
    "a role id that is no number": Row("role_id", changed={"permissions": [{"role_id": "x"}]}),
    "a flag as text": Row("is_view", changed={"permissions": [{**ROLE, "is_view": "true"}]}),
    "a flag as a number": Row("is_view", changed={"permissions": [{**ROLE, "is_view": 1}]}),
    "a switch as text": Row("/project_switch", changed={"project_switch": "true"}),
    "a project that is no id": Row("/project_id", changed={"project_id": "payments"}),
    "one role in two ways": Row(
        "/permissions/1",
        changed={"permissions": [ROLE, {**ROLE, "role_id": "8", "is_view": False}]},
    ),
    "too many roles": Row("500", changed={"permissions": [ROLE] * 501}),
    "ids that are none": Row(
        "not-an-id", changed={"job_ids": ["not-an-id", "g" * 32, ""]}, code=BAD_ID
    ),
}


@pytest.mark.parametrize("row", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_is_400_and_says_where(governed: Governed, row: Row) -> None:
    good = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    body = {**good, **row.changed} if row.raw is None else row.raw
    status, code, message = refused(caller_of(governed.manager), body)
    assert (status, code) == (400, row.code)
    assert row.says.lower() in message.lower()


def test_every_id_that_is_none_is_named(governed: Governed) -> None:
    bad = ["short", "g" * 32, "0" * 33]
    body = {"job_ids": [*governed.add_tasks(1), *bad], "permissions": GOOD}
    _, _, message = refused(caller_of(governed.manager), body)
    assert all(uid in message for uid in bad)


@pytest.mark.parametrize("path", [f"{BATCH}?dryrun=true", f"{BATCH}?dry_run=maybe"])
def test_a_misspelt_preview_is_400(governed: Governed, path: str) -> None:
    body = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    assert refused(caller_of(governed.manager), body, path=path)[:2] == (400, INVALID)


def test_too_many_tasks_are_400(governed: Governed, settings: Settings) -> None:
    settings.BULKHEAD_MAX_TARGETS = 2
    body = {"job_ids": governed.add_tasks(3), "permissions": GOOD}
    status, code, message = refused(caller_of(governed.manager), body)
    assert (status, code) == (400, INVALID)
    assert "3 targets" in message


def test_a_body_over_the_limit_is_413(governed: Governed) -> None:
    body = b" " * (8 * 1024 * 1024) + b"{}"
    assert refused(caller_of(governed.manager), body)[:2] == (413, "CB.00060413")


def test_a_body_that_is_not_sent_as_json_is_415(governed: Governed) -> None:
    body = json.dumps({"job_ids": governed.add_tasks(1), "permissions": GOOD}).encode()
    answer = refused(caller_of(governed.manager), body, Content_Type="text/plain")
    assert answer[:2] == (415, "CB.00060415")


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


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"project_id": "f" * 32}, "not in project"),
        ({"permissions": [{"role_id": 999, "is_view": True}]}, "no role 999"),
        (
            {"permissions": [{"role_id": 8, "devuc_role_id": "x", "is_view": True}]},
            "role 8 is not the role with devuc_role_id x",
        ),
    ],
    ids=["another project", "no such role", "two keys of two roles"],
)
def test_what_the_tasks_project_does_not_have_is_400(
    governed: Governed, changed: dict[str, Any], says: str
) -> None:
    uids = governed.add_tasks(2)
    body = {"job_ids": uids, "permissions": GOOD, **changed}
    status, code, message = refused(caller_of(governed.manager), body)
    assert (status, code) == (400, INVALID)
    assert says in message
    assert all(uid in message for uid in uids)


def test_a_fingerprint_out_of_date_is_412_and_names_what_drifted(governed: Governed) -> None:
    uids, caller = governed.add_tasks(2), caller_of(governed.manager)
    body = {"job_ids": uids, "permissions": GOOD}
    etag = caller.post(f"{BATCH}?dry_run=true", body)["ETag"]
    change(governed.manager, uids[:1], flags={VIEWER: {"is_copy": True}})
    status, code, message = refused(caller, body, If_Match=etag)
    assert (status, code) == (412, "CB.00060412")
    assert uids[0] in message
    assert uids[1] not in message


def test_a_key_that_was_used_for_another_body_is_422(governed: Governed) -> None:
    uids, caller = governed.add_tasks(1), caller_of(governed.manager)
    caller.post(BATCH, {"job_ids": uids, "permissions": GOOD}, Idempotency_Key="k")
    body = {"job_ids": uids, "project_switch": True}
    assert refused(caller, body, Idempotency_Key="k")[:2] == (422, "CB.00060422")


@pytest.mark.django_db(transaction=True)
def test_a_key_whose_request_is_still_running_is_409() -> None:
    governed = build_governed()
    issued, held, done = issue(governed.manager), Event(), Event()
    receipt = KeyReceipt(token_id=issued.token.pk, key="k", digest="", answer_of=_no_answer)

    def run_with_the_key() -> None:
        with transaction.atomic():
            receipt.claim()
            held.set()
            done.wait(timeout=30)
        connection.close()

    caller = Caller(issued.secret, Client(raise_request_exception=False))
    body = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(run_with_the_key)
        assert held.wait(timeout=30)
        answer = refused(caller, body, Idempotency_Key="k")
        done.set()
        running.result()
    assert answer[:2] == (409, "CB.00060409")


def _no_answer(_: Applied) -> Answer:
    raise AssertionError


def test_too_many_requests_are_429_and_say_when_to_come_back(
    governed: Governed, settings: Settings
) -> None:
    settings.BULKHEAD_RATE = (1, timedelta(minutes=1))
    caller = caller_of(governed.manager)
    body = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    assert caller.post(BATCH, body).status_code == 200
    with nothing_changes():
        response = caller.post(BATCH, body)
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60
    assert response.json()["error_code"] == "CB.00060211"


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", f"{BATCH}/", "/v1/job", "/v1//job/permissions/batch", "/v1/%00", "/v4"]
)
def test_an_unknown_path_is_404_and_never_a_redirect(governed: Governed, path: str) -> None:
    assert refused(caller_of(governed.manager), b"{}", path=path)[:2] == (404, "CB.00060214")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "trace"])
def test_another_method_is_405(governed: Governed, method: str) -> None:
    headers = {"Authorization": f"Bearer {issue(governed.manager).secret}"}
    with nothing_changes():
        response = Client().generic(method.upper(), BATCH, headers=headers)
    assert response.status_code == 405
    assert response.json()["error_code"] == "CB.00060405"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("the password is tulip"), 500, "CB.00060101"),
        (OperationalError("server closed the connection"), 503, "CB.00060100"),
    ],
)
def test_what_fails_inside_is_said_without_its_reason(
    governed: Governed,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    code: str,
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "apply", fail)
    body = {"job_ids": governed.add_tasks(1), "permissions": GOOD}
    answer = refused(caller_of(governed.manager), body)
    assert answer[:2] == (status, code)
    assert str(error) not in answer[2]
