"""From the click to the coloured preview on the page, against what the package takes from file to file.

    python -m benchmarks.page --rounds 7

Run it on a quiet machine. The page is served as a user serves it and clicked in Chromium; page and package take turns
with the same photograph, each warm.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.photo import make_photo, served

if TYPE_CHECKING:
    from playwright.sync_api import Page

_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
_PATIENCE = 600_000  # milliseconds

# Milliseconds from a press of the button until another result is shown, decoded.
_CLICK = """async () => {
  const shown = () => document.querySelector("#comparison img.after");
  const before = shown() && shown().src;
  const start = performance.now();
  document.querySelector("#colorize").click();
  for (;;) {
    const image = shown();
    if (image && image.src !== before && image.complete && image.naturalWidth) break;
    await new Promise(requestAnimationFrame);
  }
  await shown().decode();
  return performance.now() - start;
}"""

app = typer.Typer(add_completion=False)


def by_page(page: Page) -> float:
    """Seconds from the click to the preview."""
    return float(page.evaluate(_CLICK)) / 1000


@app.command()
def measure(
    megapixels: Annotated[float, typer.Option(help="Of the photograph.")] = 2.0,
    rounds: Annotated[int, typer.Option(min=1, help="Of each; medians are told.")] = 7,
    chromium: Annotated[Path, typer.Option(help="The browser.")] = Path("/usr/bin/chromium"),
) -> None:
    """Measure, and print seconds and their ratio."""
    from playwright.sync_api import sync_playwright

    import deoldify
    from deoldify.photo import open_photo, save_photo

    colorizer = deoldify.load_colorizer("compact")
    with tempfile.TemporaryDirectory() as name, served() as address, sync_playwright() as playwright:
        photo = Path(name) / "photo.jpg"
        make_photo(photo, megapixels, mode="grey RGB")

        def by_package() -> float:
            start = time.perf_counter()
            coloured = colorizer.colorize_photo(open_photo(photo))
            save_photo(coloured, Path(name) / "colour.jpg", label=colorizer.label)
            return time.perf_counter() - start

        browser = playwright.chromium.launch(executable_path=str(chromium), args=list(_FLAGS))
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(_PATIENCE)
        page.goto(address)
        page.set_input_files("#photo [data-role=files]", photo)
        page.locator("#photo .chosen img").wait_for()
        taken = [(by_page(page), by_package()) for _ in range(rounds + 1)][1:]  # the first wakes the models
        browser.close()
    of_page, of_package = (statistics.median(each) for each in zip(*taken, strict=True))
    typer.echo(f"{megapixels:g} megapixels, compact, warm, medians of {rounds}")
    typer.echo(f"page, from click to preview   {of_page:.3f} s")
    typer.echo(f"package, from file to file    {of_package:.3f} s")
    typer.echo(f"ratio                         {of_page / of_package:.2f}")


if __name__ == "__main__":
    app()
