"""Several photos on the page, in a real browser."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.browser.visitor import PATIENCE, choose, colorize, download
from tests.page import ServedPage, colourfulness, commanded, grey_photo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DROP = """async ({ name, data, target }) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const place = document.querySelector(target);
  const event = target === "body"
    ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
  place.dispatchEvent(event);
}"""


def let_go(page: Page, photo: Path, target: str) -> None:
    """Drop a photo on an element, or paste it where that is the body."""
    import base64

    data = base64.b64encode(photo.read_bytes()).decode()
    page.evaluate(DROP, {"name": photo.name, "data": data, "target": target})


def states(page: Page) -> list[str]:
    """What the strip says of each photo."""
    return [
        (label or "").partition(":")[0]
        for label in page.locator("#photo .pick").evaluate_all("each => each.map((one) => one.ariaLabel)")
    ]


@pytest.fixture
def five(tmp_path: Path) -> list[Path]:
    """Five photos of different widths, and a broken one in the middle."""
    (tmp_path / "old").mkdir()
    photos = [grey_photo(tmp_path / "old" / f"hills{number}.jpg", 200 + number, 150) for number in range(5)]
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear photograph")
    return [*photos[:2], letter, *photos[2:]]


def test_five_photos_and_a_broken_one_come_back_in_a_zip(page: Page, five: list[Path], tmp_path: Path) -> None:
    choose(page, five)
    page.get_by_role("button", name="Colorize", exact=True).click()
    page.get_by_text("5 of 5 photos done.").wait_for(timeout=PATIENCE)
    assert states(page) == [f"{photo.name}, {'failed' if photo.stem == 'letter' else 'done'}" for photo in five]
    page.locator("#photo .failed-list").get_by_text("“letter.jpg” is not a photograph").wait_for()
    (tmp_path / "out").mkdir()
    archive = download(page, tmp_path / "out", "zip")
    expected = commanded(tmp_path / "old", tmp_path / "coloured", "colorize")
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() == [f"hills{number}-colour.jpg" for number in range(5)]
        for number in range(5):
            assert opened.read(f"hills{number}-colour.jpg") == (expected / f"hills{number}.jpg").read_bytes()
            with opened.open(f"hills{number}-colour.jpg") as file, Image.open(file) as coloured:
                assert coloured.size == (200 + number, 150) and colourfulness(coloured) > 3
        page.locator("#photo .pick").nth(4).click()
        page.locator("#comparison img[alt='hills3.jpg, as it was']").wait_for(timeout=PATIENCE)
        assert download(page, tmp_path / "out").read_bytes() == opened.read("hills3-colour.jpg")


def test_stopping_keeps_what_is_done_and_pressing_again_goes_on(page: Page, tmp_path: Path) -> None:
    count = 10  # so that there is time to press
    choose(page, [grey_photo(tmp_path / f"hills{number}.jpg", 1500, 1000) for number in range(count)])
    page.get_by_role("button", name="Colorize", exact=True).click()
    stop = page.get_by_role("button", name="Stop", exact=True)
    stop.wait_for(timeout=PATIENCE)
    page.locator("#photo .photo.done").first.wait_for(timeout=PATIENCE)
    stop.click()
    page.get_by_text("what is done is kept").wait_for(timeout=PATIENCE)
    done = page.locator("#photo .photo.done").count()
    assert 1 <= done < count
    page.get_by_role("button", name="Colorize", exact=True).click()
    page.get_by_text(f"{count - done} of {count - done} photo").or_(page.get_by_text("Done.")).wait_for(
        timeout=PATIENCE
    )
    assert page.locator("#photo .photo.done").count() == count


def test_who_loads_the_page_anew_finds_the_photos_and_the_work_on_them(
    browser: Browser, page_server: ServedPage, tmp_path: Path
) -> None:
    count = 10  # so that there is work left to follow
    context = browser.new_context()  # of its own: Gradio complains of a page that is left while it tells of work
    page = context.new_page()
    page.goto(page_server.url)
    choose(page, [grey_photo(tmp_path / f"hills{number}.jpg", 1500, 1000) for number in range(count)])
    page.get_by_role("button", name="Colorize", exact=True).click()
    page.locator("#photo .photo.done").first.wait_for(timeout=PATIENCE)
    page.reload()
    page.locator("#photo .photo").nth(count - 1).wait_for(timeout=PATIENCE)
    page.get_by_text(f"{count} of {count} photos done.").wait_for(timeout=PATIENCE)
    assert states(page) == [f"hills{number}.jpg, done" for number in range(count)]
    context.close()


def test_a_photo_dropped_or_pasted_over_another_is_added_and_results_stay_with_their_own(
    page: Page, tmp_path: Path
) -> None:
    choose(page, grey_photo(tmp_path / "first.jpg", 300, 200))
    colorize(page)
    let_go(page, grey_photo(tmp_path / "second.jpg", 240, 180), "#photo .drop")
    page.get_by_text("“second.jpg” appears here").wait_for(timeout=PATIENCE)
    assert page.locator("#comparison img").count() == 0
    let_go(page, grey_photo(tmp_path / "third.jpg", 200, 150), "body")
    page.locator("#photo .pick").nth(2).wait_for(timeout=PATIENCE)
    page.get_by_text("“third.jpg” appears here").wait_for(timeout=PATIENCE)
    page.locator("#photo .pick").first.click()
    page.locator("#comparison img[alt='first.jpg, as it was']").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Remove first.jpg").click()
    page.get_by_text("“second.jpg” appears here").wait_for(timeout=PATIENCE)
    assert page.locator("#comparison img").count() == 0 and page.locator("#download").count() == 0
    assert page.locator("#photo .pick").count() == 2


def test_a_zip_is_opened_and_pasting_text_gets_a_word(page: Page, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "trip.zip", "w") as archive:
        archive.write(grey_photo(tmp_path / "a.jpg", 120, 90), "trip/a.jpg")
        archive.writestr("trip/notes.txt", "text")
    choose(page, tmp_path / "trip.zip")
    assert states(page) == ["trip/a.jpg, waiting", "trip/notes.txt, failed"]
    page.evaluate("document.body.dispatchEvent(new ClipboardEvent('paste', {bubbles: true}))")
    page.get_by_text("There is no picture in the clipboard").wait_for()


def test_a_folder_is_chosen_with_the_folders_inside(page: Page, tmp_path: Path) -> None:
    (tmp_path / "trip" / "day 2").mkdir(parents=True)
    grey_photo(tmp_path / "trip" / "a.jpg", 120, 90)
    grey_photo(tmp_path / "trip" / "day 2" / "b.jpg", 120, 90)
    (tmp_path / "trip" / ".hidden.jpg").write_bytes(b"what a system puts there")
    page.set_input_files("#photo [data-role=folder]", tmp_path / "trip")
    page.locator("#photo .pick").nth(1).wait_for(timeout=PATIENCE)
    page.locator("#photo .photo.waiting").nth(1).wait_for(timeout=PATIENCE)
    assert sorted(states(page)) == ["trip/a.jpg, waiting", "trip/day 2/b.jpg, waiting"]


def test_another_model_chosen_during_a_render_downloads_nothing_and_fails_nothing(
    page: Page, page_server: ServedPage, tmp_path: Path
) -> None:
    page.goto(f"{page_server.url}?factor=5")
    page.get_by_text("Render size 5:").wait_for(timeout=PATIENCE)
    choose(page, [grey_photo(tmp_path / f"hills{number}.jpg", 900, 600) for number in range(6)])
    told = len(page_server.log.read_bytes())
    page.get_by_role("button", name="Colorize", exact=True).click()
    page.get_by_role("button", name="Stop", exact=True).wait_for(timeout=PATIENCE)
    page.locator("#model input").click()
    page.get_by_role("option", name="video").click()
    page.locator("#model").get_by_text("Colorize first downloads 874 MB").wait_for(timeout=PATIENCE)
    page.get_by_text("6 of 6 photos done.").wait_for(timeout=PATIENCE)
    assert {state.partition(", ")[2] for state in states(page)} == {"done"}
    assert "by compact at render factor 5" in page.locator("#facts").inner_text()
    assert b"video" not in page_server.log.read_bytes()[told:]  # nobody tried to fetch it
