"""What all pages of the admin have in common: seen by rows, changed by nobody unless said so.

Rights that Django gives on a model as a whole open no page: what a visitor sees is what the page's
`visible` returns, and a page that changes something says who may.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from audit.admin.paginator import BoundedChangeList, BoundedPaginator
from audit.admin.panels import pages_of, panels_of
from audit.admin.requests import actor_of, typed


if TYPE_CHECKING:
    from django.contrib import admin

    ModelAdmin = admin.ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin

# What the theme's filters of a field ask by: its value, a related key, a time between two others.
_FILTER_ENDINGS = (
    "",
    "__exact",
    "__id__exact",
    "__isnull",
    "_from_0",
    "_from_1",
    "_to_0",
    "_to_1",
)


_NOT_UNDERSTOOD = (
    "The address asked this list for a filter, a value or a page that it does not know."
    " It is shown without any filter."
)


class ListNotUnderstood(Exception):
    """An address asks a list for a filter, a value or a page that it does not know."""


class Unlogged(ModelAdmin):
    """Keeps no log of Django's beside the operations."""

    def construct_change_message(self, *_: Any, **__: Any) -> list[Any]:
        """Describe nothing for the log that is not kept."""
        return []

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Keep no second log: the operation says it all."""

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Keep no second log: the operation says it all."""


class ReadOnly(Unlogged):
    """Seen by all staff, row by row; written by nobody."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the page to all staff; its rows are what is guarded."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let all staff see the rows that `visible` gives them."""
        del obj
        return actor_of(request).is_active

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let nobody add."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let nobody change."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let nobody delete."""
        del request, obj
        return False


class BaseAdmin(ReadOnly):
    """Lists that stay fast, search by beginnings, no deletion, no second log beside the operations.

    `empty` says why a list may be empty. Django's own actions are off: what is done to many tasks
    has a preview.
    """

    actions = None
    paginator = BoundedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_filter_submit = True
    view_on_site = False
    empty: ClassVar[str] = "There is nothing here."
    has_history: ClassVar[bool] = False
    # Where what is found here stands among what is found on other pages: the lowest first.
    rank: ClassVar[int] = 9

    def named(self, found: Any) -> str:
        """Return what an object is called where it is found by its name."""
        return str(found)

    def told_apart(self, found: Any) -> str:
        """Return what tells an object from others of its name."""
        del found
        return ""

    def visible(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows that the visitor may see: none, unless a page says which."""
        del request
        rows: QuerySet[Any] = self.model._default_manager.none()
        return rows

    @property
    def address_name(self) -> str:
        """What the names of the addresses of its pages begin with, as Django gives them."""
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def get_urls(self) -> list[URLPattern]:
        """Answer also at the pages that apps have added about one object."""
        further = [
            path(
                f"<path:object_id>/{page.path}/",
                self.admin_site.admin_view(partial(page.view, self)),
                name=f"{self.address_name}_{page.path.replace('/', '_')}",
            )
            for page in pages_of(model=self.model)
        ]
        own: list[URLPattern] = super().get_urls()
        return further + own

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, which the browser's tab calls by what it lists."""
        named = {"title": capfirst(self.opts.verbose_name_plural), **(extra_context or {})}
        try:
            shown: HttpResponse = super().changelist_view(request, named)
        except ListNotUnderstood:
            return self.back_to_list(request)
        return shown

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list that the address asks for.

        Raises:
            ListNotUnderstood: it asks for what the list does not know.
        """
        try:
            return super().get_changelist_instance(request)
        except (IncorrectLookupParameters, DisallowedModelAdminLookup) as error:
            raise ListNotUnderstood from error

    def render(
        self, request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
    ) -> TemplateResponse:
        """Answer with a page of the site beside those of Django's."""
        common = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, template, {**common, **context}, status=status)

    def back_to_list(self, request: HttpRequest) -> HttpResponseRedirect:
        """Lead to the list, and say why it is not what the address asked for."""
        messages.warning(request, _NOT_UNDERSTOOD)
        return HttpResponseRedirect(reverse(f"admin:{self.address_name}_changelist"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the visible rows in the page's order."""
        return self.visible(request).order_by(*self.get_ordering(request))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the filters' own lookups; any other would answer about what is not shown."""
        del value
        for each in self.get_list_filter(request) if request else self.list_filter:
            if isinstance(each, type):
                name: str = each.parameter_name  # type: ignore[attr-defined]  # all of ours have one
                allowed = set(getattr(each, "parameter_names", (name,)))
            else:
                field = each[0] if isinstance(each, tuple) else each
                allowed = {f"{field}{ending}" for ending in _FILTER_ENDINGS}
            if lookup in allowed:
                return True
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the rows of which one of `search_fields` fits the whole term."""
        term = typed(search_term)
        if not term:
            return queryset, False
        fits = Q()
        for lookup in self.get_search_fields(request):
            fits |= Q(**{lookup: term})
        return queryset.filter(fits), False

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,  # noqa: FBT001, FBT002  # Django calls it so
        change: bool = False,  # noqa: FBT001, FBT002
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        """Show the object, and below it the panels that apps have added to its page."""
        context["show_history"] = self.has_history
        context["panels"] = panels_of(request=request, shown=obj) if obj else []
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        """Use lists that speak of how many there are only when some are left out."""
        del request
        return BoundedChangeList

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponseRedirect:
        """Say what is true of a missing and of a hidden object alike: nothing here is deleted."""
        del object_id
        messages.warning(request, f"There is no such {opts.verbose_name}, or you may not see it.")
        return HttpResponseRedirect(reverse("admin:index"))

    def history_view(self, *_: Any, **__: Any) -> HttpResponse:
        """Refuse: Django's own log is not kept.

        Raises:
            Http404: always.
        """
        raise Http404
