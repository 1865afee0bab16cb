"""CSV files, read: what a row is, and what is said of files that are none."""

import pytest

from tasks.batch.errors import Malformed
from tasks.importing.csv_file import read_csv, setting_of
from tasks.importing.lines import MAX_LINE_BYTES
from tasks.importing.records import FileUnreadable, Record
from tests.tasks.importing.sources import source


def read(content: str | bytes) -> list[Record]:
    return list(read_csv(source(content)))


def refusal(content: str | bytes) -> str:
    with pytest.raises(FileUnreadable) as caught:
        read(content)
    return str(caught.value)


def test_a_row_becomes_a_record_with_its_fields_and_its_line() -> None:
    (record,) = read('id,name,enabled,settings\n64D7,build,FALSE,"{""a"": 1}"\n')
    assert record.place == "line 2"
    assert record.fields == {"uid": "64D7", "name": "build", "enabled": False, "settings": {"a": 1}}
    assert not record.problems


def test_dotted_columns_become_cells_and_empty_ones_are_absent() -> None:
    content = (
        "name,settings.repository.branch,settings.repository.url\nbuild,,https://git.example\n"
    )
    (record,) = read(content)
    assert record.cells == {("repository", "url"): "https://git.example"}


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    plain, windows = read("name\nbuild\ndeploy\n"), read(b"\xef\xbb\xbfname\r\nbuild\r\ndeploy\r\n")
    assert plain == windows


def test_a_row_is_named_by_the_line_on_which_it_begins() -> None:
    content = 'name,disabled_reason\n"a","two\nlines"\n\n"b","more\r\nlines\r\nthan two"\nc,\n'
    records = read(content)
    assert [record.place for record in records] == ["line 2", "line 5", "line 8"]
    assert records[1].fields["disabled_reason"] == "more\r\nlines\r\nthan two"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("name,name", "line 1: the column 'name' stands there twice"),
        ("id,uid,name", "line 1: the column 'uid' stands there twice"),
        ("name,colour,,x", "unknown: 'colour', '', 'x'; known are uid, name, project"),
        ("name;project", "one column only; columns are separated by commas"),
        ("name\tproject", "one column only; columns are separated by commas"),
        ("uid", "line 1: there is no column 'name'"),
        ("name,settings,settings.a", "'settings' and 'settings.a' cannot both be columns"),
        ("name,settings.a,settings.a.b", "'settings.a' and 'settings.a.b' cannot both be columns"),
        ("name,settings.", "unknown: 'settings.'"),
        ("na\xe9me", r"unknown: 'na\udce9me'"),
        ("na\0me", r"unknown: 'na\x00me'"),
    ],
)
def test_a_wrong_header_is_refused(header: str, expected: str) -> None:
    assert expected in refusal(f"{header}\nbuild\n".encode("latin-1"))


def test_a_column_that_is_needed_may_be_given_for_all_rows_instead() -> None:
    with pytest.raises(FileUnreadable) as caught:
        list(read_csv(source("name\nbuild\n", given=["type"])))
    assert str(caught.value) == (
        "line 1: there is no column 'project', and no project was given for all rows"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        ("name\n".encode("utf-16"), "the file is in UTF-16; save it as UTF-8"),
        ("name\n".encode("utf-32"), "the file is in UTF-32; save it as UTF-8"),
        ("name\n".encode("utf-16-le"), "the file begins with NUL bytes"),
        (b"PK\x03\x04\x00\x00", "the file is a workbook or an archive"),
        (b'name\nfine\n"open\nand\nso on\n', "line 3: this row cannot be read"),
        (b'name\n"a"b\n', "line 2: this row cannot be read"),
        (b"name\na\rb\n", "line 2: this row cannot be read"),
        (b"name\n" + b"x" * (MAX_LINE_BYTES + 1), "line 2 is longer than 1024 KiB"),
        (b"name\n" + b"x" * 200_000, "line 2: this row cannot be read: field larger"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(content: bytes, expected: str) -> None:
    assert expected in refusal(content)


def test_an_open_quote_says_how_far_it_went() -> None:
    assert "it goes on to line 5" in refusal(b'name\nfine\n"open\nand\nso on\n')


def test_a_header_alone_has_no_records() -> None:
    assert read("name\n") == []


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("a,b", "has 2 cells where the header has 3 columns"),
        ("a,b,c,d", "has 4 cells where the header has 3 columns"),
        ("a,maybe,", "enabled: must be true or false"),
        ("a,,{", "settings: not JSON: Expecting property name enclosed in double quotes"),
        ('a,,"{""a"":1,""a"":2}"', "settings/a: the key stands here more than once"),
        ('a,,"{""a"":NaN}"', "settings/a: NaN is not JSON"),
        ('a,,"{""a"":1e999}"', "settings/a: a number beyond what a double can hold"),
        (f'a,,"{"[" * 9000}"', "settings: nested more than 32 deep"),
        ('a,,"{""a"":""\\u0000""}"', "settings/a: holds the character U+0000"),
        ("a\0b,,", "name: holds the character U+0000, which cannot be stored"),
    ],
)
def test_a_bad_row_is_reported_and_the_next_one_is_read(row: str, problem: str) -> None:
    bad, good = read(f"name,enabled,settings\n{row}\nb,,\n")
    assert (bad.place, good.place) == ("line 2", "line 3")
    assert bad.problems[0].startswith(problem)
    assert not good.problems


@pytest.mark.parametrize(
    ("cell", "rules", "expected"),
    [
        ("17", {"type": "string"}, "17"),
        ("17", {"type": "integer"}, 17),
        ("17", {"type": ["string", "null"]}, "17"),
        ("0.5", {"type": "number"}, 0.5),
        ("TRUE", {"type": "boolean"}, True),
        ('["a"]', {"type": "array"}, ["a"]),
        ("17", {}, "17"),
    ],
)
def test_a_settings_cell_means_what_the_schema_says(
    cell: str, rules: dict[str, object], expected: object
) -> None:
    assert setting_of(cell, rules) == expected


def test_a_settings_cell_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(Malformed, match="must be of type integer"):
        setting_of("many", {"type": "integer"})
