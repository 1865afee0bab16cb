"""What bad input gets: nothing is changed, and the answer names every offender."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit.models import Operation
from permissions.tokens import revoke_token
from tasks.models import StoredAnswer, Task
from tests.conftest import ORIGIN, SETTINGS, Governed
from tests.tasks.api.caller import SETTINGS_TASKS, Answered, Caller, caller_of, update
from tests.tokens import issue


SOME = "a" * 24
UNKNOWN = "f" * 32


def failed(response: Answered, status: int, code: str) -> dict[str, Any]:
    """Check that the answer is a failure in Opsera's shape and that nothing was changed."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    assert response["X-Request-Id"]
    body: dict[str, Any] = response.json()
    assert body.keys() == {"status", "message", "log", "errors"}
    assert (body["status"], body["errors"][0]["code"]) == ("failed", code)
    assert body["message"].strip()
    assert not Operation.objects.filter(kind="update_settings").exclude(state="refused").exists()
    assert all(settings == SETTINGS for settings in Task.objects.values_list("settings", flat=True))
    return body


def places(body: dict[str, Any]) -> list[str]:
    return [error["detail"].partition(":")[0] for error in body["errors"]]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "the body is empty; a JSON object is expected"),
        (b"not JSON", "line 1 column 1"),
        (b"[]", "the body must be a JSON object"),
        (b'{"target": ["a"], "target": ["b"], "settings": {"a": 1}}', "/target"),
        (b'{"target": ["a"], "settings": {"a": NaN}}', "/settings/a"),
        (b'{"target": ["a"], "settings": {"a": "\\u0000"}}', "/settings/a"),
        (b'{"target": ["a"], "settings": ' + b'{"a":' * 32 + b"1" + b"}" * 33, "/settings"),
        ({"settings": {"a": 1}}, "/target"),
        ({"target": [], "settings": {"a": 1}}, "/target"),
        ({"target": SOME, "settings": {"a": 1}}, "/target"),
        ({"target": {SOME: SOME}, "settings": {"a": 1}}, "/target"),
        ({"target": None, "settings": {"a": 1}}, "/target"),
        ({"target": [SOME, 1], "settings": {"a": 1}}, "/target/1"),
        ({"target": [[SOME]], "settings": {"a": 1}}, "/target/0"),
        ({"target": [SOME]}, "/settings"),
        ({"target": [SOME], "settings": {}}, "/settings"),
        ({"target": [SOME], "settings": None}, "/settings"),
        ({"target": [SOME], "settings": [1]}, "/settings"),
        ({"target": [SOME], "settings": "main"}, "/settings"),
        ({"target": [SOME], "settings": {"a": 1}, "dry_run": True}, "/dry_run"),
    ],
)
def test_a_malformed_body_is_refused_with_its_place(
    governed: Governed, body: object, named: str
) -> None:
    response = caller_of(governed.developer).post(SETTINGS_TASKS, body)
    assert places(failed(response, 400, "malformed"))[0].startswith(named)


def test_everything_that_is_wrong_with_the_body_is_named_at_once(governed: Governed) -> None:
    body = {"target": [1, SOME, None], "settings": []}
    response = caller_of(governed.developer).post(SETTINGS_TASKS, body)
    assert places(failed(response, 400, "malformed")) == ["/target/0", "/target/2", "/settings"]


@pytest.mark.parametrize(
    ("query", "headers", "named"),
    [
        ("?dry_run=yes", {}, "dry_run"),
        ("?dry_run=", {}, "dry_run"),
        ("?dry_run=true&dry_run=false", {}, "dry_run"),
        ("?dryrun=true", {}, "dryrun"),
        ("?format=xml", {}, "format"),
        ("", {"If_Match": "*"}, "If-Match"),
        ("", {"If_Match": "abc"}, "If-Match"),
        ("", {"If_Match": '""'}, "If-Match"),
        ("", {"If_Match": '"a", "b"'}, "If-Match"),
        ("", {"Idempotency_Key": ""}, "Idempotency-Key"),
        ("", {"Idempotency_Key": "a b"}, "Idempotency-Key"),
        ("", {"Idempotency_Key": "ü"}, "Idempotency-Key"),
        ("", {"Idempotency_Key": "k" * 256}, "Idempotency-Key"),
    ],
)
def test_terms_that_are_not_understood_are_refused(
    governed: Governed, query: str, headers: dict[str, str], named: str
) -> None:
    body = update(governed.add_tasks(1))
    response = caller_of(governed.developer).post(SETTINGS_TASKS + query, body, **headers)
    assert places(failed(response, 400, "malformed")) == [named]


