"""axe-core finds nothing serious on any page: wide and narrow, light and dark."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from playwright.sync_api import Page, expect

from permissions.changes import SetPermissions
from tasks.batch import pipeline
from tasks.batch.pipeline import Batch
from tasks.changes import UpdateSettings
from tests.conftest import ORIGIN, Governed, build_governed
from tests.journeys.admin.axe import COLOURS, barriers
from tests.journeys.admin.chromium import NARROW, WIDE, Windows
from tests.tokens import issue
from tests.visitors import page as address
from tests.visitors import persona


MODELS = [model for model in apps.get_models() if admin.site.is_registered(model)]


@pytest.fixture(scope="module")
def world(transactional_db: None) -> Governed:
    """A project in which there is something on every page."""
    governed = build_governed("readable")
    uids = governed.add_tasks(3, creator=governed.developer)
    for actor in (governed.manager, governed.developer):
        change = UpdateSettings(patch={"repository": {"branch": actor.username}})
        pipeline.apply(actor=actor, batch=Batch(change=change, uids=uids, origin=ORIGIN))
    own = SetPermissions(flags={8: {"is_execute": True}})
    pipeline.apply(actor=governed.manager, batch=Batch(change=own, uids=uids[:1], origin=ORIGIN))
    issue(governed.manager)
    return governed


def found_on(page: Page) -> list[str]:
    """Return what keeps people out of the page, at either width and in either theme."""
    found = set()
    for size in (WIDE, NARROW):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        found |= barriers(page)
        page.evaluate("document.documentElement.classList.add('dark')")
        found |= barriers(page, only=COLOURS)
        page.evaluate("document.documentElement.classList.remove('dark')")
    return sorted(found)


def name_of(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_nothing_keeps_anybody_out_of_a_list_its_filters_or_a_page(
    windows: Windows, world: Governed, model: type[Model]
) -> None:
    page = windows.open(world.admin)
    last = model._default_manager.order_by("pk").last()
    assert last is not None
    page.goto(address(f"{name_of(model)}_changelist"))
    found = {"list": found_on(page), "filters": []}
    filters = page.get_by_role("button", name="Filters")
    if filters.is_visible():
        filters.press("Enter")
        expect(page.locator("#changelist-filter :focus")).to_be_attached()
        found["filters"] = sorted(barriers(page))
    page.goto(address(f"{name_of(model)}_change", last.pk))
    found["page"] = found_on(page)
    assert found == {"list": [], "filters": [], "page": []}


@pytest.mark.parametrize("who", ["outsider", "auditor"])
def test_nothing_keeps_anybody_out_of_home(windows: Windows, world: Governed, who: str) -> None:
    page = windows.open(persona(who, governed=world))
    page.goto("/admin/")
    assert found_on(page) == []
