"""Which PostgreSQL to use: the one that DATABASE_URL names, else the embedded one."""

import sys
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured


_POSTGRESQL = "django.db.backends.postgresql"
_EMBEDDED: dict[str, Any] = {"ENGINE": "config.embedded_postgres", "NAME": "bulkhead"}


def database(*, url: str, pool: int) -> dict[str, Any]:
    """Describe the database at this address, with a pool of this size (0: no pool).

    Raises:
        ImproperlyConfigured: The address is of another database system.
    """
    settings: dict[str, Any] = dict(dj_database_url.parse(url)) if url else _EMBEDDED
    if url and settings["ENGINE"] != _POSTGRESQL:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql://")
    # Most statements here take longer to plan than to run; a connection keeps the plan of a
    # statement that it has seen twice, which needs parameters to travel apart from the statement.
    options = {
        "application_name": _program(),
        "server_side_binding": True,
        "prepare_threshold": 2,
        **settings.get("OPTIONS", {}),
    }
    if pool:
        options["pool"] = {"min_size": 1, "max_size": pool, "timeout": 10}
    # A connection may have died with its server: ask before use, and reconnect.
    return {**settings, "OPTIONS": options, "CONN_HEALTH_CHECKS": True}


def _program() -> str:
    """Return what the server, and an operation from outside the application, calls this process."""
    path, *arguments = sys.argv or [""]
    if (name := Path(path).name) == "manage.py":
        return " ".join([name, *arguments[:1]])
    return Path(path).parent.name if name == "__main__.py" else name
