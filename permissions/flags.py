"""The seven flags of a role on a task, and the Django permission that each stands for.

Names are the vendor's (CodeArts Build, `permissions[]` of POST /v1/job/permissions/batch); the order is
the one in which screens show them. A set of flags is an integer with one bit per flag.
"""

from collections.abc import Iterable
from enum import Enum


class Flag(Enum):
    """One right of a role on a task: the vendor's name, the permission's codename, bit and label."""

    VIEW = ("is_view", "view_task", 1, "View")
    MODIFY = ("is_modify", "change_task", 2, "Modify")
    DELETE = ("is_delete", "delete_task", 4, "Delete")
    EXECUTE = ("is_execute", "execute_task", 8, "Execute")
    COPY = ("is_copy", "copy_task", 16, "Copy")
    DISABLE = ("is_forbidden", "disable_task", 32, "Disable")
    MANAGE = ("is_manager", "manage_task", 64, "Manage")

    def __init__(self, vendor_name: str, codename: str, bit: int, label: str) -> None:
        self.vendor_name = vendor_name
        self.codename = codename
        self.bit = bit
        self.label = label


NONE = 0
ALL = sum(flag.bit for flag in Flag)

BY_VENDOR_NAME = {flag.vendor_name: flag for flag in Flag}
BY_CODENAME = {flag.codename: flag for flag in Flag}


def bits_of(flags: Iterable[Flag]) -> int:
    """Return the flags as one integer."""
    return sum(flag.bit for flag in set(flags))


def flags_in(bits: int) -> list[Flag]:
    """Return the flags of an integer, in the order of the screens."""
    return [flag for flag in Flag if bits & flag.bit]


def codenames_in(bits: int) -> frozenset[str]:
    """Return the permission codenames of an integer."""
    return frozenset(flag.codename for flag in flags_in(bits))


def vendor_names(bits: int) -> list[str]:
    """Return the vendor's names of the flags of an integer, in the order of the screens."""
    return [flag.vendor_name for flag in flags_in(bits)]
