"""Bodies that two readers could understand differently are refused, each with its place."""

import pytest

from tasks.batch.errors import Malformed
from tasks.strict_json import MAX_DEPTH, parse_object


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"[]", "the body must be a JSON object"),
        (b'"text"', "the body must be a JSON object"),
        (b"null", "the body must be a JSON object"),
        (b'{"a": 1,}', "line 1 column 9: not JSON"),
        (b"{'a': 1}", "line 1 column 2: not JSON"),
        (b'{"a": 1} {"a": 2}', "line 1 column 10: not JSON: Extra data"),
        (b'\xef\xbb\xbf{"a": 1}', "line 1 column 1: not JSON: Unexpected UTF-8 BOM"),
        (b'{"a": "\xff"}', "byte 7: the body is not UTF-8"),
        (b'{"a": "\x00"}', "line 1 column 8: not JSON: Invalid control character"),
        (b'{"a": 1, "a": 2}', "/a: the key stands here more than once"),
        (b'{"a": [{"b~/": 1, "b~/": 1}]}', "/a/0/b~0~1: the key stands here more than once"),
        (b'{"a": NaN}', "/a: NaN is not JSON"),
        (b'{"a": [-Infinity]}', "/a/0: -Infinity is not JSON"),
        (b'{"a": 1e999}', "/a: a number beyond what a double can hold"),
        (b'{"a": -1E-999}', "/a: a number closer to zero than a double can hold"),
        (b'{"a": ' + b"9" * 5000 + b"}", "/a: a number beyond what a double can hold"),
        (b'{"a": "\\u0000"}', "/a: holds the character U+0000"),
        (b'{"\\u0000": 1}', "/\x00: holds the character U+0000"),
        (b'{"a": "\\ud800"}', "/a: holds half of a surrogate pair"),
        (b'{"\\udfff": 1}', "/?: holds half of a surrogate pair"),
        (nested(MAX_DEPTH + 1), "nested more than 32 deep"),
        (b"[" * 100_000, "nested more than 32 deep"),
        (b'{"a":' * 100_000, "nested more than 32 deep"),
    ],
)
def test_a_body_that_is_not_plainly_an_object_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_object(body)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b' {"a": {"b": [1, 2.5, true, null, ""]}} ', {"a": {"b": [1, 2.5, True, None, ""]}}),
        (b'{"a": "\\ud83d\\ude00 \\u00e9"}', {"a": "😀 é"}),
        ('{"ä": "😀"}'.encode(), {"ä": "😀"}),
        (b'{"a": {"a": 1}, "b": {"a": 1}}', {"a": {"a": 1}, "b": {"a": 1}}),
        (b'{"a": [0e-999, -0.0, 5e-324]}', {"a": [0.0, -0.0, 5e-324]}),
        (b'{"a": 1e308, "b": ' + b"9" * 300 + b"}", {"a": 1e308, "b": int("9" * 300)}),
    ],
)
def test_a_json_object_is_read_as_it_is(body: bytes, value: object) -> None:
    assert parse_object(body) == value


def test_nesting_up_to_the_bound_is_read() -> None:
    value = parse_object(nested(MAX_DEPTH))
    for _ in range(MAX_DEPTH - 1):
        value = value["a"]
    assert value == {}


def test_every_wrong_place_is_named_and_no_value() -> None:
    with pytest.raises(Malformed) as refused:
        parse_object(b'{"token": "hunter2", "a": NaN, "b": [1e999], "c": {"d": 1, "d": "hunter2"}}')
    assert [place for place, _ in refused.value.problems] == ["/a", "/b/0", "/c/d"]
    assert "hunter2" not in str(refused.value)


@pytest.mark.timeout(10)
def test_a_body_made_to_be_slow_is_refused_soon() -> None:
    repeated = b",".join(b'"%d":0' % (number // 2) for number in range(200_000))
    with pytest.raises(Malformed) as refused:
        parse_object(b"{" + repeated + b"}")
    assert len(refused.value.problems) == 100
