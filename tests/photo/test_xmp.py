"""XMP: read with a bound, changed where it must change, and left byte for byte elsewhere."""

from __future__ import annotations

import io
import struct
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from deoldify.photo import Photo, open_photo, save_photo, xmp
from tests.photo.pictures import AI_SOURCE, XMP, smooth, written

RDF = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
ROOM = 65533 - len(XMP_PREFIX)


def packet(properties: bytes = b"", inside: bytes = b"", padding: int = 0) -> bytes:
    return (
        b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="'
        + RDF + b'"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" ' + properties + b">"
        + inside + b"</rdf:Description></rdf:RDF></x:xmpmeta>" + b" " * padding + b'<?xpacket end="w"?>'
    )  # fmt: skip


def long_packet(size: int) -> bytes:
    return packet(b'dc:format="image/jpeg"', b"<dc:source>" + b"x" * (size - len(packet())) + b"</dc:source>")


def jpeg(*segments: bytes) -> io.BytesIO:
    plain = written(Image.fromarray(smooth()), "JPEG").getvalue()
    parts = (b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data for data in segments)
    return io.BytesIO(plain[:2] + b"".join(parts) + plain[2:])


def standard_packet(path: Path) -> bytes:
    """What a reader that knows no extended XMP sees."""
    with Image.open(path) as image:
        found = image.info["xmp"]
    assert isinstance(found, bytes)
    return found


# Bounds


@pytest.mark.parametrize(
    "text",
    [
        b'<rdf:RDF xmlns:rdf="x"' + b"<rdf:Description " * 60_000 + b"</rdf:RDF>",
        b"<a>" * 300_000,
        b"<a" + b" b='c'" * 300_000,
        b"<a" + b" " * 2_000_000,
        b"</" + b" " * 2_000_000,
        b"<!--" * 300_000,
        b"<a b='" * 300_000,
        b"<?xpacket" + b" " * 2_000_000,
        packet(inside=b"<dc:a/>" * 300_000),
        b'<!DOCTYPE a [<!ENTITY b "cc">]><a>&b;</a>',
        b"",
    ],
)
def test_what_is_no_packet_is_dropped_in_linear_time(text: bytes) -> None:
    start = time.process_time()
    assert xmp.cleaned(text) is None
    assert time.process_time() - start < 60  # what goes quadratic takes hours


def test_other_encodings_become_utf_8() -> None:
    text = packet(b'dc:source="Z\xc3\xbcrich"').decode()
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        found = xmp.cleaned(text.encode(encoding))
        assert found is not None and found.removeprefix(b"\xef\xbb\xbf") == text.encode()


# What promises or shows what is no longer there


