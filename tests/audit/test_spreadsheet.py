"""CSV is read back as it was written, and nothing in it is a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.spreadsheet import csv_text


CELLS = st.one_of(st.none(), st.integers(), st.text(st.characters(codec="utf-8")))


@given(rows=st.lists(st.lists(CELLS, min_size=2), max_size=3))
def test_rows_are_read_back_as_they_were_written(rows: list[list[str | int | None]]) -> None:
    written = io.StringIO(csv_text(rows), newline="")
    found = list(csv.reader(written))
    assert [[cell.removeprefix("'") for cell in row] for row in found] == [
        ["" if cell is None else str(cell).removeprefix("'") for cell in row] for row in rows
    ]


@pytest.mark.parametrize("begins", [*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_text_that_looks_like_a_formula_becomes_text(begins: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_text([[f'{begins}1,"x"', -1]]), newline=""))
    assert row == [f'\'{begins}1,"x"', "-1"]
