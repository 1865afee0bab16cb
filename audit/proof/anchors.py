"""Anchoring: the newest seal is sent to another system, where this database's owner has no say.

What is sent is a checkpoint as `audit.proof.checkpoints` writes it into files, so that whoever keeps the
body of a request can hand it to `manage.py verify_audit --checkpoint` as it is.
"""

import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from django.conf import settings

from audit.models import Seal
from audit.proof.checkpoints import checkpoint_text
from audit.proof.seal_documents import newest_seal


# Enough for a slow system, and short enough that what waits for the worker hardly notices.
_SECONDS = 5
_READ_AT_MOST = 1024


class NotAnchored(Exception):
    """The other system did not take the checkpoint."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follow nobody: a checkpoint goes where the settings say and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse; what asked for it becomes an error."""


def anchor_newest() -> int | None:
    """Send the newest seal to `BULKHEAD_SEAL_WEBHOOK`; return its number, None if there is none.

    Raises:
        NotAnchored: it was not taken.
    """
    seal = newest_seal()
    if seal is None:
        return None
    request = urllib.request.Request(  # noqa: S310 - the settings take https and loopback alone
        settings.BULKHEAD_SEAL_WEBHOOK,
        data=checkpoint_text(seal).encode(),
        headers=_headers(seal),
        method="POST",
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=_SECONDS) as answer:
            answer.read(_READ_AT_MOST)
    except HTTPError as error:
        with error:
            raise NotAnchored(f"seal {seal.number}: {error}") from error
    except (OSError, HTTPException) as error:
        raise NotAnchored(f"seal {seal.number}: {error}") from error
    return seal.number


def _headers(seal: Seal) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Bulkhead",
        "X-Bulkhead-Seal": str(seal.number),
    }
    if settings.BULKHEAD_SEAL_WEBHOOK_TOKEN:
        headers["Authorization"] = f"Bearer {settings.BULKHEAD_SEAL_WEBHOOK_TOKEN}"
    return headers
