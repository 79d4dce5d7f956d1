"""Photographs on their way to the disk: as finely as they came, whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from deoldify.errors import PhotoError
from deoldify.photo import WRITABLE_SUFFIXES, Photo, open_photo, save_photo, writing
from tests.photo.pictures import noise, smooth, written


def settings(path: Path) -> tuple[dict[int, list[int]], int]:
    with Image.open(path) as image:
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        return image.quantization, JpegImagePlugin.get_sampling(image)


@pytest.mark.parametrize(("quality", "subsampling"), [(98, 0), (92, 2), (94, 1)])
def test_fine_jpeg_keeps_its_tables(tmp_path: Path, quality: int, subsampling: int) -> None:
    Image.fromarray(smooth()).save(tmp_path / "a.jpg", quality=quality, subsampling=subsampling, progressive=True)
    save_photo(open_photo(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    assert settings(tmp_path / "b.jpg") == settings(tmp_path / "a.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info.get("progressive")


def test_coarse_and_grey_jpegs_get_whole_colour(tmp_path: Path) -> None:
    Image.fromarray(smooth()).save(tmp_path / "q95.jpg", quality=95, subsampling=0)
    Image.fromarray(smooth()).save(tmp_path / "a.jpg", quality=60)
    save_photo(open_photo(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    assert settings(tmp_path / "b.jpg") == settings(tmp_path / "q95.jpg")
    Image.fromarray(smooth()).convert("L").save(tmp_path / "grey.jpg", quality=97)
    grey = open_photo(tmp_path / "grey.jpg")
    save_photo(grey.with_pixels(smooth()), tmp_path / "colour.jpg")
    tables, sampling = settings(tmp_path / "colour.jpg")
    assert sampling == 0 and tables[0] == settings(tmp_path / "grey.jpg")[0][0]
    assert np.abs(open_photo(tmp_path / "colour.jpg").pixels.astype(int) - smooth()).mean() < 2


def test_lossless_webp_stays_lossless(tmp_path: Path) -> None:
    stream = written(Image.fromarray(smooth()), "WEBP", lossless=True)
    photo = open_photo(stream).with_pixels(noise(48, 64))
    save_photo(photo, tmp_path / "a.webp")
    assert np.array_equal(open_photo(tmp_path / "a.webp").pixels, photo.pixels)


# Whole or not at all


def test_unwritable_names_are_explained(tmp_path: Path) -> None:
    photo = Photo(smooth())
    with pytest.raises(PhotoError, match=r"must end in one of \.jpg, .*\.png, .*\.webp"):
        save_photo(photo, tmp_path / "a.gif")
    with pytest.raises(PhotoError, match="there is no folder"):
        save_photo(photo, tmp_path / "nowhere" / "a.jpg")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(PhotoError, match="it is a folder"):
        save_photo(photo, tmp_path / "folder.png")
    with pytest.raises(PhotoError, match="at most 16383 pixels a side"):
        save_photo(Photo(np.zeros((1, 16384, 3), np.uint8)), tmp_path / "a.webp")
    with pytest.raises(PhotoError, match="at most 65535 pixels a side"):
        save_photo(Photo(np.zeros((65536, 1, 3), np.uint8)), tmp_path / "a.jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("bug")])
def test_failure_leaves_the_old_file_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(b"the old photo")

    def half(photo: Photo, stream: io.BufferedRandom) -> None:
        stream.write(b"half")
        raise error

    monkeypatch.setitem(writing._WRITERS, ".png", half)
    expected = PhotoError if isinstance(error, Exception) else type(error)
    words = {"OSError": "No space left", "RuntimeError": r"cannot save .*a\.png: bug"}.get(type(error).__name__)
    with pytest.raises(expected, match=words):
        save_photo(Photo(smooth()), target)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert target.read_bytes() == b"the old photo"


def test_failure_of_the_last_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PhotoError, match="Permission denied"):
        save_photo(Photo(smooth()), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_new_files_have_the_permissions_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    for suffix in WRITABLE_SUFFIXES:
        save_photo(Photo(smooth()), tmp_path / f"a{suffix}")
        assert (tmp_path / f"a{suffix}").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_photo_is_saved_over_itself_and_through_links(tmp_path: Path) -> None:
    pixels = noise(12, 13, 3, np.uint16)
    save_photo(Photo(pixels), tmp_path / "a.tif")
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.tif")
    save_photo(open_photo(tmp_path / "link.tif"), tmp_path / "link.tif")
    assert (tmp_path / "link.tif").is_symlink()
    assert np.array_equal(open_photo(tmp_path / "a.tif").pixels, pixels)


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("JPEG", ".jpg"), ("PNG", ".png"), ("TIFF", ".tif"), ("WEBP", ".webp"), ("GIF", ".png"), ("BMP", ".png")],
)
def test_the_photos_own_suffix(kind: str, suffix: str) -> None:
    assert open_photo(written(Image.fromarray(smooth()), kind)).suffix == suffix
