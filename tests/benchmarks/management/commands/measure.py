"""Measure every case, one JSON line each, and say which target was missed."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from config import environment
from permissions.models import Scope
from permissions.tokens import NewToken, create_token, revoke_token
from tests.benchmarks import batches, exports, ordinary, pages, reads, sealing, trail
from tests.benchmarks.estate import ORIGIN, Estate, Size, build_estate, find_estate
from tests.benchmarks.history import LongHistory, long_history
from tests.benchmarks.targets import missed
from tests.benchmarks.timing import Result, report, say


# What is measured on a long history, after everything else.
LONG = ("trail", "exports", "verification")
CASES = ("settings", "permissions", "guardian", "reads", "pages", "sealing", *LONG)
SCALE = (10, 100, 1_000, 5_000, 10_000, 20_000)
FULL_SIZE = 1_000_000
FULL_HISTORY = 10_000_000


class Command(BaseCommand):
    """Measure on the database of the settings, which must be the benchmarks' own."""

    help = __doc__
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the size of the estate and which cases to run."""
        size = environment.number("BENCH_TASKS", default=FULL_SIZE)
        parser.add_argument("--tasks", type=int, default=size, help="size of the estate")
        rows = environment.number("BENCH_HISTORY", default=FULL_HISTORY)
        parser.add_argument("--history", type=int, default=rows, help="rows of history")
        parser.add_argument("--rounds", type=int, default=7, help="the best of so many counts")
        parser.add_argument("--only", nargs="+", choices=CASES, default=CASES, metavar="CASE")

    def handle(
        self,
        *_: object,
        tasks: int,
        history: int,
        rounds: int,
        only: Iterable[str],
        **__: object,
    ) -> None:
        """Measure, print, and judge."""
        call_command("migrate", verbosity=0)
        estate = _estate(Size(tasks=tasks, projects=max(tasks // 1000, 20)))
        results = []
        for result in _measure(estate=estate, history=history, rounds=rounds, only=only):
            report(result)
            results.append(result)
        failures = list(missed(results))
        for failure in failures:
            say(f"missed: {failure}")
        sys.exit(bool(failures))


def _estate(size: Size) -> Estate:
    if (estate := find_estate(size)) is not None:
        return estate
    say(f"Making an estate of {size.tasks:,} tasks in {size.projects:,} projects")
    made = build_estate(size)
    ordinary.make_tables()
    return made


def _measure(*, estate: Estate, history: int, rounds: int, only: Iterable[str]) -> Iterator[Result]:
    # A run that was interrupted has left its own.
    name = f"benchmark of {timezone.now()}"
    wanted = NewToken(owner=estate.manager, name=name, scopes=Scope.values)
    issued = create_token(actor=estate.manager, wanted=wanted, origin=ORIGIN)
    sizes = [n for n in SCALE if n <= estate.size.tasks // estate.size.stride]
    # Before anything is written: the history ends in what the estate is when it is made.
    made = long_history(estate=estate, rows=history) if set(LONG) & set(only) else None
    try:
        for endpoint in (batches.SETTINGS, batches.PERMISSIONS):
            for n in sizes if endpoint.name in only else ():
                yield batches.measure_endpoint(
                    endpoint=endpoint, estate=estate, token=issued.secret, n=n, rounds=rounds
                )
        if "guardian" in only:
            yield batches.measure_guardian(estate=estate, token=issued.secret, rounds=5)
        if "reads" in only:
            say("Copying the rights of two users into guardian's ordinary tables")
            ordinary.copy_rights(estate)
            for question in reads.questions(estate):
                yield reads.measure_question(question=question, tasks=estate.size.tasks)
        if "pages" in only:
            yield from _measure_pages(estate=estate, largest=sizes[-1], rounds=rounds)
        if "sealing" in only:
            yield from sealing.measure_sealing(
                estate=estate, token=issued.secret, n=min(sizes[-1], 10_000), rounds=rounds
            )
        if made:
            yield from _measure_history(estate=estate, made=made, rounds=rounds, only=only)
    finally:
        revoke_token(actor=estate.manager, token_id=issued.token.pk, origin=ORIGIN)


def _measure_history(
    *, estate: Estate, made: LongHistory, rounds: int, only: Iterable[str]
) -> Iterator[Result]:
    say(f"{made.operations:,} operations with {made.rows:,} rows")
    if "trail" in only:
        yield from trail.measure_trail(estate=estate, history=made, rounds=rounds)
    if "exports" in only:
        yield from exports.measure_exports(estate=estate)
    if "verification" in only:
        yield sealing.measure_verification()


def _measure_pages(*, estate: Estate, largest: int, rounds: int) -> Iterator[Result]:
    for name in ("light", "heavy"):
        yield pages.measure_list(estate=estate, name=name, rounds=rounds)
        yield pages.measure_home(estate=estate, name=name, rounds=rounds)
    # Of few targets as well, to compare the number of statements.
    for n in dict.fromkeys([min(largest, 100), min(largest, 10_000)]):
        yield from pages.measure_previews(estate=estate, n=n, rounds=rounds)