@pytest.mark.parametrize(
    "bad", ["", "a" * 23, "a" * 25, "a" * 31, "g" * 24, " " + "a" * 24, "é" * 24]
)
def test_an_id_that_is_none_is_refused_by_name(governed: Governed, bad: str) -> None:
    uids = governed.add_tasks(1)
    response = caller_of(governed.developer).post(SETTINGS_TASKS, update([*uids, bad, "also bad"]))
    body = failed(response, 400, "bad_target_id")
    assert [error["target"] for error in body["errors"]] == [bad, "also bad"]


def test_more_targets_than_a_batch_takes_are_refused(
    governed: Governed, settings: Settings
) -> None:
    settings.BULKHEAD_MAX_TARGETS = 2
    response = caller_of(governed.developer).post(SETTINGS_TASKS, update(governed.add_tasks(3)))
    assert "3 targets were given" in failed(response, 400, "too_many_targets")["message"]


def test_what_stands_behind_the_bound_is_not_looked_at(
    governed: Governed, settings: Settings
) -> None:
    settings.BULKHEAD_MAX_TARGETS = 2
    caller = caller_of(governed.developer)
    too_many = {"target": [SOME, UNKNOWN, 1, 1], "settings": {"a": 1}}
    failed(caller.post(SETTINGS_TASKS, too_many), 400, "too_many_targets")
    wrong_too = {"target": [1, SOME, 1, 1], "settings": {"a": 1}}
    assert places(failed(caller.post(SETTINGS_TASKS, wrong_too), 400, "malformed")) == ["/target/0"]


def test_a_body_over_the_limit_is_refused(governed: Governed) -> None:
    uids = governed.add_tasks(1)
    caller = caller_of(governed.developer)
    largest = json.dumps(update(uids, {"notifications": None})).encode().ljust(8 * 1024 * 1024)
    failed(caller.post(SETTINGS_TASKS, largest + b" "), 413, "too_large")
    assert caller.post(SETTINGS_TASKS, largest).status_code == 200


def expired(owner: User) -> str:
    token = issue(owner, expires_at=timezone.now() + timedelta(hours=1))
    type(token.token).objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return token.secret


def revoked(owner: User) -> str:
    token = issue(owner)
    revoke_token(actor=owner, token_id=token.token.pk, origin=ORIGIN)
    return token.secret


def of_an_inactive_owner(owner: User) -> str:
    secret = issue(owner).secret
    User.objects.filter(pk=owner.pk).update(is_active=False)
    return secret


def unknown(owner: User) -> str:
    return "bh_unknown"


