"""What the page makes of a photo is, byte for byte, what the command line makes of it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from demo import api
from demo.jobs import Colouring, Job, Restoring, do
from deoldify.folder import stamp_of
from deoldify.imaging import Adjustments
from tests.page import commanded, grey_photo

SHARED = ["-r", "8", "--liveliness", "0.2", "--caution", "0.5"]


@pytest.mark.parametrize(
    ("job", "command"),
    [
        (Colouring("compact", 8, "guided", Adjustments(liveliness=0.2, caution=0.5)), ["colorize", *SHARED]),
        (Colouring("compact", 8, "bilinear"), ["colorize", "-r", "8", "--transfer", "bilinear"]),
        (Restoring(0.8, True, "compact", "never"), ["defade", "-s", "0.8", "--keep-tone"]),
        (Restoring(1.0, False, "compact", "auto"), ["restore"]),
        (Restoring(1.0, False, "compact", "always"), ["restore", "--colour", "always"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_photo_from_the_page_is_the_command_lines_byte_for_byte(job: Job, command: list[str], tmp_path: Path) -> None:
    with Image.open(grey_photo(tmp_path / "hills.jpg", 300, 200)) as fresh:
        fresh.point(lambda value: value // 2 + 80).save(tmp_path / "hills.jpg", exif=fresh.getexif())
    (tmp_path / "page").mkdir()
    made = do(job, tmp_path / "hills.jpg", "old/hills.jpg", tmp_path / "page", lambda doing, share: None)
    expected = commanded(tmp_path / "hills.jpg", tmp_path / "command.jpg", *command)
    assert made.file.read_bytes() == expected.read_bytes()
    stamp = stamp_of(made.file)
    assert stamp is not None and stamp.job == command[0]


def test_the_limit_of_an_album_is_that_of_all_its_archives_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    photo = grey_photo(tmp_path / "hills.jpg", 60, 40)
    for name in ("first.zip", "second.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.write(photo, "hills.jpg")
    sent = [(tmp_path / name, name) for name in ("first.zip", "second.zip")]
    job = Colouring("compact", 4, "bilinear")
    for room, refused in ((2.5, [False, False]), (1.5, [False, True])):
        monkeypatch.setattr(api, "MAX_ALBUM_BYTES", int(room * photo.stat().st_size))
        _, facts = api.do_many(job, sent, gr.Progress())
        assert ["larger than what may still be sent" in (told["error"] or "") for told in facts] == refused
    with pytest.raises(gr.Error, match="the most"):
        api.do_many(job, [(photo, "hills.jpg"), (photo, "hills.jpg")], gr.Progress())
    monkeypatch.setattr(api, "MAX_PHOTOS", 1)
    monkeypatch.setattr(api, "MAX_ALBUM_BYTES", 10**9)
    _, facts = api.do_many(job, sent, gr.Progress())
    assert [bool(told["error"]) for told in facts] == [False, True]
    assert "0 more photos are the most" in facts[1]["error"]
