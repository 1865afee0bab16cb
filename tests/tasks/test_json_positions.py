"""Where in a text its values stand."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.json_positions import Position, position_of, positions


TEXT = """{
  "a": {"b": [1,
    {"c": null}]},
  "d/e": "x, \\"y\\": {",
  "~": []
}"""


@pytest.mark.parametrize(
    ("pointer", "line", "column"),
    [
        ("", 1, 1),
        ("/a", 2, 3),
        ("/a/b", 2, 9),
        ("/a/b/0", 2, 15),
        ("/a/b/1", 3, 5),
        ("/a/b/1/c", 3, 6),
        ("/d~1e", 4, 3),
        ("/~0", 5, 3),
    ],
)
def test_each_value_is_found_at_its_key_or_as_an_item(pointer: str, line: int, column: int) -> None:
    assert positions(TEXT)[pointer] == Position(line, column)


def test_what_is_not_in_the_text_is_found_where_it_would_be_held() -> None:
    known = positions(TEXT)
    assert position_of("/a/missing/x", known=known) == known["/a"]
    assert position_of("/nowhere", known=known) == Position(1, 1)


def test_of_keys_that_repeat_the_last_counts() -> None:
    assert positions('{"a": 1,\n "a": 2}')["/a"] == Position(2, 2)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
    max_leaves=12,
)


def places(value: Any, place: str = "") -> set[str]:
    inside: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        inside = [(key.replace("~", "~0").replace("/", "~1"), each) for key, each in value.items()]
    if isinstance(value, list):
        inside = [(str(index), each) for index, each in enumerate(value)]
    found = {place}
    for step, each in inside:
        found |= places(each, f"{place}/{step}")
    return found


@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_every_value_of_any_document_is_found(value: Any, indent: Any, plain: Any) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=plain)
    assert positions(text).keys() == places(value)
