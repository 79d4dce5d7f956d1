"""Pure functions on pixels: colour spaces, the generator's square, and colour carried back to full size.

Tensors are (N, C, H, W) float; arrays are (H, W, 3) RGB, uint8 or uint16, as photographs come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from deoldify.samples import array_of

Triple = tuple[float, float, float]
Transfer = Literal["guided", "bilinear", "none"]
Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Plane = npt.NDArray[np.float32]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)

LUMA_WEIGHTS: Triple = (0.299, 0.587, 0.114)
"""Weights of R, G and B in luma (ITU-R BT.601)."""
U_SCALE = 0.492
V_SCALE = 0.877
"""U = 0.492 (B − Y) and V = 0.877 (R − Y), the analogue YUV of BT.601 that OpenCV's RGB2YUV uses."""

_RIDGE = 1e-5
"""Variance (RGB of 0 to 1), the square of an 8-bit level, that is noise to a fit over a whole picture."""

_BAND_PIXELS = 1 << 21
"""Full-size work goes in bands of rows of about this many pixels, which are enough to keep a core busy."""

_STRIP_PIXELS = 1 << 16
"""A band is worked on in strips of rows of about this many pixels, which are few enough for the cache."""


def _per_channel(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)


def normalise(rgb: Tensor, mean: Triple = IMAGENET_MEAN, std: Triple = IMAGENET_STD) -> Tensor:
    """(N, 3, H, W) RGB in 0 to 1 to zero mean and unit deviation over ImageNet."""
    return (rgb - _per_channel(mean, rgb)) / _per_channel(std, rgb)


def denormalise(x: Tensor) -> Tensor:
    """The inverse of ``normalise``."""
    return x * _per_channel(IMAGENET_STD, x) + _per_channel(IMAGENET_MEAN, x)


def luma(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) RGB to its luma Y, (N, 1, H, W), in the same range."""
    return (rgb * _per_channel(LUMA_WEIGHTS, rgb)).sum(dim=1, keepdim=True)


def chroma(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) RGB in 0 to 1 to U (−0.436 to 0.436) and V (−0.615 to 0.615), (N, 2, H, W)."""
    y = luma(rgb)
    return torch.cat([(rgb[:, 2:3] - y) * U_SCALE, (rgb[:, 0:1] - y) * V_SCALE], dim=1)


def from_luma_chroma(y: Tensor, uv: Tensor) -> Tensor:
    """Luma (N, 1, H, W) and U, V (N, 2, H, W) to RGB (N, 3, H, W), unclamped; the inverse of luma and chroma."""
    red = y + uv[:, 1:2] / V_SCALE
    blue = y + uv[:, 0:1] / U_SCALE
    green = (y - LUMA_WEIGHTS[0] * red - LUMA_WEIGHTS[2] * blue) / LUMA_WEIGHTS[1]
    return torch.cat([red, green, blue], dim=1)


def grey_square(pixels: Pixels, side: int) -> npt.NDArray[np.uint8]:
    """A photograph's luma, stretched to the square that a colorizer's generator sees.

    Stretched first and made grey then, as DeOldify's filter does: the other way round, roundings differ.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        side: of the square, in pixels.

    Returns:
        (side, side) uint8.
    """
    return np.array(Image.fromarray(colour_square(pixels, side)).convert("L"))


def colour_square(pixels: Pixels, side: int) -> npt.NDArray[np.uint8]:
    """A photograph stretched to the square that a defader's generator sees.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        side: of the square, in pixels.

    Returns:
        (side, side, 3) uint8.
    """
    height, width = pixels.shape[:2]
    narrow = np.empty((height, side, 3), np.uint8)

    # Pillow, too, makes a picture narrow first and low then, so that this is what it makes of the whole at once.
    def make_narrow(rows: slice) -> None:
        for strip in _strips(rows, width):
            values = _eight_bits(pixels[strip])
            grey = _is_grey(values)
            image = Image.fromarray(values[..., 0] if grey else values)
            resized = np.asarray(image.resize((side, len(values)), Image.Resampling.BILINEAR))
            narrow[strip] = resized[..., None] if grey else resized

    _side_by_side(make_narrow, height, width)
    return np.array(Image.fromarray(narrow).resize((side, side), Image.Resampling.BILINEAR))


