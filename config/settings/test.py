"""The test suite: as production where behaviour counts, cheaper where it does not."""

from config.logs import logging_settings
from config.settings.base import *


DEBUG = False
SECRET_KEY = "only for tests"  # noqa: S105 -- signs nothing that outlives a test
BULKHEAD_SEAL_KEY = "b25seSBmb3IgdGVzdHMsIHNlYWxzIG5vdGhpbmcgcmU="
# Tests empty the database, which takes seals back.
BULKHEAD_SEAL_CHECKPOINT = None
BULKHEAD_SEAL_WEBHOOK = ""
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]

# A real hash takes a tenth of a second per log-in, on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Look a file up when it is asked for, instead of listing all of them for each test client.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

LOGGING = logging_settings(level="WARNING", style="text")

# A cluster of its own, which need not survive a crash of the machine.
DATABASES["default"]["EMBEDDED"] = {"folder": "postgres-test", "durable": False}
