"""Colours that archives keep and Pillow reduces or leaves alone, to sRGB at their own depth: CIELAB and YCbCr."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deoldify.photo.samples import Array, bands

# Rows of X, Y, Z to linear sRGB, where X, Y and Z are shares of the white's own: white is white under any illuminant.
# IEC 61966-2-1's matrix under D65, and Bradford's adaptation from D50 (ICC.1:2010, annex E), in one.
_FROM_D50 = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)
_D50 = np.array([0.96422, 1.0, 0.82521])
_TO_LINEAR = _FROM_D50 * _D50 / (_FROM_D50 @ _D50)[:, None]


def lab_to_rgb(values: Array, *, icc: bool) -> Array:
    """CIELAB as a TIFF holds it, to sRGB; neutral stays neutral.

    Args:
        values: (H, W, 3), uint8 or uint16. L* goes over the whole range; a* and b* are two's complement in units of
            one (8 bits) or 1/256 (16 bits), see the TIFF 6.0 specification, section 23.
        icc: photometric 9, ICCLab: a* and b* are offset by half the range; 16-bit L* ends at 0xFF00.

    Returns:
        (H, W, 3) sRGB, dtype of the values.
    """
    white = np.iinfo(values.dtype).max
    deep = values.dtype == np.uint16
    out = np.empty(values.shape, values.dtype)
    for band in bands(values):
        part = values[band].astype(np.float64)
        lightness = part[..., 0] * (100 / (65280 if icc and deep else white))
        a_b = part[..., 1:]
        half = 32768 if deep else 128
        a_b = a_b - half if icc else np.where(a_b >= half, a_b - 2 * half, a_b)
        if deep:
            a_b /= 256
        f_y = (lightness + 16) / 116
        f = np.stack((f_y + a_b[..., 0] / 500, f_y, f_y - a_b[..., 1] / 200), -1)
        share = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
        linear = np.clip(share @ _TO_LINEAR.T, 0, 1)
        encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        out[band] = np.rint(np.clip(encoded, 0, 1) * white)
    return out


def ycbcr_to_rgb(values: Array, weights: Sequence[float], reference: Sequence[float]) -> Array:
    """YCbCr to RGB, as the TIFF 6.0 specification, section 21, has it.

    Args:
        values: (H, W, 3), uint8 or uint16.
        weights: of red, green and blue in luma.
        reference: values of black and white of Y, and of zero and full of Cb and Cr.

    Returns:
        (H, W, 3) RGB, dtype of the values.
    """
    white = np.iinfo(values.dtype).max
    zero = np.array(reference[0::2])
    span = np.array(reference[1::2]) - zero
    scale = np.array([white, (white - 1) // 2, (white - 1) // 2]) / np.where(span == 0, 1, span)
    red, green, blue = weights
    out = np.empty(values.shape, values.dtype)
    for band in bands(values):
        y, cb, cr = np.moveaxis((values[band].astype(np.float64) - zero) * scale, -1, 0)
        r, b = y + cr * (2 - 2 * red), y + cb * (2 - 2 * blue)
        rgb = np.stack((r, (y - blue * b - red * r) / green, b), -1)
        out[band] = np.rint(np.clip(rgb, 0, white))
    return out
