"""The answer of GET /v1/job/list of CodeArts Build, read page by page."""

from typing import Any

import pytest

from tasks.importing.codearts_file import read_codearts
from tasks.importing.records import FileUnreadable, Record
from tests.tasks.importing.sources import codearts_page, source


JOB: dict[str, Any] = {
    "id": "6a027563492d4d0894eda9ed187d0f5b",
    "job_name": "build ledger",
    "job_creator": "ae22",
    "user_name": "developer",
    "project_id": "6823252f543d4915b49892a5fd9f0ec3",
    "project_name": "Payments",
    "last_build_time": 1726393693000,
    "is_finished": True,
    "disabled": False,
    "forbidden_msg": None,
    "source_code": "CODE",
    "scm_web_url": "https://git.example/payments/ledger.git",
    "scm_type": "codehub",
    "code_branch": "main",
    "build_type": "maven",
    "project_permission_switch": True,
}


def read(content: str | bytes, notes: list[str] | None = None) -> list[Record]:
    return list(read_codearts(source(content, notes=notes)))


def test_a_row_becomes_a_record_with_its_repository() -> None:
    (record,) = read(codearts_page(JOB))
    assert record.place == "record 1"
    assert record.fields == {
        "uid": JOB["id"],
        "name": "build ledger",
        "project": JOB["project_id"],
        "settings": {"repository": {"url": JOB["scm_web_url"], "branch": "main"}},
        "enabled": True,
        "creator": "developer",
    }


def test_a_disabled_row_keeps_its_reason_and_an_enabled_one_has_none() -> None:
    disabled, enabled = read(
        codearts_page(
            {**JOB, "disabled": True, "forbidden_msg": "frozen"}, {**JOB, "forbidden_msg": "old"}
        )
    )
    assert (disabled.fields["enabled"], disabled.fields["disabled_reason"]) == (False, "frozen")
    assert enabled.fields["enabled"]
    assert "disabled_reason" not in enabled.fields


def test_a_row_without_a_repository_has_no_settings() -> None:
    (record,) = read(codearts_page({**JOB, "scm_web_url": ""}))
    assert record.fields["settings"] == {}


def test_pages_may_follow_one_another_in_one_file() -> None:
    pages = [codearts_page(JOB, JOB, total=3), codearts_page(JOB, total=3)]
    records = read("\ufeff" + "\n".join(pages))
    assert [record.place for record in records] == ["record 1", "record 2", "record 3"]


def test_a_missing_page_is_noted() -> None:
    notes: list[str] = []
    read(codearts_page(JOB, total=3), notes)
    assert notes == ["the file holds 1 of the 3 tasks that CodeArts counted: is a page missing?"]


@pytest.mark.parametrize("row", [None, 1, "text", [JOB], True])
def test_a_row_that_is_no_object_is_reported(row: object) -> None:
    bad, good = read(codearts_page(row, JOB))
    assert list(bad.problems) == ["is no JSON object"]
    assert (good.place, good.fields["name"]) == ("record 2", "build ledger")


def test_a_value_that_is_no_text_is_not_taken_for_one() -> None:
    (record,) = read(codearts_page({**JOB, "job_name": {"name": "x"}, "id": ["x"]}))
    assert record.fields["name"] == record.fields["uid"] == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "the file is empty"),
        ("[]", "no result.job_list with tasks in it"),
        ('{"jobs": [], "total": 0}', "no result.job_list with tasks in it"),
        (codearts_page(JOB)[:-10], "after record 1: the JSON cannot be read: parse error"),
        (codearts_page(JOB) + "rubbish", "after record 1: the JSON cannot be read: lexical error"),
        (
            codearts_page(JOB) + '{"error_code": "CB.00060100", "error_msg": "busy"}',
            "after record 1: a page says error_code 'CB.00060100', so its tasks are not in the file",
        ),
        (
            codearts_page(JOB) + '{"status": "fail", "result": null}',
            "after record 1: a page says status 'fail'",
        ),
        ('{"result":{"job_list":[{"id":"\\udc00x"}]}}', "half of a surrogate pair"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(content: str, expected: str) -> None:
    with pytest.raises(FileUnreadable) as caught:
        read(content)
    assert expected in str(caught.value)


def test_a_type_must_be_given_because_rows_name_none() -> None:
    with pytest.raises(FileUnreadable, match="give --type"):
        list(read_codearts(source(codearts_page(JOB), given=["project"])))
