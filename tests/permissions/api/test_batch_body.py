"""The body of POST /v1/job/permissions/batch, read into a change: tolerant of form, strict of meaning."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from permissions.api.batch import MAX_PERMISSIONS, parse_batch
from tasks.batch.errors import BadTargetIds, Malformed, TooManyTargets


JOB = "6a027563492d4d0894eda9ed187d0f5b"
PROJECT = "6823252f543d4915b49892a5fd9f0ec3"
DROP = object()
DEVUC = "/permissions/0/devuc_role_id"
WRONG_KEYS: list[object] = [4, 0, False, [], {}, "x" * 41]


def body(**changed: Any) -> dict[str, Any]:
    sent = {"job_ids": [JOB], "permissions": [{"role_id": 4, "is_view": True}], **changed}
    return {key: value for key, value in sent.items() if value is not DROP}


def with_entries(*entries: object) -> dict[str, Any]:
    return body(permissions=list(entries))


def problems_of(sent: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(Malformed) as malformed:
        parse_batch(sent)
    return dict(malformed.value.problems)


def test_everything_that_the_vendor_documents_is_read() -> None:
    entry = {
        "id": 7,
        "role_id": 4,
        "devuc_role_id": "eb34",
        "role_name": "Developer",
        "count": 3,
        "is_modify": True,
        "is_delete": False,
        "is_view": True,
        "is_execute": None,
    }
    sent = body(project_id=PROJECT, project_switch=False, permissions=[entry])
    change, uids = parse_batch(sent)
    assert uids == [JOB]
    assert change.parameters() == {
        "flags": {"4": {"is_view": True, "is_modify": True, "is_delete": False}},
        "named": [],
        "follow": False,
        "project": PROJECT,
        "external_ids": {"4": "eb34"},
    }


@pytest.mark.parametrize(
    ("role_id", "code"),
    [(4, 4), ("4", 4), (-3, -3), ("-3", -3), (0, 0), ("0", 0), ("1015", 1015)],
    ids=repr,
)
def test_a_role_is_named_by_an_integer_or_its_text(role_id: object, code: int) -> None:
    change, _ = parse_batch(with_entries({"role_id": role_id, "is_view": True}))
    assert change.flags == {code: {"is_view": True}}


@pytest.mark.parametrize(
    "role_id",
    [True, False, None, "", "four", 4.0, "4.0", " 4", "+4", "٤", "1" * 10, 10**9, [4]],
    ids=repr,
)
def test_a_role_that_is_named_otherwise_is_refused(role_id: object) -> None:
    sent = with_entries({"role_id": role_id, "is_view": True})
    assert problems_of(sent).keys() == {"/permissions/0/role_id"}


@pytest.mark.parametrize("flag", ["true", "false", 1, 0, "", [], {}], ids=repr)
def test_a_flag_is_true_false_or_null_and_nothing_is_guessed(flag: object) -> None:
    sent = with_entries({"role_id": 4, "is_view": True}, {"role_id": 8, "is_manager": flag})
    assert problems_of(sent) == {"/permissions/1/is_manager": "must be true, false or null"}
    assert problems_of(body(project_switch=flag)).keys() == {"/project_switch"}


def test_what_says_nothing_is_ignored_whatever_it_holds() -> None:
    entry = {"role_id": 4, "is_view": True, "id": "x", "count": [], "role_name": 1, "newer": {}}
    change, _ = parse_batch({**with_entries(entry), "newer": 1, "project_switch": None})
    assert change.flags == {4: {"is_view": True}}
    assert change.follow is None


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (body(job_ids=DROP), "/job_ids"),
        (body(job_ids=None), "/job_ids"),
        (body(job_ids=[]), "/job_ids"),
        (body(job_ids=JOB), "/job_ids"),
        (body(job_ids={"0": JOB}), "/job_ids"),
        (body(job_ids=[JOB, 5]), "/job_ids/1"),
        (body(job_ids=[None]), "/job_ids/0"),
        (body(dry_run=True), "/dry_run"),
        (body(project_id=""), "/project_id"),
        (body(project_id=5), "/project_id"),
        (body(project_id="6823252f"), "/project_id"),
        (body(project_id=PROJECT + "0"), "/project_id"),
        (body(project_id=PROJECT[:-1] + "-"), "/project_id"),
        (body(permissions={}), "/permissions"),
        (body(permissions="all"), "/permissions"),
        (
            body(permissions=[{"role_id": 4, "is_view": True}] * (MAX_PERMISSIONS + 1)),
            "/permissions",
        ),
        (with_entries("4"), "/permissions/0"),
        (with_entries({"is_view": True}), "/permissions/0/role_id"),
        *((with_entries({"role_id": 4, "devuc_role_id": key}), DEVUC) for key in WRONG_KEYS),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_with_its_place(
    sent: dict[str, Any], place: str
) -> None:
    assert problems_of(sent).keys() == {place}


def test_all_that_is_wrong_is_said_at_once() -> None:
    sent = {
        "project_id": 1,
        "project_switch": "on",
        "permissions": [{"role_id": True, "is_view": "true"}, 5],
    }
    assert problems_of(sent).keys() == {
        *("/project_id", "/project_switch", "/job_ids"),
        *("/permissions/0/role_id", "/permissions/0/is_view", "/permissions/1"),
    }


@pytest.mark.parametrize(
    "sent",
    [
        body(permissions=DROP),
        body(permissions=None),
        body(permissions=[]),
        with_entries({"role_id": 4}),
        with_entries({"role_id": 4, "is_view": None}),
    ],
)
def test_nothing_to_do_is_refused(sent: dict[str, Any]) -> None:
    assert problems_of(sent)[""].startswith("nothing to do")
    change, _ = parse_batch({**sent, "project_switch": True})
    assert change.follow is True


def test_a_role_twice_with_the_same_flags_collapses() -> None:
    entry = {"role_id": 4, "is_view": True}
    change, _ = parse_batch(with_entries(entry, {**entry, "role_id": "4", "id": 9}))
    assert change.flags == {4: {"is_view": True}}


@pytest.mark.parametrize(
    "second",
    [
        {"role_id": 4, "is_view": False},
        {"role_id": "4", "is_view": True, "is_modify": True},
        {"role_id": 4},
        {"role_id": 4, "is_view": True, "devuc_role_id": "other"},
    ],
)
def test_a_role_twice_with_different_flags_is_refused(second: dict[str, Any]) -> None:
    sent = with_entries({"role_id": 4, "is_view": True}, second)
    assert problems_of(sent).keys() == {"/permissions/1"}


def test_ids_that_are_none_are_all_named() -> None:
    bad = ["", "x", JOB[:-1], JOB + "0", "g" * 32, f"{JOB}\n"]
    with pytest.raises(BadTargetIds) as refused:
        parse_batch(body(job_ids=[JOB, *bad]))
    assert refused.value.uids == bad


def test_a_task_named_twice_counts_once_and_capitals_do_not_matter() -> None:
    _, uids = parse_batch(body(job_ids=[JOB, JOB.upper(), JOB]))
    assert uids == [JOB]


def test_a_batch_has_a_bound(settings: Settings) -> None:
    settings.BULKHEAD_MAX_TARGETS = 2
    with pytest.raises(TooManyTargets):
        parse_batch(body(job_ids=[JOB, JOB, 3]))
