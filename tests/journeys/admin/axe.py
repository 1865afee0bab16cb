"""axe-core: finds what keeps people out of a page, as they see it and as a screen reader does."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page


# What axe calls minor or moderate is advice.
GRAVE = {"serious", "critical"}
# Colours are all that differs between the light and the dark theme.
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}

# Scripts have seen the size of the window, and no colour is still on its way.
_AT_REST = """
new Promise(seen => requestAnimationFrame(() => requestAnimationFrame(seen))).then(() => Promise.all(
  document.getAnimations()
    .filter(each => each.effect.getComputedTiming().endTime < Infinity)
    .map(each => each.finished)
))
"""


def barriers(page: Page, *, inside: str = "html", only: dict[str, Any] | None = None) -> set[str]:
    """Return the grave findings on the page or a part of it, one line each."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    page.evaluate(_AT_REST)
    found = page.evaluate(
        "([inside, options]) => axe.run(inside, options)",
        [inside, {"resultTypes": ["violations"], "preload": False, **(only or {})}],
    )
    return {
        f"{violation['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    }
