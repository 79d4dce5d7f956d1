"""How good a colorizer is, in numbers, on photographs whose colours are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from deoldify.imaging import chroma
from train.data import from_linear, to_linear
from train.measure.distance import PooledFeatures, Rgb, kernel_distance
from train.measure.lab import delta_e, hues

Paint = Callable[[Image.Image], Image.Image]

_LUMINANCE_WEIGHTS = np.array([0.2126729, 0.7151522, 0.0721750])
"""Of linear sRGB, at its white point D65."""


@dataclass(frozen=True)
class Measures:
    """What is measured on one set.

    Attributes:
        images: how many.
        psnr: of renders against originals, mean over images, dB.
        psnr_grey: of the grey pictures against originals, dB.
        colourfulness: mean over renders, as Hasler and Süsstrunk (2003) define it.
        colourfulness_original: the same over originals.
        delta_colourfulness: absolute difference of the two.
        delta_e: mean CIEDE2000 between renders and originals, mean over images.
        delta_e_grey: the same of the grey pictures.
        hues: in effect, mean over renders; see ``train.measure.lab.hues``.
        hues_original: the same over originals.
        kid_lite2: 1000 × the unbiased squared MMD between renders and originals; see ``kernel_distance`` and
            ``PooledFeatures``. Not a number where the features cannot be had, as the next two are then.
        agreement: share of the renders that EfficientNet-Lite2 takes for what it takes the original for.
        agreement_grey: the same of the grey pictures.
        blotches: share of the renders with a patch far more saturated than the originals have; see ``has_blotch``.
        fid: Fréchet distance between renders and originals; see ``frechet_distance``. ``None`` where it was not
            asked for or its network cannot be had.
    """

    images: int
    psnr: float
    psnr_grey: float
    colourfulness: float
    colourfulness_original: float
    delta_colourfulness: float
    delta_e: float
    delta_e_grey: float
    hues: float
    hues_original: float
    kid_lite2: float
    agreement: float
    agreement_grey: float
    blotches: float
    fid: float | None = None


def grey_of(rgb: Rgb) -> Rgb:
    """The picture without its colour: grey of the same CIE lightness, as colorization papers make it.

    Args:
        rgb: (H, W, 3) sRGB.

    Returns:
        (H, W, 3), three equal channels.
    """
    grey = from_linear(to_linear(rgb / 255) @ _LUMINANCE_WEIGHTS)
    return np.repeat(np.rint(grey * 255).astype(np.uint8)[..., None], 3, axis=-1)


def psnr(a: Rgb, b: Rgb) -> float:
    """Peak signal-to-noise ratio over all channels of two 8-bit pictures, dB; infinite where they are equal."""
    error = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def colourfulness(rgb: Rgb) -> float:
    """The measure of Hasler and Süsstrunk (2003): 0 for grey, about 40 for an ordinary photograph."""
    red, green, blue = (rgb[..., channel].astype(np.float64) for channel in range(3))
    red_green, yellow_blue = red - green, 0.5 * (red + green) - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def strongest_patch(rgb: Rgb) -> float:
    """The strongest mean colour, √(U² + V²), of the patches of a picture: squares of 1/16 of its shorter side.

    Args:
        rgb: (H, W, 3).
    """
    side = max(2, min(rgb.shape[:2]) // 16)
    planes = torch.from_numpy(np.array(rgb)).permute(2, 0, 1).unsqueeze(0).float() / 255
    means = F.avg_pool2d(chroma(planes), side, stride=max(1, side // 2))  # (1, 2, h, w)
    return float(means.square().sum(dim=1).sqrt().max())


def has_blotch(render: float, original: float, usual: float) -> bool:
    """Whether a render has a patch far more saturated than anything in the originals.

    Args:
        render: its ``strongest_patch``.
        original: that of the original.
        usual: what nine of ten originals of the set stay below.
    """
    return render > max(1.5 * original, usual)


def blotched(renders: Sequence[Rgb], pictures: Sequence[Rgb]) -> list[bool]:
    """Which renders have an over-saturated patch, beside the originals they were made from."""
    originals_strongest = [strongest_patch(picture) for picture in pictures]
    usual = float(np.quantile(originals_strongest, 0.9))
    pairs = zip(renders, originals_strongest, strict=True)
    return [has_blotch(strongest_patch(render), original, usual) for render, original in pairs]


def plain_numbers(value: Any) -> Any:
    """What is to be JSON, with ``None`` for numbers that JSON does not know: infinite ones, and those that are none."""
    if isinstance(value, Mapping):
        return {key: plain_numbers(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def measure(
    pictures: Sequence[Rgb], renders: Sequence[Rgb], features: PooledFeatures | None, fid: float | None = None
) -> Measures:
    """Compare renders with the originals they were made from (grey); lists of (H, W, 3) of equal length.

    Args:
        pictures: the originals.
        renders: what was made of their grey.
        features: for ``kid_lite2`` and agreement; ``None`` leaves them out.
        fid: their ``frechet_distance``, where it is known.
    """
    greys = [grey_of(picture) for picture in pictures]
    kid = agreement = agreement_grey = math.nan
    if features is not None:
        known, found = features(pictures), features(renders)
        kid = 1000 * kernel_distance(found, known)
        taken_for = features.classes(known)
        agreement, agreement_grey = (
            float((features.classes(others) == taken_for).float().mean()) for others in (found, features(greys))
        )
    cf_render = float(np.mean([colourfulness(p) for p in renders]))
    cf_original = float(np.mean([colourfulness(p) for p in pictures]))
    return Measures(
        images=len(pictures),
        psnr=_mean_of(psnr, pictures, renders),
        psnr_grey=_mean_of(psnr, pictures, greys),
        colourfulness=cf_render,
        colourfulness_original=cf_original,
        delta_colourfulness=abs(cf_render - cf_original),
        delta_e=_mean_of(delta_e, pictures, renders),
        delta_e_grey=_mean_of(delta_e, pictures, greys),
        hues=float(np.mean([hues(p) for p in renders])),
        hues_original=float(np.mean([hues(p) for p in pictures])),
        kid_lite2=kid,
        agreement=agreement,
        agreement_grey=agreement_grey,
        blotches=float(np.mean(blotched(renders, pictures))),
        fid=fid,
    )


def _mean_of(compare: Callable[[Rgb, Rgb], float], pictures: Sequence[Rgb], others: Sequence[Rgb]) -> float:
    return float(np.mean([compare(a, b) for a, b in zip(pictures, others, strict=True)]))


def paint_all(pictures: Sequence[Rgb], paint: Paint) -> list[Rgb]:
    """What ``paint`` makes of every picture's grey version."""
    return [np.asarray(paint(Image.fromarray(grey_of(p)))) for p in pictures]


