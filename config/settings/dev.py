"""`make run` and a developer's machine: like production, but on loopback and without a set-up."""

import base64
import secrets

from config import environment
from config.logs import logging_settings
from config.private_file import read_or_create
from config.settings.base import *


DEBUG = environment.switch("DEBUG", default=False)
SECRET_KEY = read_or_create(path=DATA_DIR / "secret_key", make=lambda: secrets.token_urlsafe(50))
BULKHEAD_SEAL_KEY = read_or_create(
    path=DATA_DIR / "seal_key", make=lambda: base64.b64encode(secrets.token_bytes(32)).decode()
)
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

# Files are served from where they are: nothing to collect, nothing to go stale.
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = None

LOGGING = logging_settings(level=environment.text("LOG_LEVEL", default="INFO"), style="text")
