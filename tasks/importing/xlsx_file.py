"""XLSX: the first sheet of a workbook, its rows and columns as in CSV."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from io import BytesIO
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from tasks.importing.csv_file import columns_of, record_of
from tasks.importing.records import FileUnreadable, Record, Source


# A small archive may unpack to what no memory holds.
MAX_UNPACKED_BYTES = 128 * 1024 * 1024
_MOST_COLUMNS = 500
# What the library and the archive below it raise where a file is damaged, encrypted or no workbook.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def read_xlsx(source: Source) -> Iterator[Record]:
    """Yield a record per row that is not empty, named by its number in the sheet.

    Raises:
        FileUnreadable: the file is no workbook, the header is wrong, or it unpacks to too much.
    """
    rows = _rows(source.file.read())
    header = next(rows, (1, []))
    columns = columns_of(f"row {header[0]}", header[1], given=source.given)
    for number, row in rows:
        cells = [*row, *[""] * (len(columns) - len(row))]
        yield record_of(f"row {number}", columns, cells)


def _rows(content: bytes) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the number and the cells of each row that is not empty, without empty cells at its end."""
    try:
        _refuse_bombs(content)
        with closing(
            openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True)
        ) as book:
            sheet: Any = book.worksheets[0]
            for number, row in enumerate(
                sheet.iter_rows(max_col=_MOST_COLUMNS, values_only=True), start=1
            ):
                cells = [_text(cell) for cell in row]
                while cells and not cells[-1]:
                    cells.pop()
                if cells:
                    yield number, cells
    except FileUnreadable:
        raise
    except _BROKEN as error:
        raise FileUnreadable("the file is no workbook that can be read (.xlsx)") from error


def _refuse_bombs(content: bytes) -> None:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise FileUnreadable(
                f"the workbook unpacks to more than {MAX_UNPACKED_BYTES // 1024**2} MiB"
            )


def _text(cell: Any) -> str:
    """Return a cell as it would stand in CSV."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return str(cell)
