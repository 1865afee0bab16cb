"""The changes of tasks themselves, each with its undo; loading this registers them all."""

from tasks.changes.enabled import RestoreEnabled, SetEnabled
from tasks.changes.settings import RestoreSettings, UpdateSettings, changed_places


__all__ = ["RestoreEnabled", "RestoreSettings", "SetEnabled", "UpdateSettings", "changed_places"]
