import io
import json
import logging
import logging.config
import secrets
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog
from django.conf import settings

from config.logs import logging_settings


def send_logs(*, style: Literal["json", "text"]) -> io.StringIO:
    """Send all logs into a stream, until the fixture below ends it."""
    stream = io.StringIO()
    description = logging_settings(level="INFO", style=style)
    description["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(description)
    return stream


@pytest.fixture(autouse=True)
def logs_return_to_normal() -> Iterator[None]:
    yield
    logging.config.dictConfig(settings.LOGGING)


@pytest.fixture
def lines() -> io.StringIO:
    return send_logs(style="json")


def test_both_kinds_of_events_are_one_json_object_per_line(lines: io.StringIO) -> None:
    structlog.get_logger("bulkhead").info("applied", targets=3)
    logging.getLogger("library").warning("%s is slow", "it")

    applied, slow = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (applied["event"], applied["targets"], applied["level"]) == ("applied", 3, "info")
    assert (slow["event"], slow["logger"], slow["level"]) == ("it is slow", "library", "warning")


def test_what_is_bound_to_a_request_is_on_the_events_of_libraries_too(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="a-request"):
        logging.getLogger("library").warning("slow")

    assert json.loads(lines.getvalue())["request_id"] == "a-request"


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_traceback_shows_no_local_variables(style: Literal["json", "text"]) -> None:
    stream = send_logs(style=style)
    secret = secrets.token_hex()

    try:
        int("no number", base=len(secret))
    except ValueError:
        logging.getLogger("library").exception("failed")

    assert "ValueError" in stream.getvalue()
    assert secret not in stream.getvalue()


def test_an_exception_stays_on_its_line(lines: io.StringIO) -> None:
    try:
        int("no number")
    except ValueError:
        logging.getLogger("library").exception("failed")

    (line,) = lines.getvalue().splitlines()
    assert json.loads(line)["exception"][0]["exc_type"] == "ValueError"


def test_what_gunicorn_quotes_of_a_request_that_it_cannot_read_is_left_out(
    lines: io.StringIO,
) -> None:
    try:
        int("Bearer of-somebody")
    except ValueError as error:
        logging.getLogger("gunicorn.error").warning("Invalid request from ip=%s: %s", "::1", error)

    assert json.loads(lines.getvalue())["event"] == "Invalid request from ip=::1: ValueError"
