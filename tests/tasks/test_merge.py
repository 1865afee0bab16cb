"""The merge patch of RFC 7396, against a naive reading of its pseudo-code and its own examples."""

import copy
import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from tasks.merge import (
    merge_expression,
    merge_patch,
    objects_in,
    patch_between,
    read_json,
    same,
)


# RFC 7396, appendix A: original, patch, result.
EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

# Few keys and few values, so that patches meet what is there.
SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, 2.5, "", "b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def naive_merge(target: Any, patch: Any) -> Any:
    """Transcribe the pseudo-code of RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = copy.deepcopy(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = naive_merge(result.get(name), value)
    return result


def at(document: Any, place: tuple[str, ...]) -> tuple[bool, Any]:
    """Return whether there is anything at the place, and what."""
    for step in place:
        if not isinstance(document, dict) or step not in document:
            return False, None
        document = document[step]
    return True, document


@pytest.mark.parametrize(("original", "patch", "result"), EXAMPLES)
def test_the_examples_of_the_rfc_hold(original: Any, patch: Any, result: Any) -> None:
    merged, _ = merge_patch(original, patch)
    assert merged == result


@given(document=VALUES, patch=VALUES)
def test_a_merge_is_what_the_pseudo_code_says_and_leaves_its_arguments_alone(
    document: Any, patch: Any
) -> None:
    given_document, given_patch = copy.deepcopy(document), copy.deepcopy(patch)
    merged, _ = merge_patch(document, patch)
    assert repr(sorted_deeply(merged)) == repr(sorted_deeply(naive_merge(document, patch)))
    assert repr((document, patch)) == repr((given_document, given_patch))


@given(document=OBJECTS, patch=OBJECTS)
def test_the_changed_places_are_those_that_differ_and_no_others(document: Any, patch: Any) -> None:
    merged, places = merge_patch(document, patch)
    assert len(set(places)) == len(places)
    for place in places:
        (was_there, before), (is_there, after) = at(document, place), at(merged, place)
        assert was_there != is_there or not same(before, after)
    # Undoing exactly these places gives the document back: so no other place differs.
    for place in places:
        merged = with_place_of(document, merged, place)
    assert same(merged, document)


@given(document=OBJECTS, patch=OBJECTS)
def test_a_second_merge_of_the_same_patch_changes_nothing(document: Any, patch: Any) -> None:
    merged, _ = merge_patch(document, patch)
    assert merge_patch(merged, patch) == (merged, [])


@pytest.mark.parametrize(
    ("one", "other"),
    [(True, 1), (False, 0), ("1", 1), (None, False), ([1], [True]), ({"a": 1}, {"a": True})],
)
def test_values_of_different_types_differ(one: Any, other: Any) -> None:
    assert not same(one, other)
    _, places = merge_patch({"a": [one]}, {"a": [other]})
    assert places == [("a",)]


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (10**16, 1e16), (10**23, 1e23), (0, -0.0)])
def test_numbers_that_postgresql_stores_alike_are_the_same(one: Any, other: Any) -> None:
    assert same(one, other)
    assert same([{"a": one}], [{"a": other}])


def sorted_deeply(value: Any) -> Any:
    """Return the value with every object's keys in order, so that its text can be compared."""
    if isinstance(value, dict):
        return {key: sorted_deeply(value[key]) for key in sorted(value)}
    return [sorted_deeply(item) for item in value] if isinstance(value, list) else value


def with_place_of(source: Any, document: Any, place: tuple[str, ...]) -> Any:
    """Return the document with what stands at the place in the source."""
    if not place:
        return source
    step, rest = place[0], place[1:]
    if not rest and step not in source:
        return {key: value for key, value in document.items() if key != step}
    return {**document, step: with_place_of(source[step], document.get(step), rest)}


def merge_in_the_database(document: Any, patch: dict[str, Any]) -> Any:
    expression = merge_expression(document=sql.SQL("document"), patch=patch)
    statement = sql.SQL("SELECT ({})::text FROM (SELECT %(document)s::jsonb AS document) AS given")
    arguments = {"document": json.dumps(document), **expression.arguments}
    with connection.cursor() as cursor:
        cursor.execute(statement.format(expression.sql), arguments)
        (merged,) = cursor.fetchone()
    return json.loads(merged)


NUMBERS = st.integers(-(10**60), 10**60) | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    NUMBERS | st.booleans() | st.none() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@given(document=DOCUMENTS, escaped=st.booleans())
def test_settings_are_read_as_the_standard_library_reads_them(document: Any, escaped: bool) -> None:
    text = json.dumps(document, ensure_ascii=escaped)
    assert repr(read_json(text)) == repr(json.loads(text))


@pytest.mark.django_db
@given(document=VALUES, patch=OBJECTS)
def test_the_database_merges_as_python_does(document: Any, patch: dict[str, Any]) -> None:
    merged, _ = merge_patch(document, patch)
    assert same(merge_in_the_database(document, patch), merged)


@pytest.mark.django_db
def test_the_database_merges_the_examples_of_the_rfc_whose_patch_is_an_object() -> None:
    examples = [example for example in EXAMPLES if isinstance(example[1], dict)]
    assert examples
    for original, patch, result in examples:
        assert merge_in_the_database(original, patch) == result


@pytest.mark.django_db
def test_keys_may_hold_what_means_something_to_sql() -> None:
    patch = {"%s": {"it's": 1, '"': {"{}": "\\"}}, "a'b": None, "%(x)s": "%"}
    assert merge_in_the_database({"a'b": 1}, patch) == merge_patch({"a'b": 1}, patch)[0]


def test_all_objects_of_a_patch_count() -> None:
    assert objects_in({}) == 1
    assert objects_in({"a": {"b": {}}, "c": [{}], "d": None}) == 3


def without_nulls(value: Any) -> Any:
    """Return the value as a patch can make it: a null inside an object removes."""
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}


@given(before=OBJECTS, after=OBJECTS)
def test_the_patch_between_two_documents_makes_one_of_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    before, after = without_nulls(before), without_nulls(after)
    merged, _ = merge_patch(before, patch_between(before, after))
    assert same(merged, after)


@given(document=OBJECTS)
def test_the_patch_between_equal_documents_is_empty(document: dict[str, Any]) -> None:
    assert patch_between(document, copy.deepcopy(document)) == {}
