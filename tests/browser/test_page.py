"""The demo page in a real browser, as a visitor meets it who has one photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageStat

from tests.browser.visitor import PATIENCE, choose, colorize, compared, download, open_defade_tab, restore
from tests.page import colourfulness, commanded, grey_photo

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_photo_is_uploaded_coloured_compared_and_downloaded(page: Page, tmp_path: Path) -> None:
    source = grey_photo(tmp_path / "hills.jpg", 2400, 1600)
    choose(page, source)
    images = colorize(page)
    assert images.evaluate_all("images => images.map(image => image.naturalWidth)") == [1600, 1600]
    after, before = images.evaluate_all("images => images.map(image => image.src)")
    assert before != after
    facts = page.locator("#facts").inner_text()
    assert "compact" in facts and "chosen automatically" in facts and "2400 × 1600 pixels" in facts
    file = download(page, tmp_path)
    assert file.name == "hills-colour.jpg"
    with Image.open(file) as coloured:
        assert coloured.size == (2400, 1600)
        assert coloured.getexif()[0x013B] == "A. Photographer"
        assert colourfulness(coloured) > 3


def test_the_slider_is_in_sight_and_leaves_auto_when_touched(page: Page, tmp_path: Path) -> None:
    size, number = page.locator("#size-range"), page.locator("#factor input[type=number]")
    label, auto = page.locator("#factor [data-role=label]"), page.locator("#factor [data-role=auto]")
    assert size.is_visible() and page.locator("#factor .auto-mark").is_visible()
    assert label.inner_text() == "Render size 12: the model sees 192 × 192 pixels" and auto.is_disabled()
    page.locator("#factor [data-role=cost]").get_by_text("MB of memory").wait_for(timeout=PATIENCE)
    size.press("ArrowRight")
    assert (label.inner_text(), number.input_value()) == ("Render size 13: the model sees 208 × 208 pixels", "13")
    assert page.url.endswith("factor=13")
    for typed, standing in (("2", "4"), ("999", "64"), ("-5", "4"), ("12", "12")):
        number.fill(typed)
        number.press("Enter")
        number.blur()
        assert (number.input_value(), size.input_value()) == (standing, standing)
        assert label.inner_text().startswith(f"Render size {standing}: ")
    page.locator("#photo [data-example='1']").click()
    page.locator("#photo .chosen img").wait_for(timeout=PATIENCE)
    colorize(page)
    assert "render factor 12 (192 × 192 px)" in page.locator("#facts").inner_text()
    page.locator("#factor [data-role=cost]").get_by_text("and about").wait_for(timeout=PATIENCE)
    with Image.open(download(page, tmp_path)) as coloured:
        assert coloured.size == (451, 300)
    auto.click()
    assert auto.is_disabled() and number.input_value() == "12" and "factor=" not in page.url


def test_colours_are_changed_after_the_render_and_a_surface_takes_the_colour_named(page: Page, tmp_path: Path) -> None:
    choose(page, grey_photo(tmp_path / "hills.png", 300, 200))
    colorize(page)
    shown = page.locator("#comparison img.after")

    def changed(before: str | None) -> str | None:
        page.wait_for_function(
            "(old) => document.querySelector('#comparison img.after').getAttribute('src') != old", arg=before,
            timeout=PATIENCE,
        )  # fmt: skip
        return shown.get_attribute("src")

    source = changed(None)
    said = page.locator("#view [data-role=liveliness-said]")
    assert said.inner_text() == "as usual" and not page.get_by_role("button", name="Back to how it came").is_visible()
    page.locator("#view [data-role=liveliness]").fill("100")
    source = changed(source)
    page.locator("#view [data-role=caution]").fill("100")
    source = changed(source)
    assert said.inner_text() == "100 %"
    page.get_by_role("button", name="Back to how it came").click()
    source = changed(source)
    assert said.inner_text() == "as usual" and page.locator("#view [data-role=caution]").input_value() == "0"
    page.locator("#view [data-role=saturation]").fill("0")
    source = changed(source)
    page.locator("#view [data-role=colour]").fill("#3050c0")
    page.locator("#view [data-role=point]").click()
    assert page.locator("#comparison .handle").input_value() == "0"  # all of it is in colour while colours are named
    box = page.locator("#comparison .frame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.1 * box["height"])
    source = changed(source)
    page.get_by_text("#3050c0 at 75 %, 10 %").wait_for()
    with Image.open(download(page, tmp_path)) as file:
        pixels = np.asarray(file.convert("RGB")).astype(int)
    sky, ground = pixels[10:40, 200:250].mean((0, 1)), pixels[180:, 200:250].mean((0, 1))
    assert sky[2] - sky[0] > 30  # the sky took it
    assert np.ptp(ground) < 5  # and nothing else has colour
    page.locator("#view [data-role=undo]").click()
    changed(source)
    with Image.open(download(page, tmp_path)) as file:
        assert colourfulness(file) < 3


def test_settings_in_the_address_are_those_of_the_page(page: Page) -> None:
    page.goto(f"{page.url}?factor=20&model=stable&tab=colorize")
    page.get_by_text("Render size 20: the model sees 320 × 320 pixels").wait_for(timeout=PATIENCE)
    page.locator("#model").get_by_text("Colorize first downloads 874 MB").wait_for(timeout=PATIENCE)
    assert "stable" in page.locator("#model input").input_value()
    page.get_by_role("tab", name="Defade").click()
    page.wait_for_url("**tab=defade**", timeout=PATIENCE)
    strength = page.locator("#strength input[type=number]")
    strength.fill("0.6")
    strength.press("Enter")
    page.wait_for_url("**strength=0.6**", timeout=PATIENCE)
    page.locator("#colour").get_by_label("never").check()
    page.wait_for_url("**colour=never**", timeout=PATIENCE)
    page.reload()
    page.get_by_role("button", name="Restore", exact=True).wait_for(timeout=PATIENCE)
    page.wait_for_function("() => document.querySelector('#strength input[type=number]').value == '0.6'")
    assert page.locator("#colour").get_by_label("never").is_checked()
    assert not page.locator("#keep-tone input").is_checked() and "factor=20" in page.url


def test_the_list_of_models_says_what_each_is_good_at_and_what_it_costs(page: Page) -> None:
    page.locator("#model").get_by_text("unsure of clothes").wait_for()
    page.locator("#model").get_by_text("non-commercial").wait_for()
    page.locator("#model input").click()
    page.get_by_role("option", name="stable · landscapes and portraits · 874 MB download").click()
    page.locator("#model").get_by_text("Colorize first downloads 874 MB").wait_for(timeout=PATIENCE)
    page.locator("#model").get_by_text("Trained on ImageNet").wait_for()
    assert "model=stable" in page.url


def test_a_failure_is_explained_and_leaves_no_older_result(page: Page, tmp_path: Path) -> None:
    choose(page, grey_photo(tmp_path / "first.jpg", 64, 48))
    colorize(page)
    page.locator("#model input").click()
    page.get_by_role("option", name="video").click()
    page.get_by_role("button", name="Colorize", exact=True).click()
    page.locator("#comparison").get_by_text("The model compact needs no download").wait_for(timeout=PATIENCE)
    assert page.locator("#download").count() == 0


def test_what_is_no_photo_is_explained_and_without_one_the_button_says_so(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Colorize", exact=True).click()
    page.get_by_text("There is no photo yet").wait_for(timeout=PATIENCE)
    letter = tmp_path / "letter & sons.jpg"
    letter.write_text("Dear photograph")
    page.set_input_files("#photo [data-role=files]", letter)
    page.locator("#photo .failed-list").get_by_text("“letter & sons.jpg” is not a photograph").wait_for(
        timeout=PATIENCE
    )


def test_a_16_bit_tiff_of_two_pages_is_shown_as_what_it_is(page: Page, tmp_path: Path) -> None:
    import tifffile

    grey = np.linspace(0, 65535, 120 * 80).reshape(80, 120).astype(np.uint16)
    tifffile.imwrite(tmp_path / "scan.tif", np.stack([grey, grey]), photometric="minisblack")
    choose(page, tmp_path / "scan.tif")
    page.wait_for_function("() => document.querySelector('#photo .chosen img').naturalWidth == 120")
    page.locator("#photo").get_by_text("2 pages; the first is taken").wait_for()


def test_a_faded_photo_is_restored_and_carried_to_the_other_tab(page: Page, tmp_path: Path) -> None:
    open_defade_tab(page)
    with Image.open(grey_photo(tmp_path / "hills.jpg", 1200, 800)) as fresh:
        fresh.point(lambda value: value // 2 + 80).save(tmp_path / "hills.jpg", exif=fresh.getexif())
    choose(page, tmp_path / "hills.jpg", "defade-")
    page.locator("#colour").get_by_label("never").check()
    restore(page)
    facts = page.locator("#defade-facts").inner_text()
    assert facts.startswith("Restored in") and "strength 1." in facts and "1200 × 800 pixels" in facts
    assert "taken for black and white" in facts
    file = download(page, tmp_path, "defade-download")
    assert file.name == "hills-restored.jpg"
    assert file.read_bytes() == commanded(tmp_path / "hills.jpg", tmp_path / "command.jpg", "defade").read_bytes()
    with Image.open(file) as restored, Image.open(tmp_path / "hills.jpg") as faded:
        assert restored.size == (1200, 800)
        assert restored.getexif()[0x013B] == "A. Photographer"
        assert colourfulness(restored) < 1
        spreads = [ImageStat.Stat(image.convert("L")).stddev[0] for image in (restored, faded)]
        assert spreads[0] > 1.1 * spreads[1]
    page.locator("#defade-carry").click()
    page.locator("#photo .chosen img").wait_for(timeout=PATIENCE)
    assert page.get_by_role("tab", name="Colorize").get_attribute("aria-selected") == "true"
    colorize(page)
    twice = download(page, tmp_path)
    with Image.open(twice) as coloured:
        spread = ImageStat.Stat(coloured.convert("L")).stddev[0]
        assert spread == pytest.approx(spreads[0], rel=0.1) and colourfulness(coloured) > 3


def test_a_faded_example_is_restored_as_far_as_asked_and_coloured(page: Page, tmp_path: Path) -> None:
    open_defade_tab(page)
    page.get_by_text("faded on purpose by a simulation").wait_for()
    page.locator("#defade-photo [data-example='3']").click()
    page.locator("#defade-photo .chosen img").wait_for(timeout=PATIENCE)
    number = page.locator("#strength input[type=number]")
    number.fill("0.5")
    number.press("Enter")
    page.locator("#colour").get_by_label("never").check()
    page.locator("#defade-model").wait_for(timeout=PATIENCE, state="hidden")
    page.locator("#colour").get_by_label("in any case").check()
    page.locator("#defade-model").wait_for(timeout=PATIENCE)
    restore(page)
    facts = page.locator("#defade-facts").inner_text()
    assert facts.startswith("Restored and coloured in") and "strength 0.5." in facts
    with Image.open(download(page, tmp_path, "defade-download")) as restored:
        assert restored.size == (512, 512)
        assert colourfulness(restored) > 3
    page.get_by_role("tab", name="Colorize").click()
    assert page.locator("#photo .chosen img").count() == 0  # the tabs keep their photos apart
    page.get_by_role("tab", name="Defade").click()
    compared(page, "defade-")
