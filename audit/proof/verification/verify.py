"""Verification of the trail, or of a span of time, up to the first place where it differs."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from django.db.models import Max, Min, QuerySet

from audit.archived import Dropped, dropped
from audit.models import Seal
from audit.proof.checkpoints import SealsRolledBack, require_in_database
from audit.proof.seal_documents import SealDocument, grouped, read_document, seals_between
from audit.proof.verification.archives import archived_seals
from audit.proof.verification.chain import checked, checked_chain
from audit.proof.verification.present import check_present
from audit.proof.verification.rows import check_rows, name_row
from audit.proof.verification.strays import (
    SealedLate,
    check_kept,
    check_strays,
    more_rows,
    sealed_late,
)
from audit.proof.verification.tampered import Tampered


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What to verify: all of it, or the seals that were made between two moments."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_all(self) -> bool:
        """Say whether it is all."""
        return self.since is None and self.until is None

    def seals(self) -> QuerySet[Seal]:
        """Return the seals that were made then."""
        chosen = Seal.objects.all()
        if self.since:
            chosen = chosen.filter(sealed_at__gte=self.since)
        if self.until:
            chosen = chosen.filter(sealed_at__lte=self.until)
        return chosen


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was found to be as it was sealed; `waiting` is unknown for a span of time.

    `in_archives` rows are in archives that were shown; `unproven` ones are missing, and operations say
    that they are in archives.
    """

    operations: int
    rows: int
    up_to: datetime | None
    in_archives: int = 0
    unproven: int = 0
    waiting: int | None = None
    late: SealedLate | None = None


def verify(
    *,
    scope: Scope,
    trusted: Collection[str],
    checkpoints: Iterable[Seal],
    archives: Iterable[Path] = (),
) -> Verified:
    """Compare the trail with its seals, and what is with its newest history.

    Raises:
        Tampered: it differs; the message names the first place.
        ArchiveUnknown: one of the folders is no archive of this trail.
    """
    in_archives = dropped()
    shown = [archived_seals(folder) for folder in archives]
    found = _verify_seals(scope, trusted, in_archives, shown)
    for checkpoint in checkpoints:
        checked(checkpoint, trusted=trusted)
        try:
            require_in_database(checkpoint)
        except SealsRolledBack as error:
            raise Tampered(str(error)) from error
    if not scope.is_all:
        return found.verified
    check_kept(in_archives)
    waiting = check_strays(layouts=found.layouts)
    check_present()
    return replace(found.verified, waiting=waiting, late=sealed_late())


class _UnderSeals(NamedTuple):
    verified: Verified
    layouts: set[str]


def _verify_seals(
    scope: Scope,
    trusted: Collection[str],
    in_archives: Mapping[str, Dropped],
    shown: Sequence[range],
) -> _UnderSeals:
    """Compare everything under the seals."""
    operations, sealed, rows, missing = 0, 0, Counter[str](), Counter[bool]()
    first, last, layouts = None, None, set()
    chain = _UntilTampered(_seals_of(scope, trusted))
    for is_shown, part in groupby(chain, key=lambda seal: any(seal.number in of for of in shown)):
        for seals in grouped(part):
            found = check_rows(seals, in_archives=in_archives)
            rows += found.rows
            missing[is_shown] += found.missing
            operations += sum(len(seal.operations) for seal in seals)
            sealed += sum(seal.rows for seal in seals)
            layouts.add(seals[0].layout)
            first, last = first or seals[0].number, seals[-1]
    if first and last and (more := more_rows(rows, first=first, last=last.number)):
        for seals in grouped(map(_said, seals_between(first=first, last=last.number))):
            name_row(seals, in_archives=in_archives)
        raise Tampered(more)
    if chain.tampered:
        raise chain.tampered
    return _UnderSeals(
        Verified(
            operations=operations,
            rows=sealed - missing.total(),
            up_to=last.sealed_at if last else None,
            in_archives=missing[True],
            unproven=missing[False],
        ),
        layouts,
    )


def _said(seal: Seal) -> SealDocument:
    return read_document(seal.document)


class _UntilTampered:
    """Seals up to the first that is not as it was made, so that what is under the others comes first."""

    def __init__(self, seals: Iterator[SealDocument]) -> None:
        self._seals = seals
        self.tampered: Tampered | None = None

    def __iter__(self) -> Iterator[SealDocument]:
        try:
            yield from self._seals
        except Tampered as error:
            self.tampered = error


def _seals_of(scope: Scope, trusted: Collection[str]) -> Iterator[SealDocument]:
    ends = scope.seals().aggregate(first=Min("number"), last=Max("number"))
    if ends["first"] is None:
        return iter(())
    first = ends["first"] if scope.since else 1
    previous = Seal.objects.filter(number=first - 1).first()
    if first > 1 and previous is None:
        raise Tampered(f"seal {first - 1} is missing")
    return checked_chain(
        seals_between(first=first, last=ends["last"]), previous=previous, trusted=trusted
    )
