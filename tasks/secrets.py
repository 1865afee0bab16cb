"""Secrets in settings: encrypted in one table, named everywhere else by a reference.

The reference is random: equal secrets have different references, so nobody can test a guess.
Keys are derived from `SECRET_KEY` and `SECRET_KEY_FALLBACKS`, so a rotated key still opens old
ones.
"""

import base64
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.crypto import salted_hmac

from tasks.models import Secret
from tasks.schemas import REFERENCE_PREFIX, Pointer
from tasks.setting_places import setting_at, with_value


class Extracted(NamedTuple):
    """A document with references in place of secrets; both are told by the place they stand at."""

    document: Any
    references: Mapping[Pointer, str]
    values: Mapping[Pointer, str]

    @property
    def to_store(self) -> dict[str, str]:
        """The raw values under the references that the document holds."""
        return {self.references[place]: value for place, value in self.values.items()}


# One key per purpose, so that what was sealed for one opens for no other.
_STORED = b"bulkhead settings secrets"
_CARRIED = b"bulkhead carried texts"


def new_reference() -> str:
    """Return a fresh reference."""
    return REFERENCE_PREFIX + secrets.token_hex(16)


def extract_secrets(document: Any, *, places: Iterable[Pointer]) -> Extracted:
    """Put a fresh reference in place of every string that stands at one of the secret places."""
    values = {
        place: value for place in places if isinstance(value := setting_at(document, place), str)
    }
    references = {place: new_reference() for place in values}
    for place, reference in references.items():
        document = with_value(document, place, reference)
    return Extracted(document, references, values)


def store_secrets(values: Mapping[str, str]) -> None:
    """Encrypt and store raw values under their references, in one statement."""
    box = _box_for(_STORED)
    Secret.objects.bulk_create(
        Secret(reference=reference, sealed=box.encrypt(value.encode()))
        for reference, value in values.items()
    )


def reveal_secret(reference: str) -> str:
    """Return the raw value, for the runner of the task alone.

    Raises:
        Secret.DoesNotExist: the reference names nothing.
        cryptography.fernet.InvalidToken: no present key opens it.
    """
    return _box_for(_STORED).decrypt(bytes(Secret.objects.get(pk=reference).sealed)).decode()


class SealBroken(Exception):
    """The text was not sealed here, or too long ago."""


def seal_text(text: str) -> str:
    """Return the text encrypted, for what must leave the server and come back unread."""
    return _box_for(_CARRIED).encrypt(text.encode()).decode()


def unseal_text(sealed: str, *, valid_for: timedelta) -> str:
    """Return what was sealed.

    Raises:
        SealBroken: it was not sealed here, or not within `valid_for`.
    """
    try:
        opened = _box_for(_CARRIED).decrypt(sealed.encode(), ttl=int(valid_for.total_seconds()))
    except InvalidToken as error:
        raise SealBroken from error
    return opened.decode()


def keyed_digest(*, purpose: str, content: bytes) -> str:
    """Return a digest that only this installation can compute, so that it betrays no guess."""
    return salted_hmac(f"bulkhead.{purpose}", content, algorithm="sha256").hexdigest()


def _box_for(purpose: bytes) -> MultiFernet:
    return _box(purpose, settings.SECRET_KEY, tuple(settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def _box(purpose: bytes, key: str, fallbacks: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([_fernet(purpose, secret) for secret in (key, *fallbacks)])


def _fernet(purpose: bytes, secret: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose)
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))
