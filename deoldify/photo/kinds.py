"""What else people take for photographs: kinds that are told by their first bytes, to be refused by name."""

from __future__ import annotations

_BEGINNINGS = {
    b"8BPS": "a document of Photoshop",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"II\xbc": "JPEG XR",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"\xc5\xd0\xd3\xc6": "PostScript",
    b"AT&TFORM": "DjVu",
    b"\0\0\x01\0": "an icon of Windows",
    b"\0\0\x02\0": "a cursor of Windows",
    b"icns": "an icon of macOS",
    b"\x0a\x05\x01\x08": "PCX",
    b"\x59\xa6\x6a\x95": "a Sun raster",
    b"\x01\xda": "SGI",
    b"SIMPLE  =": "FITS",
    b"\x8aMNG": "MNG",
    b"gimp xcf": "a document of GIMP",
    b"BPG\xfb": "BPG",
    b"qoif": "QOI",
    b"DDS ": "DDS",
    b"FUJIFILMCCD-RAW": "a camera's raw file",
    b"IIRO": "a camera's raw file",
    b"IIRS": "a camera's raw file",
    b"MMOR": "a camera's raw file",
    b"IIU\0": "a camera's raw file",
    b"\0MRM": "a camera's raw file",
    b"FOVb": "a camera's raw file",
    b"II\x1a\0\0\0HEAPCCDR": "a camera's raw file",
    b"PK\x03\x04": "a ZIP archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "a gzip archive",
    b"<svg": "SVG",
    b"<?xml": "XML",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"\x1aE\xdf\xa3": "a video",
    b"\0\0\x01\xba": "a video",
    b"\0\0\x01\xb3": "a video",
    b"\0\x05\x16\x07": "what macOS keeps beside a file",
    b"bplist00": "a list of macOS",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself",
}
_NETPBM = b"1234567"


def other_kind(start: bytes) -> str | None:
    """The name of a kind that is not read.

    Args:
        start: the first bytes of the file.
    """
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    for beginning, kind in _BEGINNINGS.items():
        if start.startswith(beginning) or (beginning[:1] == b"<" and text.startswith(beginning)):
            return kind
    if start[:1] == b"P" and start[1:2] in _NETPBM and start[2:3].isspace():
        return "PNM"
    if start[4:8] == b"ftyp":
        return "a camera's raw file" if start[8:12] == b"crx " else "a video"
    if start[4:8] in (b"moov", b"mdat", b"wide") or (start[:4] == b"RIFF" and start[8:12] in (b"AVI ", b"WAVE")):
        return "a video"
    return None
