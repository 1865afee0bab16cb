"""Checkpoints: seals kept outside the database, which its owner cannot take back.

A checkpoint is a seal, copied. Whoever holds one can tell that seals after it may have been added, but
that it and everything before it is still there.
"""

import json
import os
from pathlib import Path

from django.conf import settings

from audit.models import Seal
from audit.proof.seal_documents import SealUnreadable, newest_seal, read_document


class CheckpointUnreadable(Exception):
    """The file holds no checkpoint."""


class SealsRolledBack(Exception):
    """The database lacks a seal that a checkpoint proves to have been made."""


def checkpoint_text(seal: Seal) -> str:
    """Return the seal as a checkpoint: a line of JSON."""
    return json.dumps({"document": seal.document, "signature": seal.signature}) + "\n"


def write_checkpoint(*, path: Path, seal: Seal) -> None:
    """Keep the seal in this file, which is replaced as a whole."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w") as file:
        file.write(checkpoint_text(seal))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_checkpoint(path: Path) -> Seal:
    """Return the seal that the file holds; it is not in the database for that.

    Raises:
        CheckpointUnreadable: it holds none.
    """
    try:
        kept = json.loads(path.read_text())
        document, signature = str(kept["document"]), str(kept["signature"])
        said = read_document(document)
    except (OSError, ValueError, TypeError, KeyError, SealUnreadable) as error:
        raise CheckpointUnreadable(f"{path} holds no checkpoint") from error
    return Seal(
        number=said.number, sealed_at=said.sealed_at, document=document, signature=signature
    )


def require_in_database(checkpoint: Seal) -> None:
    """Return if the database still has the seal.

    Raises:
        SealsRolledBack: it does not.
    """
    found = Seal.objects.filter(pk=checkpoint.number).first()
    if found is None:
        newest = newest_seal()
        raise SealsRolledBack(
            f"seal {checkpoint.number} was made, but the database ends with {newest or 'none'}"
        )
    if found.document != checkpoint.document:
        raise SealsRolledBack(f"seal {checkpoint.number} is another one than was made")


def set_aside() -> Path | None:
    """Rename the file of the newest seal that was made here, and return its new name, if there is one."""
    path = settings.BULKHEAD_SEAL_CHECKPOINT
    if not path or not path.exists():
        return None
    kept = path.with_name(f"{path.name}.{read_checkpoint(path).number}")
    path.replace(kept)
    return kept
