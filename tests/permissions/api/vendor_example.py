"""The complete example of CodeArts Build's documentation, and a project in which it can be applied.

It is one tenant's edited matrix: wider than the defaults for some built-in roles, with five roles of its
own. The documentation at hand cuts three `devuc_role_id` short; their ends here are made up.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from audit.recorder import administrative_operation
from permissions.roles import add_role, create_project
from tests.conftest import ORIGIN, Governed, insert_tasks


BATCH = "/v1/job/permissions/batch"
SUCCESS = {"result": None, "error": None, "status": "success"}

PROJECT = "6823252f543d4915b49892a5fd9f0ec3"
JOBS = ["6a027563492d4d0894eda9ed187d0f5b", "2f211929d0c543feb38824a665ad7fcb"]

_FLAGS = (
    *("is_modify", "is_delete", "is_view", "is_execute"),
    *("is_copy", "is_forbidden", "is_manager"),
)


class Row(NamedTuple):
    """One of the example's seventeen roles; flags in the order of the example."""

    role_id: int
    devuc_role_id: str
    role_name: str
    flags: str


ROWS = (
    Row(-3, "", "", "1111111"),
    Row(-1, "35dfe4e1-8bc8-4f23-9d54-0afe381761cb", "项目管理员", "1111111"),
    Row(0, "1fdd3f21-59d9-4a4c-ada3-5b1da5054104", "运维经理", "1110000"),
    Row(3, "f7cac73b-5440-4f8c-a5d0-818c23e1df21", "项目经理", "1111111"),
    Row(4, "eb344656-dbab-466b-91a7-87262c44e5e5", "开发人员", "1111110"),
    Row(5, "64fed753-9b58-4f67-95e3-0dbb66fbe3ae", "测试经理", "0010000"),
    Row(6, "07390899-d9f5-493d-bbf3-06ae50fe57bb", "测试人员", "0010000"),
    Row(7, "9df2e034-bbba-437e-8b26-819155f2697d", "参与者", "0010000"),
    Row(8, "009eff1b-e368-4187-a634-a375ce533ebb", "浏览者", "0010000"),
    Row(500, "3409743d2f484bf0ab0195063eba2063", "test11", "0000000"),
    Row(501, "0201282ff947463f93f1cb1e789a8457", "2", "0000000"),
    Row(502, "467f78f0000000000000000000000502", "3", "1111111"),
    Row(503, "76a8ad09000000000000000000000503", "4", "1111111"),
    Row(504, "30f97fa6000000000000000000000504", "5", "1111111"),
    Row(1001, "06eb0fae-6679-11ee-a4f3-fa163ef85d33", "Committer", "1111110"),
    Row(1002, "f9381bb8-6678-11ee-a4f3-fa163ef85d33", "产品经理", "0010000"),
    Row(1015, "0353fc5f-6679-11ee-a4f3-fa163ef85d33", "系统工程师", "1111110"),
)


def flags_of(row: Row) -> dict[str, bool]:
    """Return the row's flags by their names."""
    return {name: bit == "1" for name, bit in zip(_FLAGS, row.flags, strict=True)}


def _entry(row: Row) -> dict[str, Any]:
    named = (
        {"devuc_role_id": row.devuc_role_id, "role_name": row.role_name} if row.role_name else {}
    )
    return {"id": 0, "role_id": row.role_id, **named, **flags_of(row), "count": 0}


EXAMPLE: dict[str, Any] = {
    "project_id": PROJECT,
    "job_ids": JOBS,
    "permissions": [_entry(row) for row in ROWS],
}


def build_example(governed: Governed) -> Governed:
    """Build the example's project with its custom roles and its two tasks; nobody is a member."""
    with administrative_operation(actor=governed.admin, kind="demo", origin=ORIGIN) as operation:
        project = create_project(
            actor=governed.admin, operation=operation, name="example", uid=PROJECT
        )
        for row in ROWS:
            if 500 <= row.role_id < 1000:
                add_role(
                    project=project,
                    name=row.role_name,
                    code=row.role_id,
                    external_id=row.devuc_role_id,
                )
        insert_tasks(
            operation=operation,
            project=project,
            task_type=governed.task_type,
            creator=governed.admin,
            uids=JOBS,
        )
    return replace(governed, project=project)
