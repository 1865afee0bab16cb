"""Drafts: a previewed change on its way through the browser to being applied.

A draft is encrypted, because a change may hold secrets, and bound to its actor. It carries the
fingerprint of the plan that was shown, so that nothing else can be applied with it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User

from tasks.batch.change import Change
from tasks.secrets import SealBroken, seal_text, unseal_text


_VALID_FOR = timedelta(hours=1)


class DraftUnusable(Exception):
    """What came back is no draft of this actor's, or is too old."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A change, its targets and the fingerprint of the plan that was shown."""

    change: Change[Any]
    uids: Sequence[str]
    fingerprint: str

    def seal(self, *, actor: User) -> str:
        """Return the draft as text that only this installation can read."""
        content = {
            "actor": actor.pk,
            "kind": self.change.kind,
            "parameters": self.change.parameters(),
            "uids": list(self.uids),
            "fingerprint": self.fingerprint,
        }
        return seal_text(json.dumps(content))


def open_draft(sealed: str, *, actor: User) -> Draft:
    """Return the draft that was sealed for the actor.

    Raises:
        DraftUnusable: it is somebody else's, too old, or none.
    """
    try:
        content = json.loads(unseal_text(sealed, valid_for=_VALID_FOR))
    except SealBroken as error:
        raise DraftUnusable from error
    kind = Change.of_kind(content["kind"])
    if kind is None or content["actor"] != actor.pk:
        raise DraftUnusable
    return Draft(
        change=kind.from_parameters(content["parameters"]),
        uids=content["uids"],
        fingerprint=content["fingerprint"],
    )
