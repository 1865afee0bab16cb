"""Secrets made on first use and kept beside the data, readable by their owner only."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def read_or_create(*, path: Path, make: Callable[[], str]) -> str:
    """Return the secret in this file, made now if there is none.

    Many processes may ask at once: the file appears whole under its name, and the first one wins.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(make() + "\n")
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
    return path.read_text().strip()
