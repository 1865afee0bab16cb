"""The changes of tasks' permissions, and those that need to know them, each with its undo."""

from permissions.changes.copies import CopyTasks, RecycleCopies, uid_of_copy
from permissions.changes.matrices import RestorePermissions, SetPermissions


__all__ = ["CopyTasks", "RecycleCopies", "RestorePermissions", "SetPermissions", "uid_of_copy"]
