"""What several task types have in common, and why the rest is left out."""

from typing import Any

import pytest

from tasks.builtin_types import builtin_types
from tasks.schemas import json_pointer
from tasks.shared_properties import Kind, NamedSchema, Shared, settable, shared_properties


def of(*schemas: dict[str, Any]) -> Shared:
    """Compare schemas of objects with these properties."""
    named = [
        NamedSchema(name, {"type": "object", "properties": properties})
        for name, properties in zip("ABCDEF", schemas, strict=False)
    ]
    return shared_properties(named)


def kinds(shared: Shared) -> dict[str, Kind]:
    return {json_pointer(each.place): each.kind for each in settable(shared.properties)}


@pytest.mark.parametrize(
    ("rules", "kind"),
    [
        ({"type": "string"}, Kind.TEXT),
        ({"type": "string", "writeOnly": True}, Kind.SECRET),
        ({"type": "string", "enum": ["a"]}, Kind.CHOICE),
        ({"enum": [1, True, "x"]}, Kind.CHOICE),
        ({"enum": [None, "x"]}, Kind.JSON),
        ({"type": "integer"}, Kind.INTEGER),
        ({"type": "number"}, Kind.NUMBER),
        ({"type": "boolean"}, Kind.SWITCH),
        ({"type": "array", "items": {"enum": ["a"]}, "uniqueItems": True}, Kind.CHOICES),
        ({"type": "array", "items": {"enum": ["a"]}}, Kind.JSON),
        ({"type": "array", "items": {"type": "string"}}, Kind.LINES),
        ({"type": "array", "items": {"type": "integer"}}, Kind.NUMBERS),
        ({"type": "array", "items": {"type": "object"}}, Kind.JSON),
        ({"type": "array"}, Kind.JSON),
        ({"type": "object"}, Kind.FREE),
        ({"type": "object", "properties": {"a": {}}}, Kind.GROUP),
        ({"type": ["string", "integer"]}, Kind.JSON),
        ({"anyOf": [{"type": "string"}]}, Kind.JSON),
        (True, Kind.JSON),
    ],
)
def test_each_property_is_written_down_in_the_way_of_its_kind(rules: Any, kind: Kind) -> None:
    assert kinds(of({"x": rules}))["/x"] is kind


def test_what_not_all_types_have_is_left_out_by_name() -> None:
    text = {"type": "string"}
    shared = of({"x": text, "y": text}, {"x": text}, {"x": text, "y": text})
    assert list(kinds(shared)) == ["/x"]
    assert shared.left_out == [(("y",), "only A and C have it")]


def test_what_is_of_another_kind_elsewhere_is_left_out_with_the_kinds() -> None:
    shared = of({"x": {"type": "string"}}, {"x": {"type": "integer"}}, {"x": {"type": "string"}})
    assert shared.left_out == [(("x",), "it is a text in A and C, a whole number in B")]


def test_a_secret_is_not_shared_with_a_type_in_which_it_is_none() -> None:
    secret = {"type": "string", "writeOnly": True}
    shared = of({"x": secret}, {"x": {"type": "string"}})
    assert shared.left_out == [(("x",), "it is a secret in A, a text in B")]


def test_a_choice_offers_what_all_types_allow_and_tells_one_from_true() -> None:
    shared = of({"x": {"enum": [1, "a", "b"]}}, {"x": {"enum": ["b", True, "a"]}})
    assert shared.properties[0].choices == ["a", "b"]
    nothing = of({"x": {"enum": ["a"]}}, {"x": {"enum": ["b"]}})
    assert nothing.left_out == [(("x",), "no value is allowed by all of the types")]


def test_what_any_type_requires_cannot_be_removed() -> None:
    rules = {"x": {"type": "string"}}
    lenient = NamedSchema("A", {"type": "object", "properties": rules})
    strict = NamedSchema("B", {"type": "object", "properties": rules, "required": ["x"]})
    assert [each.removable for each in shared_properties([lenient]).properties] == [True]
    assert [each.removable for each in shared_properties([lenient, strict]).properties] == [False]


def test_groups_are_compared_inside() -> None:
    text = {"type": "string"}
    one = {"g": {"type": "object", "properties": {"a": text, "b": text}}}
    other = {"g": {"type": "object", "properties": {"b": text}}}
    shared = of(one, other)
    assert list(kinds(shared)) == ["/g", "/g/b"]
    assert shared.left_out == [(("g", "a"), "only A has it")]


def test_titles_and_descriptions_come_from_the_schema_and_the_order_too() -> None:
    schema = {
        "x-order": ["b", "a_long_name"],
        "properties": {"a_long_name": {}, "b": {"title": "Branch", "description": "Of git."}},
    }
    shared = shared_properties([NamedSchema("A", schema)])
    assert [each.title for each in shared.properties] == ["Branch", "A long name"]
    assert shared.properties[0].description == "Of git."


def test_the_built_in_types_share_what_parts_json_gives_to_all_of_them() -> None:
    shared = shared_properties([NamedSchema(each.name, each.schema) for each in builtin_types()])
    found = kinds(shared)
    assert found["/repository/token"] is Kind.SECRET
    assert found["/notifications/on"] is Kind.CHOICES
    assert found["/schedule/only_if_changed"] is Kind.SWITCH
    assert "/runner/pool" not in found


@pytest.mark.parametrize("built_in", builtin_types(), ids=lambda each: each.key)
def test_a_built_in_type_alone_leaves_nothing_out(built_in: Any) -> None:
    shared = shared_properties([NamedSchema(built_in.name, built_in.schema)])
    assert not shared.left_out
    assert (
        list(dict.fromkeys(each.place[0] for each in shared.properties))
        == (built_in.schema["x-order"])
    )
