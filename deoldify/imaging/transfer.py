"""What a network made of the small square, carried back to the photograph at full size.

Renders are (1, 3, h, w) float RGB in 0 to 1, their chroma (1, 2, h, w) float U and V; arrays are (H, W, 3) RGB, uint8
or uint16, as photographs come.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from deoldify.imaging.colour import LUMA_WEIGHTS, U_SCALE, V_SCALE, Pixels, is_grey, to_tensor
from deoldify.imaging.rows import Plane, Stretched, side_by_side, strips
from deoldify.photo import array_of

Transfer = Literal["guided", "bilinear", "none"]
_RIDGE = 1e-5
"""Variance (RGB of 0 to 1), the square of an 8-bit level, that is noise to a fit over a whole picture."""


_WIDEST = 1 << 18
"""Pixels of a row; a wider picture is worked on lying on its side, since strips have at least one row, and each of its
pixels takes a few hundred bytes then."""


def _turned(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels.swapaxes(0, 1))


def stretch(render: Tensor, height: int, width: int) -> npt.NDArray[np.uint8]:
    """A render at full size, as DeOldify's filter makes it: 8 bits by truncation, then bilinear.

    Args:
        render: (1, 3, h, w) RGB in 0 to 1.
        height: of the result.
        width: of the result.

    Returns:
        (height, width, 3) uint8.
    """
    eight_bits = (render[0] * 255).to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return array_of(Image.fromarray(eight_bits).resize((width, height), Image.Resampling.BILINEAR))


def transfer_bilinear(pixels: Pixels, render: Tensor) -> Pixels:
    """The photograph's Y with U and V of the stretched render, in whole 8-bit steps, as OpenCV's YUV has them.

    This is what DeOldify's filter does; U and V saturate at 8 bits and RGB is clipped, so the luminance of very
    saturated pixels can move. ``transfer_guided`` does not let it.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        render: (1, 3, h, w) RGB in 0 to 1.

    Returns:
        (H, W, 3), dtype of ``pixels``.
    """
    height, width = pixels.shape[:2]
    if width > _WIDEST:
        return _turned(transfer_bilinear(_turned(pixels), render.transpose(2, 3)))
    coloured = stretch(render, height, width)
    steps = np.iinfo(pixels.dtype).max // 255
    result = np.empty_like(pixels)

    def merge(rows: slice) -> None:
        for strip in strips(rows, width):
            red, _, blue = coloured[strip].astype(np.int32).transpose(2, 0, 1)
            y = _fixed_point_luma(coloured[strip])
            u = _in_steps((blue - y) * 8061).clip(-128, 127) * steps
            v = _in_steps((red - y) * 14369).clip(-128, 127) * steps
            y = _fixed_point_luma(pixels[strip])
            rgb = (y + _in_steps(18678 * v), y + _in_steps(-6472 * u - 9519 * v), y + _in_steps(33292 * u))
            result[strip] = np.stack(rgb, axis=-1).clip(0, np.iinfo(pixels.dtype).max)

    side_by_side(merge, height, width)
    return result


def _fixed_point_luma(pixels: Pixels) -> npt.NDArray[np.int32]:
    """(H, W) rounded luma, in OpenCV's arithmetic: whole numbers in units of 2⁻¹⁴, which 16-bit values still fit."""
    red, green, blue = pixels.astype(np.int32).transpose(2, 0, 1)
    return _in_steps(red * 4899 + green * 9617 + blue * 1868)