def sampled(pixels: Pixels, height: int, width: int) -> Pixels:
    """A picture of another size that holds pixels as they are, evenly picked: its darkest stay as dark as they were.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        height: of the result; more than H repeats rows.
        width: of the result; more than W repeats columns.

    Returns:
        (height, width, 3), dtype of ``pixels``.
    """
    rows, columns = (
        ((2 * np.arange(wanted) + 1) * given) // (2 * wanted)
        for wanted, given in zip((height, width), pixels.shape[:2])
    )
    picked: Pixels = pixels[rows[:, None], columns]
    return picked


def sampled_square(pixels: Pixels, side: int) -> npt.NDArray[np.uint8]:
    """A photograph as a generator sees it that reads tones off single pixels; see ``sampled``.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        side: of the square, in pixels.

    Returns:
        (side, side, 3) uint8.
    """
    return _eight_bits(sampled(pixels, side, side))


def _eight_bits(pixels: Pixels) -> npt.NDArray[np.uint8]:
    return np.asarray(pixels if pixels.dtype == np.uint8 else pixels >> 8, np.uint8)


def to_tensor(picture: npt.NDArray[np.uint8]) -> Tensor:
    """(H, W) grey or (H, W, 3) RGB, uint8, to (1, 3, H, W) float32 in 0 to 1."""
    scaled = torch.from_numpy(picture).float().div(255)
    return scaled.expand(1, 3, -1, -1) if picture.ndim == 2 else scaled.permute(2, 0, 1).unsqueeze(0)


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
    coloured = stretch(render, height, width)
    steps = np.iinfo(pixels.dtype).max // 255
    result = np.empty_like(pixels)

    def merge(rows: slice) -> None:
        for strip in _strips(rows, width):
            red, _, blue = coloured[strip].astype(np.int32).transpose(2, 0, 1)
            y = _fixed_point_luma(coloured[strip])
            u = _in_steps((blue - y) * 8061).clip(-128, 127) * steps
            v = _in_steps((red - y) * 14369).clip(-128, 127) * steps
            y = _fixed_point_luma(pixels[strip])
            rgb = (y + _in_steps(18678 * v), y + _in_steps(-6472 * u - 9519 * v), y + _in_steps(33292 * u))
            result[strip] = np.stack(rgb, axis=-1).clip(0, np.iinfo(pixels.dtype).max)

    _side_by_side(merge, height, width)
    return result


def _fixed_point_luma(pixels: Pixels) -> npt.NDArray[np.int32]:
    """(H, W) rounded luma, in OpenCV's arithmetic: whole numbers in units of 2⁻¹⁴, which 16-bit values still fit."""
    red, green, blue = pixels.astype(np.int32).transpose(2, 0, 1)
    return _in_steps(red * 4899 + green * 9617 + blue * 1868)


