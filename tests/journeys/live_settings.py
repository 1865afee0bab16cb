"""The tests' settings for a real server on the tests' own database."""

import os
from datetime import timedelta

from config.logs import logging_settings
from config.settings.test import *


DATABASES["default"]["NAME"] = os.environ["LIVE_DATABASE"]
BULKHEAD_RATE = (100_000, timedelta(minutes=1))

BULKHEAD_SEAL_WEBHOOK = os.environ.get("LIVE_WEBHOOK", "")
if "LIVE_LOGS" in os.environ:
    LOGGING = logging_settings(level=os.environ["LIVE_LOGS"], style="json")
