"""Renders and photographs that the tests of imaging share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from deoldify import imaging


def random_render(side: int, seed: int = 0) -> torch.Tensor:
    """(1, 3, side, side): smooth, fully saturated colours."""
    noise = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(noise * 1.6 - 0.3, (side, side), mode="bilinear").clamp(0, 1)


def grey_photo(height: int, width: int, dtype: type = np.uint8, seed: int = 0) -> imaging.Pixels:
    """Every grey there is, noisy."""
    top = np.iinfo(dtype).max
    values = np.random.default_rng(seed).integers(0, top, (height, width), endpoint=True)
    return np.repeat(values.astype(dtype)[..., None], 3, axis=-1)


def colour_photo(height: int, width: int, dtype: type = np.uint8, seed: int = 0) -> imaging.Pixels:
    """Every colour there is, noisy."""
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top, (height, width, 3), endpoint=True).astype(dtype)


def random_coefficients(side: int, seed: int = 0) -> torch.Tensor:
    """(1, 12, side, side): a change of tone and colour, another at every place, that clips little."""
    return (torch.rand(1, 12, side, side, generator=torch.Generator().manual_seed(seed)) - 0.5) * 0.2


def rounded_luma(pixels: imaging.Pixels) -> npt.NDArray[np.float64]:
    return np.asarray(np.rint(pixels.astype(np.float64) @ np.array(imaging.LUMA_WEIGHTS)))
