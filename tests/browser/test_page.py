"""The demo page in a real browser, as a visitor meets it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageStat

from tests.page import colourfulness, grey_photo

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PATIENCE = 60_000  # milliseconds, for a render on a busy machine


def choose(page: Page, file: Path, prefix: str = "") -> None:
    page.set_input_files(f"#{prefix}photo input[type=file]", file)
    page.locator(f"#{prefix}photo img").wait_for()


def compared(page: Page, prefix: str = "") -> Locator:
    """The two images that are compared, loaded, once the work is done."""
    page.locator(f"#{prefix}download").wait_for(timeout=PATIENCE)
    images = page.locator(f"#{prefix}comparison img")
    page.wait_for_function(
        "(images) => { images = [...document.querySelectorAll(images)];"
        " return images.length == 2 && images.every(image => image.complete && image.naturalWidth) }",
        arg=f"#{prefix}comparison img",
        timeout=PATIENCE,
    )
    return images


def colorize(page: Page) -> Locator:
    page.get_by_role("button", name="Colorize").click()
    return compared(page)


def restore(page: Page) -> Locator:
    page.get_by_role("button", name="Restore", exact=True).click()
    return compared(page, "defade-")


def open_defade_tab(page: Page) -> None:
    page.get_by_role("tab", name="Restore faded photos").click()
    page.get_by_role("button", name="Restore", exact=True).wait_for()


def download(page: Page, folder: Path, prefix: str = "") -> Path:
    with page.expect_download() as waiting:
        page.locator(f"#{prefix}download").click()
    file = folder / waiting.value.suggested_filename
    waiting.value.save_as(file)
    return file


def test_a_photo_is_uploaded_coloured_compared_and_downloaded(page: Page, tmp_path: Path) -> None:
    source = grey_photo(tmp_path / "hills.jpg", 2400, 1600)
    choose(page, source)
    images = colorize(page)
    assert images.evaluate_all("images => images.map(image => image.naturalWidth)") == [1600, 1600]
    before, after = images.evaluate_all("images => images.map(image => image.src)")
    assert before != after
    facts = page.locator("#facts").inner_text()
    assert "compact" in facts and "chosen automatically" in facts and "2400 × 1600 pixels" in facts
    file = download(page, tmp_path)
    assert file.name == "hills-colour.jpg"
    with Image.open(file) as coloured:
        assert coloured.size == (2400, 1600)
        assert coloured.getexif()[0x013B] == "A. Photographer"
        assert colourfulness(coloured) > 3


def test_an_example_is_coloured_at_the_factor_chosen(page: Page, tmp_path: Path) -> None:
    page.locator("#examples .gallery-item").nth(1).click()
    page.locator("#photo img").wait_for()
    assert page.locator("#factor").count() == 0
    page.locator("#automatic input").uncheck()
    number = page.locator("#factor input[type=number]")
    number.fill("12")
    number.press("Enter")
    page.get_by_text("the model sees 192 × 192 pixels, takes").wait_for(timeout=PATIENCE)
    colorize(page)
    page.locator("#factor").get_by_text("about").wait_for(timeout=PATIENCE)
    assert "render factor 12 (192 × 192 px)" in page.locator("#facts").inner_text()
    with Image.open(download(page, tmp_path)) as coloured:
        assert coloured.size == (451, 300)


def test_another_photo_clears_the_result(page: Page, tmp_path: Path) -> None:
    choose(page, grey_photo(tmp_path / "first.jpg", 64, 48))
    colorize(page)
    page.get_by_role("button", name="Remove Image").click()
    page.locator("#comparison img").first.wait_for(state="detached")
    page.locator("#download").wait_for(state="detached")


def test_the_size_of_a_download_is_told_before_it_starts(page: Page) -> None:
    page.locator("#model input").click()
    page.get_by_role("option", name="stable · 874 MB download").click()
    page.locator("#model").get_by_text("Colorize first downloads 874 MB").wait_for()


def test_a_failure_is_explained_and_leaves_no_older_result(page: Page, tmp_path: Path) -> None:
    choose(page, grey_photo(tmp_path / "first.jpg", 64, 48))
    colorize(page)
    page.locator("#model input").click()
    page.get_by_role("option", name="video · 874 MB download").click()
    page.get_by_role("button", name="Colorize").click()
    page.get_by_text("HF_HUB_OFFLINE").wait_for(timeout=PATIENCE)
    page.locator("#download").wait_for(state="detached")


def test_a_file_that_is_no_photo_is_explained(page: Page, tmp_path: Path) -> None:
    letter = tmp_path / "letter & sons.jpg"
    letter.write_text("Dear photograph")
    page.set_input_files("#photo input[type=file]", letter)
    page.locator("#photo img").wait_for(state="attached")
    page.get_by_role("button", name="Colorize").click()
    page.get_by_text("“letter & sons.jpg” is not a photograph").wait_for(timeout=PATIENCE)


def test_without_a_photo_the_button_says_so(page: Page) -> None:
    page.get_by_role("button", name="Colorize").click()
    page.get_by_text("There is no photo yet").wait_for()


def test_a_faded_photo_is_restored_compared_and_downloaded(page: Page, tmp_path: Path) -> None:
    open_defade_tab(page)
    with Image.open(grey_photo(tmp_path / "hills.jpg", 2400, 1600)) as fresh:
        fresh.point(lambda value: value // 2 + 80).save(tmp_path / "hills.jpg", exif=fresh.getexif())
    choose(page, tmp_path / "hills.jpg", "defade-")
    images = restore(page)
    assert images.evaluate_all("images => images.map(image => image.naturalWidth)") == [1600, 1600]
    before, after = images.evaluate_all("images => images.map(image => image.src)")
    assert before != after
    facts = page.locator("#defade-facts").inner_text()
    assert facts.startswith("Restored in") and "strength 1." in facts and "2400 × 1600 pixels" in facts
    file = download(page, tmp_path, "defade-")
    assert file.name == "hills-restored.jpg"
    with Image.open(file) as restored, Image.open(tmp_path / "hills.jpg") as faded:
        assert restored.size == (2400, 1600)
        assert restored.getexif()[0x013B] == "A. Photographer"
        assert colourfulness(restored) < 1
        spreads = [ImageStat.Stat(image.convert("L")).stddev[0] for image in (restored, faded)]
        assert spreads[0] > 1.1 * spreads[1]


def test_a_faded_example_is_restored_as_far_as_asked_and_coloured(page: Page, tmp_path: Path) -> None:
    open_defade_tab(page)
    page.get_by_text("faded on purpose by a simulation").wait_for()
    page.locator("#defade-examples .gallery-item").nth(3).click()
    page.locator("#defade-photo img").wait_for()
    number = page.locator("#strength input[type=number]")
    number.fill("0.5")
    number.press("Enter")
    page.get_by_label("And colour it if it is black and white").check()
    restore(page)
    facts = page.locator("#defade-facts").inner_text()
    assert facts.startswith("Restored and coloured in") and "strength 0.5." in facts
    with Image.open(download(page, tmp_path, "defade-")) as restored:
        assert restored.size == (512, 512)
        assert colourfulness(restored) > 3
    page.get_by_label("Keep the tone").check()
    page.get_by_label("And colour it if it is black and white").uncheck()
    page.get_by_role("button", name="Restore", exact=True).click()
    page.locator("#defade-facts").get_by_text("tone kept").wait_for(timeout=PATIENCE)


def test_the_defade_tab_explains_what_goes_wrong(page: Page, tmp_path: Path) -> None:
    open_defade_tab(page)
    page.get_by_role("button", name="Restore", exact=True).click()
    page.get_by_text("There is no photo yet").wait_for()
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear photograph")
    page.set_input_files("#defade-photo input[type=file]", letter)
    page.locator("#defade-photo img").wait_for(state="attached")
    page.get_by_role("button", name="Restore", exact=True).click()
    page.get_by_text("“letter.jpg” is not a photograph").wait_for(timeout=PATIENCE)


def test_the_tabs_keep_their_photos_apart(page: Page, tmp_path: Path) -> None:
    choose(page, grey_photo(tmp_path / "first.jpg", 64, 48))
    colorize(page)
    open_defade_tab(page)
    assert page.locator("#defade-photo img").count() == 0
    assert not page.locator("#defade-download").is_visible()
    page.get_by_role("tab", name="Colorize").click()
    page.locator("#download").wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_telephone_shows_the_defade_tab_without_scrolling_sideways(page: Page, tmp_path: Path, theme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{page.url}?__theme={theme}")
    page.get_by_role("button", name="Colorize").wait_for()
    open_defade_tab(page)
    choose(page, grey_photo(tmp_path / "hills.jpg", 300, 200), "defade-")
    restore(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.wait_for_function(
        "() => document.getElementById('defade-comparison').getBoundingClientRect().top < innerHeight"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_telephone_shows_it_without_scrolling_sideways(page: Page, tmp_path: Path, theme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{page.url}?__theme={theme}")
    page.get_by_role("button", name="Colorize").wait_for()
    assert page.evaluate("document.body.classList.contains('dark')") is (theme == "dark")
    choose(page, grey_photo(tmp_path / "hills.jpg", 300, 200))
    colorize(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.wait_for_function("() => document.getElementById('comparison').getBoundingClientRect().top < innerHeight")
