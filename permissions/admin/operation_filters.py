"""Filters of the list of operations by what permissions know: roles and flags."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from audit.admin.filters import FacetFilter, NarrowsChanges, register_operation_filter
from permissions.flags import BY_VENDOR_NAME, Flag
from permissions.models import Role


_FLAG = "flag"
_CODE = re.compile(r"-?[0-9]{1,9}")
# So many codes can have one name, in different projects.
_MOST_CODES = 200


class RoleFilter(FacetFilter):
    """What changed a role, its members, or a flag of it; with a flag, what changed that flag of it."""

    title = "role (name or code)"
    parameter_name = "role"

    def facets(self, request: HttpRequest, value: str) -> Sequence[str]:
        """Return the facets of the roles with this name or code."""
        flag = request.GET.get(_FLAG, "")
        ending = f"/{flag}" if flag in BY_VENDOR_NAME else ""
        return [f"role:{code}{ending}" for code in _codes(value)]

    def wanted(self, request: HttpRequest) -> Mapping[str, Any]:
        """Return the role, if all that are meant have one code."""
        del request
        found = _codes(self.asked)
        return {"role": found[0]} if len(found) == 1 else {}


def _codes(value: str) -> list[int]:
    """Return the codes of the roles that have, or had, the name or code."""
    named = Q(name__iexact=value)
    if _CODE.fullmatch(value):
        named |= Q(code=int(value))
    codes = Role.history.filter(named).order_by("code").values_list("code", flat=True)
    return list(codes.distinct()[:_MOST_CODES])


class FlagFilter(NarrowsChanges, DropdownFilter):  # type: ignore[misc]  # the theme has no types
    """What gave or took a flag."""

    title = "flag"
    parameter_name = _FLAG

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the flags."""
        del request, model_admin
        return [(flag.vendor_name, flag.label) for flag in Flag]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the operations that changed the flag of any role."""
        del request
        flag = self.value()
        return queryset.filter(facets__contains=[f"flag:{flag}"]) if flag else queryset

    def wanted(self, request: HttpRequest) -> Mapping[str, Any]:
        """Return the flag."""
        del request
        return {"flag": self.asked} if self.asked in BY_VENDOR_NAME else {}


register_operation_filter(RoleFilter)
register_operation_filter(FlagFilter)
