"""What would be done is told, nothing is, and the estimate follows from what was tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from deoldify.dry_run import Trial, estimate
from deoldify.session import Wishes
from tests.test_console import do


def test_all_is_listed_with_its_reason_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    album, new = tmp_path / "album", tmp_path / "album" / "new"
    album.mkdir()
    for name, width, grey in (("a.png", 9, 60), ("b.png", 8, 70), ("small.png", 3, 60), ("black.png", 9, 0)):
        Image.new("L", (width, 6), grey).save(album / name)
    black, gone = album / "black.png", album / "gone.jpg"
    (album / "c.jpg").write_bytes(b"no photo")
    gone.symlink_to("nowhere")
    assert do([album / "a.png"], new) == 0
    (album / "again.png").write_bytes((new / "a.png").read_bytes())
    (new / (".deoldify-" + "0" * 16 + ".part")).write_bytes(b"left behind")
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    capsys.readouterr()
    assert do([album], new, wishes=Wishes(tmp_path / "kept" / "done.csv", dry_run=True)) == 1  # for what is gone
    out, err = capsys.readouterr()
    assert sorted(out.splitlines()) == sorted(
        [
            f"do: {album / 'b.png'} -> {new / 'b.png'}",
            f"there: {album / 'a.png'} -> {new / 'a.png'}",
            f"left: {album / 'small.png'}: has colours",
            f"left: {album / 'again.png'}: it is a result of deoldify invert",
            f"failed: {black}: {black} cannot be worked on: it is too dark in here and cold",
            f"doubtful: {album / 'c.jpg'}: its size cannot be told, so it may be no photograph",
            f"failed: {gone}: {gone} is a link that leads nowhere, not a photograph",
        ]
    )
    first, second = err.splitlines()
    assert first == "4 to do, 1 there already, 1 left, 1 that cannot be done; nothing was written"
    assert second.startswith("by 3 that were tried: about ") and second.endswith(" GB of memory at most")
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_estimate_is_exact_where_the_model_is() -> None:
    def seconds(pixels: int) -> float:
        return 0.5 + pixels / 1e6

    tried = [1_000_000, 2_000_000, 4_000_000]
    times = [seconds(each) for each in tried]
    trial = Trial(tried, times, sum(times) / 2, base=10**9, peak=10**9 + 60_000_000)  # two at a time
    todo = [*tried, *[3_000_000] * 100]
    took, memory = estimate(trial, todo, workers=2)
    assert took == pytest.approx(sum(seconds(each) for each in todo) / 2)
    assert memory == 10**9 + 70_000_000  # 6 megapixels were in hand at most, and 7 will be
    assert estimate(trial, [*todo, 8_000_000], workers=2)[1] == 10**9 + 120_000_000
    assert estimate(trial, [50_000_000] * 9, workers=9)[1] == 10**9 + round(60_000_000 * 100 / 7)  # bounded
    alike = Trial([10, 10], [1.0, 3.0], 4.0, base=0, peak=0)
    assert estimate(alike, [10] * 6, workers=2)[0] == pytest.approx(12)
