"""The generator's largest maps in strips of rows, which fit a cache and are never whole.

Each function here computes what a block of `layers` or `heads` does, in another order, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deoldify.network.folding import scale_and_shift
from deoldify.network.heads import RgbHead
from deoldify.network.layers import ConvBlock, PixelShuffleUp, SelfAttention, UpBlock

STRIP_BYTES = {"cpu": 8 << 20, "cuda": 64 << 20, "mps": 64 << 20}
"""Size of a strip's widest map: on a CPU some of them fit its last cache, elsewhere they keep the device busy."""

_HAS_ONEDNN = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


def affine(x: Tensor, norm: nn.Module | None, out: Tensor) -> Tensor:
    """Batch norm in eval mode, or nothing where it is folded, written to ``out``, which may be ``x``."""
    if not isinstance(norm, nn.BatchNorm2d):
        return x if out is x else out.copy_(x)
    if x.dtype != torch.float32:  # a mean that is as large as what it is taken from needs the norm's own float32
        return out.copy_(norm(x))
    scale, shift = (values.float().view(1, -1, 1, 1) for values in scale_and_shift(norm))
    return torch.addcmul(shift, x, scale, out=out)


def up_in_strips(block: UpBlock, x: Tensor, skip: Tensor) -> Tensor:
    """``UpBlock.forward`` without its attention; what is joined there is never whole."""
    n, skip_channels, height, width = skip.shape
    channels = block.up.conv.out_channels // 4
    rows_of = _rows_of_up(block.up, x, height, width)

    def fill(rows: Tensor, start: int, stop: int) -> None:
        rows[:, :channels] = rows_of(start, stop)  # an average of what is rectified needs no ReLU
        affine(skip[:, :, start:stop], block.skip_norm, rows[:, channels:]).relu_()

    convs = [(conv.conv, conv.norm) for conv in cast("list[ConvBlock]", list(block.convs))]
    result = _empty(n, convs[-1][0].out_channels, height, width, like=x)
    for start, stop, y, _ in _in_strips(fill, convs, (n, channels + skip_channels, height, width), x):
        affine(y, convs[-1][1], result[:, :, start:stop])
    return result


def rgb_in_strips(head: RgbHead, features: Tensor, x: Tensor) -> Tensor:
    """``RgbHead.forward``, whose maps at full size are never whole."""
    n, _, height, width = x.shape
    rows_of = _rows_of_up(head.up, features, height, width)

    def fill(rows: Tensor, start: int, stop: int) -> None:
        rows[:, :-3] = rows_of(start, stop)
        rows[:, -3:] = x[:, :, start:stop]

    convs = [(conv, None) for conv in (head.residual.conv1, head.residual.conv2)]
    result = _empty(n, 3, height, width, like=x)
    for start, stop, y, joined in _in_strips(fill, convs, (n, head.out.in_channels, height, width), x):
        result[:, :, start:stop] = head.out(y.add_(joined)).sigmoid_().mul_(6).sub_(3)
    return result


def convolve(conv: nn.Conv2d, x: Tensor, padding: tuple[int, ...] | None = None) -> Tensor:
    """What a convolution makes of ``x``, with a padding of its own or another.

    In float32 on one thread, PyTorch would do some convolutions in another way, with more memory and other roundings,
    and a picture would depend on how many photographs are in hand.
    """
    padding = cast("tuple[int, ...]", conv.padding) if padding is None else padding
    if _by_onednn(x):
        return torch.mkldnn_convolution(x, conv.weight, conv.bias, padding, conv.stride, conv.dilation, conv.groups)
    return F.conv2d(x, conv.weight, conv.bias, conv.stride, padding, conv.dilation, conv.groups)


