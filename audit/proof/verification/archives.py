"""Archives of old months: what is said to be in them excuses what is missing only if it is there.

That rows were archived is said by an operation, which anybody could write who may write operations. So
an archive has to be shown: it must be the one that was made, and hold what was sealed, to the last row.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO, cast

from audit.archived import ARCHIVE
from audit.models import Operation, State
from audit.proof.documents import OPERATIONS, sha256
from audit.proof.export import DOCUMENTS, MANIFEST, SEALS
from audit.proof.parts import entry
from audit.proof.seal_documents import SealDocument, read_document, seals_between
from audit.proof.verification.tampered import Tampered


class ArchiveUnknown(Exception):
    """A folder is no archive that an operation tells of, or cannot be read."""


def archived_seals(folder: Path) -> range:
    """Return the numbers of the seals under which everything is in the archive.

    Raises:
        ArchiveUnknown: it is no archive of this trail, or cannot be read.
        Tampered: it does not hold what was sealed.
    """
    try:
        manifest = _manifest(folder)
        seals = range(manifest["first_seal"], manifest["last_seal"] + 1)
        with _opened(folder / f"{SEALS}.gz") as lines:
            _compare_seals(lines, seals)
        with _opened(folder / f"{DOCUMENTS}.gz") as lines:
            documents = groupby(lines, key=_operation_of)
            for seal in seals_between(first=seals[0], last=seals[-1]):
                _compare_documents(read_document(seal.document), documents, folder)
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArchiveUnknown(f"{folder} cannot be read as an archive: {error!r}") from error
    return seals


def _manifest(folder: Path) -> dict[str, Any]:
    content = (folder / MANIFEST).read_bytes()
    made = Operation.objects.filter(
        kind=ARCHIVE, state=State.APPLIED, parameters__manifest=sha256(content)
    )
    if not made.exists():
        raise ArchiveUnknown(f"{folder} is no archive that an operation of this trail has made")
    return cast("dict[str, Any]", json.loads(content))


def _opened(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path))


def _compare_seals(lines: BinaryIO, numbers: range) -> None:
    """Compare the archive's seals with those of the database, which are verified by themselves."""
    seals = seals_between(first=numbers[0], last=numbers[-1])
    for number, line, seal in zip(numbers, lines, seals, strict=True):
        said = json.loads(line)
        if (seal.number, seal.document, seal.signature) != (
            number,
            said["document"],
            said["signature"],
        ):
            raise Tampered(f"seal {number} is another one in its archive")


def _compare_documents(
    seal: SealDocument, documents: Iterator[tuple[str, Iterator[bytes]]], folder: Path
) -> None:
    for operation, sealed in seal.operations:
        found, lines = next(documents, ("", iter(())))
        state = hashlib.sha256()
        for line in lines:
            state.update(_entry_of(line.removesuffix(b"\n")))
        if (found, state.hexdigest()) != (str(operation), sealed):
            raise Tampered(f"operation {operation} differs in its archive {folder.name}")


def _operation_of(line: bytes) -> str:
    said = json.loads(line)
    operation: str = said["row"]["id" if said["table"] == OPERATIONS else "operation_id"]
    return operation


def _entry_of(document: bytes) -> bytes:
    number = int(json.loads(document)["row"].get("history_id", 0))
    return entry(number, document)