@pytest.mark.parametrize("make", [expired, revoked, of_an_inactive_owner, unknown])
def test_a_token_that_may_not_be_used_is_refused(
    governed: Governed, make: Callable[[User], str]
) -> None:
    caller = Caller(make(governed.developer), Client())
    response = caller.post(SETTINGS_TASKS, update(governed.add_tasks(1)))
    failed(response, 401, "unauthenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_request_without_a_token_is_refused(governed: Governed) -> None:
    body = json.dumps(update(governed.add_tasks(1)))
    response = Client().post(SETTINGS_TASKS, body, content_type="application/json")
    failed(response, 401, "unauthenticated")


def test_a_session_of_the_admin_is_no_token(governed: Governed) -> None:
    client = Client()
    client.force_login(governed.admin)
    body = json.dumps(update(governed.add_tasks(1)))
    failed(
        client.post(SETTINGS_TASKS, body, content_type="application/json"), 401, "unauthenticated"
    )


def test_a_token_without_the_scope_is_refused(governed: Governed) -> None:
    caller = caller_of(governed.developer, scopes=["permissions:write", "tasks:write"])
    failed(caller.post(SETTINGS_TASKS, update(governed.add_tasks(1))), 403, "forbidden")


def test_every_task_that_is_missing_or_not_visible_is_named_alike(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    response = caller_of(governed.outsider).post(SETTINGS_TASKS, update([*uids, UNKNOWN]))
    body = failed(response, 404, "not_found")
    assert [error["target"] for error in body["errors"]] == [*uids, UNKNOWN]
    assert len({error["detail"] for error in body["errors"]}) == 1


def test_every_task_that_the_caller_may_see_but_not_change_is_named(governed: Governed) -> None:
    uids = governed.add_tasks(2)
    response = caller_of(governed.viewer).post(SETTINGS_TASKS, update(uids))
    body = failed(response, 403, "no_right")
    assert [error["target"] for error in body["errors"]] == uids


def test_settings_that_the_type_does_not_allow_are_refused_by_place_and_rule(
    governed: Governed,
) -> None:
    uids = governed.add_tasks(2)
    wrong = {"repository": {"branch": 7}, "unheard_of": {"a": 1}}
    response = caller_of(governed.developer).post(SETTINGS_TASKS, update(uids, wrong))
    body = failed(response, 422, "settings_invalid")
    found = {(error["target"], error["pointer"], error["rule"]) for error in body["errors"]}
    rules = {("/repository/branch", "type"), ("", "additionalProperties")}
    assert found == {(uid, pointer, rule) for uid in uids for pointer, rule in rules}


@pytest.mark.parametrize(("with_unknown", "status"), [(True, 404), (False, 403)])
def test_reasons_of_several_kinds_are_all_listed_under_the_first(
    governed: Governed, *, with_unknown: bool, status: int
) -> None:
    created = governed.add_tasks(1, creator=governed.viewer)
    seen = governed.add_tasks(1)
    targets = [*created, *seen, *([UNKNOWN] if with_unknown else [])]
    response = caller_of(governed.viewer).post(SETTINGS_TASKS, update(targets, {"unheard_of": 1}))
    assert response.status_code == status
    codes = {error["target"]: error["code"] for error in response.json()["errors"]}
    expected = {created[0]: "settings_invalid", seen[0]: "no_right", UNKNOWN: "not_found"}
    assert codes == {uid: expected[uid] for uid in targets}


@pytest.mark.parametrize("tag", ['"' + "0" * 64 + '"', '"of-another-time"', 'W/"weak"'])
def test_a_fingerprint_that_is_not_the_plans_is_refused(governed: Governed, tag: str) -> None:
    body = update(governed.add_tasks(1))
    response = caller_of(governed.developer).post(SETTINGS_TASKS, body, If_Match=tag)
    failed(response, 412, "drifted")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_a_body_of_another_media_type_is_refused(governed: Governed, kind: str) -> None:
    body = update(governed.add_tasks(1))
    response = caller_of(governed.developer).post(SETTINGS_TASKS, body, Content_Type=kind)
    failed(response, 415, "unsupported_media_type")


def test_an_answer_in_another_media_type_is_refused(governed: Governed) -> None:
    body = update(governed.add_tasks(1))
    response = caller_of(governed.developer).post(SETTINGS_TASKS, body, Accept="text/html")
    failed(response, 406, "not_acceptable")


def test_a_body_without_a_length_is_refused(governed: Governed) -> None:
    caller = caller_of(governed.developer)
    failed(caller.post(SETTINGS_TASKS, b"", Transfer_Encoding="chunked"), 411, "length_required")


def test_too_many_requests_are_refused_until_later(governed: Governed, settings: Settings) -> None:
    settings.BULKHEAD_RATE = (1, timedelta(minutes=1))
    caller = caller_of(governed.developer)
    body = update(governed.add_tasks(1), {"repository": {"branch": "develop"}})
    assert caller.post(SETTINGS_TASKS, update([UNKNOWN])).status_code == 404
    response = caller.post(SETTINGS_TASKS, body)
    failed(response, 429, "throttled")
    assert 1 <= int(response["Retry-After"]) <= 60


def test_a_refused_request_leaves_its_key_free(governed: Governed) -> None:
    caller = caller_of(governed.developer)
    refused = caller.post(SETTINGS_TASKS, update([UNKNOWN]), Idempotency_Key="k")
    assert refused.status_code == 404
    assert not StoredAnswer.objects.exists()
    other = caller.post(SETTINGS_TASKS, update(governed.add_tasks(1)), Idempotency_Key="k")
    assert other.status_code == 200
