"""The seals themselves: signed by a trusted key, each naming the one before it, none missing."""

from collections.abc import Collection, Iterable, Iterator

from audit.models import Seal
from audit.proof.documents import sha256
from audit.proof.seal_documents import SealDocument, SealUnreadable, read_document
from audit.proof.signing import is_signed
from audit.proof.verification.tampered import Tampered


def checked_chain(
    seals: Iterable[Seal], *, previous: Seal | None, trusted: Collection[str]
) -> Iterator[SealDocument]:
    """Return what the seals say, each checked by itself and against the one before.

    Raises:
        Tampered: a seal is missing, altered, or not signed by a trusted key.
    """
    for seal in seals:
        number = previous.number + 1 if previous else 1
        if seal.number != number:
            raise Tampered(f"seal {number} is missing")
        said = checked(seal, trusted=trusted)
        if said.previous != (sha256(previous.document.encode()) if previous else ""):
            raise Tampered(f"seal {number} does not follow the seal before it, which was replaced")
        yield said
        previous = seal


def checked(seal: Seal, *, trusted: Collection[str]) -> SealDocument:
    """Return what a seal says.

    Raises:
        Tampered: it was altered, or is not signed by a trusted key.
    """
    try:
        said = read_document(seal.document)
    except SealUnreadable as error:
        raise Tampered(f"seal {seal.number} was altered: {error}") from error
    if said.key not in trusted:
        raise Tampered(f"seal {seal.number} is signed with a key that is not trusted: {said.key}")
    if not is_signed(document=seal.document.encode(), signature=seal.signature, key=said.key):
        raise Tampered(f"seal {seal.number} was altered: its signature does not fit")
    if said.number != seal.number:
        raise Tampered(f"seal {seal.number} was altered: it was sealed as number {said.number}")
    if said.sealed_at != seal.sealed_at:
        raise Tampered(f"seal {seal.number} was altered: it was made at {said.sealed_at}")
    return said
