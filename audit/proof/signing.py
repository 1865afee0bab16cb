"""The key that signs seals, and the keys whose seals are believed.

A private key is 32 random bytes in base64 (`openssl rand -base64 32`), a public key 64 hex digits.
"""

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings


_LENGTH = 32


class KeyUnusable(Exception):
    """What should be a key is none."""


@dataclass(frozen=True)
class SealKey:
    """A private key; what it is does not show in its representation."""

    _private: Ed25519PrivateKey

    @cached_property
    def public(self) -> str:
        """Return the public key, in hex."""
        return self._private.public_key().public_bytes_raw().hex()

    def sign(self, document: bytes) -> str:
        """Return the Ed25519 signature, in hex."""
        return self._private.sign(document).hex()


def seal_key() -> SealKey:
    """Return the key that signs.

    Raises:
        KeyUnusable: `BULKHEAD_SEAL_KEY` is none.
    """
    try:
        private = base64.b64decode(settings.BULKHEAD_SEAL_KEY, validate=True)
    except binascii.Error:
        private = b""
    if len(private) != _LENGTH:
        raise KeyUnusable("BULKHEAD_SEAL_KEY must be 32 bytes in base64: openssl rand -base64 32")
    return SealKey(Ed25519PrivateKey.from_private_bytes(private))


def trusted_keys(*, given: Collection[str] = ()) -> frozenset[str]:
    """Return the public keys whose seals are believed: those given, else the present and former ones.

    Raises:
        KeyUnusable: one is none.
    """
    keys = given or [seal_key().public, *settings.BULKHEAD_FORMER_SEAL_KEYS]
    for key in keys:
        _public_key(key)
    return frozenset(keys)


def is_signed(*, document: bytes, signature: str, key: str) -> bool:
    """Return whether the key signed the document, and the signature is written as it was made."""
    try:
        signed = bytes.fromhex(signature)
        _public_key(key).verify(signed, document)
    except (InvalidSignature, ValueError):
        return False
    return signed.hex() == signature


def _public_key(key: str) -> Ed25519PublicKey:
    """Return the key that these hex digits stand for.

    Raises:
        KeyUnusable: they stand for none.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except ValueError as error:
        raise KeyUnusable(f"{key!r} is no public key of 64 hex digits") from error
