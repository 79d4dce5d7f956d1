"""The page's offer of truer colours, as a visitor meets it: one line, a button, and no again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.visitor import PATIENCE
from tests.hub import Hub, hub
from tests.page import free_port, serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["hub"]  # the fixture, which only pytest uses


def test_truer_colours_are_offered_once_and_never_fetched_by_themselves(
    browser: Browser, hub: Hub, tmp_path: Path
) -> None:
    port = free_port()
    options = ("--host", "127.0.0.1", "--port", str(port))
    with serve(tmp_path, *options, port=port, HF_HUB_OFFLINE="0", HF_ENDPOINT=hub.endpoint) as served:
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        page = context.new_page()
        page.goto(served.url)
        line, take = page.locator("#offer-line"), page.locator("#offer-take")
        line.get_by_text("Truer colours for 912 MB").wait_for(timeout=PATIENCE)
        assert "Apache-2.0" in line.inner_text() and take.is_visible()
        assert not page.locator("#offer-cancel").is_visible()
        page.set_viewport_size({"width": 390, "height": 844})  # no room for buttons beside it
        box = line.bounding_box()
        assert box is not None and box["width"] > 280
        page.set_viewport_size({"width": 1400, "height": 900})
        assert hub.requests == []
        take.click()  # this Hub has no such file
        line.get_by_text("It did not come").wait_for(timeout=PATIENCE)
        assert hub.requests
        page.locator("#offer-dismiss").click()
        page.locator("#offer").wait_for(state="hidden", timeout=PATIENCE)
        page.reload()
        page.get_by_role("button", name="Colorize", exact=True).wait_for(timeout=PATIENCE)
        page.locator("#factor [data-role=cost]").get_by_text("MB of memory").wait_for(timeout=PATIENCE)
        assert not page.locator("#offer").is_visible()
        page.goto(f"{served.url}/?model=ddcolor-tiny&factor=33")
        label = page.locator("#factor [data-role=label]")
        label.get_by_text("Render size 32: the model sees 512 × 512 pixels, in multiples of 32").wait_for(
            timeout=PATIENCE
        )
        assert page.locator("#size-range").get_attribute("step") == "2"
        context.close()
