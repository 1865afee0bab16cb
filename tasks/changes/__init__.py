"""The changes of tasks themselves, each with its undo; loading this registers them all."""

from tasks.changes.enabled import RestoreEnabled, SetEnabled
from tasks.changes.places import changed_places, told_places
from tasks.changes.recycling import RecycleTasks, RestoreTasks
from tasks.changes.settings import RestoreSettings, UpdateSettings


__all__ = [
    "RecycleTasks",
    "RestoreEnabled",
    "RestoreSettings",
    "RestoreTasks",
    "SetEnabled",
    "UpdateSettings",
    "changed_places",
    "told_places",
]
