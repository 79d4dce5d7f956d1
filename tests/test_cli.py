"""The command line, called as a user calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from deoldify.checkpoints import CHECKPOINTS


def call(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deoldify", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "100", **variables}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment, check=False)


@pytest.fixture
def old_photo(coffee: npt.NDArray[np.uint8], tmp_path: Path) -> Path:
    """A grey JPEG lying on its side, as a phone would save it: upright it is 300 × 200."""
    upright = Image.fromarray(coffee).convert("L").resize((300, 200))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Grandmother's kitchen"
    path = tmp_path / "old.jpg"
    upright.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif, dpi=(300, 300), quality=95)
    return path


def test_one_photo(old_photo: Path, tmp_path: Path) -> None:
    done = call("colorize", old_photo, "-o", tmp_path / "colour.jpg")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    with Image.open(tmp_path / "colour.jpg") as image:
        assert image.size == (300, 200)
        assert image.mode == "RGB"
        assert image.info["dpi"] == (300, 300)
        assert image.getexif()[0x010E] == "Grandmother's kitchen"
        assert image.getexif().get(0x0112, 1) == 1
        red, green, blue = np.asarray(image).astype(int).transpose(2, 0, 1)
    assert np.abs(red - blue).mean() > 5
    assert np.abs(red - green).mean() > 2


def test_a_folder_goes_on_where_it_stopped_and_survives_a_bad_photo(
    coffee: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    source, target = tmp_path / "old", tmp_path / "new"
    (source / "1911").mkdir(parents=True)
    Image.fromarray(coffee).resize((90, 60)).convert("L").save(source / "a.png")
    Image.fromarray(coffee).resize((90, 60)).convert("L").save(source / "1911" / "b.tif")
    Image.fromarray(coffee).resize((90, 60)).convert("L").save(source / "c.gif")
    (source / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    (source / "notes.txt").write_text("no photo, and nobody said so")

    first = call("colorize", source, "-o", target)
    assert first.returncode == 1
    assert "1 of 4 photos could not be coloured" in first.stderr
    assert first.stderr.count("broken.jpg") == 2  # when it happened, and in the list at the end
    assert "notes.txt" not in first.stderr
    made = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert made == ["1911/b.tif", "a.png", "c.png"]

    before = {path: path.stat().st_mtime_ns for path in target.rglob("*") if path.is_file()}
    (source / "broken.jpg").unlink()
    second = call("colorize", source, "-o", target)
    assert second.returncode == 0
    assert "3 of 3 photos are done already" in second.stderr
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*") if path.is_file()} == before


def test_several_photos_of_one_name_are_refused(old_photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / old_photo.name).write_bytes(old_photo.read_bytes())
    refused = call("colorize", old_photo, other / old_photo.name, "-o", tmp_path / "out")
    assert refused.returncode == 2
    assert "would both become" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["colorize"], 2, "Missing argument"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--render-factor", "3"], 2, "4<=x<=64"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--transfer", "magic"], 2, "'guided', 'bilinear', 'none'"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--model", "vivid"], 2, "artistic"),
        (["colorize", "PHOTO", "-o", "x.docx"], 2, ".jpg"),
        (["colorize", "nowhere.jpg", "-o", "x.jpg"], 1, "nowhere.jpg does not exist"),
        (["colorize", "PHOTO", "-o", "x.jpg", "--checkpoint", "PHOTO"], 1, "old.jpg"),
        (["fetch"], 2, "--all"),
        (["fetch", "vivid"], 2, "artistic"),
    ],
)
def test_errors_are_a_line_and_a_status(
    arguments: list[str], status: int, says: str, old_photo: Path, tmp_path: Path
) -> None:
    named = [str(old_photo) if argument == "PHOTO" else argument for argument in arguments]
    done = call(*[str(tmp_path / a) if a.startswith("x.") else a for a in named])
    assert done.returncode == status, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("x.*"))


def test_models_lists_every_model(tmp_path: Path) -> None:
    done = call("models", HF_HUB_CACHE=str(tmp_path))
    assert done.returncode == 0
    rows = {line.split()[0]: line for line in done.stdout.splitlines()[1:]}
    assert rows.keys() == {checkpoint.name for checkpoint in CHECKPOINTS}
    assert " yes " in rows["compact"]
    assert " no " in rows["artistic"]
    assert "255 MB" in rows["artistic"]


def test_help_names_every_option() -> None:
    text = call("colorize", "--help").stdout
    for option in ("--output", "--model", "--checkpoint", "--render-factor", "--transfer", "--device", "--precision"):
        assert option in text
