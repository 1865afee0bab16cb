"""Tasks with a history so old that it can be archived."""

from django.utils import timezone

from audit.months import history_models, open_months
from audit.proof.seals import seal_all
from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.audit.sealed import execute
from tests.batches import apply
from tests.conftest import Governed


SECRET = "planted-in-an-old-month"
HISTORY = Task.history.model
TABLE = HISTORY._meta.db_table


def make_old(governed: Governed) -> None:
    """Make tasks whose history began three years ago, and was changed since in two of them."""
    for model in history_models():
        numbers = [model._meta.db_table]
        execute("SELECT setval(pg_get_serial_sequence(%s, 'history_id'), 1)", numbers)
    uids = governed.add_tasks(3)
    patch = {"repository": {"branch": "old", "token": SECRET}}
    apply(governed.developer, UpdateSettings(patch=patch), uids[:2])
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    for model in history_models():
        table = model._meta.db_table
        execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        execute(f"UPDATE {table} SET history_date = now() - interval '3 years'")  # noqa: S608
        execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    execute("SET CONSTRAINTS ALL DEFERRED")
    seal_all()
    open_months(at=timezone.now())
    apply(governed.developer, UpdateSettings(patch={"repository": {"branch": "new"}}), uids[1:])
    seal_all()
    execute("SET CONSTRAINTS ALL IMMEDIATE")
