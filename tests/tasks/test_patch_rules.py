"""What is wrong with a patch before it meets any settings."""

import json
from typing import Any

import pytest

from tasks.builtin_types import builtin_types
from tasks.patch_rules import patch_rules


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {
            "type": "object",
            "properties": {"b": {"type": "integer", "maximum": 5}, "c": {"type": "string"}},
            "required": ["b", "c"],
            "additionalProperties": False,
        },
        "free": {"type": "object", "additionalProperties": {"type": "string"}},
        "rows": {"type": "array", "items": {"type": "object", "required": ["x"]}},
        "odd": {"oneOf": [{"type": "object", "required": ["x"]}, {"type": "string"}]},
    },
    "required": ["a"],
    "anyOf": [{"required": ["free"]}, {"required": ["rows"]}],
    "additionalProperties": False,
}


def said_of(patch: Any, schema: Any = None) -> list[tuple[str, str]]:
    rules = patch_rules(json.dumps(schema or SCHEMA))
    return [(pointer, rule) for pointer, rule, _ in rules.problems(patch)]


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"a": {"b": 1}},
        {"a": {}},
        {"free": {"x": "y", "z": None}},
        {"free": None},
        {"rows": [{"x": 1}]},
        {"odd": {"y": 1}},
    ],
)
def test_a_part_of_what_settings_may_be_is_taken(patch: Any) -> None:
    assert said_of(patch) == []


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ({"a": None}, ("/a", "required")),
        ({"a": {"b": None}}, ("/a/b", "required")),
        ({"a": {"b": 6}}, ("/a/b", "maximum")),
        ({"a": {"colour": 1}}, ("/a/colour", "additionalProperties")),
        ({"a": []}, ("/a", "type")),
        ({"free": {"x": 1}}, ("/free/x", "type")),
        ({"rows": [{}]}, ("/rows/0", "required")),
        ({"rows": [None]}, ("/rows/0", "type")),
    ],
)
def test_what_no_settings_could_take_is_named_at_its_place(
    patch: Any, problem: tuple[str, str]
) -> None:
    assert said_of(patch) == [problem]


def test_references_that_lead_to_what_is_left_out_are_left_to_the_pipeline() -> None:
    schema = {"type": "object", "allOf": [{"type": "string"}], "properties": {"a": True}}
    items = {"type": "array", "items": {"$ref": "#/allOf/0"}}
    assert said_of({"b": [1]}, {**schema, "properties": {"b": items}}) == []


@pytest.mark.parametrize("built_in", builtin_types(), ids=lambda each: each.key)
def test_the_examples_of_the_built_in_types_are_patches_that_they_take(built_in: Any) -> None:
    for example in built_in.schema["examples"]:
        assert said_of(example, built_in.schema) == []
