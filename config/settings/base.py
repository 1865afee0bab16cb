"""What every environment shares; `dev`, `prod` and `test` state only their differences."""

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from config import environment, theme
from config.database import database
from config.logs import configure_structlog


BASE_DIR = Path(__file__).resolve().parents[2]
# Everything that this installation writes: the embedded database, secrets, collected files.
# A relative name counts from the project, whichever folder a command runs in.
DATA_DIR = (BASE_DIR / environment.text("BULKHEAD_DATA", default="var")).resolve()

INSTALLED_APPS = [
    "config",
    "permissions",
    "tasks",
    "audit",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "unfold.contrib.guardian",
    "unfold.contrib.simple_history",
    "config.apps.BulkheadAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "guardian",
    "simple_history",
    "pgtrigger",
    "procrastinate.contrib.django",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
]

MIDDLEWARE = [
    "audit.request_id.RequestIdMiddleware",
    # Around everything that answers, the files included.
    "csp.middleware.CSPMiddleware",
    "config.interfaces.PlainHttpRefused",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = ["config.formats"]
STATIC_URL = "/static/"
STATIC_ROOT: Path | None = DATA_DIR / "static"
CONTENT_SECURITY_POLICY = {
    # Nothing inline, evaluated or from elsewhere: docs/decisions/0016-expressions-without-eval.md
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        # The styles of the theme and of the page of the API draw small icons in place.
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"
# The largest body of a request; a batch of 20,000 targets is under one MiB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": database(
        url=environment.text("DATABASE_URL", default=""),
        pool=environment.number("DATABASE_POOL", default=0),
    )
}

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
# Anonymous visitors hold nothing; a user row for them would be one more account to explain.
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False

# One operation is one transaction: the bound keeps its locks and its memory bounded.
BULKHEAD_MAX_TARGETS = environment.number("BULKHEAD_MAX_TARGETS", default=20_000)
# What a batch writes to all its targets together, and what one task's settings may come to.
BULKHEAD_MAX_BATCH_BYTES = 16 * 1024 * 1024
BULKHEAD_MAX_SETTINGS_BYTES = 256 * 1024

# How many requests a token may make at once; its allowance comes back evenly over the period.
BULKHEAD_RATE = environment.rate("BULKHEAD_RATE", default="600/min")
# How many reverse proxies of ours stand in front: so many hops of X-Forwarded-For are believed.
BULKHEAD_PROXIES = environment.number("BULKHEAD_PROXIES", default=0)

# The newest seal of the audit trail, kept where the owner of the database cannot reach it.
BULKHEAD_SEAL_CHECKPOINT: Path | None = DATA_DIR / "seal_checkpoint"
# Public keys of which seals are believed besides those of the present one.
BULKHEAD_FORMER_SEAL_KEYS = environment.words("BULKHEAD_FORMER_SEAL_KEYS", default=[])
# Where the newest seal is sent after each sealing, and the bearer token that this takes.
BULKHEAD_SEAL_WEBHOOK = environment.secure_address("BULKHEAD_SEAL_WEBHOOK")
BULKHEAD_SEAL_WEBHOOK_TOKEN = environment.text("BULKHEAD_SEAL_WEBHOOK_TOKEN", default="")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["permissions.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["permissions.api.scopes.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["permissions.api.throttling.TokenRateThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # The Accept header says it; a query parameter that nobody knows is refused.
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Bulkhead",
    "DESCRIPTION": "Changes ten thousand CI/CD tasks as safely as one.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": ["tasks.api.openapi.complete_document"],
    # Served from here, without a network.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

UNFOLD = theme.UNFOLD

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_ON_APP_READY = "config.embedded_postgres.worker.reconnect"

# Each environment states LOGGING: in JSON for machines, as text for a terminal.
configure_structlog()
