"""Pages of lists that may be very long."""

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from django.core.paginator import Paginator
from django.http import HttpRequest
from unfold.views import ChangeList


if TYPE_CHECKING:
    from django.db.models import QuerySet

# Nobody pages through more; whoever looks for a row filters or searches.
BOUND = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs alone
    """Counts up to a bound, so that opening a list costs the same however long the list is."""

    template_name = "admin/pagination_bounded.html"
    bound = BOUND

    @cached_property
    def counted(self) -> int:
        """The number of rows, or one more than the bound."""
        return self._rows[: self.bound + 1].count()

    @property
    def is_bounded(self) -> bool:
        """Whether there are more rows than pages."""
        return self.counted > self.bound

    @property
    def count(self) -> int:
        """The number of rows on all pages."""
        return min(self.counted, self.bound)

    @property
    def _rows(self) -> "QuerySet[Any]":
        return cast("QuerySet[Any]", self.object_list).order_by()


class EstimatingPaginator(BoundedPaginator):
    """Reads the keys of all rows that it counts at once, and knows about how many more there are."""

    @cached_property
    def keys(self) -> list[Any]:
        """The keys of the rows in their order, up to one more than the bound."""
        rows = cast("QuerySet[Any]", self.object_list)
        return list(rows.values_list("pk", flat=True)[: self.bound + 1])

    @cached_property
    def counted(self) -> int:
        """The number of rows, or one more than the bound."""
        # Asked in any case, so that the number of statements does not depend on that of the rows.
        self.estimate  # noqa: B018
        return len(self.keys)

    @cached_property
    def estimate(self) -> int:
        """The number of rows that the database expects, rounded; 0 if it is no more than the bound."""
        if self._rows.query.is_empty():
            return 0
        # Nothing is explained where Django knows that no row can fit, as with a key that can be none.
        if not (explained := self._rows.explain(format="json")):
            return 0
        (plan,) = json.loads(explained)
        expected = int(plan["Plan"]["Plan Rows"])
        return round(expected, 2 - len(str(expected))) if expected > self.bound else 0


class BoundedChangeList(ChangeList):  # type: ignore[misc]  # the theme has no types
    """A list that says "show all" only where a filter or a search leaves something out."""

    def get_filters_params(self, params: Any = None) -> dict[str, list[str]]:
        """Return what the filters are asked, without what the database has no place for."""
        asked: dict[str, list[str]] = super().get_filters_params(params)
        # It finds nothing, as what is asked for is nowhere.
        return {
            name: [value.replace("\0", "\N{REPLACEMENT CHARACTER}") for value in values]
            for name, values in asked.items()
        }

    def get_results(self, request: HttpRequest) -> None:
        """Read the page."""
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count


class KeyedChangeList(BoundedChangeList):
    """A list that finds its rows once, by their keys, and then reads whole those of one page."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page."""
        super().get_results(request)
        if self.show_all and self.can_show_all:
            return
        begin = (self.page_num - 1) * self.list_per_page
        keys = self.paginator.keys[begin : begin + self.list_per_page]
        rows = self.model._default_manager.select_related(*self.list_select_related).in_bulk(keys)
        self.result_list = [rows[key] for key in keys if key in rows]
