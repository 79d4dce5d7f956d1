"""From what was decoded to a `Photo`: upright, in RGB, and its metadata in agreement with that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deoldify.photo import metadata, xmp
from deoldify.photo.exif import pack_exif, parse_exif
from deoldify.photo.photo import Photo
from deoldify.photo.photoshop import with_iptc
from deoldify.photo.samples import Samples, to_rgb, turn_upright

_PNG_COLORIMETRY = frozenset({b"gAMA", b"cHRM", b"sRGB", b"cICP"})  # of the source, until it is converted


def upright_photo(
    samples: Samples,
    icc: bytes | None,
    exif: bytes | None,
    packet: bytes | None,
    dpi: tuple[float, float] | None,
    extras: dict[str, Any],
) -> Photo:
    """Turn what was decoded upright and into RGB, and bring the metadata into agreement with that."""
    order, directory = parse_exif(exif)
    packet = xmp.cleaned(packet)
    iptc = directory.get(metadata.Tag.IPTC)
    if iptc is not None and iptc.data.startswith(b"\x1c"):
        extras["photoshop"] = with_iptc(extras.get("photoshop"), iptc.data)
    orientation = metadata.orientation_of(directory, order) if samples.orientation is None else samples.orientation
    # Channels come last: turning one grey channel before it becomes three is a third of the work and memory.
    alpha = None if samples.alpha is None else turn_upright(samples.alpha, orientation)
    samples = replace(samples, values=turn_upright(samples.values, orientation), alpha=None)
    pixels, icc_profile = to_rgb(samples, samples.icc or icc)
    height, width = pixels.shape[:2]
    if directory:
        metadata.make_upright(directory, order, width, height, transposed=orientation > 4)
        exif = pack_exif(directory, order)
    else:
        exif = None
    if packet is not None and (orientation > 1 or samples.orientation is not None):
        packet = xmp.upright(packet)
    if dpi is not None and orientation > 4:
        dpi = dpi[::-1]
    if icc_profile != icc and "png_chunks" in extras:
        extras["png_chunks"] = tuple(chunk for chunk in extras["png_chunks"] if chunk[0] not in _PNG_COLORIMETRY)
    return Photo(
        pixels,
        alpha,
        exif=exif,
        icc_profile=icc_profile,
        xmp=packet,
        dpi=dpi,
        was_grey=samples.space == "grey",
        **extras,
    )
