"""On a telephone, by keyboard, by ear."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.visitor import PATIENCE, choose, colorize, compared, open_defade_tab, restore
from tests.page import ServedPage, grey_photo

if TYPE_CHECKING:
    from playwright.sync_api import Page

TELEPHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


def violations(page: Page) -> list[tuple[str, Any]]:
    """What axe-core finds against WCAG 2.1 A and AA."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    response = axe.run(page, options={"runOnly": RULES}).response
    assert len(response["passes"]) > 10
    return [(found["id"], [node["target"] for node in found["nodes"]]) for found in response["violations"]]


@pytest.mark.parametrize("size", [TELEPHONE, DESK], ids=["narrow", "wide"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_tabs_are_accessible_and_nothing_scrolls_sideways(
    page: Page, tmp_path: Path, theme: str, size: dict[str, int]
) -> None:
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.goto(f"{page.url}?__theme={theme}")
    page.get_by_role("button", name="Colorize", exact=True).wait_for()
    assert page.evaluate("document.body.classList.contains('dark')") is (theme == "dark")
    assert violations(page) == []
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear photograph")
    choose(page, [grey_photo(tmp_path / "hills.jpg", 300, 200), letter])
    colorize(page)
    page.get_by_role("button", name="Colorize", exact=True).hover()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    open_defade_tab(page)
    page.locator("#colour").get_by_label("in any case").check()
    choose(page, tmp_path / "hills.jpg", "defade-")
    restore(page)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_versions_guesses_and_hints_are_accessible_and_a_click_takes_a_version(page: Page, tmp_path: Path) -> None:
    page.goto(f"{page.url}?factor=5&__theme=light")
    page.get_by_text("Render size 5:").wait_for(timeout=PATIENCE)
    choose(page, grey_photo(tmp_path / "hills.jpg", 300, 200))
    colorize(page)
    page.get_by_role("button", name="Where it guesses").click()
    page.locator("#comparison .guesses").wait_for()
    page.get_by_role("button", name="Say what colour it is").click()
    page.locator("#comparison .frame").click(position={"x": 30, "y": 20})
    page.get_by_role("button", name="Show four versions").click()
    versions = page.locator("#view .version")
    versions.nth(3).wait_for(timeout=PATIENCE)
    assert versions.count() == 4 and not page.get_by_role("button", name="Show four versions").is_visible()
    assert violations(page) == []
    other = page.locator("#view .version[aria-pressed=false]").first
    about = other.inner_text().strip()
    before = page.locator("#comparison img.after").get_attribute("src")
    other.click()
    page.locator("#facts").get_by_text(f"{about}: by compact").wait_for(timeout=PATIENCE)
    assert page.locator("#comparison img.after").get_attribute("src") != before
    assert page.locator("#view .version[aria-pressed=true]").inner_text().strip() == about
    page.evaluate("document.body.classList.add('dark')")
    page.set_viewport_size({"width": TELEPHONE["width"], "height": TELEPHONE["height"]})
    page.wait_for_timeout(500)  # until colours have changed over
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
    page.get_by_role("button", name="Where it guesses").click()
    assert page.locator("#comparison .guesses").count() == 0


def test_axe_would_have_found_what_is_unnamed(page: Page) -> None:
    page.evaluate("document.querySelector('#photo .example').removeAttribute('aria-label')")
    assert [name for name, _ in violations(page)] == ["button-name"]


@pytest.mark.parametrize(("width", "height"), [(390, 844), (844, 390)], ids=["portrait", "landscape"])
def test_the_result_and_its_download_come_into_view_on_a_telephone(
    page: Page, tmp_path: Path, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    choose(page, grey_photo(tmp_path / "hills.jpg", 600, 800))
    colorize(page)
    for element in ("#comparison .frame", "#download"):
        page.wait_for_function(
            "(element) => { const box = document.querySelector(element).getBoundingClientRect();"
            " return box.top >= 0 && box.bottom <= innerHeight && box.height > 30 }",
            arg=element,
        )


def test_swiping_and_turning_the_wheel_over_the_picture_scroll_the_page(
    page: Page, page_server: ServedPage, tmp_path: Path
) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    touched = context.new_page()
    touched.goto(page_server.url)
    choose(touched, grey_photo(tmp_path / "hills.jpg", 300, 200))
    colorize(touched)
    touched.wait_for_timeout(1500)  # until it has scrolled to the result
    frame = touched.locator("#comparison .frame")
    assert frame.evaluate("frame => getComputedStyle(frame).touchAction") == "pan-y pinch-zoom"
    box = frame.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    chrome = context.new_cdp_session(touched)
    before = touched.evaluate("scrollY")
    chrome.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 16):
        at = {"x": x, "y": y + 10 * step}
        chrome.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
        touched.wait_for_timeout(30)
    chrome.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    touched.wait_for_function("before => scrollY < before", arg=before)
    touched.wait_for_timeout(500)
    swiped = touched.evaluate("scrollY")
    touched.mouse.move(x, 400)
    touched.mouse.wheel(0, -100)
    touched.wait_for_function("before => scrollY < before", arg=swiped)
    context.close()


def test_all_is_reached_and_heard_by_keyboard_and_ear(page: Page, tmp_path: Path) -> None:
    choose(page, grey_photo(tmp_path / "hills.jpg", 300, 200))
    page.get_by_role("button", name="Colorize", exact=True).focus()
    page.keyboard.press("Enter")
    compared(page)
    status = page.locator("#view [data-role=status]")
    assert status.get_attribute("role") == "status"
    page.wait_for_function("() => document.querySelector('#view [data-role=status]').textContent == 'Done.'")
    handle = page.get_by_role("slider", name="Compare")
    handle.focus()
    page.keyboard.press("End")
    assert handle.get_attribute("aria-valuetext") == "100 percent as it was"
    assert page.locator("#comparison .frame").evaluate("frame => frame.style.getPropertyValue('--at')") == "100%"
    outline = handle.evaluate("handle => getComputedStyle(handle).outlineWidth")
    assert outline == "3px"
    alts = page.locator("#comparison img").evaluate_all("images => images.map((image) => image.alt)")
    assert alts == ["hills.jpg, afterwards", "hills.jpg, as it was"]
