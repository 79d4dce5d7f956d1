"""What must come through and what must go: orientation, IPTC, comments, thumbnails, layers, profiles, resolution."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Literal

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from deoldify.photo import Photo, open_photo, photoshop, save_photo
from tests.photo.pictures import SRGB, rich_exif, smooth, written

CAPTION = b"The old mill"
IPTC = b"\x1c\x02\x78" + struct.pack(">H", len(CAPTION)) + CAPTION


def resource(number: int, data: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + bytes(len(data) % 2)


def jpeg(*segments: tuple[int, bytes], quality: int = 92) -> bytes:
    plain = written(Image.fromarray(smooth()), "JPEG", quality=quality).getvalue()
    parts = (bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data for marker, data in segments)
    return plain[:2] + b"".join(parts) + plain[2:]


def exif_of(tag: int, kind: int, value: bytes) -> bytes:
    return b"Exif\0\0II*\0" + struct.pack("<IHHHI", 8, 1, tag, kind, 1) + value + bytes(4)


@pytest.mark.parametrize(
    ("kind", "value", "turned"),
    [
        (1, b"\6\0\0\0", True), (3, b"\6\0\0\0", True), (4, b"\6\0\0\0", True), (6, b"\6\0\0\0", True),
        (8, b"\6\0\0\0", True), (9, b"\6\0\0\0", True), (2, b"6\0\0\0", False), (3, b"\x0c\0\0\0", False),
        (7, b"\6\0\0\0", False), (11, struct.pack("<f", 6), False), (3, b"\0\0\0\0", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_orientation_of_any_type_is_applied_or_kept(
    tmp_path: Path, kind: int, value: bytes, turned: bool, suffix: str
) -> None:
    photo = open_photo(io.BytesIO(jpeg((0xE1, exif_of(274, kind, value)))))
    assert (photo.width, photo.height) == ((48, 64) if turned else (64, 48))
    save_photo(photo, tmp_path / f"a{suffix}")
    again = open_photo(tmp_path / f"a{suffix}")
    assert (again.width, again.height) == (photo.width, photo.height)
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert (struct.pack("<HHI", 274, kind, 1) + value in data) == (not turned)


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp"])
def test_iptc_and_comment_come_through(tmp_path: Path, suffix: str) -> None:
    source = jpeg((0xED, b"Photoshop 3.0\0" + resource(1028, IPTC)), (0xFE, b"from the attic"))
    save_photo(open_photo(io.BytesIO(source)), tmp_path / f"a{suffix}", label="Coloured")
    found = open_photo(tmp_path / f"a{suffix}")
    assert photoshop.iptc_of(found.photoshop) == IPTC
    save_photo(found, tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info["photoshop"][1028] == IPTC and 33723 not in image.getexif()
    with Image.open(tmp_path / f"a{suffix}") as image:
        image.load()
        said = {".jpg": image.info.get("comment"), ".png": image.info.get("Comment")}
        assert said.get(suffix, image.getexif().get(270)) in ("from the attic", b"from the attic")


def test_iptc_of_a_tiff_comes_into_a_jpeg(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", smooth(), photometric="rgb", extratags=[(33723, 7, len(IPTC), IPTC, True)])
    save_photo(open_photo(tmp_path / "a.tif"), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.info["photoshop"][1028] == IPTC


@pytest.mark.parametrize("number", [1033, 1036])
def test_photoshops_thumbnails_go_and_the_rest_stays(tmp_path: Path, number: int) -> None:
    blocks = resource(1028, IPTC) + resource(number, b"THUMBNAIL" * 9) + resource(1005, b"r" * 16)
    for name, data in {
        "a.jpg": jpeg((0xED, b"Photoshop 3.0\0" + blocks)),
        "a.tif": tiff_with((34377, 1, len(blocks), blocks, True)),
    }.items():
        (tmp_path / name).write_bytes(data)
        save_photo(open_photo(tmp_path / name), tmp_path / f"new-{name}")
        found = open_photo(tmp_path / f"new-{name}").photoshop
        assert found == resource(1028, IPTC) + resource(1005, b"r" * 16)
        assert b"THUMBNAIL" not in (tmp_path / f"new-{name}").read_bytes()


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_photoshops_copies_of_exif_and_xmp_lose_the_old_picture_alone(tmp_path: Path, suffix: str) -> None:
    exif = b"II*\0" + struct.pack("<IHHHI4sHHI4sI", 8, 2, 270, 2, 4, b"Eva\0", 274, 3, 1, b"\6\0\0\0", 38)
    exif += struct.pack("<HHHIIHHIII", 2, 513, 4, 1, 68, 514, 4, 1, 8, 0) + b"OLDTHUMB"
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Label="attic">'
        b"<xmp:Thumbnails>OLDPHOTO</xmp:Thumbnails></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    damaged = resource(1059, b"II*\0 this is no directory")
    blocks = resource(1058, exif) + damaged + resource(1060, packet) + resource(1028, IPTC)
    (tmp_path / "a.jpg").write_bytes(jpeg((0xED, b"Photoshop 3.0\0" + blocks)))
    (tmp_path / "a.tif").write_bytes(tiff_with((34377, 1, len(blocks), blocks, True)))
    save_photo(open_photo(tmp_path / f"a{suffix}"), tmp_path / f"new{suffix}")
    found = open_photo(tmp_path / f"new{suffix}").photoshop or b""
    assert photoshop.iptc_of(found) == IPTC and b"attic" in found
    assert b"OLD" not in found and b"no directory" not in found
    described = struct.pack("<IHHHI4sI", 8, 1, 270, 2, 4, b"Eva\0", 0)
    assert found.startswith(resource(1058, b"II*\0" + described) + b"8BIM" + struct.pack(">H", 1060))


def tiff_with(*tags: tuple[int, int, int, bytes, bool]) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, smooth(), photometric="rgb", metadata=None, extratags=tags)
    return stream.getvalue()


@pytest.mark.parametrize("tag", [37724, 20507])
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp"])
def test_layers_and_thumbnails_among_tags_go(tmp_path: Path, tag: int, suffix: str) -> None:
    save_photo(open_photo(io.BytesIO(tiff_with((tag, 7, 900, b"OLDPHOTO!" * 100, True)))), tmp_path / f"a{suffix}")
    assert b"OLDPHOTO" not in (tmp_path / f"a{suffix}").read_bytes()


def large_profile(size: int) -> bytes:
    """sRGB's profile with a private tag, so that it is larger than ``size``."""
    (count,) = struct.unpack(">I", SRGB[128:132])
    table = b""
    for index in range(count):
        name, at, length = struct.unpack(">4sII", SRGB[132 + 12 * index : 144 + 12 * index])
        table += struct.pack(">4sII", name, at + 12, length)
    private = b"text\0\0\0\0" + b"p" * size + b"\0"
    table += struct.pack(">4sII", b"priv", len(SRGB) + 12, len(private))
    whole = SRGB[:128] + struct.pack(">I", count + 1) + table + SRGB[132 + 12 * count :] + private
    whole += bytes(-len(whole) % 4)
    return struct.pack(">I", len(whole)) + whole[4:]


