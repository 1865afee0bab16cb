"""Django's system checks of the trail."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from audit.append_only import altered_views, hollow_functions, missing_guards
from audit.proof.signing import KeyUnusable, trusted_keys


_HINT = (
    "Find out who changed it. `manage.py pgtrigger install` makes the triggers of models anew; the others,"
    " the functions and the views are in the SQL of the migrations."
)


def check_guards(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Report every trigger, function and view on which trust stands that is not in force.

    Nothing is said while migrations wait: they may be what brings the triggers.
    """
    messages: list[CheckMessage] = []
    for alias in databases or ():
        executor = MigrationExecutor(connections[alias])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            continue
        missing = (
            [
                f"{guard.table} is not guarded: the trigger {guard.name} is missing, disabled, or does"
                " not do what Bulkhead made it do."
                for guard in missing_guards(connections[alias])
            ]
            + [
                f"the function {name} is missing, or does not do what Bulkhead made it do."
                for name in hollow_functions(connections[alias])
            ]
            + [
                f"the view {name} is missing, or does not say what Bulkhead made it say."
                for name in altered_views(connections[alias])
            ]
        )
        messages += [Error(message, hint=_HINT, id="audit.E001") for message in missing]
    return messages


def check_seal_keys(**_: Any) -> list[CheckMessage]:
    """Report keys that cannot be used: nothing would be sealed, or verified."""
    try:
        trusted_keys()
    except KeyUnusable as error:
        return [Error(str(error), id="audit.E002")]
    return []
