"""Filters of the list of operations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter, RangeDateTimeFilter, TextFilter
from unfold.utils import parse_datetime_str

from audit.address import parse_address
from audit.admin.requests import actor_of, typed
from audit.models import Channel, Operation
from audit.titles import title_of
from audit.trail.channels import By, came_through, done_by
from audit.trail.reader import with_words
from audit.visibility import may_audit, visible_operations


# The kinds that are offered are those of so many latest operations.
_LOOKED_AT = 5_000
# The first and the last second of a day.
_WHOLE_DAY = {"from": "00:00:00", "to": "23:59:59"}


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
        """What was typed."""
        return typed(self.value())

    def wanted(self, request: HttpRequest) -> Mapping[str, Any]:
        """Return what each change must be about, as fields of `Filter`; none if it is open."""
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


def filters_in_words(listed: Any) -> list[tuple[str, str]]:
    """Return what a list was asked for, each filter by its title, and the search."""
    told = [
        # How a filter may be filled in helps nobody any more.
        (str(each.title).partition(" (")[0], _value_in_words(each))
        for each in listed.filter_specs
    ]
    searched = [("search", listed.query)] if listed.query else []
    return [*searched, *(each for each in told if each[1])]


def _value_in_words(spec: Any) -> str:
    if isinstance(spec, PeriodFilter):
        return spec.told()
    field = getattr(spec, "field", None)
    labels = dict(field.flatchoices if field else getattr(spec, "lookup_choices", ()))
    values = spec.used_parameters.values()
    every = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return ", ".join(str(labels.get(each, each)) for each in every if each)


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

    used_parameters: dict[str, Any]

    def __init__(self, field: Any, *args: Any, **more: Any) -> None:
        super().__init__(field, *args, **more)
        called = "time" if field.name == "created_at" else field.verbose_name
        self.title = f"{called} (UTC)"

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Fill in the times that a date alone means: to the form, a date without one is a mistake."""
        asked = self.used_parameters
        times = {f"{self.field_path}_{end}": clock for end, clock in _WHOLE_DAY.items()}
        whole = {f"{name}_1": clock for name, clock in times.items() if asked.get(f"{name}_0")}
        self.used_parameters = whole | {name: value for name, value in asked.items() if value}
        yield from super().choices(changelist)
        self.used_parameters = asked

    def told(self) -> str:
        """Return the period in words, as far as one was asked for."""
        bounds = (
            (word, *(self.used_parameters.get(f"{self.field_path}_{word}_{part}") for part in "01"))
            for word in ("from", "to")
        )
        told = [" ".join(filter(None, bound)) for bound in bounds if any(bound[1:])]
        return f"{' '.join(told)} UTC" if told else ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what lies in the period: nothing, if a bound is no time.

        What the list shows may be chosen as a whole, so no bound is passed over unheard.
        """
        del request
        for end, lookup in (("from", "gte"), ("to", "lte")):
            day = self.used_parameters.get(f"{self.field_path}_{end}_0")
            clock = self.used_parameters.get(f"{self.field_path}_{end}_1")
            if not (day or clock):
                continue
            bound = parse_datetime_str(f"{day} {clock or _WHOLE_DAY[end]}")
            if bound is None:
                return queryset.none()
            bound = bound.replace(tzinfo=UTC, microsecond=999_999 if end == "to" else 0)
            queryset = queryset.filter(**{f"{self.field_path}__{lookup}": bound})
        return queryset
