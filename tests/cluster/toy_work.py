"""What the workers of a toy cluster do: a toy network colours, and one kind of photo kills whoever works on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import numpy as np
import torch

from deoldify import Colorizer
from deoldify.checkpoints import find
from deoldify.folder import Work
from deoldify.network import COMPACT, Generator
from deoldify.photo import Photo
from tests.toys import narrow

POISON = 113
"""The grey of the photo that kills."""


def prepare() -> tuple[Work, Sequence[Colorizer]]:
    """A colorizer with a narrow network of reproducible numbers."""
    torch.manual_seed(0)
    colorizer = Colorizer(find("compact"), Generator(narrow(COMPACT)).eval(), device="cpu", precision="float32")

    def work(photo: Photo) -> tuple[Photo, str]:
        if np.all(photo.pixels == POISON):
            os.kill(os.getpid(), signal.SIGKILL)
        return colorizer.colorize_photo(photo, render_factor=4, renders=1), "toy"

    return work, (colorizer,)
