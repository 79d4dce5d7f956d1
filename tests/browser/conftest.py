"""Chromium for the tests in this folder. Where it is missing they are skipped, under CI they fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.page import ServedPage, page_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["page_server"]

# Nothing of the browser's own may reach for the network, so that what the page asks for is all there is.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"{what}; under CI the browser tests must run")
    pytest.skip(what)


def _chromium() -> str:
    usual = Path("/usr/bin/chromium")
    found = str(usual) if usual.exists() else shutil.which("chromium")
    return found or _missing("there is no /usr/bin/chromium and no chromium on the PATH")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = _chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, page_server: ServedPage) -> Iterator[Page]:
    """The page, open and ready. Afterwards nothing may have gone wrong in it, nor been asked of another host."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((page_server.url, "data:", "blob:"))
            else complaints.append(f"asked for {request.url}")
        ),
    )
    page.goto(page_server.url)
    page.get_by_role("button", name="Colorize", exact=True).wait_for()
    yield page
    context.close()
    assert complaints == []
