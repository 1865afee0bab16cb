"""One event per line, from structlog and logging alike: JSON for machines, or text."""

import logging
import sys
from typing import Any, Literal

import structlog
from structlog.typing import Processor


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]
# A traceback never shows local variables: there may be a secret in them.
_JSON: list[Processor] = [
    structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    ),
    structlog.processors.JSONRenderer(),
]
_TEXT: list[Processor] = [
    structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
]


_UNREAD = "Invalid request from ip="


class Unquoted(logging.Filter):
    """Takes out of gunicorn's complaints of requests that it cannot read what it quotes of them.

    It may be a header with a token, or the rest of a body whose length was stated wrong.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave who sent it, and the name of the error."""
        text = record.getMessage()
        if text.startswith(_UNREAD):
            error, *_ = sys.exc_info()
            address, *_ = text.split(": ", 1)
            record.msg = f"{address}: {error.__name__ if error else 'error'}"
            record.args = ()
        return True


def configure_structlog() -> None:
    """Send structlog's events through the standard library's handlers."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logging_settings(*, level: str, style: Literal["json", "text"]) -> dict[str, Any]:
    """Describe the handlers for `logging.config.dictConfig`."""
    rendering = _JSON if style == "json" else _TEXT
    chatter = level if style == "json" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *rendering,
                ],
                "foreign_pre_chain": _SHARED,
            },
        },
        "filters": {"unquoted": {"()": Unquoted}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django gives its own loggers handlers; one way out is enough.
            "django": {"handlers": [], "level": level},
            "django.server": {"handlers": [], "propagate": True},
            # Whoever reads a terminal sees that it starts and stops.
            "gunicorn.error": {
                "handlers": ["stderr"],
                "filters": ["unquoted"],
                "level": chatter,
                "propagate": False,
            },
            "procrastinate": {"level": chatter},
            # Lines for each import of an app's tasks, in every command.
            "procrastinate.blueprints": {"level": "WARNING"},
            "procrastinate.periodic": {"level": "WARNING"},
        },
    }
