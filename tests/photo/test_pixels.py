"""Pixels through files and back: depth, transparency, orientation and colour."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms, ImageOps

from deoldify.errors import PhotoError
from deoldify.photo import Photo, open_photo, samples, save_photo
from tests.photo.pictures import SRGB, XMP, assert_same_exif, grey_profile, noise, ramp, rich_exif, smooth, written


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp"])
def test_lossless_formats_return_every_bit(tmp_path: Path, suffix: str) -> None:
    pixels = noise(37, 53)
    save_photo(Photo(pixels), tmp_path / f"a{suffix}")
    assert np.array_equal(open_photo(tmp_path / f"a{suffix}").pixels, pixels)
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.mode == "RGB" and np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_and_depth_survive(tmp_path: Path, suffix: str, dtype: type) -> None:
    photo = Photo(noise(31, 17, 3, dtype), noise(31, 17, 1, dtype))
    save_photo(photo, tmp_path / f"a{suffix}")
    again = open_photo(tmp_path / f"a{suffix}")
    assert again.pixels.dtype == dtype and np.array_equal(again.pixels, photo.pixels)
    assert again.alpha is not None and photo.alpha is not None and np.array_equal(again.alpha, photo.alpha)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg", ".bmp"])
@pytest.mark.parametrize("size", [(1, 1), (1, 32), (32, 1)])
def test_thin_photos_and_views(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    pixels = noise(*size)[::-1, ::-1]
    stream = written(Image.fromarray(pixels), "PNG", exif=rich_exif(6))
    save_photo(open_photo(stream), tmp_path / f"a{suffix}")
    assert open_photo(tmp_path / f"a{suffix}").pixels.shape == (size[1], size[0], 3)
    save_photo(Photo(pixels), tmp_path / f"b{suffix}")
    again = open_photo(tmp_path / f"b{suffix}").pixels
    assert again.shape == pixels.shape and (suffix in (".jpg", ".webp") or np.array_equal(again, pixels))
    assert again.flags.writeable and again.flags.c_contiguous


def ramp_as_png(path: Path) -> None:
    Image.fromarray(ramp()).save(path)


def ramp_as_tiff(**options: Any) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, ramp(), **options)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.png", ramp_as_png),
        ("plain.tif", ramp_as_tiff()),
        ("big-endian.tif", ramp_as_tiff(byteorder=">")),
        ("lzw.tif", ramp_as_tiff(compression="lzw", predictor=True)),
        ("tiles.tif", ramp_as_tiff(tile=(64, 64), compression="zlib")),
        ("bigtiff.tif", ramp_as_tiff(bigtiff=True)),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_grey_keeps_all_levels(tmp_path: Path, name: str, write: Callable[[Path], object], suffix: str) -> None:
    write(tmp_path / name)
    photo = open_photo(tmp_path / name)
    assert photo.bits == 16 and photo.was_grey and photo.is_grey
    for channel in range(3):
        assert np.array_equal(photo.pixels[..., channel], ramp())
    save_photo(photo, tmp_path / f"out{suffix}")
    assert np.array_equal(open_photo(tmp_path / f"out{suffix}").pixels, photo.pixels)


def test_white_is_zero_and_12_bits_use_the_whole_range(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", ramp(), photometric="miniswhite")
    assert np.array_equal(open_photo(tmp_path / "a.tif").pixels[..., 1], 65535 - ramp())
    levels = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    packed = b"".join(int(a << 12 | b).to_bytes(3, "big") for a, b in levels.reshape(-1, 2).astype(int))
    entries = [(256, 3, 64), (257, 3, 64), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
               (278, 3, 64), (279, 4, len(packed))]  # fmt: skip
    directory = struct.pack(">H", len(entries))
    for tag, kind, value in entries:
        directory += struct.pack(">HHI", tag, kind, 1) + struct.pack(">HH" if kind == 3 else ">I", *(
            (value, 0) if kind == 3 else (value,)))  # fmt: skip
    stream = io.BytesIO(b"MM\0*" + struct.pack(">I", 8 + len(packed)) + packed + directory + bytes(4))
    pixels = open_photo(stream).pixels[..., 0].astype(int)
    assert np.array_equal(pixels, np.rint(levels * (65535 / 4095)).astype(int))


def test_planes_and_premultiplied_alpha(tmp_path: Path) -> None:
    pixels = noise(20, 30, 3, np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(pixels, -1, 0), photometric="rgb", planarconfig="separate")
    assert np.array_equal(open_photo(tmp_path / "a.tif").pixels, pixels)
    alpha = np.full((20, 30), 32768, np.uint16)
    premultiplied = np.dstack([(pixels * (alpha[..., None] / 65535)).round().astype(np.uint16), alpha])
    tifffile.imwrite(tmp_path / "b.tif", premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    photo = open_photo(tmp_path / "b.tif")
    assert photo.alpha is not None and np.array_equal(photo.alpha, alpha)
    assert np.abs(photo.pixels.astype(int) - pixels).max() <= 1


def test_floating_point_is_scaled_or_refused(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    tifffile.imwrite(tmp_path / "a.tif", values)
    expected = np.rint(values.astype(np.float64) * 65535)
    assert np.array_equal(open_photo(tmp_path / "a.tif").pixels[..., 0], expected)
    for bad in (values * 255, np.full_like(values, np.nan)):
        tifffile.imwrite(tmp_path / "b.tif", bad)
        with pytest.raises(PhotoError, match=r"b\.tif has floating-point samples"):
            open_photo(tmp_path / "b.tif")


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF", "BMP"])
def test_palette_and_bilevel(kind: str) -> None:
    colours = Image.fromarray(smooth()).quantize(32)
    assert np.array_equal(open_photo(written(colours, kind)).pixels, np.asarray(colours.convert("RGB")))
    bilevel = Image.fromarray(smooth()).convert("1")
    photo = open_photo(written(bilevel, kind))
    assert np.array_equal(photo.pixels[..., 2], np.asarray(bilevel.convert("L"))) and photo.is_grey


def test_fax_tiff_and_jpeg_tiff() -> None:
    bilevel = Image.fromarray(smooth()).convert("1")
    photo = open_photo(written(bilevel, "TIFF", compression="group4"))
    assert np.array_equal(photo.pixels[..., 0], np.asarray(bilevel.convert("L")))
    source = written(Image.fromarray(smooth()), "TIFF", compression="jpeg", quality=95)
    with Image.open(source) as image:
        assert np.array_equal(open_photo(source).pixels, np.asarray(image.convert("RGB")))


def test_transparent_colour_becomes_alpha() -> None:
    grey = noise(9, 11, 1)
    photo = open_photo(written(Image.fromarray(grey), "PNG", transparency=int(grey[0, 0])))
    assert photo.alpha is not None and photo.was_grey
    assert np.array_equal(photo.alpha == 0, grey == grey[0, 0])
    assert np.array_equal(photo.pixels[..., 0], grey)


def test_first_picture_of_a_gif() -> None:
    frames = [Image.new("L", (20, 10), level) for level in (40, 200)]
    photo = open_photo(written(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert photo.pixels.shape == (10, 20, 3) and (photo.pixels == 40).all()


def test_first_picture_of_an_mpo() -> None:
    first, second = Image.fromarray(smooth()), Image.new("RGB", (64, 48), "red")
    stream = written(first, "MPO", save_all=True, append_images=[second], quality=95)
    photo = open_photo(stream)
    assert photo.format == "MPO" and photo.suffix == ".jpg"
    assert np.abs(photo.pixels.astype(int) - smooth()).mean() < 3


def test_jpeg_shows_transparency_on_white_and_rounds_16_bits(tmp_path: Path) -> None:
    alpha = np.zeros((16, 16), np.uint16)
    save_photo(Photo(np.zeros((16, 16, 3), np.uint16), alpha), tmp_path / "a.jpg")
    assert (open_photo(tmp_path / "a.jpg").pixels == 255).all()
    levels = np.repeat(ramp()[..., None], 3, 2)
    save_photo(Photo(levels), tmp_path / "a.bmp")
    assert np.array_equal(open_photo(tmp_path / "a.bmp").pixels, np.rint(levels / 257).astype(np.uint8))
    half = np.full((16, 16), 128, np.uint8)
    save_photo(Photo(np.full((16, 16, 3), 100, np.uint8), half), tmp_path / "b.bmp")
    assert (open_photo(tmp_path / "b.bmp").pixels == round(100 * 128 / 255 + 255 * 127 / 255)).all()


@pytest.mark.parametrize("limit", [1, 1 << 20])
def test_is_grey_finds_one_coloured_pixel(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(samples, "_BAND", limit)
    grey = np.repeat(noise(40, 30, 1)[..., None], 3, 2)
    assert Photo(grey).is_grey
    grey[33, 7] = (100, 103, 100)
    assert not Photo(grey).is_grey
    deep = grey.astype(np.uint16) * 257
    assert not Photo(deep).is_grey
    deep[33, 7] = (100, 500, 100)
    assert Photo(deep).is_grey


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "YCbCr", "HSV", "LAB"])
def test_pillow_images_come_and_go(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(ramp())
    elif mode == "LAB":
        image = ImageCms.profileToProfile(  # type: ignore[assignment]
            Image.fromarray(smooth()), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    else:
        image = Image.fromarray(smooth()).convert(mode)
    photo = Photo.from_image(image)
    back = photo.to_image()
    assert back.size == image.size and back.mode == ("RGBA" if mode in ("LA", "RGBA") else "RGB")
    if mode == "I;16":
        assert np.array_equal(np.asarray(back)[..., 0], np.rint(ramp() / 257).astype(np.uint8))
    elif mode == "LAB":
        assert np.abs(np.asarray(back).astype(int) - smooth()).mean() < 2
    else:
        assert np.array_equal(np.asarray(back.convert("RGB")), np.asarray(image.convert("RGB")))


def test_with_pixels_takes_alpha_along() -> None:
    photo = Photo(noise(5, 6), noise(5, 6, 1), dpi=(300, 300))
    deep = photo.with_pixels(photo.pixels.astype(np.uint16) * 257)
    assert deep.dpi == (300, 300) and deep.alpha is not None and deep.alpha.dtype == np.uint16
    back = deep.with_pixels(photo.pixels)
    assert back.alpha is not None and photo.alpha is not None and np.array_equal(back.alpha, photo.alpha)
    with pytest.raises(ValueError, match="cannot replace"):
        photo.with_pixels(noise(6, 5))


# Orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "palette TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_reset(tmp_path: Path, kind: str, orientation: int) -> None:
    image = Image.fromarray(smooth())
    if kind == "palette TIFF":
        image = image.quantize(16)
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    stream = written(image, kind.split()[-1], exif=rich_exif(orientation), xmp=XMP, dpi=(300, 200), **options)
    with Image.open(stream) as opened:
        expected = ImageOps.exif_transpose(opened).convert("RGB")
    photo = open_photo(stream)
    assert np.array_equal(photo.pixels, np.asarray(expected))
    for suffix in (".jpg", ".png", ".tif", ".webp"):
        target = tmp_path / f"a{suffix}"
        save_photo(photo, target)
        with Image.open(target) as saved:
            assert saved.size == expected.size
            exif = saved.getexif()
            assert_same_exif(exif)
            details = exif.get_ifd(ExifTags.IFD.Exif)
            size = (details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight])
            assert size == expected.size
            if kind != "WEBP":
                x, y = saved.info["dpi"] if suffix != ".webp" else (exif[282], exif[283])
                assert (round(float(x)), round(float(y))) == ((200, 300) if orientation > 4 else (300, 200))
            if orientation > 1 and kind == "JPEG":
                assert b'tiff:Orientation="1"' in (open_photo(target).xmp or b"")


# Colour


@pytest.mark.parametrize("kind", ["8-bit JPEG", "8-bit TIFF", "16-bit TIFF", "16-bit PNG"])
def test_grey_profile_becomes_srgb(tmp_path: Path, kind: str) -> None:
    gamma, icc = 1.8, grey_profile(1.8)
    levels = ramp() if kind.startswith("16") else np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(4, 0)
    stream = written(
        Image.fromarray(levels), kind.split()[1], icc_profile=icc, **({"quality": 100} if "J" in kind else {})
    )
    with Image.open(stream) as image:
        stored = np.asarray(image)
    photo = open_photo(stream)
    white = 65535 if photo.bits == 16 else 255
    light = (stored / white) ** gamma
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert photo.was_grey and np.array_equal(photo.pixels[..., 0], photo.pixels[..., 2])
    # Little CMS reads the gamma from the profile as a fixed-point number: two units at 16 bits.
    assert np.abs(photo.pixels[..., 1] - srgb * white).max() <= (2 if white == 65535 else 0.51)
    assert photo.icc_profile is not None and photo.icc_profile[16:20] == b"RGB "
    save_photo(photo, tmp_path / "a.tif")
    with Image.open(tmp_path / "a.tif") as image:
        assert image.info["icc_profile"][16:20] == b"RGB "


def test_profiles_of_rgb_stay_and_mismatched_ones_go() -> None:
    assert open_photo(written(Image.fromarray(smooth()), "PNG", icc_profile=SRGB)).icc_profile == SRGB
    assert open_photo(written(Image.fromarray(smooth()), "PNG", icc_profile=grey_profile(2.2))).icc_profile is None
    broken = bytearray(grey_profile(2.2))
    broken[128:] = bytes(len(broken) - 128)
    photo = open_photo(written(Image.fromarray(noise(8, 8, 1)), "TIFF", icc_profile=bytes(broken)))
    assert photo.icc_profile is None and np.array_equal(photo.pixels[..., 0], noise(8, 8, 1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_cmyk_without_profile(tmp_path: Path, dtype: type) -> None:
    inks, white = noise(20, 30, 4, dtype), int(np.iinfo(dtype).max)
    tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated")
    photo = open_photo(tmp_path / "a.tif")
    paper = white - inks.astype(np.float64)
    assert np.array_equal(photo.pixels, np.rint(paper[..., :3] * paper[..., 3:] / white))
    assert photo.icc_profile is None and photo.jpeg is None


def test_cmyk_jpeg() -> None:
    image = Image.fromarray(smooth()).convert("CMYK")
    photo = open_photo(written(image, "JPEG", quality=100))
    assert np.abs(photo.pixels.astype(int) - smooth()).mean() < 3 and photo.jpeg is None
