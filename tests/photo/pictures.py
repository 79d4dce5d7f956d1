"""Pictures, profiles and metadata that the tests of photographs share."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

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


def ramp() -> Array:
    return np.arange(65536, dtype=np.uint16).reshape(256, 256)
