"""The small network that decides, by the numbers that ``measuring`` gives."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MEASURES = 74
_WIDTH = 24
VOICES = 8
"""Networks that are trained on other noise and asked together."""


class Head(nn.Module):
    """How likely it is that a picture is monochrome: the mean of a few networks of two hidden layers each.

    Attributes:
        mean: of each measure over what it was trained on.
        deviation: likewise.
        shift: of the odds.
    """

    mean: Tensor
    deviation: Tensor
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(MEASURES))
        self.register_buffer("deviation", torch.ones(MEASURES))
        self.register_buffer("shift", torch.zeros(()))
        widths = (MEASURES, _WIDTH, _WIDTH, 1)
        self.weights = nn.ParameterList(
            torch.randn(VOICES, before, after) / before**0.5 for before, after in zip(widths, widths[1:])
        )
        self.biases = nn.ParameterList(torch.zeros(VOICES, 1, after) for after in widths[1:])

    def standard(self, measured: Tensor) -> Tensor:
        """Measures, (N, count), as the voices take them; what is far from all that they know is drawn nearer."""
        return ((measured - self.mean) / self.deviation).clamp(-4, 4)

    def voices(self, standard: Tensor) -> Tensor:
        """The odds by each voice, (voices, N), of (N, count) or of (voices, N, count), each of its own."""
        x = standard.expand(VOICES, *standard.shape[-2:])
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            x = torch.baddbmm(bias, F.gelu(x) if number else x, weight)
        return x[..., 0]

    def forward(self, measured: Tensor) -> Tensor:
        """Measures, (N, count), to the logarithm of the odds for monochrome, (N,)."""
        return self.voices(self.standard(measured)).mean(dim=0) + self.shift
