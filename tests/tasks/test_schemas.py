"""What a task type's schema may say, where its secrets are, and how settings are judged by it."""

import json
from typing import Any

import pytest

from tasks.schemas import (
    SchemaInvalid,
    check_schema,
    compiled_schema,
    json_pointer,
    problems_for_any_type,
)


SECRET: dict[str, Any] = {"type": "string", "writeOnly": True, "minLength": 8}
REFERENCE = "secret:" + "0" * 32


def object_of(**properties: Any) -> dict[str, Any]:
    """Return a schema of an object with these properties and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def problems(schema: Any, settings: Any) -> list[tuple[str, str]]:
    """Return the place and the rule of each problem."""
    found = compiled_schema(json.dumps(schema)).problems(settings)
    return [(problem.pointer, problem.rule) for problem in found]


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param([], id="no object"),
        pytest.param({}, id="not for an object"),
        pytest.param({"type": "object", "properties": []}, id="properties is a list"),
        pytest.param({"type": "object", "$defs": []}, id="definitions are a list"),
        pytest.param({"type": "object", "allOf": 3}, id="a combinator is a number"),
        pytest.param({"type": "object", "minProperties": -1}, id="a negative length"),
        pytest.param(object_of(a={"pattern": "(?=x)"}), id="a pattern that looks ahead"),
        pytest.param(object_of(a={"$ref": "#/$defs/nowhere"}), id="a reference to nothing"),
        pytest.param(object_of(a={"$ref": "https://example.org/x"}), id="a reference elsewhere"),
        pytest.param(object_of(a={"$dynamicRef": "https://example.org/x"}), id="elsewhere too"),
        pytest.param({"type": "object", "$schema": "http://127.0.0.1:9/x"}, id="another dialect"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaInvalid):
        check_schema(schema)


def test_a_schema_nested_without_end_is_refused_before_anything_walks_it_deeper() -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(900):
        schema = {"type": "object", "properties": {"inner": schema}}
    with pytest.raises(SchemaInvalid, match="deep"):
        check_schema(schema)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({**SECRET, "type": "object"}, id="the settings as a whole"),
        pytest.param(object_of(a={**SECRET, "type": "integer"}), id="a number"),
        pytest.param(object_of(a={**SECRET, "type": ["string", "null"]}), id="perhaps null"),
        pytest.param(object_of(a={"items": SECRET}), id="items"),
        pytest.param(object_of(a={"items": object_of(b=SECRET)}), id="deep in items"),
        pytest.param(object_of(a={"anyOf": [object_of(b=SECRET)]}), id="an alternative"),
        pytest.param({"type": "object", "additionalProperties": SECRET}, id="other properties"),
        pytest.param({"type": "object", "unevaluatedProperties": SECRET}, id="the rest"),
        pytest.param({"type": "object", "patternProperties": {"x": SECRET}}, id="by pattern"),
        pytest.param(
            {**object_of(a={"$ref": "#/$defs/s"}), "$defs": {"s": SECRET}}, id="a definition"
        ),
        pytest.param(
            {**object_of(a={"$ref": "#/definitions/s"}), "definitions": {"s": SECRET}},
            id="a definition of older drafts",
        ),
        pytest.param(
            {**object_of(a={"$ref": "#/mine/s"}), "mine": {"s": SECRET}}, id="an unknown keyword"
        ),
    ],
)
def test_a_secret_where_settings_cannot_hold_a_reference_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaInvalid, match="writeOnly"):
        check_schema(schema)


def test_secrets_are_found_at_every_depth_and_under_any_name() -> None:
    schema = object_of(a=object_of(b=object_of(c=SECRET)), writeOnly=object_of(properties=SECRET))
    check_schema(schema)
    compiled = compiled_schema(json.dumps(schema))
    assert set(compiled.secrets) == {("a", "b", "c"), ("writeOnly", "properties")}


def test_settings_hold_a_reference_where_the_secret_has_rules_of_its_own() -> None:
    schema = object_of(deep=object_of(token=SECRET))
    assert not problems(schema, {"deep": {"token": REFERENCE}})
    assert problems(schema, {"deep": {"token": "open text"}}) == [("/deep/token", "pattern")]
    compiled = compiled_schema(json.dumps(schema))
    found = compiled.secret_problems(("deep", "token"), "short")
    assert [(problem.pointer, problem.rule) for problem in found] == [("/deep/token", "minLength")]


def test_what_refers_to_a_secret_cannot_hold_it_in_the_open() -> None:
    schema = object_of(token=SECRET, copy={"$ref": "#/properties/token"})
    check_schema(schema)
    assert problems(schema, {"copy": "an open secret"}) == [("/copy", "pattern")]


def test_every_broken_rule_is_named_with_its_place_and_never_with_the_value() -> None:
    schema = object_of(a={"type": "integer"}, b={"enum": ["x", "y"]}, **{"c/d~": {"const": 1}})
    settings = {"a": "confidential", "b": "confidential", "c/d~": "confidential"}
    found = compiled_schema(json.dumps(schema)).problems(settings)
    assert {(problem.pointer, problem.rule) for problem in found} == {
        ("/a", "type"),
        ("/b", "enum"),
        ("/c~1d~0", "const"),
    }
    assert "confidential" not in repr(found)


def test_formats_are_checked_and_not_only_noted() -> None:
    assert problems(object_of(a={"format": "uri"}), {"a": "no address"}) == [("/a", "format")]


def test_a_pattern_cannot_stall_a_batch() -> None:
    schema = object_of(a={"pattern": "^(a+)+$"})
    assert problems(schema, {"a": "a" * 5000 + "b"}) == [("/a", "pattern")]


@pytest.mark.parametrize(
    ("document", "place", "rule"),
    [
        ({"a": {"b": REFERENCE}}, "/a/b", "reference"),
        ({"a": [0, REFERENCE]}, "/a/1", "reference"),
        ({"a": "nul\0"}, "/a", "text"),
        ({"a": "half \ud83d"}, "/a", "text"),
        ({"a": {"\0": 1}}, "/a", "text"),
        ({"a": {"k" * 256: 1}}, "/a", "text"),
        ({"a": float("nan")}, "/a", "number"),
        ({"a": [float("inf")]}, "/a/0", "number"),
    ],
)
def test_no_type_may_hold_what_cannot_be_stored_or_names_another_s_secret(
    document: Any, place: str, rule: str
) -> None:
    (problem,) = problems_for_any_type(document, sealed=())
    assert (problem.pointer, problem.rule) == (place, rule)


def test_of_very_many_problems_the_first_twenty_are_told_and_each_in_short() -> None:
    assert len(problems(object_of(a={"items": {"type": "string"}}), {"a": [1] * 1000})) == 20
    assert len(problems_for_any_type({"a": [REFERENCE] * 1000}, sealed=())) == 20
    closed = compiled_schema(json.dumps({**object_of(), "additionalProperties": False}))
    (problem,) = closed.problems({str(number): number for number in range(1000)})
    assert len(problem.message) <= 301


def test_references_that_we_made_and_text_that_is_like_one_are_no_problem() -> None:
    document = {"token": REFERENCE, "a": [REFERENCE + "\n", "secret:x", f"see {REFERENCE}"]}
    assert not problems_for_any_type(document, sealed={"/token"})


def test_a_pointer_escapes_what_rfc_6901_says() -> None:
    assert json_pointer(("a/b", "m~n", "")) == "/a~1b/m~0n/"
