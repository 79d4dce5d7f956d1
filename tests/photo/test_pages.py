"""Pages of a TIFF: which are photographs, how many there are, each of them read, and several written into one file."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from deoldify.errors import PhotoError
from deoldify.photo import Photo, open_photo, save_pages
from tests.photo.pictures import SRGB, XMP, assert_same_exif, noise, rich_exif, smooth, written


def test_each_page_is_read_by_its_number(tmp_path: Path) -> None:
    pages = [noise(8 + index, 9) for index in range(3)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for page in pages:
            writer.write(page, photometric="rgb")
    for index, page in enumerate(pages):
        photo = open_photo(tmp_path / "a.tif", page=index)
        assert photo.pages == 3 and not photo.animated and np.array_equal(photo.pixels, page)
    with pytest.raises(PhotoError, match=r"a\.tif has 3 pages, and no page 4"):
        open_photo(tmp_path / "a.tif", page=3)
    with pytest.raises(PhotoError, match="is a PNG, of which only the first picture is taken"):
        open_photo(written(Image.fromarray(smooth()), "PNG"), page=1)


@pytest.mark.parametrize("thumbnail_first", [True, False])
def test_thumbnails_and_masks_are_no_pages(tmp_path: Path, thumbnail_first: bool) -> None:
    photo, thumbnail = noise(20, 30), noise(5, 7)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        if thumbnail_first:
            writer.write(thumbnail, photometric="rgb", subfiletype=1)
        writer.write(photo, photometric="rgb", subfiletype=0)
        writer.write(thumbnail, photometric="rgb", subfiletype=1)
        writer.write(thumbnail[..., 0], subfiletype=1)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as tiff:
        tiff.pages[-1].aspage().tags[254].overwrite(4)  # a mask, which tifffile does not write
    found = open_photo(tmp_path / "a.tif")
    assert found.pages == 1 and np.array_equal(found.pixels, photo)


def test_a_photo_behind_its_thumbnail_is_found_and_keeps_what_that_says(tmp_path: Path) -> None:
    photo = noise(20, 30, dtype=np.uint16)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(noise(5, 7), photometric="rgb", subfiletype=1, subifds=1, extratags=[(315, 2, 0, "Anna", True)])
        writer.write(photo, photometric="rgb", subfiletype=0)
    found = open_photo(tmp_path / "a.tif")
    assert found.pages == 1 and np.array_equal(found.pixels, photo)
    assert found.exif is not None and b"Anna" in found.exif


def test_a_file_of_thumbnails_alone_gives_the_first(tmp_path: Path) -> None:
    thumbnail = noise(5, 7)
    tifffile.imwrite(tmp_path / "a.tif", thumbnail, photometric="rgb", subfiletype=1)
    assert np.array_equal(open_photo(tmp_path / "a.tif").pixels, thumbnail)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_frames_of_an_animation_are_counted(kind: str) -> None:
    frames = [Image.fromarray(np.roll(smooth(), 9 * shift, 1)) for shift in range(4)]
    photo = open_photo(written(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert photo.pages == 4 and photo.animated
    assert open_photo(written(frames[0], kind)).pages == 1


def test_pages_are_saved_into_one_file(tmp_path: Path) -> None:
    """Each with its own size, depth, transparency and metadata, in one byte order."""
    rich = open_photo(written(Image.fromarray(smooth()), "TIFF", exif=rich_exif(), xmp=XMP, icc_profile=SRGB))
    deep = Photo(noise(9, 11, dtype=np.uint16), noise(9, 11, 1, np.uint16), dpi=(300, 300))
    other_order = replace(rich, exif=big_endian_exif())
    photos = [rich, deep, other_order]
    save_pages(iter(photos), tmp_path / "a.tif", label="Coloured")
    for index, photo in enumerate(photos):
        found = open_photo(tmp_path / "a.tif", page=index)
        assert (
            found.pages == 3 and np.array_equal(found.pixels, photo.pixels) and found.icc_profile == photo.icc_profile
        )
        assert (found.alpha is None) == (photo.alpha is None) and found.dpi == photo.dpi
        assert found.xmp is not None and b"compositeWithTrainedAlgorithmicMedia" in found.xmp
        assert found.exif is not None and b"Coloured" in found.exif
    with Image.open(tmp_path / "a.tif") as image:
        assert_same_exif(image.getexif())
        image.seek(2)
        assert image.getexif()[65001] == 258 and image.getexif()[65002] == (1.5, 2.5)


def big_endian_exif() -> bytes:
    entries = b"\xfd\xe9\0\3\0\0\0\1\1\2\0\0" + b"\xfd\xea\0\5\0\0\0\2\0\0\0\x26"
    return b"MM\0*\0\0\0\x08\0\2" + entries + bytes(4) + bytes.fromhex("00000003 00000002 00000005 00000002")


def test_pages_are_taken_one_after_the_other_and_the_file_is_whole_or_not_there(tmp_path: Path) -> None:
    def pages() -> itertools.chain[Photo]:
        return itertools.chain([Photo(smooth())], (open_photo(tmp_path / "missing.tif") for _ in range(1)))

    (tmp_path / "a.tif").write_bytes(b"the old photo")
    with pytest.raises(PhotoError, match=r"missing\.tif does not exist"):
        save_pages(pages(), tmp_path / "a.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
    assert (tmp_path / "a.tif").read_bytes() == b"the old photo"
    with pytest.raises(PhotoError, match=r"several pages need a name that ends in \.tif"):
        save_pages([Photo(smooth())], tmp_path / "a.png")
    with pytest.raises(PhotoError, match="at least one page"):
        save_pages([], tmp_path / "b.tif")
