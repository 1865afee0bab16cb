"""Filters of the list of operations."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, RangeDateTimeFilter, TextFilter
from unfold.utils import parse_datetime_str

from audit.address import parse_address
from audit.admin.requests import actor_of
from audit.channels import By, came_through, done_by
from audit.models import Channel, Operation
from audit.titles import title_of
from audit.trail import with_words
from audit.visibility import may_audit, visible_operations


# The kinds that are offered are those of so many latest operations.
_LOOKED_AT = 5_000


class KindFilter(DropdownFilter):  # type: ignore[misc]  # the theme has no types
    """What kind of operation."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the kinds that occur."""
        del model_admin
        latest = visible_operations(actor=actor_of(request)).order_by("-created_at")
        kinds = Operation.objects.filter(pk__in=latest.values("pk")[:_LOOKED_AT])
        names = kinds.order_by("kind").values_list("kind", flat=True).distinct()
        return sorted(((kind, title_of(kind)) for kind in names), key=lambda each: each[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the operations of the chosen kind."""
        del request
        return queryset.filter(kind=self.value()) if self.value() else queryset


class ActorFilter(TextFilter):  # type: ignore[misc]  # the theme has no types
    """Whose operation; of use to auditors alone, since others see only their own."""

    title = "actor"
    parameter_name = "actor"

    def has_output(self) -> bool:
        """Show the filter to auditors."""
        return may_audit(actor=actor_of(self.request))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the operations of the user with exactly this name."""
        del request
        if not self.value():
            return queryset
        return queryset.filter(actor_name=self.value())


class ByFilter(DropdownFilter):  # type: ignore[misc]  # the theme has no types
    """People apart from automation."""

    title = "people or programs"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return who there is."""
        del request, model_admin
        return [
            (By.PEOPLE, "People, in the admin"),
            (By.AUTOMATION, "Programs: tokens and the command line"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what they did."""
        del request
        by = self.value()
        if not by:
            return queryset
        return queryset.filter(done_by(by)) if by in list(By) else queryset.none()


class ChannelFilter(DropdownFilter):  # type: ignore[misc]  # the theme has no types
    """Where it came in, or what carried it out."""

    title = "channel"
    parameter_name = "channel__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the channels."""
        del request, model_admin
        return [(value, str(label)) for value, label in Channel.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what came in there."""
        del request
        return queryset.filter(came_through(self.value())) if self.value() else queryset


class NarrowsChanges:
    """A filter that also tells apart what a listed operation changed: for exports of the list."""

    value: Callable[[], str | None]

    @property
    def asked(self) -> str:
        """What was typed; PostgreSQL stores no U+0000."""
        return (self.value() or "").replace("\0", "").strip()

    def wanted(self, request: HttpRequest) -> Mapping[str, Any]:
        """Return what each change must be about, as fields of `audit.trail.Filter`; none if it is open."""
        raise NotImplementedError


class FacetFilter(NarrowsChanges, TextFilter):  # type: ignore[misc]  # the theme has no types
    """What operations are found by besides their own columns; each app knows its own facets."""

    def facets(self, request: HttpRequest, value: str) -> Sequence[str]:
        """Return the facets of which an operation must have at least one."""
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the operations that have one of the facets; without any there are none."""
        if not self.asked:
            return queryset
        facets = list(self.facets(request, self.asked))
        return queryset.filter(facets__overlap=facets) if facets else queryset.none()


_added: list[type[Any]] = []


def register_operation_filter(added: type[Any]) -> None:
    """Add a filter to the list of operations, behind those that are there."""
    _added.append(added)


def added_operation_filters() -> Sequence[type[Any]]:
    """Return the filters that apps have added to the list of operations."""
    return tuple(_added)


# Finds what a search for a term means to an app; None where it means nothing.
Search = Callable[[HttpRequest, QuerySet[Any], str], QuerySet[Any] | None]

_searches: list[Search] = []


def register_operation_search(search: Search) -> None:
    """Let operations be searched for by what an app knows, such as the id of a task."""
    _searches.append(search)


def search_operations(request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
    """Return what a term finds: an id of anything, an address, or else the beginnings of words."""
    for search in _searches:
        found = search(request, queryset, term)
        if found is not None:
            return found
    try:
        return queryset.filter(Q(pk=UUID(term)) | Q(request_id=term))
    except ValueError:
        of_request = queryset.filter(request_id=term)
    if term and of_request.exists():
        return of_request
    try:
        return queryset.filter(address=str(parse_address(term)))
    except ValueError:
        return with_words(queryset, term)


class PeriodFilter(RangeDateTimeFilter):  # type: ignore[misc]  # the theme has no types
    """What happened between two times in UTC, all of the last second; a date alone means that day."""

    def __init__(self, field: Any, *args: Any, **more: Any) -> None:
        super().__init__(field, *args, **more)
        self.title = f"{field.verbose_name} (UTC)"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what lies in the period: nothing, if a bound is no time.

        What the list shows may be chosen as a whole, so no bound is passed over unheard.
        """
        del request
        for end, lookup, whole_day in (("from", "gte", "00:00:00"), ("to", "lte", "23:59:59")):
            day = self.used_parameters.get(f"{self.field_path}_{end}_0")
            clock = self.used_parameters.get(f"{self.field_path}_{end}_1")
            if not (day or clock):
                continue
            bound = parse_datetime_str(f"{day} {clock or whole_day}")
            if bound is None:
                return queryset.none()
            bound = bound.replace(tzinfo=UTC, microsecond=999_999 if end == "to" else 0)
            queryset = queryset.filter(**{f"{self.field_path}__{lookup}": bound})
        return queryset
