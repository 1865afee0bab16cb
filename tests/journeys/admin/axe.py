"""axe-core: finds what keeps people out of a page, as they see it and as a screen reader does."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page


# What axe calls minor or moderate is advice.
GRAVE = {"serious", "critical"}
# Colours are all that differs between the light and the dark theme.
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


def barriers(page: Page, *, only: dict[str, Any] | None = None) -> set[str]:
    """Return the grave findings on the page, one line each."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    # A colour that is still on its way is nobody's choice.
    page.evaluate("Promise.all(document.getAnimations().map(each => each.finished))")
    found = page.evaluate(
        "options => axe.run(document, options)",
        {"resultTypes": ["violations"], "preload": False, **(only or {})},
    )
    return {
        f"{violation['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    }
