"""What `make run` uses, and guardian's ordinary tables for comparison."""

from config.logs import logging_settings
from config.settings import dev
from config.settings.dev import *  # noqa: F403 - starts from everything there


INSTALLED_APPS = [*dev.INSTALLED_APPS, "tests.benchmarks"]
LOGGING = logging_settings(level="WARNING", style="text")
