"""Pages of lists that may be very long."""

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

    @cached_property
    def counted(self) -> int:
        """The number of rows, or one more than the bound."""
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[: BOUND + 1].count()

    @property
    def is_bounded(self) -> bool:
        """Whether there are more rows than pages."""
        return self.counted > BOUND

    @property
    def count(self) -> int:
        """The number of rows on all pages."""
        return min(self.counted, BOUND)


class BoundedChangeList(ChangeList):  # type: ignore[misc]  # the theme has no types
    """A list that says "show all" only where a filter or a search leaves something out."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page."""
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count
