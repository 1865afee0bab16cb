"""What a large import costs: memory does not grow with the file, statements only with its chunks."""

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.importing.checking import Terms
from tasks.importing.csv_file import read_csv
from tasks.importing.records import Source
from tasks.importing.writing import CHUNK, Import, Imported, Watcher, import_tasks
from tasks.models import Task
from tests.conftest import ORIGIN, Governed


class Rows:
    """A CSV file of any length that is made while it is read."""

    def __init__(self, count: int, *, every_bad: int = 0) -> None:
        self._lines = self._written(count, every_bad)

    def readline(self, _limit: int = -1) -> bytes:
        return next(self._lines, b"")

    @staticmethod
    def _written(count: int, every_bad: int) -> Iterator[bytes]:
        yield b"uid,name,settings.repository.url,settings.repository.token,enabled\n"
        for number in range(count):
            enabled = "maybe" if every_bad and number % every_bad == 0 else "true"
            yield f"{number:032x},task {number},https://g.example/a,tokentoken,{enabled}\n".encode()


def add(
    governed: Governed, rows: Rows, *, after_chunk: Callable[[], None] = lambda: None
) -> Imported:
    """Import the good ones of the rows as the project's manager, and keep nothing."""
    source = Source(file=rows, given=frozenset({"project", "type"}), note=print)  # type: ignore[arg-type]
    return import_tasks(
        actor=governed.manager,
        wanted=Import(
            records=read_csv(source),
            terms=Terms(project=governed.project.uid, task_type=governed.task_type.key),
            origin=ORIGIN,
            file_name="large.csv",
            skip_bad=True,
            dry_run=True,
        ),
        watcher=Watcher(lambda _: None, after_chunk),
    )


def resident() -> float:
    """Return the memory that this process has now, in MiB."""
    asked = ["ps", "-o", "rss=", "-p", str(os.getpid())]
    return int(subprocess.check_output(asked)) / 1024


@pytest.mark.parametrize("every_bad", [0, 2])
def test_memory_does_not_grow_with_the_file(governed: Governed, every_bad: int) -> None:
    seen: list[float] = []
    imported = add(
        governed, Rows(20_000, every_bad=every_bad), after_chunk=lambda: seen.append(resident())
    )
    assert imported.added + imported.bad == 20_000
    assert len(seen) == 20_000 / CHUNK
    # Keeping the rows would take about 3 MiB for each chunk.
    assert seen[-1] < seen[1] + 12
    assert not Task.objects.exists()


def test_statements_grow_with_the_chunks_alone(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statements(count: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            add(governed, Rows(count))
        return len(queries)

    monkeypatch.setattr("tasks.importing.writing.CHUNK", 100)
    one, ten, of_ten_rows = statements(100), statements(1000), statements(10)
    # A chunk: which ids and names are taken, the secrets, the tasks with their history.
    assert ten - one == 9 * 3
    assert of_ten_rows == one
