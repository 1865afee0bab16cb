"""Secrets that are planted, and the search for them in all that comes out."""

import base64
import io
import secrets
import zipfile
from collections.abc import Iterator
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection


_TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""


class Planted:
    """The secrets that were planted, by where, and all that came out since."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.shown: list[tuple[str, bytes]] = []

    def plant(self, place: str) -> str:
        """Return a new secret for the place."""
        secret = self.secrets[place] = f"Planted{secrets.token_hex(12)}"
        return secret

    def look(self, where: str, answer: Any) -> Any:
        """Keep all of an answer; return it."""
        if hasattr(answer, "redirect_chain"):
            self.shown.append((where, str(answer.redirect_chain).encode()))
        self.shown.append((where, str(dict(answer.headers)).encode()))
        content = answer.getvalue()
        self.shown.append((where, content))
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                self.shown += [(where, packed.read(name)) for name in packed.namelist()]
        return answer

    def found(self) -> set[tuple[str, str]]:
        """Return which secret came out where, in itself or in a way of writing it."""
        return {
            (place, where)
            for place, secret in self.secrets.items()
            for where, content in self.shown
            if any(form in content for form in _forms(secret))
        }


def _forms(secret: str) -> list[bytes]:
    """Return how a text may have been written: as it is, in hexadecimal, in Base64."""
    raw = secret.encode()
    # Three ways, by where it begins; without what is next to it.
    encoded = [base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)]
    return [raw, raw.hex().encode(), *encoded]


def dump() -> Iterator[tuple[str, bytes]]:
    """Yield each table as text, and what sessions hold, which is packed."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for (table,) in cursor.fetchall():
            # A partition's rows are among those of its table.
            with cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as copied:  # noqa: S608
                yield table, b"".join(copied)
    for session in Session.objects.all():
        yield "a session", str(session.get_decoded()).encode()