def _in_steps(fixed_point: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return (fixed_point + (1 << 13)) >> 14


def guided_coefficients(grey: npt.NDArray[np.uint8], render: Tensor, radius: int, epsilon: float) -> Tensor:
    """Fit a render's chroma as a local linear function of luma: U ≈ a·Y + b in every window, and V likewise.

    The guided filter of He et al. (2013); fitted small and applied large it is their fast guided filter (2015).

    Args:
        grey: (h, w) uint8, what the generator saw.
        render: (1, 3, h, w) RGB in 0 to 1, what it made.
        radius: of the window, in pixels of the render.
        epsilon: variance of luma (0 to 1) below which a window counts as flat, where the fit is a mean.

    Returns:
        (1, 4, h, w): a for U and V, then b for U and V.
    """
    y = to_tensor(grey)[:, :1]
    uv = chroma(render)
    mean_y, mean_uv = _window_mean(y, radius), _window_mean(uv, radius)
    variance = _window_mean(y * y, radius) - mean_y * mean_y
    a = (_window_mean(y * uv, radius) - mean_y * mean_uv) / (variance + epsilon)
    b = mean_uv - a * mean_y
    return _window_mean(torch.cat([a, b], dim=1), radius)


def _window_mean(x: Tensor, radius: int) -> Tensor:
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


def transfer_guided(pixels: Pixels, grey: npt.NDArray[np.uint8], render: Tensor) -> Pixels:
    """The photograph's luma with the render's colour, which follows the photograph's own edges.

    Colour that RGB cannot hold at a pixel's luma is paled, never clipped, and rounding is made up for in green, so
    that the luma of a grey photograph comes back to the last bit.

    Args:
        pixels: (H, W, 3) RGB, uint8 or uint16.
        grey: (h, w) uint8, what the generator saw.
        render: (1, 3, h, w) RGB in 0 to 1, what it made.

    Returns:
        (H, W, 3), dtype of ``pixels``.
    """
    height, width = pixels.shape[:2]
    top = float(np.iinfo(pixels.dtype).max)
    coefficients = guided_coefficients(grey, render, radius=max(2, grey.shape[0] // 64), epsilon=2e-3)
    a_u, a_v, b_u, b_v = coefficients[0]
    # R − Y and B − Y as functions of Y, all three in the photo's own levels.
    planes = torch.stack([a_v / V_SCALE, b_v * (top / V_SCALE), a_u / U_SCALE, b_u * (top / U_SCALE)])
    stretched = _Stretched(planes, height, width)
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

    _side_by_side(colour, height, width)
    return result


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
    mean_around, mean_remainder = _window_mean(around, radius), _window_mean(remainder, radius)
    products = _window_mean((around.unsqueeze(2) * around.unsqueeze(1)).flatten(1, 2), radius)
    crossed = _window_mean((around.unsqueeze(2) * remainder.unsqueeze(1)).flatten(1, 2), radius)
    within = products - (mean_around.unsqueeze(2) * mean_around.unsqueeze(1)).flatten(1, 2)
    across = crossed - (mean_around.unsqueeze(2) * mean_remainder.unsqueeze(1)).flatten(1, 2)
    h, w = before.shape[-2:]
    gram = within.view(3, 3, h, w).permute(2, 3, 0, 1) + epsilon * torch.eye(3)
    local = torch.linalg.solve(gram, across.view(3, 3, h, w).permute(2, 3, 0, 1))  # (h, w, before, change)
    local = local.permute(3, 2, 0, 1)  # (change, before, h, w)
    shifts = mean_remainder[0] - (local * _window_mean(before, radius)[0]).sum(dim=1)
    fitted = _window_mean(torch.cat([local.flatten(0, 1), shifts]).unsqueeze(0), radius)
    return fitted + torch.cat([slopes.flatten(), offsets]).view(1, 12, 1, 1)


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
    stretched = _Stretched(planes.flatten(0, 1), height, width)
    result = np.empty_like(pixels)

    def restore(rows: slice) -> None:
        for strip, of_strip in stretched.strips(rows):
            rgb = [pixels[strip][..., channel].astype(np.float32) for channel in range(3)]
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

    _side_by_side(restore, height, width)
    return result


def is_monochrome(picture: npt.NDArray[np.uint8], tolerance: float = 0.9) -> bool:
    """Whether a picture is black and white, be it neutral or toned: its chroma follows from its luma and the place.

    Prints yellow unevenly, more at the edges, so the tone may drift across the picture. A colour photograph that has
    faded badly keeps colours of a level or two, so the tolerance is narrow; taking it for a toned print would cost it
    all its colour, while a print taken for a colour photograph only keeps a tinge.

    Args:
        picture: (H, W, 3) RGB, small enough that grain and JPEG have averaged out, such as 64 × 64.
        tolerance: root mean square, in 8-bit levels, of what chroma may differ from a function that is quadratic in
            luma and in place.
    """
    rgb = to_tensor(picture).double()
    h, w = picture.shape[:2]
    y = luma(rgb)[0, 0]
    down, across = torch.linspace(-1, 1, h).view(-1, 1).expand(h, w), torch.linspace(-1, 1, w).expand(h, w)
    terms = (torch.ones_like(y), y, y * y, down, across, down * down, across * across, down * y, across * y)
    design = torch.stack([term.double().flatten() for term in terms], dim=1)
    uv = chroma(rgb)[0].flatten(1).T
    # A flat picture leaves terms undecided, which only this driver takes.
    fit = torch.linalg.lstsq(design, uv, driver="gelsd").solution
    return float((design @ fit - uv).square().mean().sqrt()) * 255 <= tolerance


def _is_grey(pixels: Pixels) -> bool:
    """Whether the three channels of (H, W, 3) are equal everywhere."""
    values = pixels.reshape(-1)
    differs = values[1:] != values[:-1]  # from the one before: of R, G, B, R, G, B ... every third may
    differs[2::3] = False
    return not differs.any()


def _luma_of(pixels: Pixels) -> Plane:
    """(H, W) luma in the levels of (H, W, 3) RGB; exact where the three channels are equal."""
    if _is_grey(pixels):
        return pixels[..., 0].astype(np.float32)
    red, green, blue = (pixels[..., channel].astype(np.float32) for channel in range(3))
    red -= green
    red *= np.float32(LUMA_WEIGHTS[0])
    blue -= green
    blue *= np.float32(LUMA_WEIGHTS[2])
    green += red
    green += blue
    return green


def _side_by_side(work: Callable[[slice], None], height: int, width: int) -> None:
    """Do the work on every band of rows of a photograph, on as many cores as PyTorch would use."""
    count = max(1, round(height * width / _BAND_PIXELS))
    step = -(-height // count)
    bands = [slice(start, min(start + step, height)) for start in range(0, height, step)]
    workers = min(torch.get_num_threads(), len(bands))
    if workers == 1:
        for rows in bands:
            work(rows)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, bands):
            pass


def _strips(rows: slice, width: int) -> Iterator[slice]:
    step = max(1, _STRIP_PIXELS // width)
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop))


class _Stretched:
    """Small planes stretched to full size, bilinear, without the whole ever being in memory.

    Args:
        planes: (C, h, w) float32.
        height: full size.
        width: full size.
    """

    def __init__(self, planes: Tensor, height: int, width: int) -> None:
        h, w = planes.shape[-2:]
        self.width = width
        if height < h or width < w:
            size = min(h, height), min(w, width)
            planes = F.interpolate(planes.unsqueeze(0), size, mode="bilinear", antialias=True)[0]
        self._planes = planes.numpy()
        self._upper, self._down = _neighbours(height, planes.shape[1])
        self._left, self._across = _neighbours(width, planes.shape[2])
        self._right = np.minimum(self._left + 1, planes.shape[2] - 1)

    def strips(self, rows: slice) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
        """The strips of a band of rows, each with its part of the planes, (C, rows, width).

        They may be written to. They are gone with the next strip: memory that is new costs more than the arithmetic.
        """
        most = max(1, _STRIP_PIXELS // self.width)
        memory = np.empty((len(self._planes), most, self.width), np.float32)
        before, above, below = -1, memory[:, 0], memory[:, 0]
        for strip in _strips(rows, self.width):
            values = memory[:, : strip.stop - strip.start]
            row = strip.start
            while row < strip.stop:
                upper = int(self._upper[row])
                stop = min(int(np.searchsorted(self._upper, upper, side="right")), strip.stop)
                if upper != before:
                    above = below if upper == before + 1 and before >= 0 else self._wide(upper)
                    before, below = upper, self._wide(upper + 1)
                    step = (below - above)[:, None]
                part = values[:, row - strip.start : stop - strip.start]
                np.multiply(step, self._down[row:stop, None], out=part)
                part += above[:, None]
                row = stop
            yield strip, values

    def _wide(self, row: int) -> npt.NDArray[np.float32]:
        """(C, width): a row of the planes, or the last where there are no more."""
        values = self._planes[:, min(row, self._planes.shape[1] - 1)]
        wide = np.take(values, self._left, axis=1)
        right = np.take(values, self._right, axis=1)
        right -= wide
        right *= self._across
        wide += right
        return wide


def _neighbours(large: int, small: int) -> tuple[npt.NDArray[np.int64], Plane]:
    """For each pixel of a large side the one of a small side before it, and the share of the one behind that."""
    at = ((np.arange(large) + 0.5) * (small / large) - 0.5).clip(0, small - 1)
    before = at.astype(np.int64)
    return before, (at - before).astype(np.float32)
