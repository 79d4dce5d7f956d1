"""The gallery of a run, opened from the disk as whoever gets the folder opens it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from deoldify.record import Gallery, Row
from deoldify.session import Wishes
from tests.test_console import do

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MANY = 50_000


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without a network. Afterwards nothing may have been asked of it, and nothing have gone wrong."""
    context = browser.new_context(viewport={"width": 1200, "height": 800}, offline=True)
    page = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    context.close()
    assert errors == []
    assert asked and all(url.startswith(("file:", "data:")) for url in asked)


def opened(page: Page, folder: Path, photos: int) -> None:
    page.goto((folder / "gallery.html").as_uri())
    page.get_by_text(f"{photos} of {photos} photos", exact=True).wait_for(timeout=120_000)


def names(page: Page) -> list[str]:
    return page.locator("#photos .name").all_text_contents()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Of a run over photos with awkward names, one of which was left and one has failed."""
    old = tmp_path / "old #1"
    old.mkdir()
    for number, name in enumerate(["a b.png", "100%?.png", "c&d<i>.png"]):
        ramp = np.tile(np.linspace(0, 255, 900, dtype=np.uint8), (600, 1))
        Image.fromarray(np.roll(ramp, 100 * number, axis=1)).save(old / name)
    Image.new("L", (3, 3), 60).save(old / "small.png")
    (old / "no.jpg").write_bytes(b"no photo")
    new = tmp_path / "new"
    assert do([old], new, wishes=Wishes(gallery=new)) == 1
    return new


def test_before_and_after_under_one_slider_by_mouse_and_keyboard(page: Page, archive: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"  # both folders together: the page names its originals by relative paths
    moved.mkdir()
    for folder in ("old #1", "new"):
        shutil.move(tmp_path / folder, moved / folder)
    opened(page, moved / "new", 5)
    assert names(page) == ["no.jpg", "100%?.png", "a b.png", "c&d<i>.png", "small.png"]  # worst first
    page.get_by_role("button", name="100%?.png").click()
    page.wait_for_function(
        "() => ['before', 'after'].every(id => document.getElementById(id).naturalWidth === 640)", timeout=120_000
    )
    before, after = (page.locator(f"#{end}").evaluate("image => image.currentSrc") for end in ("before", "after"))
    pictures = []
    for address in (before, after):
        with Image.open(moved / "new" / address.partition("/new/")[2]) as image:
            assert (image.size, image.format) == ((640, 427), "JPEG")
            pictures.append(np.asarray(image).astype(int))
    assert np.abs(pictures[0] + pictures[1] - 255).mean() < 4  # the toy job inverts
    at = page.locator("#at")
    assert at.input_value() == "50"
    page.keyboard.press(".")
    assert at.input_value() == "55"
    page.keyboard.press(" ")
    assert at.input_value() == "0"
    box = page.locator("#compare").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    assert at.input_value() == "25"
    assert page.locator("#before").evaluate("image => getComputedStyle(image).clipPath") == "inset(0px 75% 0px 0px)"
    page.locator("#close").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#one-name").inner_text().endswith("a b.png")
    with page.context.expect_page() as original:
        page.get_by_text("the original").click()
    original.value.wait_for_load_state()
    assert original.value.url == (moved / "old #1" / "a b.png").as_uri()
    assert original.value.locator("img").evaluate("image => image.naturalWidth") == 900
    original.value.close()
    page.keyboard.press("Escape")
    assert page.locator("#photos button:focus .name").inner_text() == "a b.png"


def test_photos_are_found_by_name_status_and_certainty(page: Page, tmp_path: Path) -> None:
    with Gallery(tmp_path) as gallery:
        for number in range(10):
            source = f"/old/{'roll' if number % 2 else 'box'}/{number}.jpg"
            gallery.add(Row(source, "", "failed", "too dark"))
            gallery.add(Row(source, f"/new/{number}.jpg", "done", certainty=number / 10))
        gallery.add(Row("/old/box/left.jpg", "", "left", "has colours"))
    opened(page, tmp_path, 11)
    assert names(page) == [*(f"{number}.jpg" for number in range(10)), "left.jpg"]
    page.keyboard.press("/")
    page.keyboard.type("box 4")
    assert names(page) == ["4.jpg"]
    page.locator("#name").fill("BOX")
    assert names(page) == ["0.jpg", "2.jpg", "4.jpg", "6.jpg", "8.jpg", "left.jpg"]
    page.locator("#sure").fill("45")
    assert names(page) == ["0.jpg", "2.jpg", "4.jpg"]
    page.locator("#sure").fill("100")
    page.locator("#status").select_option("left")
    assert names(page) == ["left.jpg"]
    page.get_by_role("button", name="left.jpg").click()
    assert page.locator("#none").is_visible() and "has colours" in page.locator("#facts").inner_text()


def test_fifty_thousand_photos_are_usable_by_pages(page: Page, tmp_path: Path) -> None:
    with Gallery(tmp_path) as gallery:
        for number in range(MANY):
            gallery.add(Row(f"/old/{number:05}.jpg", f"/new/{number:05}.jpg", "done", certainty=number / MANY))
    with Gallery(tmp_path) as gallery:  # goes on
        assert gallery.has(Path("/old/00000.jpg"), Path("/new/00000.jpg"))
        assert gallery.has(Path(f"/old/{MANY - 1}.jpg"), Path(f"/new/{MANY - 1}.jpg"))
        assert not gallery.has(Path("/old/a.jpg"), Path("/new/a.jpg"))
    opened(page, tmp_path, MANY)
    assert page.locator("#photos li").count() == 60
    page.locator("#on").click()
    assert names(page)[0] == "00060.jpg"
    page.locator("#page").fill("834")
    page.keyboard.press("Enter")
    assert names(page)[-1] == f"{MANY - 1}.jpg" and page.locator("#on").is_disabled()
    page.locator("#name").fill("49999")
    assert names(page) == ["49999.jpg"]


def test_a_line_that_a_killed_run_has_torn_costs_no_other(page: Page, tmp_path: Path) -> None:
    with Gallery(tmp_path) as gallery:
        gallery.add(Row("/old/a.jpg", "/new/a.jpg", "done"))
    (data,) = (tmp_path / ".deoldify" / "gallery").glob("photos-*.js")
    with data.open("ab") as stream:
        stream.write(b'photo({"n":"b.jp')
    with Gallery(tmp_path) as gallery:
        gallery.add(Row("/old/c.jpg", "/new/c.jpg", "done"))
    opened(page, tmp_path, 2)
    assert names(page) == ["a.jpg", "c.jpg"]