def table(results: Mapping[int, Mapping[str, Measures]], fid: str = "") -> str:
    """The results as a Markdown table.

    Args:
        results: by render factor and set.
        fid: what stands in the column of FID where it was not measured; without it, and without any FID, the column
            is left out.
    """
    with_fid = bool(fid) or any(m.fid is not None for sets in results.values() for m in sets.values())
    head = [
        "set", "factor", "images", "PSNR", "over grey", "CF", "CF ÷ originals'", "ΔCF", "ΔE", "ΔE ÷ grey's", "hues",
        "hues ÷ originals'", "kid_lite2", "known", "known grey", "blotches",
    ]  # fmt: skip
    rows = [head + ["FID"] * with_fid]
    for factor, sets in results.items():
        for name, m in sets.items():
            cells = [
                name, str(factor), str(m.images), f"{m.psnr:.2f} dB", f"{m.psnr - m.psnr_grey:+.2f} dB",
                f"{m.colourfulness:.1f}", f"{m.colourfulness / max(m.colourfulness_original, 1e-6):.3f}",
                f"{m.delta_colourfulness:.1f}",
                f"{m.delta_e:.2f}", f"{m.delta_e / max(m.delta_e_grey, 1e-6):.3f}", f"{m.hues:.2f}",
                f"{m.hues / max(m.hues_original, 1e-6):.3f}", f"{m.kid_lite2:.1f}", f"{m.agreement:.1%}",
                f"{m.agreement_grey:.1%}", f"{m.blotches:.1%}",
            ]  # fmt: skip
            rows.append(cells + [fid if m.fid is None else f"{m.fid:.2f}"] * with_fid)
    rows.insert(1, ["---"] * len(rows[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def contact_sheet(
    pictures: Sequence[Rgb], renders: Sequence[Rgb], *, columns: int = 12, side: int = 192
) -> Image.Image:
    """Grey, render and original below one another, ``columns`` beside one another, ``side`` pixels each."""

    def tile(picture: Rgb) -> Tensor:
        resized = Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.array(resized)).permute(2, 0, 1)

    tiles = []
    for start in range(0, len(pictures), columns):
        row = slice(start, start + columns)
        padding = [torch.full((3, side, side), 255, dtype=torch.uint8)] * (columns - len(pictures[row]))
        for kind in ([grey_of(p) for p in pictures[row]], renders[row], pictures[row]):
            tiles += [tile(p) for p in kind] + padding
    return Image.fromarray(make_grid(torch.stack(tiles), nrow=columns).permute(1, 2, 0).numpy())
