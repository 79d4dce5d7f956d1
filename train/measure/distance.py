"""How far the renders of a set lie from photographs: distances between the features of two sets of pictures."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from deoldify.errors import CheckpointError
from train.judges import lite_classifier

Rgb = npt.NDArray[np.uint8]  # (H, W, 3)

_BATCH = 32
_PATIENCE_SECONDS = 20.0


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x·y/d + 1)³ (Bińkowski et al. 2018).

    Args:
        a: (N, d) features of one set of pictures.
        b: (M, d) features of another.
    """
    a, b = a.double(), b.double()
    n, m, d = len(a), len(b), a.shape[1]
    within_a, within_b, across = ((x @ y.T / d + 1) ** 3 for x, y in ((a, a), (b, b), (a, b)))
    return float(
        (within_a.sum() - within_a.trace()) / (n * (n - 1))
        + (within_b.sum() - within_b.trace()) / (m * (m - 1))
        - 2 * across.mean()
    )


class PooledFeatures:
    """The 1280 pooled features of EfficientNet-Lite2 for pictures at 224 × 224, and what it takes them for.

    No network that is trained here is trained with it: the encoder and the features compared are of Lite0, the critic's
    of Lite1. A critic on the network that measures makes the measure worthless (Kynkäänniemi et al. 2023).
    """

    SIDE = 224

    def __init__(self) -> None:
        self._network: nn.Module = lite_classifier("lite2")

    @torch.inference_mode()
    def __call__(self, pictures: Sequence[Rgb]) -> Tensor:
        """(N, 1280) features of N pictures of any size."""
        rows = []
        for start in range(0, len(pictures), _BATCH):
            resized = [
                np.asarray(Image.fromarray(p).resize((self.SIDE, self.SIDE), Image.Resampling.BICUBIC))
                for p in pictures[start : start + _BATCH]
            ]
            x = torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 255
            maps = self._network.forward_features((x - 0.5) / 0.5)  # type: ignore[operator]
            rows.append(self._network.forward_head(maps, pre_logits=True))  # type: ignore[operator]
        return torch.cat(rows)

    @torch.inference_mode()
    def classes(self, features: Tensor) -> Tensor:
        """(N, 1280) features to the numbers of the likeliest of ImageNet's classes, (N,)."""
        logits: Tensor = self._network.get_classifier()(features)  # type: ignore[operator]
        return logits.argmax(dim=1)


def frechet_distance(renders: Sequence[Rgb], pictures: Sequence[Rgb], extractor: nn.Module | int = 2048) -> float:
    """The Fréchet distance between the features of renders and originals (Heusel et al. 2017).

    With a few hundred pictures it is mostly bias: fewer than there are features leave a covariance of low rank. Compare
    it only between equal numbers of pictures.

    Args:
        renders: (H, W, 3) uint8.
        pictures: likewise.
        extractor: takes (N, 3, H, W) uint8, gives (N, ``num_features``); a number is the layer of Inception-v3, whose
            weights are downloaded the first time.

    Raises:
        CheckpointError: Inception's weights cannot be had.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE_SECONDS)  # what downloads the weights would wait for ever
    try:
        distance = FrechetInceptionDistance(feature=extractor)
    except (OSError, ModuleNotFoundError) as error:
        raise CheckpointError(f"Inception's weights for FID cannot be had ({error}); go online once") from error
    finally:
        socket.setdefaulttimeout(patience)
    distance.set_dtype(torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of low rank, which is said above
        for real, found in ((False, renders), (True, pictures)):
            for start in range(0, len(found), _BATCH):
                batch = torch.from_numpy(np.stack(found[start : start + _BATCH])).permute(0, 3, 1, 2)
                distance.update(batch, real=real)
        return float(distance.compute())
