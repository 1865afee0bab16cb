"""The tests' settings for a real server on the tests' own database."""

import os

from config.settings.test import *


DATABASES["default"]["NAME"] = os.environ["LIVE_DATABASE"]
BULKHEAD_RATE = (100_000, 60)
