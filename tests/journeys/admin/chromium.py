"""Debian's Chromium, driven by Playwright, with an eye on what no page may do."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebError,
    expect,
    sync_playwright,
)

from tests.visitors import visit


# Set where the journeys must run, as in CI: without a Chromium they then fail.
REQUIRED = "BULKHEAD_REQUIRE_CHROMIUM"
WIDE, NARROW = (1280, 900), (390, 844)
# A slow machine under load; what is waited for usually comes within a tenth of a second.
PATIENCE = 20_000


def find_chromium() -> str | None:
    """Return the Chromium of this machine, `CHROMIUM` before any other."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else shutil.which("chromium")


@contextmanager
def chromium(*, program: str) -> Iterator[Browser]:
    """Run the Chromium, without a screen."""
    # Root may not use the sandbox, and containers often cannot; the pages are all our own.
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=program, chromium_sandbox=False)
        yield browser
        browser.close()


@dataclass
class Windows:
    """Opens windows on one server; remembers what a page did that none may do, and windows by name."""

    browser: Browser
    url: str
    troubles: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    kept: dict[str, Page] = field(default_factory=dict)

    def open(
        self,
        user: User | None = None,
        *,
        size: tuple[int, int] = WIDE,
        theme: Literal["light", "dark"] = "light",
        **options: Any,
    ) -> Page:
        """Return an empty window, in which the user is signed in."""
        context = self.browser.new_context(
            base_url=self.url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,
            reduced_motion="reduce",
            **options,
        )
        self.contexts.append(context)
        context.set_default_timeout(PATIENCE)
        if user is not None:
            self._sign_in(context, user)
        context.on("console", self._heard)
        context.on("weberror", self._failed)
        context.on("request", self._asked)
        context.on("response", self._answered)
        return context.new_page()

    def close(self) -> None:
        """Close all windows."""
        while self.contexts:
            self.contexts.pop().close()

    def _sign_in(self, context: BrowserContext, user: User) -> None:
        cookie = visit(user).cookies[settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": self.url}])

    def _heard(self, message: ConsoleMessage) -> None:
        # Of what could not be loaded, `_answered` judges.
        refused = message.text.startswith("Failed to load resource")
        if "Content Security Policy" in message.text or (message.type == "error" and not refused):
            self.troubles.append(f"console: {message.text}")

    def _failed(self, error: WebError) -> None:
        self.troubles.append(f"script: {error.error}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", "blob:")):
            self.troubles.append(f"foreign host: {request.url}")

    def _answered(self, response: Response) -> None:
        # A page may refuse; what pages are made of may not be missing.
        missing = response.status >= 400 and response.request.resource_type != "document"
        if missing or response.status >= 500:
            self.troubles.append(f"{response.status}: {urlsplit(response.url).path}")
