"""What the workers of a toy cluster do: one layer colours, and one kind of photo kills whoever works on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import numpy as np
import torch

from deoldify.folder import Work
from deoldify.model import Model
from deoldify.photo import Photo

POISON = 113
"""The grey of the photo that kills."""


def prepare() -> tuple[Work, Sequence[Model]]:
    """A convolution of reproducible numbers; a generator would take each worker longer to load than all its photos."""
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(3, 3, 3, padding=1).requires_grad_(False)

    def work(photo: Photo) -> tuple[Photo, str]:
        if np.all(photo.pixels == POISON):
            os.kill(os.getpid(), signal.SIGKILL)
        grey = torch.from_numpy(photo.pixels).permute(2, 0, 1)[None].float()  # 1, 3, H, W
        coloured = layer(grey).add(128).clamp(0, 255).byte()[0].permute(1, 2, 0)
        return photo.with_pixels(np.ascontiguousarray(coloured.numpy())), "toy"

    return work, ()
