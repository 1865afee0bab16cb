"""The documentation's links lead somewhere, and every page can be reached from its index."""

import re
from pathlib import Path

import pytest
from django.conf import settings


ROOT = Path(settings.BASE_DIR)
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def links_of(page: Path) -> set[Path]:
    """Return the files that the page links to."""
    found = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    return {(page.parent / link).resolve() for link in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    assert [link for link in links_of(page) if not link.exists()] == []


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, waiting = set[Path](), {DOCS / "README.md"}
    while waiting:
        page = waiting.pop()
        reached.add(page)
        waiting |= {link for link in links_of(page) if link.suffix == ".md"} - reached
    assert set(DOCS.rglob("*.md")) - reached == set()
