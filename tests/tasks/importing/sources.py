"""Files in memory, as readers take them."""

import io
import json
from collections.abc import Iterable
from typing import Any

from tasks.importing.records import Source


def source(
    content: str | bytes,
    *,
    given: Iterable[str] = ("project", "type"),
    notes: list[str] | None = None,
) -> Source:
    """Return a file with this content; what is noted is appended to `notes`."""
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    note = notes.append if notes is not None else refuse_note
    return Source(file=file, given=frozenset(given), note=note)


def refuse_note(text: str) -> None:
    raise AssertionError(text)


def codearts_page(*rows: Any, total: int | None = None, status: str = "success") -> str:
    """Return a page as GET /v1/job/list of CodeArts Build answers it."""
    result = {"job_list": list(rows), "total": len(rows) if total is None else total}
    return json.dumps({"result": result, "status": status})
