"""What bad input gets from POST /v1/job/permissions/batch.

Its status, the vendor's code, and every offender by name; and each time nothing has changed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.conftest import Governed
from tests.permissions.api.refusals import BAD_ID, GOOD, INVALID, nothing_changes, refused
from tests.permissions.api.vendor_example import BATCH
from tests.tasks.api.caller import caller_of
from tests.tokens import issue


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
