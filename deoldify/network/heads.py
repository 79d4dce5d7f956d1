"""Heads: what leaves the generator's decoder, and how it becomes a picture. Maps are (N, C, H, W) float tensors.

Each takes the decoder's features and the generator's input, ImageNet-normalised, and gives normalised RGB of its size.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deoldify.imaging import denormalise, luma, normalise
from deoldify.network.layers import PixelShuffleUp, ResidualBlock, convolution, resize_nearest


class RgbHead(nn.Module):
    """From 1/2 to full size; joins the input, one residual block, then RGB through a sigmoid stretched to (−3, 3)."""

    def __init__(self, in_channels: int, *, spectral: bool) -> None:
        super().__init__()
        self.up = PixelShuffleUp(in_channels, in_channels, normalised=False, spectral=spectral)
        self.residual = ResidualBlock(in_channels + 3, spectral=spectral)
        self.out = convolution(in_channels + 3, 3, 1, bias=True, spectral=spectral)

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        joined = torch.cat([resize_nearest(self.up(features), x), x], dim=1)
        return torch.sigmoid(self.out(self.residual(joined))) * 6 - 3


class ToneHead(nn.Module):
    """A colour transform for every place, applied to the input's own pixels, so that detail stays (HDRnet, Gharbi et
    al. 2017).

    Fading is mostly a matter of the whole picture: a transform that is quadratic in the stretched R, G and B comes
    from its tones and from what the features say of all places together. It is added to a blend of the input and its
    stretched self, and each place adds an affine one of its own. What a place says of the whole weighs as much as it
    is sure of itself, as in colour constancy (FC4, Hu et al. 2017).

    How far it trusts all that decides how much of it is added to the stretched self: what it cannot be sure to improve
    it leaves as stretching makes it.

    What needs to know things looks at a glance of the picture, small and of one size, and so does not depend on how
    large the picture is rendered, unless it is rendered smaller than that.

    Where a photograph's own black and white survived, nothing beats stretching its channels to their ends; whether
    they did shows in the very darkest and brightest pixels, of which a mean over neighbours would leave nothing. So
    the pictures that this head is given hold pixels of the photograph as they are (``imaging.sampled_square``).
    """

    GLANCE = 192
    """Side of what the encoder sees. Measured after training at 96: with twice that it knows things better, without
    further training (+0.2 dB on faded photographs)."""
    ENDS = (0.0, 0.0005, 0.002, 0.005, 0.01)  # the very darkest and brightest pixels tell most of all
    NEAR = (1.5 / 255, 3.5 / 255)  # how near to an end counts as a pile of clipped pixels
    TONES = (0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
    TERMS = 10
    WIDTH = 192

    def __init__(self, in_channels: int, *, spectral: bool) -> None:
        super().__init__()
        tones = 3 * (2 * len(self.ENDS) + len(self.TONES))
        of_the_ends = 3 * 2 * (len(self.ENDS) - 1 + len(self.NEAR) + 1)
        # Beside the features: colours as they are, stretched, and the squares and products of those.
        self.vote = convolution(in_channels + 3 + self.TERMS, self.WIDTH, 1, bias=True, spectral=spectral)
        self.sure = convolution(self.WIDTH, 1, 1, bias=True, spectral=spectral)
        self.context = nn.Sequential(
            nn.Linear(2 * self.WIDTH + tones + of_the_ends, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU()
        )  # fmt: skip
        self.whole = nn.Linear(256, 3 * self.TERMS + 3)
        self.trust = nn.Linear(256, 1)
        self.known = nn.Linear(256, self.WIDTH)
        self.local = convolution(self.WIDTH, 12, 3, bias=True, spectral=spectral)
        with torch.no_grad():  # start half-way between the input and its stretched self
            for layer in (self.whole, self.trust, self.local):
                layer.weight.mul_(0.01)
            self.whole.bias.zero_()
            self.trust.bias.fill_(3.0)

    def glance(self, rgb: Tensor) -> Tensor:
        """RGB in 0 to 1 as the encoder is to see it: small, and stretched, so that it knows things however they faded.

        A pixel in two hundred at either end does not count, lest a speck of dust decide.
        """
        seen = F.interpolate(rgb, [min(side, self.GLANCE) for side in rgb.shape[-2:]], mode="area")
        dark, bright = ends(rgb, (0.005,))
        return stretch(seen, dark, bright)

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        rgb = denormalise(x.float())
        dark, bright = ends(rgb, self.ENDS)  # (N, 3, len(ENDS)) each
        terms = quadratic(stretch(rgb, dark[:, :, :1], bright[:, :, :1]))
        cells = F.interpolate(torch.cat([rgb, terms], dim=1), features.shape[-2:], mode="area").to(self.vote.weight)
        votes = F.relu(self.vote(torch.cat([features.to(cells), cells], dim=1)))  # (N, WIDTH, h, w)
        weights = self.sure(votes).flatten(2).softmax(dim=-1)  # (N, 1, hw)
        tones = [torch.cat([dark, middle_tones(rgb, self.TONES), bright], dim=2), *self._of_the_ends(rgb, dark, bright)]
        summary = [votes.mean(dim=(2, 3)), (votes.flatten(2) * weights).sum(dim=2)]
        summary += [part.flatten(1).to(votes) for part in tones]
        context = self.context(torch.cat(summary, dim=1))
        whole = self.whole(context).float()
        local = self.local(F.relu(votes + self.known(context)[:, :, None, None])).float()
        local = F.interpolate(local, (height, width), mode="bilinear", align_corners=False)

        result = torch.lerp(rgb, terms[:, :3], torch.sigmoid(whole[:, -3:, None, None]))
        result = result + (whole[:, :-3].view(n, 3, self.TERMS) @ terms.flatten(2)).view(n, 3, height, width)
        slopes, offsets = local[:, :9].reshape(n, 3, 3, height, width), local[:, 9:]
        result = result + offsets + (slopes * terms[:, None, :3]).sum(dim=2)
        trust = torch.sigmoid(self.trust(context).float())
        return normalise(torch.lerp(terms[:, :3], result, trust[:, :, None, None]))

    def _of_the_ends(self, rgb: Tensor, dark: Tensor, bright: Tensor) -> list[Tensor]:
        """What tells a black or a white of the picture from its darkest or brightest colour, (N, 3, …) each.

        How far the tails reach; how many pixels pile up where they end, which clipping does; and how far the darkest
        and the brightest pixels of all, which a black or a white would be, lie from the ends of each channel.
        """
        found = []
        y = luma(rgb).flatten(2)
        count = max(1, int(self.ENDS[2] * y.shape[2]))
        for tail, largest in ((dark, False), (bright, True)):
            end = tail[:, :, :1]
            distance = (rgb.flatten(2) - end).abs()
            piles = [(distance < near).float().mean(dim=2, keepdim=True).log10() / 4 for near in self.NEAR]
            places = y.topk(count, dim=2, largest=largest).indices.expand(-1, 3, -1)
            found += [4 * (tail[:, :, 1:] - end), *piles, 4 * distance.gather(2, places).mean(dim=2, keepdim=True)]
        return found


def stretch(rgb: Tensor, dark: Tensor, bright: Tensor) -> Tensor:
    """Each channel of (N, 3, H, W) with what is ``dark`` at 0 and what is ``bright`` at 1, (N, 3, 1) each."""
    span = (bright - dark).clamp(min=0.08)  # what is nearly flat is not stretched into noise
    return (rgb - dark.unsqueeze(3)) / span.unsqueeze(3)


def ends(rgb: Tensor, shares: Sequence[float]) -> tuple[Tensor, Tensor]:
    """The values that so many of each picture's pixels do not reach or do not exceed, by channel.

    Args:
        rgb: (N, 3, H, W).
        shares: ascending, 0 for the very end.

    Returns:
        at the dark end and at the bright, (N, 3, len(shares)) each.
    """
    pixels = rgb.flatten(2)
    places = [int(share * rgb.shape[2] * rgb.shape[3]) for share in shares]
    dark, bright = (pixels.topk(places[-1] + 1, dim=2, largest=largest).values for largest in (False, True))
    return dark[:, :, places], bright[:, :, places]


def middle_tones(rgb: Tensor, shares: Sequence[float]) -> Tensor:
    """(N, 3, len(shares)): the values that about so many of each picture's pixels stay below, by channel."""
    side = 24  # enough to know the middle by, and soon sorted
    ordered = F.interpolate(rgb, (side, side), mode="nearest").flatten(2).sort(dim=2).values
    return ordered[:, :, [round(share * (side * side - 1)) for share in shares]]


def quadratic(rgb: Tensor) -> Tensor:
    """(N, 3, H, W) to (N, 10, H, W): R, G, B, their squares, their products, and 1."""
    return torch.cat([rgb, rgb * rgb, rgb * rgb.roll(1, dims=1), torch.ones_like(rgb[:, :1])], dim=1)


HEADS = {"rgb": RgbHead, "tone": ToneHead}
"""By the name that a config calls them. The one of ``distribution`` also sees what comes before the last block."""
