"""JSON: one list of objects, their keys the fields of a task, as an export of tasks writes it."""

from collections.abc import Iterator

from tasks.batch.errors import Malformed
from tasks.importing.jsonl_file import record_of_object
from tasks.importing.records import FileUnreadable, Record, Source
from tasks.strict_json import parse_value


# The list is read as a whole; larger ones are for JSON Lines.
MAX_BYTES = 64 * 1024 * 1024
_NAMED = 5


def read_json(source: Source) -> Iterator[Record]:
    """Yield a record per object, named by its number in the list.

    Raises:
        FileUnreadable: the file is no JSON list, or too large to be read as one.
    """
    content = source.file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise FileUnreadable(f"the file is larger than {MAX_BYTES // 1024**2} MiB: use JSON Lines")
    try:
        items = parse_value(content)
    except Malformed as error:
        told = (f"{place}: {message}" for place, message in error.problems[:_NAMED])
        raise FileUnreadable("; ".join(told)) from error
    if not isinstance(items, list):
        raise FileUnreadable("the file is no JSON list of tasks")
    for number, item in enumerate(items, start=1):
        yield record_of_object(f"item {number}", item)
