"""What a seal says, as data and as the canonical JSON that is signed.

The format is described in `docs/reference/seal-format.md`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from audit.models import Seal
from audit.proof.documents import canonical


FORMAT = 1

_AT_ONCE = 50
# Bounds on what is read in one go.
_ROWS = 20_000
_OPERATIONS = 2_000


class SealUnreadable(Exception):
    """The document of a seal is none that this version knows."""


@dataclass(frozen=True, kw_only=True)
class SealDocument:
    """What a seal says."""

    number: int
    previous: str
    sealed_at: datetime
    key: str
    layout: str
    operations: Sequence[tuple[UUID, str]]
    rows: int
    waiting: int

    def canonical(self) -> bytes:
        """Return what is signed."""
        return canonical(
            {
                "format": FORMAT,
                "number": self.number,
                "previous": self.previous,
                "sealed_at": self.sealed_at.astimezone(UTC).isoformat(timespec="microseconds"),
                "key": self.key,
                "layout": self.layout,
                "operations": [[str(operation), digest] for operation, digest in self.operations],
                "rows": self.rows,
                "waiting": self.waiting,
            }
        )


def read_document(text: str) -> SealDocument:
    """Return what the document of a seal says.

    Raises:
        SealUnreadable: it cannot be read.
    """
    try:
        said = json.loads(text)
        if said.pop("format") != FORMAT:
            raise SealUnreadable("its format is not known")
        return SealDocument(
            **{
                **said,
                "sealed_at": datetime.fromisoformat(said["sealed_at"]),
                "operations": [
                    (UUID(operation), digest) for operation, digest in said["operations"]
                ],
            }
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SealUnreadable("it cannot be read") from error


def newest_seal() -> Seal | None:
    """Return the seal that was made last, if one was."""
    return Seal.objects.order_by("-number").first()


def seals_between(*, first: int, last: int) -> Iterator[Seal]:
    """Return the seals of these numbers that there are, in order, a few at a time."""
    chosen = Seal.objects.filter(number__lte=last).order_by("number")
    while page := list(chosen.filter(number__gte=first)[:_AT_ONCE]):
        yield from page
        first = page[-1].number + 1


def grouped(seals: Iterable[SealDocument]) -> Iterator[Sequence[SealDocument]]:
    """Join small seals of one layout, so that what is under them is read together."""
    group: list[SealDocument] = []
    for seal in seals:
        if group and not _fits(seal, group):
            yield group
            group = []
        group.append(seal)
    if group:
        yield group


def _fits(seal: SealDocument, group: Sequence[SealDocument]) -> bool:
    together = [*group, seal]
    return (
        seal.layout == group[0].layout
        and sum(each.rows for each in together) <= _ROWS
        and sum(len(each.operations) for each in together) <= _OPERATIONS
    )
