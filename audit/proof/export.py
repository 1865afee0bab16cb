"""Exports: seals and everything under them as files that anybody can verify without a database.

`docs/verify_export.py` does it with the standard library and `cryptography`; the format is described in
`docs/reference/seal-format.md`.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.db import transaction
from django.db.models import Max, Min, QuerySet

from audit.models import Layout, Seal
from audit.proof.documents import documents_of
from audit.proof.seal_documents import SealDocument, grouped, read_document, seals_between


FORMAT = 1
MANIFEST, SEALS, DOCUMENTS = "manifest.json", "seals.jsonl", "documents.jsonl"


class NothingToExport(Exception):
    """There are no seals in that time."""


class _Lines:
    """A file of lines, and what the manifest says of it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0
        self._digest = hashlib.sha256()

    def add(self, line: bytes) -> None:
        """Write a line."""
        self._file.write(line + b"\n")
        self._digest.update(line + b"\n")
        self.count += 1

    def described(self) -> dict[str, Any]:
        """Return the number of lines and the digest of the content, before it was compressed."""
        return {"lines": self.count, "sha256": self._digest.hexdigest()}


def export(
    *, seals: QuerySet[Seal], folder: Path, at: datetime, compressed: bool = False
) -> dict[str, Any]:
    """Write the seals and all documents under them into a new folder; return the manifest.

    Raises:
        NothingToExport: there are no seals.
        OSError: the files cannot be written, or the folder is there already.
    """
    ends = seals.aggregate(first=Min("number"), last=Max("number"))
    if ends["first"] is None:
        raise NothingToExport("there are no seals of that time")
    folder.mkdir(parents=True)
    operations = 0
    names = [f"{name}.gz" if compressed else name for name in (SEALS, DOCUMENTS)]
    with _opened(folder / names[0]) as seals_file, _opened(folder / names[1]) as rows_file:
        sealed, documents = _Lines(seals_file), _Lines(rows_file)
        for group in grouped(_written(seals_between(**ends), sealed)):
            with closing(_documents_under(group)) as found:
                for document in found:
                    documents.add(document)
            operations += sum(len(seal.operations) for seal in group)
    manifest = {
        "format": FORMAT,
        "made_at": at.astimezone(UTC).isoformat(),
        "first_seal": ends["first"],
        "last_seal": ends["last"],
        "operations": operations,
        "rows": documents.count - operations,
        "files": dict(zip(names, (sealed.described(), documents.described()), strict=True)),
    }
    with _opened(folder / MANIFEST) as file:
        file.write(json.dumps(manifest, indent=2).encode() + b"\n")
    for named_in in (folder, folder.parent):
        _keep_names(named_in)
    return manifest


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a new file, compressed if its name says so; it is on the disk when it is closed."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as packed:
                yield cast("BinaryIO", packed)
        else:
            yield file
        file.flush()
        os.fsync(file.fileno())


def _keep_names(folder: Path) -> None:
    """Have the names of the files on the disk, not only what is in them, where folders can be asked so."""
    if hasattr(os, "O_DIRECTORY"):
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _written(seals: Iterable[Seal], lines: _Lines) -> Iterator[SealDocument]:
    for seal in seals:
        line = {"document": seal.document, "signature": seal.signature}
        lines.add(json.dumps(line, ensure_ascii=False).encode())
        yield read_document(seal.document)


def _documents_under(seals: Sequence[SealDocument]) -> Generator[bytes]:
    layout = json.loads(Layout.objects.get(pk=seals[0].layout).document)
    operations = [operation for seal in seals for operation, _ in seal.operations]
    with transaction.atomic(), closing(documents_of(operations, layout=layout)) as documents:
        for document in documents:
            yield document.text
