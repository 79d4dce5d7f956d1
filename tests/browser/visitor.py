"""What a visitor does on the page, and sees there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PATIENCE = 120_000  # milliseconds, for a render on a busy machine


def choose(page: Page, files: Path | Sequence[Path], prefix: str = "") -> None:
    """Send photos, and wait until one is shown."""
    page.set_input_files(f"#{prefix}photo [data-role=files]", files)
    page.locator(f"#{prefix}photo .chosen img").wait_for(timeout=PATIENCE)


def compared(page: Page, prefix: str = "") -> Locator:
    """The two images that are compared, afterwards and before, loaded, once the work is done."""
    page.locator(f"#{prefix}download").wait_for(timeout=PATIENCE)
    page.wait_for_function(
        "(images) => { images = [...document.querySelectorAll(images)];"
        " return images.length == 2 && images.every(image => image.complete && image.naturalWidth) }",
        arg=f"#{prefix}comparison img",
        timeout=PATIENCE,
    )
    return page.locator(f"#{prefix}comparison img")


def colorize(page: Page) -> Locator:
    """Press the button of the first tab; what is compared then."""
    page.get_by_role("button", name="Colorize", exact=True).click()
    return compared(page)


def restore(page: Page) -> Locator:
    """Press the button of the second tab; what is compared then."""
    page.get_by_role("button", name="Restore", exact=True).click()
    return compared(page, "defade-")


def open_defade_tab(page: Page) -> None:
    """Go to the second tab."""
    page.get_by_role("tab", name="Defade").click()
    page.get_by_role("button", name="Restore", exact=True).wait_for()


def download(page: Page, folder: Path, link: str = "download") -> Path:
    """Press a link that downloads; the file."""
    with page.expect_download(timeout=PATIENCE) as waiting:
        page.locator(f"#{link}").click()
    file = folder / waiting.value.suggested_filename
    waiting.value.save_as(file)
    return file
