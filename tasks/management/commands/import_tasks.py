"""Import tasks from a file: CSV, XLSX, JSON, JSON Lines, or what CodeArts Build lists."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from audit.context import Origin
from audit.models import Channel
from tasks.importing.checking import Checked, Terms
from tasks.importing.codearts_file import read_codearts
from tasks.importing.csv_file import read_csv
from tasks.importing.json_file import read_json
from tasks.importing.jsonl_file import read_jsonl
from tasks.importing.records import FileUnreadable, Record, Source
from tasks.importing.writing import Import, Imported, ImportRefused, Watcher, import_tasks
from tasks.importing.xlsx_file import read_xlsx


Reader = Callable[[Source], Iterator[Record]]

READERS: Mapping[str, Reader] = {
    "csv": read_csv,
    "jsonl": read_jsonl,
    "json": read_json,
    "xlsx": read_xlsx,
    "codearts": read_codearts,
}
FORMATS = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
    ".json": "codearts",
}
STANDARD_INPUT = "-"


class Command(BaseCommand):
    """Check every row, say what is wrong with each, and add the tasks if nothing is."""

    help = (
        "Import tasks from CSV, XLSX, JSON, JSON Lines, or the JSON that CodeArts Build's GET /v1/job/list"
        " answers. Nothing is imported if a row is bad, unless --skip-bad is given. Superusers may"
        " import into every project; others into those that they administer or manage"
        " (roles -1 and 3)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, the actor, and what holds for rows that do not say it."""
        parser.add_argument("file", help=f"{STANDARD_INPUT} reads standard input")
        parser.add_argument("--actor", required=True, metavar="USER", help="who imports")
        parser.add_argument(
            "--format", choices=sorted(READERS), help="default: by the file's ending"
        )
        parser.add_argument("--project", default="", help="id or name, for rows that name none")
        parser.add_argument("--type", default="", help="key, for rows that name none")
        parser.add_argument(
            "--ignore-creators",
            action="store_true",
            help="make the actor every task's creator, whoever the file names",
        )
        parser.add_argument("--skip-bad", action="store_true", help="import the good rows")
        parser.add_argument("--dry-run", action="store_true", help="check everything, keep nothing")

    def handle(self, *_args: object, **options: Any) -> None:
        """Import, and report.

        Raises:
            CommandError: nothing was imported; the message and the lines before it say why.
        """
        name = options["file"]
        actor = User.objects.filter(username=options["actor"]).first()
        if actor is None:
            raise CommandError(f"there is no account {options['actor']!r}")
        read = READERS[options["format"] or _format_of(name)]
        try:
            with _opened(name) as file, _bar(file) as bar:
                source = Source(file=file, given=_given(options), note=self._say)
                imported = import_tasks(
                    actor=actor,
                    wanted=_wanted(read(source), options),
                    watcher=Watcher(self._report, lambda: _move(bar, file)),
                )
        except (FileUnreadable, ImportRefused, OSError) as error:
            raise CommandError(f"nothing was imported: {error}") from error
        self._conclude(imported, options)

    def _report(self, row: Checked) -> None:
        for problem in row.problems:
            self._say(f"{row.place}: {problem}")

    def _say(self, line: str) -> None:
        # What a file says may steer a terminal; and the line must not end up inside the bar.
        if not line.isprintable():
            line = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line)
        with tqdm.external_write_mode(file=sys.stderr):
            self.stderr.write(line)

    def _conclude(self, imported: Imported, options: Mapping[str, Any]) -> None:
        counts = f"{imported.added:,} good and {imported.bad:,} bad rows"
        if imported.kept:
            self.stdout.write(f"{counts}; imported by operation {imported.operation.pk}")
        elif options["dry_run"] and (options["skip_bad"] or not imported.bad):
            self.stdout.write(f"{counts}; nothing was imported, as this is a dry run")
        else:
            raise CommandError(f"{counts}; nothing was imported")


def _format_of(name: str) -> str:
    """Return the format that the file's ending tells.

    Raises:
        CommandError: it tells none.
    """
    ending = Path(name).suffix.lower()
    if ending not in FORMATS:
        raise CommandError(f"the ending of {name!r} tells no format: give --format")
    return FORMATS[ending]


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file


def _bar(file: BinaryIO) -> "tqdm[NoReturn]":
    """Return a progress bar over the file's bytes, which shows itself on a terminal only."""
    size = os.fstat(file.fileno()).st_size if file.seekable() else None
    return tqdm(total=size, unit="B", unit_scale=True, disable=not sys.stderr.isatty())


def _move(bar: "tqdm[NoReturn]", file: BinaryIO) -> None:
    if file.seekable():
        bar.update(file.tell() - bar.n)


def _given(options: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name in ("project", "type") if options[name])


def _wanted(records: Iterator[Record], options: Mapping[str, Any]) -> Import:
    return Import(
        records=records,
        terms=Terms(
            project=options["project"],
            task_type=options["type"],
            ignore_creators=options["ignore_creators"],
        ),
        origin=Origin(channel=Channel.COMMAND),
        file_name=Path(options["file"]).name,
        skip_bad=options["skip_bad"],
        dry_run=options["dry_run"],
    )
