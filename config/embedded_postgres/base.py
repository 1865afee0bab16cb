"""Django's PostgreSQL engine, on a cluster that it starts itself.

`DATABASES["default"]["EMBEDDED"]` may say in which folder of DATA_DIR the cluster is, and that it
need not survive a crash of the machine: `{"folder": "postgres-test", "durable": False}`.
"""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base, client
from psycopg_pool import ConnectionPool

from config.embedded_postgres.cluster import PORT, ROLE, Cluster


def cluster_of(settings_dict: dict[str, Any]) -> Cluster:
    """Return the cluster that these database settings name."""
    options = settings_dict.get("EMBEDDED", {})
    path = Path(settings.DATA_DIR, options.get("folder", "postgres"))
    return _cluster(path, options.get("durable", True))


@cache
def _cluster(path: Path, durable: bool) -> Cluster:  # noqa: FBT001 -- a cache is asked by position
    return Cluster(path=path, durable=durable)


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell`, with the cluster's own psql."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        """Start the server, and return psql's command line for it."""
        cluster = cluster_of(settings_dict)
        cluster.ensure()
        address = {"HOST": str(cluster.socket_folder), "PORT": PORT, "USER": ROLE}
        command, environment = super().settings_to_cmd_args_env(
            {**settings_dict, **address}, parameters
        )
        return [cluster.program("psql"), *command[1:]], environment


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the embedded PostgreSQL, which runs while any process asks for one."""

    client_class = DatabaseClient
    # The server that each pool is connected to; the pools, too, belong to the class.
    _servers: ClassVar[dict[str, str]] = {}

    def get_connection_params(self) -> dict[str, Any]:
        """Start the server, and return how to connect to it: for Django, its pool and others."""
        cluster = cluster_of(self.settings_dict)
        cluster.ensure()
        address = {"host": str(cluster.socket_folder), "port": PORT, "user": ROLE}
        return {**super().get_connection_params(), **address}

    @property
    def pool(self) -> ConnectionPool[Any] | None:
        """Return the pool, made such that it starts the server when it replaces a connection."""
        pool: ConnectionPool[Any] | None = super().pool
        if pool is not None:
            pool.conninfo = cluster_of(self.settings_dict).conninfo
        return pool

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """Connect; if that fails because the server has died, start it and try once more."""
        connect: Callable[[dict[str, Any]], psycopg.Connection[Any]] = super().get_new_connection
        if (pool := self.pool) is not None:
            self._discard_lost_connections(pool)
            return connect(conn_params)
        try:
            return connect(conn_params)
        except psycopg.OperationalError:
            cluster_of(self.settings_dict).start()
            return connect(conn_params)

    def _discard_lost_connections(self, pool: ConnectionPool[Any]) -> None:
        """Replace the connections to a former server at once, not each after a longer wait."""
        server = cluster_of(self.settings_dict).server()
        if self._servers.setdefault(self.alias, server) != server:
            self._servers[self.alias] = server
            pool.check()
