"""Photographs through files and back: nothing that a file holds may be lost, bent or half-written on the way."""

from __future__ import annotations

import io
import os
import struct
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms, ImageOps, JpegImagePlugin, PngImagePlugin

from deoldify import photo as photo_module
from deoldify import samples
from deoldify.errors import PhotoError
from deoldify.photo import WRITABLE_SUFFIXES, Photo, open_photo, save_photo

Array = npt.NDArray[Any]

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
AI_SOURCE = b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="uuid:1" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" dc:source="Z\xc3\xbcrich 1911"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def noise(height: int, width: int, channels: int = 3, dtype: type = np.uint8) -> Array:
    shape = (height, width) if channels == 1 else (height, width, channels)
    values = np.random.default_rng(height * 1000 + width + channels).integers(0, np.iinfo(dtype).max + 1, shape)
    return values.astype(dtype)


def smooth(height: int = 48, width: int = 64) -> Array:
    """Return a picture that JPEG can hold well: (H, W, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x / width, 255 * y / height, 128 + 60 * np.sin(x / 9)], -1).astype(np.uint8)


def written(image: Image.Image, kind: str, **options: Any) -> io.BytesIO:
    stream = io.BytesIO()
    if kind == "PNG" and "xmp" in options:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", options.pop("xmp").decode())
    if kind == "TIFF" and "exif" in options:
        if "xmp" in options:
            options["exif"][700] = options.pop("xmp")
        options["exif"] = options["exif"].tobytes()  # Pillow writes EXIF and GPS of a TIFF only from bytes
    image.save(stream, kind, **options)
    return stream


def grey_profile(gamma: float) -> bytes:
    return bytes(imagecodecs.cms_profile("gray", gamma=gamma))


def rich_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.ImageDescription] = "Grandmother"
    exif[ExifTags.Base.Artist] = "Anna"
    exif[ExifTags.Base.DateTime] = "1911:05:04 10:11:12"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N"
    gps[ExifTags.GPS.GPSLatitude] = (47.0, 22.0, 30.5)
    gps[ExifTags.GPS.GPSLongitudeRef] = "E"
    gps[ExifTags.GPS.GPSLongitude] = (8.0, 32.0, 1.25)
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.ExifImageWidth] = 64
    details[ExifTags.Base.ExifImageHeight] = 48
    details[ExifTags.Base.ExposureTime] = 0.125
    details[ExifTags.Base.UserComment] = b"ASCII\0\0\0on glass"
    return exif


def assert_same_exif(found: Image.Exif) -> None:
    assert found[ExifTags.Base.ImageDescription] == "Grandmother"
    assert found[ExifTags.Base.Artist] == "Anna"
    assert found[ExifTags.Base.DateTime] == "1911:05:04 10:11:12"
    assert found.get(ExifTags.Base.Orientation, 1) == 1
    gps = found.get_ifd(ExifTags.IFD.GPSInfo)
    assert gps[ExifTags.GPS.GPSLatitude] == (47.0, 22.0, 30.5)
    assert gps[ExifTags.GPS.GPSLongitude] == (8.0, 32.0, 1.25)
    assert gps[ExifTags.GPS.GPSLongitudeRef] == "E"
    details = found.get_ifd(ExifTags.IFD.Exif)
    assert details[ExifTags.Base.ExposureTime] == 0.125
    assert details[ExifTags.Base.UserComment] == b"ASCII\0\0\0on glass"


# Pixels


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


def ramp() -> Array:
    return np.arange(65536, dtype=np.uint16).reshape(256, 256)


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


# Metadata


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_metadata_crosses_formats(tmp_path: Path, kind: str, suffix: str) -> None:
    stream = written(
        Image.fromarray(smooth()), kind, exif=rich_exif(), xmp=XMP, icc_profile=SRGB, dpi=(300, 300), lossless=True
    )
    pixels = open_photo(stream).pixels
    target = tmp_path / f"a{suffix}"
    save_photo(open_photo(stream), target)
    again = open_photo(target)
    assert again.xmp == XMP
    assert again.icc_profile == SRGB
    if suffix in (".png", ".tif"):
        assert np.array_equal(again.pixels, pixels)
    with Image.open(target) as image:
        image.load()
        assert_same_exif(image.getexif())
        assert image.info["icc_profile"] == SRGB
        if kind != "WEBP" and suffix != ".webp":
            assert [round(float(dots)) for dots in image.info["dpi"]] == [300, 300]


def test_a_tiff_keeps_each_tag_byte_for_byte(tmp_path: Path) -> None:
    """Among them what decoding would bend: UTF-8, odd rationals, private tags, zeros at the end, many values."""
    tags = [
        (269, 2, 0, "glass/0042.tif", True),
        (270, 2, 0, "Zürich, Bahnhofstraße".encode() + b"\0", True),
        (315, 2, 0, "Anna", True),
        (306, 2, 0, "1911:05:04 10:11:12", True),
        (305, 2, 0, "ScanMaster 3", True),
        (297, 3, 2, (4, 9), True),
        (33432, 2, 0, b"(c) Archive\0Editor\0", True),
        (33723, 7, 12, b"\x1c\x02\x78\0\x05Hallo\0\0", True),
        (65000, 5, 2, (600, 7, 4294967295, 3), True),
        (65001, 12, 3, (0.1, -2.5, 1e300), True),
        (65002, 7, 5, b"\0\1\2\3\0", True),
        (65003, 8, 3, (-1, 2, -32768), True),
    ]
    for order in "<>":
        source, target = tmp_path / "in.tif", tmp_path / "out.tif"
        with tifffile.TiffWriter(source, byteorder=order) as writer:  # type: ignore[arg-type]
            writer.write(
                ramp(), extratags=tags, metadata=None, software=False, resolution=((30001, 50), (30001, 50)),
                resolutionunit="INCH", compression="lzw",
            )  # fmt: skip
        save_photo(open_photo(source), target)
        with tifffile.TiffFile(source) as before, tifffile.TiffFile(target) as after:
            old, new = before.pages.first.tags, after.pages.first.tags
            assert after.byteorder == before.byteorder
            assert after.pages.first.compression == before.pages.first.compression
            for tag in [code for code, *_ in tags] + [282, 283, 296]:
                assert (old[tag].dtype, old[tag].count, old[tag].value) == (
                    new[tag].dtype,
                    new[tag].count,
                    new[tag].value,
                )
            assert len(after.pages) == 1
            assert np.array_equal(after.asarray()[..., 0], ramp())


def test_tiff_exif_and_gps_survive_in_16_bits(tmp_path: Path) -> None:
    source = written(Image.fromarray(ramp()), "TIFF", exif=rich_exif())
    photo = open_photo(source)
    save_photo(photo, tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        page = tiff.pages.first
        assert page.dtype == np.uint16 and page.tags[34853].value["GPSLatitudeRef"] == "N"
        assert page.tags[34665].value["ExposureTime"] == 0.125
    with Image.open(tmp_path / "a.tif") as image:
        assert_same_exif(image.getexif())


def test_only_the_first_page_is_taken_and_that_is_said(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(np.full((8, 8), 7, np.uint8))
        writer.write(np.full((8, 9), 8, np.uint8))
        writer.write(np.full((2, 2), 9, np.uint8), subfiletype=1)
    photo = open_photo(tmp_path / "a.tif")
    assert photo.pages == 2 and (photo.pixels == 7).all()


def maker_note_exif() -> tuple[bytes, int, bytes]:
    """Return EXIF with a thumbnail and a maker note, whose position and content are returned too."""
    note = bytes(range(100))
    exif_at, note_at, thumb_ifd, thumb_at = 60, 200, 320, 400
    block = bytearray(b"II*\0" + struct.pack("<I", 8) + bytes(500))
    struct.pack_into("<H", block, 8, 2)
    struct.pack_into("<HHIHH", block, 10, 274, 3, 1, 6, 0)
    struct.pack_into("<HHII", block, 22, 34665, 4, 1, exif_at)
    struct.pack_into("<I", block, 34, thumb_ifd)
    struct.pack_into("<HHHII", block, exif_at, 1, 0x927C, 7, len(note), note_at)
    block[note_at : note_at + 100] = note
    struct.pack_into("<HHHIIHHII", block, thumb_ifd, 2, 513, 4, 1, thumb_at, 514, 4, 1, 50)
    block[thumb_at : thumb_at + 5] = b"THUMB"
    return bytes(block), note_at, note


def test_maker_note_stays_where_it_was_and_the_thumbnail_goes(tmp_path: Path) -> None:
    block, at, note = maker_note_exif()
    stream = written(Image.fromarray(smooth()), "JPEG", exif=b"Exif\0\0" + block)
    save_photo(open_photo(stream), tmp_path / "a.jpg", label="Coloured")
    with Image.open(tmp_path / "a.jpg") as image:
        saved = image.info["exif"].removeprefix(b"Exif\0\0")
        assert image.getexif()[274] == 1
        assert image.getexif().get_ifd(ExifTags.IFD.IFD1) == {}
    assert saved[at : at + len(note)] == note
    assert b"THUMB" not in saved


@pytest.mark.parametrize("cut", [0, 7, 9, 20, 40, 70, 250])
def test_broken_exif_does_not_stop_a_photo(tmp_path: Path, cut: int) -> None:
    block = maker_note_exif()[0][:cut]
    stream = written(Image.fromarray(smooth()), "JPEG", exif=b"Exif\0\0" + block)
    photo = open_photo(stream)
    assert sorted(photo.pixels.shape) == [3, 48, 64]
    save_photo(photo, tmp_path / "a.jpg", label="Coloured")
    assert open_photo(tmp_path / "a.jpg").pixels.shape == photo.pixels.shape


def test_iptc_and_comment_of_a_jpeg_survive(tmp_path: Path) -> None:
    iptc = b"8BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x78\0\x05Hallo"
    segment = b"Photoshop 3.0\0" + iptc
    extra = b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment
    stream = written(Image.fromarray(smooth()), "JPEG", comment=b"from the attic", extra=extra)
    photo = open_photo(stream)
    save_photo(photo, tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.info["comment"] == b"from the attic"
        assert image.info["photoshop"][0x0404] == iptc[12:]
    save_photo(photo, tmp_path / "a.tif")
    assert open_photo(tmp_path / "a.tif").photoshop == iptc


def test_png_text_and_time_survive(tmp_path: Path) -> None:
    chunks = [(b"tEXt", b"Author\0Anna"), (b"iTXt", b"Title\0\0\0de\0Titel\0Z\xc3\xbcrich"), (b"gAMA", b"\0\0\xb1\x8f"),
              (b"tIME", struct.pack(">HBBBBB", 1911, 5, 4, 10, 11, 12))]  # fmt: skip
    encoded = imagecodecs.png_encode(noise(8, 9, 3, np.uint16))
    middle = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    photo = open_photo(io.BytesIO(encoded[:33] + middle + encoded[33:]))
    assert list(photo.png_chunks) == chunks
    save_photo(photo, tmp_path / "a.png")
    assert list(open_photo(tmp_path / "a.png").png_chunks) == chunks
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.info["Title"] == "Zürich" and image.info["Author"] == "Anna"


def test_too_much_metadata_for_a_jpeg(tmp_path: Path) -> None:
    tags = [(65000, 7, 90000, bytes(90000), True), (315, 2, 0, "Anna", True)]
    tifffile.imwrite(tmp_path / "a.tif", smooth(), extratags=tags, photometric="rgb", metadata=None)
    save_photo(open_photo(tmp_path / "a.tif"), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[315] == "Anna" and 65000 not in image.getexif()


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


# JPEG quality


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


# Label


def source_type(xmp: bytes) -> list[str | None]:
    namespace = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
    return [element.text for element in ET.fromstring(xmp).iter(namespace + "DigitalSourceType")]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_label_is_added_and_nothing_overwritten(tmp_path: Path, suffix: str) -> None:
    exif = rich_exif()
    exif[ExifTags.Base.Software] = "ScanMaster 3"
    photo = open_photo(written(Image.fromarray(smooth()), "PNG", exif=exif, xmp=XMP))
    target = tmp_path / f"a{suffix}"
    save_photo(photo, target, label="Coloured by DeOldify (compact)")
    save_photo(open_photo(target), target, label="Coloured by DeOldify (compact)")
    again = open_photo(target)
    with Image.open(target) as image:
        found = image.getexif()
        assert_same_exif(found)
        assert found[ExifTags.Base.Software] == "ScanMaster 3"
        assert found[ExifTags.Base.ProcessingSoftware] == "Coloured by DeOldify (compact)"
    assert again.xmp is not None and again.xmp.count(AI_SOURCE) == 1 and "Zürich 1911".encode() in again.xmp
    assert again.xmp.count(b'rdf:about="uuid:1"') == 2
    assert source_type(again.xmp) == [AI_SOURCE.decode()]
    if suffix in (".png", ".tif"):
        assert np.array_equal(again.pixels, photo.pixels)


def test_label_on_a_bare_photo_and_over_an_older_source_type(tmp_path: Path) -> None:
    save_photo(Photo(smooth()), tmp_path / "a.jpg", label="Coloured")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[ExifTags.Base.Software] == "Coloured"
    assert source_type(open_photo(tmp_path / "a.jpg").xmp or b"") == [AI_SOURCE.decode()]
    older = XMP.replace(
        b'tiff:Orientation="6"',
        b'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        b'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/positiveFilm"',
    )
    save_photo(Photo(smooth(), xmp=older), tmp_path / "b.png", label="Coloured")
    found = open_photo(tmp_path / "b.png").xmp or b""
    assert b"positiveFilm" not in found and found.count(AI_SOURCE) == 1


# Guards


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "palette TIFF", "16-bit PNG"])
def test_bombs_are_refused_before_decoding(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    image = Image.fromarray(ramp() if kind.startswith("16") else smooth())
    if kind.startswith("palette"):
        image = image.quantize(8)
    stream = written(image, kind.split()[-1])

    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(photo_module, "samples_of", never)
    monkeypatch.setattr(photo_module, "_tiff_samples", never)
    monkeypatch.setattr(photo_module, "_decode_16_bit_png", never)
    with pytest.raises(PhotoError, match=r"megapixels; at most 0\.001 are allowed"):
        open_photo(stream, max_pixels=1000)


def test_a_claim_of_a_billion_pixels_costs_nothing() -> None:
    header = struct.pack(">IIBBBBB", 1_000_000, 1_000_000, 8, 2, 0, 0, 0)
    stream = io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
        + struct.pack(">I", zlib.crc32(b"IHDR" + header))
        + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    )  # fmt: skip
    with pytest.raises(PhotoError, match="1000000 × 1000000 = 1000000 megapixels"):
        open_photo(stream)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "LZW TIFF", "fax TIFF", "16-bit PNG"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_truncated_files_are_refused_in_one_line(tmp_path: Path, kind: str, share: float) -> None:
    image = Image.fromarray(noise(64, 64, 1, np.uint16) if kind.startswith("16") else noise(64, 64))
    options = {"LZW TIFF": {"compression": "tiff_lzw"}, "fax TIFF": {"compression": "group4"}}.get(kind, {})
    if kind == "fax TIFF":
        image = image.convert("1")
    whole = written(image, kind.split()[-1], **options).getvalue()
    path = tmp_path / "cut.img"
    path.write_bytes(whole[: max(8, int(len(whole) * share))])
    with pytest.raises(PhotoError, match=r"^.*cut\.img is not a photograph that can be read: .*$") as caught:
        open_photo(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_photograph(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("Dear diary")
    (tmp_path / "empty.png").touch()
    (tmp_path / "paper.tif").write_bytes(b"%PDF-1.7\n")
    for name, words in {
        "notes.jpg": r"notes\.jpg is not a photograph that can be read",
        "paper.tif": r"paper\.tif is not a photograph that can be read",
        "empty.png": r"empty\.png is empty",
        "missing.png": r"missing\.png does not exist",
        ".": "is a folder",
    }.items():
        with pytest.raises(PhotoError, match=words):
            open_photo(tmp_path / name)
    with pytest.raises(PhotoError, match="the uploaded file is not a photograph"):
        open_photo(io.BytesIO(b"Dear diary"))


def test_heic_without_its_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match="install pillow-heif"):
        open_photo(io.BytesIO(b"\0\0\0\x18ftypheic" + bytes(20)))


def test_a_stream_that_cannot_seek(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation("seek")

    pixels = noise(8, 8)
    assert np.array_equal(open_photo(Pipe(written(Image.fromarray(pixels), "PNG").getvalue())).pixels, pixels)
    stream = written(Image.fromarray(pixels), "TIFF")
    open_photo(stream)
    assert not stream.closed


# Saving


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

    monkeypatch.setitem(photo_module._WRITERS, ".png", half)
    expected = PhotoError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected, match="No space left" if isinstance(error, OSError) else None):
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
