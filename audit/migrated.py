"""The triggers, functions and views that migrations make by SQL, read from their files: what there must be.

Their files write triggers as the database repeats them, so that the two can be compared.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.db.migrations.loader import MigrationLoader


_FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\(.*?\$\$(.*?)\$\$", re.DOTALL)
_VIEW = re.compile(r"^CREATE VIEW (\w+) AS\n(.*?);$", re.DOTALL | re.MULTILINE)
_BODY = re.compile(r"\$\$.*?\$\$", re.DOTALL)
_TRIGGER = re.compile(
    r"CREATE (?:CONSTRAINT )?TRIGGER (\w+)\s[^;]*?\sON (\w+)\s[^;]*?EXECUTE FUNCTION (\w+)\([^;]*;"
)


class MadeTrigger(NamedTuple):
    """A trigger: its table, name and function, and the statement that makes it."""

    table: str
    name: str
    function: str
    definition: str


def made_functions() -> dict[str, str]:
    """Return the body of each function, as the last migration that makes it does."""
    return {name: body for text in _files() for name, body in _FUNCTION.findall(text)}


def made_triggers() -> list[MadeTrigger]:
    """Return the triggers that are no model's."""
    return [
        MadeTrigger(table, name, function, " ".join(found[0].split()).removesuffix(";"))
        for text in _files()
        for found in _TRIGGER.finditer(_BODY.sub("", text))
        for name, table, function in [found.groups()]
    ]


def made_views() -> dict[str, str]:
    """Return the query of each view."""
    return {name: query for text in _files() for name, query in _VIEW.findall(text)}


@cache
def _files() -> tuple[str, ...]:
    """Return the SQL of all migrations in the order in which they are applied."""
    return tuple(path.read_text() for path in _paths() if path.exists())


def _paths() -> Iterator[Path]:
    graph = MigrationLoader(None).graph
    ordered = dict.fromkeys(
        node for leaf in graph.leaf_nodes() for node in graph.forwards_plan(leaf)
    )
    for node in ordered:
        module = sys.modules[type(graph.nodes[node]).__module__]
        yield Path(str(module.__file__)).with_suffix(".sql")
