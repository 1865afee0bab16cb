"""Verification of the trail, or of a span of time, up to the first place where it differs."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Max, Min, QuerySet

from audit.archived import dropped
from audit.checkpoints import SealsRolledBack, require_in_database
from audit.models import Seal
from audit.seal_documents import SealDocument, grouped, seals_between
from audit.verification.chain import checked, checked_chain
from audit.verification.present import check_present
from audit.verification.rows import check_rows
from audit.verification.strays import SealedLate, check_kept, check_strays, sealed_late
from audit.verification.tampered import Tampered


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
    """What was found to be as it was sealed; `waiting` is unknown for a span of time."""

    operations: int
    rows: int
    up_to: datetime | None
    in_archives: int = 0
    waiting: int | None = None
    late: SealedLate | None = None


def verify(*, scope: Scope, trusted: Collection[str], checkpoints: Iterable[Seal]) -> Verified:
    """Compare the trail with its seals.

    Raises:
        Tampered: it differs; the message names the first place.
    """
    operations = rows = missing = 0
    in_archives = dropped()
    up_to: datetime | None = None
    layouts = set()
    chain = _UntilTampered(_seals_of(scope, trusted))
    for seals in grouped(chain):
        missing += check_rows(seals, in_archives=in_archives)
        operations += sum(len(seal.operations) for seal in seals)
        rows += sum(seal.rows for seal in seals)
        up_to = seals[-1].sealed_at
        layouts.add(seals[0].layout)
    if chain.tampered:
        raise chain.tampered
    for checkpoint in checkpoints:
        checked(checkpoint, trusted=trusted)
        try:
            require_in_database(checkpoint)
        except SealsRolledBack as error:
            raise Tampered(str(error)) from error
    found = Verified(operations=operations, rows=rows - missing, up_to=up_to, in_archives=missing)
    if not scope.is_all:
        return found
    check_kept(in_archives)
    waiting = check_strays(layouts=layouts)
    check_present()
    return replace(found, waiting=waiting, late=sealed_late())


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