@pytest.mark.parametrize("size", [100, 5_000, 60_000, 300_000])
@pytest.mark.parametrize("alpha", [False, True])
def test_lossless_stays_lossless_with_a_profile_of_any_size(tmp_path: Path, size: int, alpha: bool) -> None:
    profile = large_profile(size)
    ImageCms.ImageCmsProfile(io.BytesIO(profile))
    image = Image.fromarray(smooth()).convert("RGBA") if alpha else Image.fromarray(smooth())
    photo = open_photo(written(image, "WEBP", lossless=True, exact=True, icc_profile=profile))
    assert photo.lossless
    save_photo(photo, tmp_path / "a.webp")
    again = open_photo(tmp_path / "a.webp")
    assert again.lossless and again.icc_profile == profile and np.array_equal(again.pixels, smooth())
    assert not open_photo(written(image, "WEBP", icc_profile=profile)).lossless


def test_exif_of_an_image_works_in_pillows_own_idiom(tmp_path: Path) -> None:
    image = open_photo(written(Image.fromarray(smooth()), "JPEG", exif=rich_exif())).to_image()
    for suffix in (".jpg", ".png", ".webp", ".tif"):
        image.save(tmp_path / f"a{suffix}", exif=image.info["exif"])
        with Image.open(tmp_path / f"a{suffix}") as again:
            assert again.getexif()[315] == "Anna"
    assert Photo.from_image(image).exif == image.info["exif"].removeprefix(b"Exif\0\0")


def test_a_jpeg_without_a_resolution_keeps_none(tmp_path: Path) -> None:
    photo = open_photo(io.BytesIO(imagecodecs.jpeg8_encode(smooth())))
    assert photo.dpi is None
    plain = open_photo(io.BytesIO(jpeg((0xE1, exif_of(315, 2, b"Ann\0")))))
    assert plain.dpi is None
    save_photo(plain, tmp_path / "a.jpg", label="Coloured")
    with Image.open(tmp_path / "a.jpg") as image:
        assert "dpi" not in image.info or image.info.get("jfif_unit") == 0
        assert 282 not in image.getexif()


def test_exif_that_cannot_be_read_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "old.jpg").write_bytes(jpeg((0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff")))
    save_photo(open_photo(tmp_path / "old.jpg"), tmp_path / "new.jpg", label="Coloured")
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'old.jpg'}: EXIF that cannot be read is left out"
    ]


def test_an_images_own_exif_comes_without_the_thumbnail_of_the_old_picture() -> None:
    small = written(Image.new("L", (9, 9)), "JPEG").getvalue()
    thumbnail = struct.pack("<HHHIIHHIII", 2, 513, 4, 1, 56, 514, 4, 1, len(small), 0)
    block = b"II*\0" + struct.pack("<IHHHI", 8, 1, 315, 2, 4) + b"Ann\0" + struct.pack("<I", 26) + thumbnail + small
    image = Image.fromarray(smooth())
    image.info["exif"] = b"Exif\0\0" + block
    exif = Photo.from_image(image).exif
    assert exif is not None and b"Ann" in exif and small not in exif


@pytest.mark.parametrize(("mode", "space"), [("RGB", "XYZ"), ("L", "LAB"), ("CMYK", "sRGB")])
def test_a_profile_for_another_kind_of_colour_is_left_out_and_that_is_said(
    mode: str, space: Literal["XYZ", "LAB", "sRGB"], caplog: pytest.LogCaptureFixture
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes()
    photo = open_photo(written(Image.fromarray(smooth()).convert(mode), "JPEG", icc_profile=profile))
    assert photo.icc_profile is None and "its ICC profile is for another kind of colour" in caplog.text