def _in_steps(fixed_point: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return (fixed_point + (1 << 13)) >> 14


def guided_coefficients(grey: npt.NDArray[np.uint8], uv: Tensor, radius: int, epsilon: float) -> Tensor:
    """Fit chroma as a local linear function of luma: U ≈ a·Y + b in every window, and V likewise.

    The guided filter of He et al. (2013); fitted small and applied large it is their fast guided filter (2015).

    Args:
        grey: (h, w) uint8, what the generator saw.
        uv: (1, 2, h, w), U and V of what it made.
        radius: of the window, in pixels of the render.
        epsilon: variance of luma (0 to 1) below which a window counts as flat, where the fit is a mean.

    Returns:
        (1, 4, h, w): a for U and V, then b for U and V.
    """
    y = to_tensor(grey)[:, :1]
    mean_y, mean_uv = window_mean(y, radius), window_mean(uv, radius)
    variance = window_mean(y * y, radius) - mean_y * mean_y
    a = (window_mean(y * uv, radius) - mean_y * mean_uv) / (variance + epsilon)
    b = mean_uv - a * mean_y
    return window_mean(torch.cat([a, b], dim=1), radius)


def transfer_guided(pixels: Pixels, grey: npt.NDArray[np.uint8], uv: Tensor, *, change: Tensor | None = None) -> Pixels:
    """The photograph's luma with a render's colour, which follows the photograph's own edges.

    Colour that RGB cannot hold at a pixel's luma is paled, never clipped, and rounding is made up for in green, so
    that the luma of a grey photograph comes back to the last bit.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        grey: (h, w) uint8, what the generator saw.
        uv: (1, 2, h, w), U and V of what it made, or of what was made of that since.
        change: (1, 2, h, w), to be added to it, which has the edges of the photo already, as hints have. They are
            kept where the photo's are faint, too; a render's own colour would follow its grain then.

    Returns:
        (H, W, 3), dtype of ``pixels``.
    """
    height, width = pixels.shape[:2]
    if width > _WIDEST:
        turned = None if change is None else change.transpose(2, 3)
        return _turned(transfer_guided(_turned(pixels), grey.T, uv.transpose(2, 3), change=turned))
    top = float(np.iinfo(pixels.dtype).max)
    radius = max(2, grey.shape[0] // 64)
    coefficients = guided_coefficients(grey, uv, radius, epsilon=2e-3)
    if change is not None:
        coefficients = coefficients + guided_coefficients(grey, change, radius, epsilon=2e-4)
    a_u, a_v, b_u, b_v = coefficients[0]
    # R − Y and B − Y as functions of Y, all three in the photo's own levels.
    planes = torch.stack([a_v / V_SCALE, b_v * (top / V_SCALE), a_u / U_SCALE, b_u * (top / U_SCALE)])
    stretched = Stretched(planes, height, width)
    of_red, of_green, of_blue = (np.float32(weight) for weight in LUMA_WEIGHTS)
    least = np.float32(1e-6 * top)
    result = np.empty_like(pixels)

    def colour(rows: slice) -> None:
        for strip, (red, red_offset, blue, blue_offset) in stretched.strips(rows):
            y = _luma_of(pixels[strip])
            red *= y
            red += red_offset
            blue *= y
            blue += blue_offset

            # Each plane that is not needed any more holds the next: new memory would cost more than the arithmetic.
            green = np.multiply(red, -of_red / of_green, out=red_offset)
            green -= np.multiply(blue, of_blue / of_green, out=blue_offset)
            highest, lowest = np.maximum(red, blue, out=blue_offset), np.minimum(red, blue)
            np.maximum(np.maximum(highest, green, out=highest), least, out=highest)
            np.minimum(np.minimum(lowest, green, out=lowest), -least, out=lowest)
            fits = np.subtract(top, y, out=green)
            fits /= highest
            np.minimum(fits, np.negative(np.divide(y, lowest, out=lowest), out=lowest), out=fits)
            np.minimum(fits, 1, out=fits)
            for values in (red, blue):
                values *= fits
                values += y
                np.rint(values, out=values)

            # What is rounded away of red and blue moves green by 0.36 at most, which leaves it in range.
            green = y
            green -= np.multiply(red, of_red, out=fits)
            green -= np.multiply(blue, of_blue, out=fits)
            green /= of_green
            for channel, values in enumerate((red, np.rint(green, out=green), blue)):
                np.copyto(result[strip][..., channel], values, casting="unsafe")

    side_by_side(colour, height, width)
    return result


def _luma_of(pixels: Pixels) -> Plane:
    """(H, W) luma in the levels of (H, W, 3) RGB; exact where the three channels are equal."""
    if is_grey(pixels):
        return _levels(pixels, 0)
    red, green, blue = (_levels(pixels, channel) for channel in range(3))
    red -= green
    red *= np.float32(LUMA_WEIGHTS[0])
    blue -= green
    blue *= np.float32(LUMA_WEIGHTS[2])
    green += red
    green += blue
    return green


def _levels(pixels: Pixels, channel: int) -> Plane:
    """A channel of (H, W, 3) as (H, W) float32; side by side first, which numpy converts three times as fast."""
    return np.ascontiguousarray(pixels[..., channel]).astype(np.float32)


def affine_coefficients(before: Tensor, after: Tensor, radius: int, epsilon: float) -> Tensor:
    """Fit the change between two pictures as a local affine function of the first: after ≈ before + A·before + b.

    First one function for the whole picture, then in every window what that leaves over. The second step is the
    guided filter with a colour guide (He et al. 2013), which draws the slopes of flat windows towards zero: without
    the first, a pale photograph's contrast would come back at its edges and not in its faint detail.

    Args:
        before: (1, 3, h, w) RGB in 0 to 1.
        after: (1, 3, h, w) RGB in 0 to 1.
        radius: of the window, in pixels.
        epsilon: variance (RGB of 0 to 1) below which a window counts as flat and follows the whole picture.

    Returns:
        (1, 12, h, w): the rows of A, for R, G and B of the change, then b.
    """
    change = after - before
    slopes, offsets = _global_affine(before, change)
    remainder = change - (torch.einsum("cd,ndhw->nchw", slopes, before) + offsets.view(1, 3, 1, 1))

    # Variances of a window are small differences of squares; around the picture's mean float32 holds them well.
    around = before - before.mean(dim=(2, 3), keepdim=True)
    mean_around, mean_remainder = window_mean(around, radius), window_mean(remainder, radius)
    products = window_mean((around.unsqueeze(2) * around.unsqueeze(1)).flatten(1, 2), radius)
    crossed = window_mean((around.unsqueeze(2) * remainder.unsqueeze(1)).flatten(1, 2), radius)
    within = products - (mean_around.unsqueeze(2) * mean_around.unsqueeze(1)).flatten(1, 2)
    across = crossed - (mean_around.unsqueeze(2) * mean_remainder.unsqueeze(1)).flatten(1, 2)
    h, w = before.shape[-2:]
    gram = within.view(3, 3, h, w).permute(2, 3, 0, 1) + epsilon * torch.eye(3)
    local = torch.linalg.solve(gram, across.view(3, 3, h, w).permute(2, 3, 0, 1))  # (h, w, before, change)
    local = local.permute(3, 2, 0, 1)  # (change, before, h, w)
    shifts = mean_remainder[0] - (local * window_mean(before, radius)[0]).sum(dim=1)
    fitted = window_mean(torch.cat([local.flatten(0, 1), shifts]).unsqueeze(0), radius)
    return fitted + torch.cat([slopes.flatten(), offsets]).view(1, 12, 1, 1)


def window_mean(x: Tensor, radius: int) -> Tensor:
    """Mean of the window around each pixel of (N, C, H, W), cut off at the edges: rows, then columns.

    Shifted copies are added up, which takes a tenth of the time of PyTorch's pooling.
    """
    for dim in (2, 3):
        length = x.shape[dim]
        sums, counts = x.clone(), torch.ones(length)
        for shift in range(1, min(radius, length - 1) + 1):
            left = length - shift
            sums.narrow(dim, shift, left).add_(x.narrow(dim, 0, left))
            sums.narrow(dim, 0, left).add_(x.narrow(dim, shift, left))
            counts[shift:] += 1
            counts[:left] += 1
        x = sums.div_(counts.view(-1, 1) if dim == 2 else counts)
    return x


def _global_affine(before: Tensor, change: Tensor) -> tuple[Tensor, Tensor]:
    """Least squares over a whole picture: slopes (3, 3) from channels of ``before`` to the change's, offsets (3,).

    A trace of ridge decides where channels are equal, as in a black-and-white picture: they share the slope.
    """
    x, y = (picture[0].flatten(1).double() for picture in (before, change))
    mean_x, mean_y = x.mean(dim=1, keepdim=True), y.mean(dim=1, keepdim=True)
    within = (x - mean_x) @ (x - mean_x).T / x.shape[1] + _RIDGE * torch.eye(3, dtype=torch.float64)
    slopes = torch.linalg.solve(within, (x - mean_x) @ (y - mean_y).T / x.shape[1]).T
    return slopes.float(), (mean_y - slopes @ mean_x).flatten().float()


def transfer_tone(
    pixels: Pixels, coefficients: Tensor, strength: float, *, neutral: bool = False, keep_tone: bool = False
) -> Pixels:
    """A small picture's change of tone and colour, applied to the photograph's own pixels.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        coefficients: (1, 12, h, w), see ``affine_coefficients``.
        strength: how much of the change: 0 for none, 1 for all.
        neutral: the photograph is black and white: take grey for the restored colour.
        keep_tone: change luma alone, all three channels by the same amount.

    Returns:
        (H, W, 3), dtype of ``pixels``.
    """
    height, width = pixels.shape[:2]
    if width > _WIDEST:
        turned = transfer_tone(
            _turned(pixels), coefficients.transpose(2, 3), strength, neutral=neutral, keep_tone=keep_tone
        )
        return _turned(turned)
    top = np.iinfo(pixels.dtype).max
    slopes = coefficients[0, :9].view(3, 3, *coefficients.shape[2:]) * strength
    offsets = coefficients[0, 9:] * (strength * top)
    kept = 1.0
    if neutral or keep_tone:  # one change for the three channels, that of luma
        weights = torch.tensor(LUMA_WEIGHTS)
        slopes, offsets = (torch.einsum("c,c...->...", weights, each).unsqueeze(0) for each in (slopes, offsets))
        if not keep_tone:  # and of the photo itself no more than its luma
            slopes, kept = slopes + strength * weights.view(1, 3, 1, 1), 1 - strength
    planes = torch.cat([slopes, offsets.unsqueeze(1)], dim=1)  # (changes, R, G, B and offset, h, w)
    stretched = Stretched(planes.flatten(0, 1), height, width)
    result = np.empty_like(pixels)

    def restore(rows: slice) -> None:
        for strip, of_strip in stretched.strips(rows):
            rgb = [_levels(pixels[strip], channel) for channel in range(3)]
            changes = []
            for red, green, blue, change in of_strip.reshape(-1, 4, *of_strip.shape[1:]):
                for slope, values in zip((red, green, blue), rgb):
                    slope *= values
                    change += slope
                changes.append(change)
            for channel, values in enumerate(rgb):
                values *= np.float32(kept)
                values += changes[channel % len(changes)]
                np.rint(values, out=values)
                np.copyto(result[strip][..., channel], np.clip(values, 0, top, out=values), casting="unsafe")

    side_by_side(restore, height, width)
    return result
