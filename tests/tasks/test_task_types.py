"""The built-in task types: every file is usable, and loading them is recorded and repeatable."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from audit.models import Operation
from audit.recorder import administrative_operation
from tasks import builtin_types
from tasks.builtin_types import BuiltInType, load_builtin_types
from tasks.models import TaskType
from tasks.schemas import check_schema, compiled_schema
from tests.conftest import ORIGIN


TYPES = builtin_types.builtin_types()
BY_KEY = {built_in.key: built_in for built_in in TYPES}
EXPECTED_KEYS = {
    "container-image",
    "data-migration",
    "dependency-scan",
    "deploy",
    "git-sync",
    "gradle-build",
    "maven-build",
    "notification",
    "npm-build",
    "python-build",
    "sandbox-refresh",
    "secret-scan",
    "static-scan",
}
DOCUMENTED = {
    "repository": {"url": "https://github.com/example/repo", "branch": "main"},
    "notifications": {"enabled": True},
}


def each_type(test: Any) -> Any:
    return pytest.mark.parametrize("built_in", TYPES, ids=lambda built_in: built_in.key)(test)


def subschemas(schema: Any) -> list[dict[str, Any]]:
    if not isinstance(schema, dict):
        return []
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    return [schema, *(found for rules in inner for found in subschemas(rules))]


def valid(built_in: BuiltInType, settings: Any) -> bool:
    return not compiled_schema(json.dumps(built_in.schema)).problems(settings)


def test_the_built_in_types_are_these() -> None:
    assert set(BY_KEY) == EXPECTED_KEYS
    assert len({built_in.name for built_in in TYPES}) == len(TYPES)


@each_type
def test_a_built_in_schema_can_be_used_and_stands_on_its_own(built_in: BuiltInType) -> None:
    check_schema(built_in.schema)
    assert "$ref" not in json.dumps(built_in.schema)
    assert built_in.description


@each_type
def test_every_object_says_what_it_allows_and_every_property_has_a_title(
    built_in: BuiltInType,
) -> None:
    for schema in subschemas(built_in.schema):
        if schema.get("type") == "object":
            assert "additionalProperties" in schema
        for name, rules in schema.get("properties", {}).items():
            assert rules.get("title"), name
        assert schema.get("x-order", []) == list(schema.get("properties", {}))


@each_type
def test_the_examples_of_a_schema_are_valid(built_in: BuiltInType) -> None:
    assert built_in.schema["examples"]
    for example in built_in.schema["examples"]:
        assert valid(built_in, example), example


@each_type
def test_every_default_is_a_value_that_its_schema_allows(built_in: BuiltInType) -> None:
    for schema in subschemas(built_in.schema):
        if "default" in schema:
            wrapped = {"type": "object", "properties": {"value": schema}}
            assert not compiled_schema(json.dumps(wrapped)).problems({"value": schema["default"]})


@each_type
def test_every_type_has_a_repository_and_notifications(built_in: BuiltInType) -> None:
    assert {"repository", "notifications", "schedule"} <= built_in.schema["properties"].keys()


@pytest.mark.parametrize("key", ["git-sync", "maven-build", "npm-build", "static-scan"])
def test_the_documented_settings_alone_are_valid(key: str) -> None:
    assert valid(BY_KEY[key], DOCUMENTED)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://git.example/team/app.git", True),
        ("git@git.example:team/app.git", True),
        ("ssh://git@git.example:2222/team/app.git", True),
        ("https://user:password@git.example/team/app.git", False),
        ("https://token@git.example/team/app.git", False),
        ("ssh://git:password@git.example/team/app.git", False),
        ("ftp://git.example/app", False),
        ("https://", False),
    ],
)
def test_a_repository_address_holds_no_password(url: str, allowed: bool) -> None:
    assert valid(BY_KEY["git-sync"], {"repository": {"url": url}}) is allowed


def test_the_types_have_secrets_where_runs_need_them() -> None:
    schema = compiled_schema(json.dumps(BY_KEY["maven-build"].schema))
    assert set(schema.secrets) == {
        ("repository", "token"),
        ("publish", "password"),
        ("notifications", "webhook"),
    }


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("admin")


def test_loading_adds_every_type_under_one_operation(admin: User) -> None:
    loaded = load_builtin_types(actor=admin, origin=ORIGIN)
    assert set(loaded.added) == EXPECTED_KEYS
    operation = Operation.objects.get(kind="load_task_types")
    assert TaskType.history.filter(operation=operation).count() == len(EXPECTED_KEYS)


def test_loading_again_touches_nothing(admin: User) -> None:
    load_builtin_types(actor=admin, origin=ORIGIN)
    loaded = load_builtin_types(actor=admin, origin=ORIGIN)
    assert set(loaded.unchanged) == EXPECTED_KEYS
    assert Operation.objects.filter(kind="load_task_types").count() == 1
    assert set(TaskType.objects.values_list("version", flat=True)) == {1}


def test_a_new_version_of_a_file_changes_its_type_alone(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_builtin_types(actor=admin, origin=ORIGIN)
    newer = [
        built_in._replace(description="Deploys.") if built_in.key == "deploy" else built_in
        for built_in in TYPES
    ]
    monkeypatch.setattr(builtin_types, "builtin_types", lambda: newer)
    loaded = load_builtin_types(actor=admin, origin=ORIGIN)
    assert (loaded.added, loaded.changed) == ([], ["deploy"])
    assert TaskType.objects.get(key="deploy").version == 2
    assert TaskType.history.count() == len(EXPECTED_KEYS) + 1
    assert set(TaskType.objects.exclude(key="deploy").values_list("version", flat=True)) == {1}


def test_a_type_of_ones_own_is_left_alone(admin: User) -> None:
    with administrative_operation(actor=admin, kind="add_type", origin=ORIGIN):
        TaskType.objects.create(key="own", name="Our own", schema={"type": "object"})
    call_command("load_task_types", actor="admin")
    own = TaskType.objects.get(key="own")
    assert (own.name, own.version) == ("Our own", 1)
    assert own.history.count() == 1


def test_the_command_needs_a_superuser(admin: User) -> None:
    User.objects.create_user("developer")
    for actor in ("developer", "nobody"):
        with pytest.raises(CommandError, match="no active superuser"):
            call_command("load_task_types", actor=actor)


def test_a_name_that_another_type_has_is_said(admin: User) -> None:
    load_builtin_types(actor=admin, origin=ORIGIN)
    TaskType.objects.filter(key="deploy").update(key="own-deploy")
    with pytest.raises(CommandError, match="Name already exists"):
        call_command("load_task_types", actor="admin")
