"""The files that the admin imports, as django-import-export's formats; `tasks.importing` reads them."""

from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import islice
from typing import Any, ClassVar, NamedTuple

from import_export.formats.base_formats import Format

from tasks.importing.csv_file import read_csv
from tasks.importing.json_file import read_json
from tasks.importing.records import FileUnreadable, Record, Source
from tasks.importing.xlsx_file import read_xlsx


# Larger files are for the command line, which needs no page to wait for.
MOST_ROWS = 10_000

Read = Callable[[Source], Iterator[Record]]


class FileOfTasks(NamedTuple):
    """An uploaded file and how it is read; what stands for a dataset here."""

    read: Read
    content: bytes

    def records(self, *, given: frozenset[str]) -> Iterator[Record]:
        """Yield the rows; `given` are the fields that they may leave out.

        Raises:
            FileUnreadable: the file is broken, or has too many rows.
        """
        rows = self.read(Source(file=BytesIO(self.content), given=given, note=_unheard))
        yield from islice(rows, MOST_ROWS)
        if next(rows, None) is not None:
            raise FileUnreadable(
                f"the file has more than {MOST_ROWS:,} rows: import it with manage.py import_tasks"
            )


class FormatOfTasks(Format):  # type: ignore[misc]  # the library has no types
    """A kind of file that tasks are imported from."""

    title: ClassVar[str]
    ending: ClassVar[str]

    def get_title(self) -> str:
        """Return what people call it."""
        return self.title

    def can_import(self) -> bool:
        """Say that it is for importing."""
        return True

    def create_dataset(self, in_stream: bytes) -> FileOfTasks:
        """Return the file, which is read row by row while it is imported."""
        raise NotImplementedError


class CsvFile(FormatOfTasks):
    """Comma-separated values."""

    title, ending = "CSV", ".csv"

    def create_dataset(self, in_stream: bytes) -> FileOfTasks:
        """Return the file."""
        return FileOfTasks(read_csv, in_stream)


class XlsxFile(FormatOfTasks):
    """A workbook of a spreadsheet."""

    title, ending = "Excel (XLSX)", ".xlsx"

    def create_dataset(self, in_stream: bytes) -> FileOfTasks:
        """Return the file."""
        return FileOfTasks(read_xlsx, in_stream)


class JsonFile(FormatOfTasks):
    """A list of objects."""

    title, ending = "JSON", ".json"

    def create_dataset(self, in_stream: bytes) -> FileOfTasks:
        """Return the file."""
        return FileOfTasks(read_json, in_stream)


FORMATS: tuple[type[FormatOfTasks], ...] = (CsvFile, XlsxFile, JsonFile)


def _unheard(_: Any) -> None:
    """Take a reader's note; none of these readers has any."""
