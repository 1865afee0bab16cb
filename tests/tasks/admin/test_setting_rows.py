"""Settings as a page shows them: as the type's schema names, groups and orders them."""

from typing import Any

from tasks.admin.setting_rows import SettingRow, rows_of_settings
from tasks.models import Task, TaskType


SECRET = "secret:" + "0" * 32
SCHEMA: dict[str, Any] = {
    "type": "object",
    "x-order": ["target", "mode", "labels", "retries"],
    "properties": {
        "retries": {"type": "integer", "title": "Tries", "default": 2},
        "mode": {"enum": ["fast", "slow"], "description": "How it runs."},
        "target": {
            "type": "object",
            "title": "Where",
            "properties": {
                "host": {"type": "string"},
                "password": {"type": "string", "writeOnly": True},
                "port": {"type": "integer", "title": "Port"},
            },
        },
        "labels": {"type": "object", "title": "Labels"},
    },
}


def rows(settings: dict[str, Any], schema: dict[str, Any] | None = None) -> list[SettingRow]:
    return list(shown(settings, schema).rows)


def shown(settings: dict[str, Any], schema: dict[str, Any] | None = None) -> Any:
    task_type = TaskType(name="Deploy", schema=schema or SCHEMA)
    return rows_of_settings(task=Task(settings=settings, task_type=task_type))


def test_settings_are_grouped_titled_and_ordered_as_in_the_schema() -> None:
    target = {"host": "web-1", "password": SECRET}
    assert rows({"retries": 5, "mode": "fast", "target": target}) == [
        SettingRow(0, "Where", "/target", is_group=True),
        SettingRow(1, "Host", "/target/host", value="web-1"),
        SettingRow(1, "Password", "/target/password", value="secret, set", is_secret=True),
        SettingRow(0, "Mode", "/mode", "How it runs.", "fast"),
        SettingRow(0, "Tries", "/retries", value="5"),
    ]


def test_what_is_not_set_is_named_and_a_default_is_called_one() -> None:
    found = shown({"target": {"host": "web-1"}})
    assert found.not_set == ["Where: Password", "Where: Port", "Mode", "Labels"]
    assert found.rows[-1] == SettingRow(0, "Tries", "/retries", value="2", is_default=True)
    assert shown({}).not_set == ["Where", "Mode", "Labels"]


def test_what_the_schema_does_not_name_comes_under_its_own_name() -> None:
    settings = {"old": {"a/b": [1, 2], "token": SECRET}, "labels": {"team": "payments"}}
    found = [(row.depth, row.title, row.place, row.value) for row in rows(settings)]
    assert found == [
        (0, "Labels", "/labels", ""),
        (1, "team", "/labels/team", "payments"),
        (0, "Tries", "/retries", "2"),
        (0, "old", "/old", ""),
        (1, "a/b", "/old/a~1b", "1, 2"),
        (1, "token", "/old/token", "secret, set"),
    ]


def test_a_value_that_no_longer_fits_its_schema_is_shown_all_the_same() -> None:
    found = rows({"target": "web-1", "mode": {"was": "fast"}, "retries": None})
    assert [(row.title, row.value) for row in found] == [
        ("Where", "web-1"),
        ("Mode", ""),
        ("was", "fast"),
        ("Tries", "–"),
    ]
    assert rows({"anything": 1}, {"type": "object"})[0].value == "1"
