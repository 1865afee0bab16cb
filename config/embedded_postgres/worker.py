"""The background worker's own connections, which start the embedded PostgreSQL as Django's do."""

from django.db import connections
from procrastinate import App
from procrastinate.connector import BaseAsyncConnector
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.settings import settings
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from config.embedded_postgres.base import DatabaseWrapper, cluster_of


# As many as the pool would have had by itself.
_MOST_CONNECTIONS = 4


class ReconnectingConnector(DjangoConnector):
    """Gives the worker a pool that starts the server when it replaces a connection."""

    def get_worker_connector(self) -> BaseAsyncConnector:
        """Return the worker's connector, to an embedded server or any other."""
        database = connections[self.alias]
        if not isinstance(database, DatabaseWrapper):
            return super().get_worker_connector()
        cluster = cluster_of(database.settings_dict)
        return PsycopgConnector(
            conninfo=cluster.conninfo,
            kwargs=connector_params(self.alias),
            # Of lost connections the pool replaces one after the other, and waits longer each time.
            min_size=1,
            max_size=_MOST_CONNECTIONS,
        )


def reconnect(app: App) -> None:
    """Let the app's worker outlive a server that dies."""
    connector = ReconnectingConnector(alias=settings.DATABASE_ALIAS)
    app.connector = app.job_manager.connector = connector
