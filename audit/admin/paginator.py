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
    """Knows besides about how many rows there are, if there are more than it counts."""

    @cached_property
    def counted(self) -> int:
        """The number of rows, or one more than the bound."""
        # Asked in any case, so that the number of statements does not depend on that of the rows.
        self.estimate  # noqa: B018
        return super().counted

    @cached_property
    def estimate(self) -> int:
        """The number of rows that the database expects, rounded; 0 if it is no more than the bound."""
        if self._rows.query.is_empty():
            return 0
        (plan,) = json.loads(self._rows.explain(format="json"))
        expected = int(plan["Plan"]["Plan Rows"])
        return round(expected, 2 - len(str(expected))) if expected > self.bound else 0


class BoundedChangeList(ChangeList):  # type: ignore[misc]  # the theme has no types
    """A list that says "show all" only where a filter or a search leaves something out."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page."""
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count
