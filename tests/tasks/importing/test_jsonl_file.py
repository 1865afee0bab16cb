"""JSON Lines, read."""

import pytest

from tasks.importing.jsonl_file import read_jsonl
from tasks.importing.records import FileUnreadable, Record
from tests.tasks.importing.sources import source


def read(content: str | bytes) -> list[Record]:
    return list(read_jsonl(source(content)))


def test_a_line_becomes_a_record_and_null_is_absent() -> None:
    first, second = read('{"id": "64d7", "name": "a", "creator": null}\r\n\n{"name": "b"}')
    assert first == Record("line 1", {"uid": "64d7", "name": "a"}, {}, [])
    assert second.place == "line 3"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "column 2: not JSON: Expecting property name enclosed in double quotes"),
        (b"[1]", "is no JSON object"),
        (b"null", "is no JSON object"),
        (b'{"name": "a", "name": "b"}', "name: the key stands here more than once"),
        (b'{"name": NaN}', "name: NaN is not JSON"),
        (b'{"name": -1e999}', "name: a number beyond what a double can hold"),
        (b'{"name": ' + b"9" * 5000 + b"}", "name: a number beyond what a double can hold"),
        (b'{"name": "caf\xe9"}', "is not UTF-8"),
        (b'{"name": "a\0b"}', "holds the character U+0000"),
        (b"[" * 100_000, "nested more than 32 deep"),
        (b'{"name": "\\ud800"}', "name: holds half of a surrogate pair, which is no character"),
        (b'{"a": "\\u0000", "b": NaN}', "a: holds the character U+0000, which cannot be stored"),
        (b'{"id": "a", "uid": "b", "name": "c"}', "uid: is given twice, also as 'uid'"),
        (b'{"name": "a", "colour": 1}', "'colour' is unknown; known are uid, name"),
    ],
)
def test_a_bad_line_is_reported_and_the_next_one_is_read(line: bytes, problem: str) -> None:
    bad, good = read(b'%s\n{"name": "b"}\n' % line)
    assert bad.place == "line 1"
    assert bad.problems[0].startswith(problem)
    assert good.fields == {"name": "b"}


def test_another_encoding_is_refused() -> None:
    with pytest.raises(FileUnreadable, match="the file is in UTF-16"):
        read('{"name": "a"}'.encode("utf-16"))
