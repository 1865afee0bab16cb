"""The changes of permissions, and those that need to know them, each with its undo.

Those of a project's own matrix are no batches of tasks: `permissions.project_pipeline` applies them.
"""

from permissions.changes.copies import CopyTasks, RecycleCopies, uid_of_copy
from permissions.changes.matrices import NamedFlags, RestorePermissions, SetPermissions
from permissions.changes.project_matrix import RestoreProjectMatrix, SetProjectMatrix


__all__ = [
    "CopyTasks",
    "NamedFlags",
    "RecycleCopies",
    "RestorePermissions",
    "RestoreProjectMatrix",
    "SetPermissions",
    "SetProjectMatrix",
    "uid_of_copy",
]