def transform(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """What a linear layer makes of rows (K, C): (K, C').

    On a CPU a convolution does that as fast, for the same reason and with a fifth of the code in 16 bits, which each
    shape has compiled anew and kept.
    """
    if x.device.type != "cpu":
        return F.linear(x, weight, bias)
    places, weight = x[None, None].permute(0, 3, 1, 2), weight[:, :, None, None]  # (1, C, 1, K), (C', C, 1, 1)
    if _by_onednn(x):
        made = torch.mkldnn_convolution(places, weight, bias, (0, 0), (1, 1), (1, 1), 1)
    else:
        made = F.conv2d(places, weight, bias)
    return made[0, :, 0].T


def _by_onednn(x: Tensor) -> bool:
    # A fake tensor, by which a render's cost is counted, knows only the general way.
    return x.dtype == torch.float32 and x.device.type == "cpu" and type(x) is Tensor and _HAS_ONEDNN


def _in_strips(
    fill: Callable[[Tensor, int, int], None],
    convs: Sequence[tuple[nn.Conv2d, nn.Module | None]],
    shape: tuple[int, int, int, int],
    like: Tensor,
) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """Run one or two 3×3 convolutions over a map that is made in strips of rows, from the top.

    A convolution's result ends one row before what it sees. So the rows of a strip lag behind those made for it, and
    as many rows below the picture as there are convolutions close it; nothing is computed twice. Outside the picture
    are zeros, as padding has it.

    Args:
        fill: makes rows of the map, from a first to the one before a last, in the tensor it is given.
        convs: each with the batch norm behind its ReLU, or None; the last one's is the caller's to apply.
        shape: of the map that ``fill`` makes, (N, C, H, W).
        like: a tensor of the dtype and on the device to use.

    Yields:
        first row, the one beyond the last, the last convolution's output after ReLU there, and the map there.
    """
    n, channels, height, width = shape
    widest = max(channels, *(conv.out_channels for conv, _ in convs))
    strips = list(strips_of(height + len(convs), n * widest * width * like.element_size(), like.device))
    step = strips[0][1]
    # What each convolution sees: two rows from the strip before, then the new ones.
    windows = [_empty(n, conv.in_channels, step + 2, width, like=like) for conv, _ in convs]
    for start, stop in strips:
        for window in windows:
            window[:, :, :2] = window[:, :, step:].clone() if start else 0
        made = windows[0][:, :, 2 : 2 + stop - start]
        inside = min(stop, height)
        if start < inside:
            fill(made[:, :, : inside - start], start, inside)
        _clear_outside(made, start, height)
        for i, (conv, norm) in enumerate(convs):
            seen = windows[i][:, :, : 2 + stop - start]
            y = convolve(conv, seen, padding=(0, 1)).relu_()
            if i + 1 < len(convs):
                made = windows[i + 1][:, :, 2 : 2 + stop - start]
                affine(y, norm, made)
                _clear_outside(made, start - i - 1, height)
        first, above = start - len(convs), max(len(convs) - start, 0)
        there = windows[0][:, :, 2 - len(convs) : 2 - len(convs) + stop - start]
        if above < stop - start:
            yield first + above, stop - len(convs), y[:, :, above:], there[:, :, above:]


def _clear_outside(rows: Tensor, first: int, height: int) -> None:
    """Set rows above the picture or below it to zero; ``first`` is the number of the first one."""
    rows[:, :, : max(-first, 0)] = 0
    rows[:, :, max(height - first, 0) :] = 0


def _rows_of_up(up: PixelShuffleUp, x: Tensor, height: int, width: int) -> Callable[[int, int], Tensor]:
    """``up(x)`` at ``height`` × ``width``, by rows: a function of the first one and the one beyond the last."""
    if x.shape[2] * 2 != height or x.shape[3] * 2 != width:  # rows of a resized map depend on rows elsewhere
        whole = F.interpolate(up(x), (height, width), mode="nearest")
        return lambda start, stop: whole[:, :, start:stop]

    def rows(start: int, stop: int) -> Tensor:
        first = max(start - 1, 0) // 2  # the blur sees one row above
        y = F.pixel_shuffle(up.conv(x[:, :, first : (stop + 1) // 2]).relu_(), 2)
        y = y[:, :, max(start - 1, 0) - 2 * first : stop - 2 * first]
        return _blurred(y, top=start == 0)

    return rows


def _blurred(y: Tensor, *, top: bool) -> Tensor:
    """Means of two by two pixels, those on the left and at the ``top`` of the picture counting twice at its edge.

    Without ``top``, the first row only serves the one below it.
    """
    if y.device.type != "cpu":
        return F.avg_pool2d(F.pad(y, (1, 0, int(top), 0), mode="replicate"), 2, stride=1)
    # A convolution takes half the time here. Its padding adds zeros, so that doubling makes the edge what it should be.
    mean = torch.full((y.shape[1], 1, 2, 2), 0.25, dtype=y.dtype)
    blurred = F.conv2d(y, mean, padding=(int(top), 1), groups=y.shape[1])
    blurred = blurred[:, :, : y.shape[2] if top else y.shape[2] - 1, : y.shape[3]]
    blurred[:, :, :, 0] *= 2
    if top:
        blurred[:, :, 0] *= 2
    return blurred


def attend(layer: SelfAttention, x: Tensor) -> Tensor:
    """``SelfAttention.forward`` without the whole matrix of scores, of a gigabyte at the largest render factor."""
    query, key, value = (
        conv(x).flatten(2).transpose(1, 2).unsqueeze(1)  # (N, 1, HW, C)
        for conv in (layer.query, layer.key, layer.value)
    )
    if x.device.type != "cpu":
        attended = F.scaled_dot_product_attention(key, query, value, scale=1.0)
    else:
        # The CPU's kernel wants keys and values of one width and else makes the matrix, in float32. In pieces it fits
        # the cache, and only the scores, whose rounding the exponential would enlarge, need float32.
        attended = torch.empty_like(value)
        query = query.float().transpose(2, 3)
        for start, stop in strips_of(key.shape[2], 4 * len(x) * query.shape[3], x.device):
            scores = torch.softmax(key[:, :, start:stop].float() @ query, dim=-1)
            attended[:, :, start:stop] = scores.to(value.dtype) @ value
    attended = attended.squeeze(1).transpose(1, 2).reshape(x.shape)
    return torch.addcmul(x, attended, layer.gamma.view(1, 1, 1, 1))


def _empty(n: int, channels: int, height: int, width: int, *, like: Tensor) -> Tensor:
    return torch.empty(
        (n, channels, height, width), dtype=like.dtype, device=like.device, memory_format=torch.channels_last
    )


def strips_of(height: int, row_bytes: int, device: torch.device) -> Iterator[tuple[int, int]]:
    """First row and the one beyond the last, of strips of nearly equal height, an even number of rows but the last."""
    fitting = max(2, STRIP_BYTES.get(device.type, STRIP_BYTES["cpu"]) // row_bytes)
    count = -(-height // fitting)
    step = -(-height // count)
    step += step % 2
    for start in range(0, height, step):
        yield start, min(start + step, height)
