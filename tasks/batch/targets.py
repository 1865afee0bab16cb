"""Task ids as callers give them."""

import re
from collections.abc import Sequence

from django.conf import settings

from tasks.batch.errors import BadTargetIds, TooManyTargets


_UID = re.compile(r"[0-9a-fA-F]{24}|[0-9a-fA-F]{32}")


def parse_uids(given: Sequence[str]) -> list[str]:
    """Return the ids in lower case, each once, in the order given.

    Raises:
        TooManyTargets: more distinct or repeated ids than `BULKHEAD_MAX_TARGETS`.
        BadTargetIds: naming every one that is no id.
    """
    if len(given) > settings.BULKHEAD_MAX_TARGETS:
        raise TooManyTargets(given=len(given), limit=settings.BULKHEAD_MAX_TARGETS)
    bad = [uid for uid in given if not _UID.fullmatch(uid)]
    if bad:
        raise BadTargetIds(uids=bad)
    return list(dict.fromkeys(uid.lower() for uid in given))
