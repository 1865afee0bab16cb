"""Retention: what is older than wanted is archived, verified, and dropped a whole month at a time.

An archive is an export of the seals that cover the months. Operations and seals stay in the database:
only rows of history go, and not those that tell what an object was when the oldest month that stays
began, so that answers about the time since then remain the same. What went is said by an operation.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import OperationalError, connection, models, transaction
from django.db.models import QuerySet
from psycopg import sql

from audit import retention_queries as queries
from audit.archived import ARCHIVE, Dropped, archived_until, dropped, rows_below
from audit.context import Origin
from audit.models import Seal
from audit.months import first_number, history_models
from audit.proof.documents import sha256
from audit.proof.export import MANIFEST, export
from audit.proof.verification.tampered import Tampered
from audit.proof.verification.verify import Scope, verify
from audit.recorder import administrative_operation


# How long one attempt waits for those who use history, and others for it; and how often, each second.
_PATIENCE = "1s"
_ATTEMPTS = 60

_LOCK_NUMBER = 0xA2C4


class NothingToArchive(Exception):
    """No whole month is old enough."""


class NotSealed(Exception):
    """Rows that would be dropped are under no seal yet."""


class InTheWay(Exception):
    """Somebody used history all the time, or archives at the moment; it can be tried again."""


@dataclass(frozen=True, kw_only=True)
class Archived:
    """What went where."""

    folder: Path
    first_seal: int
    last_seal: int
    operations: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class OldRows:
    """A table of history whose rows below a number can go."""

    table: str
    object_key: str
    below: int

    @property
    def kept(self) -> str:
        """Return the name of the partition for what stays."""
        return f"{self.table}_kept_{self.below}"

    def execute(
        self, statement: str, arguments: Mapping[str, Any] | None = None, /, **names: str
    ) -> list[tuple[Any, ...]]:
        """Execute a statement about the table and return its rows."""
        composed = sql.SQL(statement).format(
            table=sql.Identifier(self.table),
            kept=sql.Identifier(self.kept),
            object=sql.Identifier(self.object_key),
            below=sql.Literal(self.below),
            **{name: sql.Identifier(value) for name, value in names.items()},
        )
        with connection.cursor() as cursor:
            cursor.execute(composed, arguments)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def _alone() -> Iterator[None]:
    """Keep others from archiving meanwhile: they would take for a leftover what is being made here.

    Raises:
        InTheWay: somebody archives already.
    """
    with connection.cursor() as cursor:
        cursor.execute(queries.BEGIN_ALONE, {"lock": _LOCK_NUMBER})
        if cursor.fetchone() == (False,):
            raise InTheWay("somebody else archives at the moment")
        try:
            yield
        finally:
            cursor.execute(queries.END_ALONE, {"lock": _LOCK_NUMBER})


@_alone()
def archive_old(
    *,
    actor: User,
    origin: Origin,
    before: datetime,
    folder: Path,
    at: datetime,
    trusted: Collection[str],
) -> Archived:
    """Archive and drop the months that ended before the beginning of this one.

    Raises:
        NothingToArchive: there is none.
        NotSealed: a row in them waits for its seal.
        Tampered: what would be archived is not as it was sealed.
        InTheWay: history was in use all the time, or somebody else archives; nothing was dropped.
    """
    drop_leftovers()
    former = dropped()
    found = (old_rows(model, before=before, former=former) for model in history_models())
    old = [rows for rows in found if rows]
    first, last = archived_until() + 1, _last_seal(old)
    if last < first:
        raise NothingToArchive(f"no whole month of history ended before {before:%-d %B %Y}")
    seals = _verified_seals(first=first, last=last, trusted=trusted)
    folder = _free(folder)
    manifest = export(seals=seals, folder=folder, at=at, compressed=True)
    kept = {rows.table: make_kept(rows) for rows in old}
    told = {name: manifest[name] for name in ("first_seal", "last_seal", "operations", "rows")}
    parameters = {
        "before": before.isoformat(),
        "archive": folder.name,
        "manifest": sha256((folder / MANIFEST).read_bytes()),
        **told,
        "tables": {table: said._asdict() for table, said in {**former, **kept}.items()},
    }
    patiently(partial(_replace_months, old, actor=actor, origin=origin, parameters=parameters))
    drop_leftovers()
    return Archived(folder=folder, **told)


def _verified_seals(*, first: int, last: int, trusted: Collection[str]) -> QuerySet[Seal]:
    """Return the seals of these numbers, everything under which is as it was sealed.

    Raises:
        Tampered: it is not, or not there.
    """
    seals = Seal.objects.filter(number__gte=first, number__lte=last)
    span = Scope(since=seals.get(number=first).sealed_at, until=seals.get(number=last).sealed_at)
    if verify(scope=span, trusted=trusted, checkpoints=()).unproven:
        raise Tampered(
            f"rows under seals {first} to {last} are missing, though no archive has them"
        )
    return seals


def _free(folder: Path) -> Path:
    """Return the folder, or where one was left behind by a retention that was stopped, the next one."""
    number = 1
    free = folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


def drop_leftovers() -> None:
    """Drop the months that were put aside; and what was made for a retention that did not happen."""
    for model in history_models():
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(queries.ASIDE, {"table": table})
            names = [name for (name,) in cursor.fetchall()]
        rows = OldRows(table=table, object_key="", below=0)
        for name in names:
            patiently(partial(rows.execute, queries.DROP, part=name))


def old_rows(
    model: type[models.Model], *, before: datetime, former: Mapping[str, Dropped]
) -> OldRows | None:
    """Return the table with the number of the first row that stays; None if all of its months do.

    The first rows of a month may stand in the partition of the month before it, if that was begun late.
    Then they keep their partition until they are old, too.
    """
    table = model._meta.db_table
    key = model.instance_type._meta.pk.column  # type: ignore[attr-defined]  # the library's
    for month in (before, (before - timedelta(days=1)).replace(day=1)):
        rows = OldRows(table=table, object_key=key, below=first_number(month))
        if table in former and rows.below <= former[table].below:
            return None
        arguments = {"below": rows.below, "before": before}
        if rows.execute(queries.TOO_YOUNG, arguments) == [(False,)]:
            has_rows = rows.execute(queries.ANY, arguments) == [(True,)]
            return rows if has_rows else None
    return None


def _last_seal(old: Sequence[OldRows]) -> int:
    """Return the last seal that any of the old rows is under; 0 if there are none.

    Raises:
        NotSealed: one is under none.
    """
    last = 0
    for rows in old:
        ((seal, unsealed),) = rows.execute(queries.LAST_SEAL, {"below": rows.below})
        if unsealed:
            raise NotSealed(
                f"{unsealed} operations with old rows in {rows.table} are under no seal:"
                " manage.py seal_audit"
            )
        last = max(last, seal or 0)
    return last


def make_kept(rows: OldRows) -> Dropped:
    """Make and fill the partition for what stays, while nobody knows it yet and so nobody waits for it.

    Return what is to be said of it.
    """
    with transaction.atomic():
        rows.execute(queries.MAKE_KEPT)
        rows.execute(queries.BOUND_KEPT)
        rows.execute(queries.FILL_KEPT, {"below": rows.below})
    patiently(lambda: rows.execute(queries.REFER))
    ((reference,),) = rows.execute(queries.REFERENCE, {"kept": rows.kept})
    rows.execute(queries.VALIDATE, reference=reference)
    return rows_below(table=rows.kept, below=rows.below)


def _replace_months(
    old: Sequence[OldRows], *, actor: User, origin: Origin, parameters: Mapping[str, Any]
) -> None:
    """Put the old months aside and what stays in their place, which was made before; and record it."""
    with administrative_operation(actor=actor, kind=ARCHIVE, origin=origin, parameters=parameters):
        for rows in old:
            arguments = {"table": rows.table, "below": rows.below}
            for (part,) in rows.execute(queries.PARTITIONS, arguments):
                rows.execute(queries.DETACH, part=part)
            rows.execute(queries.ATTACH)
            for (guard,) in rows.execute(queries.GUARDS, {"table": rows.table}):
                rows.execute(queries.GUARD, guard=guard)


def patiently(do: Callable[[], object]) -> None:
    """Do something in a transaction that waits for nobody longer than a moment; try again if it has to.

    Raises:
        InTheWay: it had to, each time.
    """
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(1)
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
                do()
        except OperationalError as error:
            if "lock timeout" not in str(error):
                raise
        else:
            return
    raise InTheWay("somebody used history all the time; try again when less is going on")
