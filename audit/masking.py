"""What is never shown: secrets, and the references that stand for them.

Documents hold references in place of secrets. Whatever looks like one is masked wherever it is
shown, and so is whatever stands at a place that is known to hold a secret.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any


Place = tuple[str, ...]

_REFERENCE = re.compile(r"secret:[0-9a-f]{32}")


class Masked(str):
    """Stands where a secret is: says that there is one, and nothing else."""

    __slots__ = ()


MASK = Masked("secret, set")
# What programs are told in its place.
SECRET: Mapping[str, bool] = {"secret": True}


def masked(document: Any, *, secrets: Collection[Place] = (), mask: Any = MASK) -> Any:
    """Return the document without its secrets: at the given places, and wherever one is named."""
    return _masked(document, (), frozenset(secrets), mask)


def names_secret(document: Any) -> bool:
    """Return whether a secret's reference stands anywhere in the document."""
    if isinstance(document, str):
        return "secret:" in document and _REFERENCE.search(document) is not None
    if isinstance(document, dict):
        return any(map(names_secret, document.values()))
    return isinstance(document, list) and any(map(names_secret, document))


def _masked(document: Any, place: Place, secrets: frozenset[Place], mask: Any) -> Any:
    if document is not None and place in secrets:
        return mask
    if isinstance(document, dict):
        return {
            key: _masked(value, (*place, str(key)), secrets, mask)
            for key, value in document.items()
        }
    if isinstance(document, list):
        return [
            _masked(value, (*place, str(at)), secrets, mask) for at, value in enumerate(document)
        ]
    if isinstance(document, str) and _REFERENCE.search(document):
        return mask
    return document