@pytest.mark.parametrize(
    ("properties", "inside"),
    [
        (b'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1"', b""),
        (b'xmlns:C="http://ns.google.com/photos/1.0/camera/" C:MicroVideoOffset="50024"', b""),
        (b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"', b""),
        (b"", b'<h:Version xmlns:h="http://ns.adobe.com/hdr-gain-map/1.0/">1.0</h:Version>'),
        (b'xmlns:G="http://ns.google.com/photos/1.0/depthmap/" G:Format="RangeInverse" G:Data="AAAA"', b""),
        (b"", b'<D:Container xmlns:D="http://ns.google.com/photos/dd/1.0/device/"><D:x>depth</D:x></D:Container>'),
        (b'xmlns:xmp="http://ns.adobe.com/xap/1.0/"', b"<xmp:Thumbnails><rdf:Alt><rdf:li/></rdf:Alt></xmp:Thumbnails>"),
        (b"", b'<dc:relation><i:image xmlns:i="http://ns.adobe.com/xap/1.0/g/img/">AAAA</i:image></dc:relation>'),
        (b"", b'<a:Directory xmlns:a="http://ns.google.com/photos/1.0/container/"><rdf:Seq/></a:Directory>'),
    ],
)
def test_promises_and_thumbnails_go_and_the_rest_stays(tmp_path: Path, properties: bytes, inside: bytes) -> None:
    whole = packet(properties + b' dc:format="image/jpeg"', inside + b"<dc:title>Harbour</dc:title>")
    found = open_photo(jpeg(XMP_PREFIX + whole)).xmp
    assert found is not None and b"Harbour" in found and b'dc:format="image/jpeg"' in found
    ET.fromstring(found)
    for word in (b"MotionPhoto", b"MicroVideo", b"Version", b"hdr-gain-map", b"Data", b"RangeInverse", b"depth",
                 b"Thumbnails", b"AAAA", b"Directory"):  # fmt: skip
        assert word not in found


def test_a_camera_that_promises_nothing_keeps_its_words() -> None:
    whole = packet(b'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:BurstID="7"')
    assert xmp.cleaned(whole) == whole


@pytest.mark.parametrize("form", [b'tiff:Orientation="6"', b"<tiff:Orientation>6</tiff:Orientation>"])
def test_orientation_is_set_whatever_the_prefix(form: bytes) -> None:
    form = form.replace(b"tiff:", b"t:")
    declared = b'xmlns:t="http://ns.adobe.com/tiff/1.0/" '
    whole = packet(declared, form) if form.startswith(b"<") else packet(declared + form)
    assert xmp.upright(whole) == whole.replace(form, form.replace(b"6", b"1"))


# The label


def test_the_label_takes_the_place_of_padding() -> None:
    whole = packet(padding=2000)
    new = xmp.labelled(whole, len(whole))
    assert len(new) == len(whole) and new.count(AI_SOURCE) == 1
    ET.fromstring(new)
    assert xmp.labelled(new, len(whole)) == new


def test_the_label_fits_where_there_is_room_and_is_left_out_where_not() -> None:
    whole = long_packet(65_000)
    assert AI_SOURCE in xmp.labelled(whole, len(whole) + 400)
    short = xmp.labelled(whole, len(whole) + 200)
    assert AI_SOURCE in short and len(short) <= len(whole) + 200
    ET.fromstring(short)
    assert xmp.labelled(whole, len(whole) + 20) == whole


def test_an_empty_rdf_element_takes_the_label() -> None:
    whole = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="' + RDF + b'"/></x:xmpmeta>'
    new = xmp.labelled(whole)
    assert AI_SOURCE in new and b"</r:RDF>" in new
    ET.fromstring(new)


# Parts of a JPEG


@pytest.mark.parametrize("size", [60_000, 65_300, ROOM])
def test_a_packet_that_nearly_fills_its_segment_survives(tmp_path: Path, size: int) -> None:
    whole = long_packet(size - 50)
    save_photo(open_photo(jpeg(XMP_PREFIX + whole)), tmp_path / "a.jpg", label="Coloured")
    found = standard_packet(tmp_path / "a.jpg")
    assert b"image/jpeg" in found and b"x" * (size - len(packet()) - 50) in found
    assert (AI_SOURCE in found) == (size < ROOM)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[11] == "Coloured"


def extended_jpeg(cut: int = 0) -> io.BytesIO:
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    note = b'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="' + guid + b'"'
    extended = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="' + RDF + b'" xmlns:p="http://example.org/p/">'
        b'<rdf:Description rdf:about=""><p:long>' + b"Written on the back. " * 4000 + b"</p:long></rdf:Description>"
        b"</rdf:RDF></x:xmpmeta>"
    )
    parts = [
        b"http://ns.adobe.com/xmp/extension/\0" + guid + struct.pack(">II", len(extended), at)
        + extended[at : at + 30_000]
        for at in range(0, len(extended), 30_000)
    ]  # fmt: skip
    return jpeg(XMP_PREFIX + packet(note, b"<dc:title>Harbour</dc:title>"), *reversed(parts[cut:]))


def test_extended_xmp_comes_through_whole(tmp_path: Path) -> None:
    photo = open_photo(extended_jpeg())
    for suffix in (".jpg", ".png", ".tif", ".webp"):
        save_photo(photo, tmp_path / f"a{suffix}", label="Coloured")
        found = open_photo(tmp_path / f"a{suffix}").xmp
        assert found is not None and b"HasExtendedXMP" not in found and AI_SOURCE in found
        texts = [element.text for element in ET.fromstring(found).iter("{http://example.org/p/}long")]
        assert texts == ["Written on the back. " * 4000]
        assert b"<dc:title>Harbour</dc:title>" in found
    small = standard_packet(tmp_path / "a.jpg")
    assert b"Harbour" in small and AI_SOURCE in small and b"Written" not in small
    ET.fromstring(small)


def test_a_part_that_is_missing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    photo = open_photo(extended_jpeg(cut=1))
    assert photo.xmp is not None and b"Harbour" in photo.xmp and b"HasExtendedXMP" not in photo.xmp
    assert [record.getMessage() for record in caplog.records] == [
        "the uploaded file: the extended part of its XMP is missing or damaged and is left out"
    ]


def test_a_long_packet_is_parted_at_attributes_too(tmp_path: Path) -> None:
    whole = packet(b'dc:format="image/jpeg" dc:source="' + b"y" * 70_000 + b'"')
    save_photo(Photo(smooth(), xmp=whole), tmp_path / "a.jpg")
    assert len(standard_packet(tmp_path / "a.jpg")) < ROOM
    found = open_photo(tmp_path / "a.jpg").xmp
    assert found is not None and b"image/jpeg" in found and b"y" * 70_000 in found
    ET.fromstring(found)


def test_a_packet_stays_byte_for_byte() -> None:
    assert open_photo(jpeg(XMP_PREFIX + XMP)).xmp == XMP
