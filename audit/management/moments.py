"""Times as commands take them."""

from argparse import ArgumentTypeError
from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime


def moment(text: str) -> datetime:
    """Return the time; a date alone is its beginning, in UTC like a time without a zone.

    Raises:
        ArgumentTypeError: the text is neither.
    """
    try:
        found = parse_datetime(text)
        if found is None and (day := parse_date(text)):
            found = datetime.combine(day, datetime.min.time())
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no time like 2026-05-03T14:00 or 2026-05-03")
    return timezone.make_aware(found) if timezone.is_naive(found) else found
