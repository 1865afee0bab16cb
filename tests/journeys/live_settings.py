"""The tests' settings for a real server on the tests' own database."""

import os
from datetime import timedelta

from config.logs import logging_settings
from config.settings.test import *


DATABASES["default"]["NAME"] = os.environ["LIVE_DATABASE"]
BULKHEAD_RATE = (100_000, timedelta(minutes=1))

if style := os.environ.get("LIVE_LOGS"):
    LOGGING = logging_settings(level="DEBUG", style="json" if style == "json" else "text")
