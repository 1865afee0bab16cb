"""A server behind TLS, configured by environment variables; without its secrets it won't start."""

from config import environment
from config.logs import logging_settings
from config.settings.base import *


DEBUG = False
SECRET_KEY = environment.text("SECRET_KEY")
# Former keys: what they signed stays valid, so that SECRET_KEY can change without logging out.
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS", default=[])
# Signs the seals of the audit trail.
BULKHEAD_SEAL_KEY = environment.text("BULKHEAD_SEAL_KEY")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS", default=[])

SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = environment.number("SECURE_HSTS_SECONDS", default=365 * 24 * 3600)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
if environment.switch("BEHIND_TLS_PROXY", default=False):
    # Only a proxy that overwrites this header may be trusted with it.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# `manage.py collectstatic` gives files names that change with their content: cached for ever.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGGING = logging_settings(level=environment.text("LOG_LEVEL", default="INFO"), style="json")
