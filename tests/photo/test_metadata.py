"""Metadata through files and back: nothing that a file holds may be lost or bent on the way."""

from __future__ import annotations

import io
import struct
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from deoldify.photo import Photo, open_photo, save_photo
from tests.photo.pictures import AI_SOURCE, SRGB, XMP, assert_same_exif, noise, ramp, rich_exif, smooth, written


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
