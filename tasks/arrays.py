"""Many keys as one parameter of a query, so that its text does not grow with them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, F, Func, Value


class EqualsAny(Func):
    """`column = ANY(array)`, as a condition of a queryset."""

    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = BooleanField()

    def __init__(self, column: str, keys: Sequence[int] | Sequence[str], **extra: Any) -> None:
        # The driver knows a list; a field of Django would look at each key.
        super().__init__(F(column), Value(list(keys)), **extra)
