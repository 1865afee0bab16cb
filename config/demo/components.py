"""What the demo's projects build: components by name, each in its language."""

from typing import NamedTuple


class Component(NamedTuple):
    """Something that is built, scanned and deployed; the language decides how."""

    name: str
    language: str


def _in(language: str, *names: str) -> tuple[Component, ...]:
    return tuple(Component(name, language) for name in names)


PLATFORM = (
    *_in("java", "artefact-store", "build-cache", "log-router", "metrics-gateway"),
    *_in("python", "ci-images", "cost-report", "runner-fleet", "secrets-broker"),
    *_in("typescript", "docs-site", "linters", "release-bot", "template-library"),
)
PAYMENTS = (
    *_in("java", "card-gateway", "direct-debit", "invoicing", "ledger", "refunds", "settlement"),
    *_in("python", "currency-rates", "fraud-check", "reconciliation"),
    *_in("typescript", "dispute-desk", "payment-page", "payout-console"),
)
WEB_SHOP = (
    *_in("java", "basket", "catalogue", "gift-cards", "price-engine", "reviews"),
    *_in("python", "image-resizer", "recommendations", "search"),
    *_in("typescript", "checkout", "newsletter", "site-map", "storefront"),
)
MOBILE = (
    *_in("kotlin", "courier-app", "scanner-app", "wallet-app", "widget-kit"),
    *_in("java", "mobile-backend", "push-service"),
    *_in("python", "crash-reports", "store-listing"),
    *_in("typescript", "beta-portal", "deep-links", "design-tokens", "feature-switches"),
)
DATA = (
    *_in("java", "event-stream", "lineage"),
    *_in("python", "customer-360", "exports", "feature-store", "forecasts", "ingest"),
    *_in("python", "notebook-runner", "quality-checks", "warehouse"),
    *_in("typescript", "dashboards", "reports"),
)
IDENTITY = (
    *_in("java", "accounts", "audit-relay", "session-store", "sign-in", "token-service"),
    *_in("kotlin", "authenticator-app", "device-trust"),
    *_in("python", "directory-sync", "password-check", "risk-score"),
    *_in("typescript", "admin-console", "consent"),
)
LOGISTICS = (
    *_in("java", "carrier-api", "customs", "labels", "pallets", "pick-lists", "stock"),
    *_in("kotlin", "warehouse-app"),
    *_in("python", "demand-plan", "routing"),
    *_in("typescript", "returns", "time-slots", "track-and-trace"),
)
CARE = (
    *_in("java", "call-router", "case-archive", "complaints"),
    *_in("python", "answer-bot", "crm-sync", "voice-transcripts"),
    *_in("typescript", "agent-desktop", "chat", "knowledge-base", "service-portal"),
    *_in("typescript", "survey", "tickets"),
)
