"""A generator made ready to run: norms folded, memory layout and precision chosen, the large maps in strips of rows.

What runs here is the network of ``generator.py`` with the same weights, computed in another order: nothing changes the
pictures beyond rounding. It takes less time because convolutions run channels-last and norms have become part of
them, and less memory because no map is kept longer than it is used and the largest are never whole.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from deoldify.generator import Generator, RgbHead, ToneHead
from deoldify.layers import ConvBlock, PixelShuffleUp, SelfAttention, UpBlock

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Device = Literal["auto", "cpu", "cuda", "mps"]

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

STRIP_BYTES = {"cpu": 8 << 20, "cuda": 64 << 20, "mps": 64 << 20}
"""Size of a strip's widest map: on a CPU some of them fit its last cache, elsewhere they keep the device busy."""

_DELICATE_ENCODERS = ("efficientnet_lite0",)
"""Encoders that stay in float32: their depthwise convolutions gain no time in less, and lose most of the precision."""

_HAS_ONEDNN = bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]

_turns: defaultdict[torch.device, threading.RLock] = defaultdict(threading.RLock)


def choose_device(device: str) -> torch.device:
    """The device that a name stands for; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ValueError: the device is not on this machine, or no such device exists.
    """
    mps = torch.backends.mps.is_available()
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if mps else "cpu")
    if device not in ("cpu", "cuda", "mps"):
        raise ValueError(f"device {device!r} is none of auto, cpu, cuda, mps")
    if (device == "cuda" and not torch.cuda.is_available()) or (device == "mps" and not mps):
        raise ValueError(f"there is no {device} device on this machine, or this PyTorch was built without it; use auto")
    return torch.device(device)


def choose_precision(precision: str, device: torch.device) -> torch.dtype:
    """The floating-point type that a name stands for; ``auto`` takes what the device does well.

    On a CPU that is bfloat16 only where it multiplies it natively, else float32; on CUDA bfloat16 from Ampere on,
    float16 before; on MPS float16.

    Raises:
        ValueError: no such precision.
    """
    if precision in _DTYPES:
        return _DTYPES[precision]
    if precision != "auto":
        raise ValueError(f"precision {precision!r} is none of auto, {', '.join(_DTYPES)}")
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if _cpu_multiplies_bfloat16() else torch.float32


def _cpu_multiplies_bfloat16() -> bool:
    # Without the instructions bfloat16 runs all the same, emulated and slower than float32.
    probes = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(probe() for probe in probes if probe is not None)


# Norms


def fold_norms(generator: Generator) -> Generator:
    """Put norms into the weights of convolutions, in place; the generator must be in eval mode, in float32.

    Spectral and weight norm become part of the weight itself. Batch norm behind a convolution (encoder, up-sampling)
    becomes part of that one. The decoder's other blocks have a ReLU between convolution and batch norm, so there it
    becomes part of the convolution that follows, where that is 1×1 and the only one to see it: zero padding would
    come before the norm then, not after it.

    Returns:
        The same generator, which computes the same up to rounding.
    """
    for module in generator.modules():
        if parametrize.is_parametrized(module):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    with torch.no_grad():
        for parent in generator.encoder.modules():
            children = list(parent.named_children())
            for (_, conv), (name, norm) in zip(children, children[1:]):
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    _scale_output(conv, *_scale_and_shift(norm))
                    setattr(parent, name, getattr(norm, "act", nn.Identity()))  # timm's norms may end in a ReLU
        for module in generator.modules():
            if isinstance(module, PixelShuffleUp) and isinstance(module.norm, nn.BatchNorm2d):
                _scale_output(module.conv, *_scale_and_shift(module.norm))
                module.norm = nn.Identity()
        for before, up in _ends_before_up(generator):
            if isinstance(before.norm, nn.BatchNorm2d):
                _scale_input(up.conv, *_scale_and_shift(before.norm))
                setattr(before, "norm", nn.Identity())  # noqa: B010  (its class says batch norm)
    return generator


def _ends_before_up(generator: Generator) -> Iterator[tuple[ConvBlock, PixelShuffleUp]]:
    """Pairs of a convolution's block and the up-sampling that alone sees its output."""
    end: nn.Module = generator.middle[-1]
    for block in (*generator.decoder, generator.head):
        up = getattr(block, "up", None)
        if isinstance(end, ConvBlock) and isinstance(up, PixelShuffleUp):
            yield end, up
        if isinstance(block, UpBlock):
            # Attention adds its own input to what it computes, so that it is not alone in seeing it.
            end = block.attention if isinstance(block.attention, SelfAttention) else block.convs[-1]


def _scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What batch norm does in eval mode: x · scale + shift, (C,) each."""
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a batch norm without running statistics cannot be folded")
    scale = (norm.running_var.double() + norm.eps).rsqrt() * norm.weight.double()
    return scale, norm.bias.double() - norm.running_mean.double() * scale


def _scale_output(conv: nn.Conv2d, scale: Tensor, shift: Tensor) -> None:
    bias = shift if conv.bias is None else conv.bias.double() * scale + shift
    conv.weight = nn.Parameter((conv.weight.double() * scale.view(-1, 1, 1, 1)).to(conv.weight), requires_grad=False)
    conv.bias = nn.Parameter(bias.to(conv.weight), requires_grad=False)


def _scale_input(conv: nn.Conv2d, scale: Tensor, shift: Tensor) -> None:
    weight = conv.weight.double()
    bias = (weight[:, :, 0, 0] @ shift) + (0 if conv.bias is None else conv.bias.double())
    conv.weight = nn.Parameter((weight * scale.view(1, -1, 1, 1)).to(conv.weight), requires_grad=False)
    conv.bias = nn.Parameter(bias.to(conv.weight), requires_grad=False)


# Running


@dataclass(eq=False)
class _Call:
    """A picture that waits for its render: (N, 3, H, W) each."""

    x: Tensor
    render: Tensor | None = None


class Prepared:
    """A generator made ready once, to be called many times; calls on one device take turns.

    Args:
        generator: in eval mode, float32. It is used up: its norms are folded, and it is moved and laid out anew.
        device: where to run.
        dtype: float32, bfloat16 or float16.

    Attributes:
        generator: the same, which in float32 still computes the same when called by itself.
        turn: held by whoever renders on the device; may be taken again by the thread that has it.
        most: calls from other threads that wait for their turn are rendered together with the one whose turn it is, so
            many in all. A device that one picture does not keep busy gains from that; what is larger than memory is
            rendered one by one.
    """

    def __init__(self, generator: Generator, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self.generator = fold_norms(generator).to(device).to(memory_format=torch.channels_last)
        self._encoder_dtype = torch.float32 if generator.config.encoder in _DELICATE_ENCODERS else dtype
        for name, part in generator.named_children():
            # A whole picture's tone hangs on the few numbers of a tone head, which take no time.
            exact = isinstance(part, ToneHead)
            part.to(self._encoder_dtype if name == "encoder" else torch.float32 if exact else dtype)
        for module in generator.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.float()
            if type(module) is nn.Conv2d and device.type == "cpu":
                setattr(module, "forward", partial(_convolve, module))  # noqa: B010  (a method, to a type checker)
        self.turn = _turns[device]
        self.most = 1
        self._waiting: list[_Call] = []

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) float32, normalised, to the same on the CPU."""
        call = _Call(x)
        self._waiting.append(call)
        try:
            with self.turn:
                return self._rendered(call) if call.render is None else call.render
        finally:
            if call in self._waiting:
                self._waiting.remove(call)

    def _rendered(self, call: _Call) -> Tensor:
        """The render of a call whose turn it is, made together with others that wait."""
        others = [other for other in self._waiting if other is not call and other.x.shape == call.x.shape]
        together = [call, *others[: self.most - 1]]
        if len(together) > 1:
            try:
                renders = self._run(torch.cat([each.x for each in together])).chunk(len(together))
            except (MemoryError, RuntimeError):  # by themselves they may fit; whoever then still fails, says so
                pass
            else:
                for each, render in zip(together, renders):
                    each.render = render
                    self._waiting.remove(each)
                return renders[0]
        return self._run(call.x)

    def _run(self, x: Tensor) -> Tensor:
        return self.forward(x.to(self.device)).float().cpu()

    def forward(self, x: Tensor) -> Tensor:
        """``Generator.forward`` of (N, 3, H, W) float32 on the device, without gradients and in less memory."""
        generator = self.generator
        seen = generator.encoder_input(x).to(self._encoder_dtype).contiguous(memory_format=torch.channels_last)
        *skips, features = generator.encoder(seen)
        features = _affine(features, generator.bottom_norm, torch.empty_like(features)).relu_().to(self.dtype)
        for conv in cast("list[ConvBlock]", list(generator.middle)):
            features = conv.conv(features).relu_()
            features = _affine(features, conv.norm, features)
        for block in cast("list[UpBlock]", list(generator.decoder)):
            features = _up_in_strips(block, features, skips.pop())
            if isinstance(block.attention, SelfAttention):
                features = _attend(block.attention, features)
        if isinstance(generator.head, RgbHead):
            return _rgb_in_strips(generator.head, features, x.to(self.dtype))
        return cast(Tensor, generator.head(features, x))


def _affine(x: Tensor, norm: nn.Module | None, out: Tensor) -> Tensor:
    """Batch norm in eval mode, or nothing where it is folded, written to ``out``, which may be ``x``."""
    if not isinstance(norm, nn.BatchNorm2d):
        return x if out is x else out.copy_(x)
    if x.dtype != torch.float32:  # a mean that is as large as what it is taken from needs the norm's own float32
        return out.copy_(norm(x))
    scale, shift = (values.float().view(1, -1, 1, 1) for values in _scale_and_shift(norm))
    return torch.addcmul(shift, x, scale, out=out)


def _up_in_strips(block: UpBlock, x: Tensor, skip: Tensor) -> Tensor:
    """``UpBlock.forward`` without its attention; what is joined there is never whole."""
    n, skip_channels, height, width = skip.shape
    channels = block.up.conv.out_channels // 4
    rows_of = _rows_of_up(block.up, x, height, width)

    def fill(rows: Tensor, start: int, stop: int) -> None:
        rows[:, :channels] = rows_of(start, stop)  # an average of what is rectified needs no ReLU
        _affine(skip[:, :, start:stop], block.skip_norm, rows[:, channels:]).relu_()

    convs = [(conv.conv, conv.norm) for conv in cast("list[ConvBlock]", list(block.convs))]
    result = _empty(n, convs[-1][0].out_channels, height, width, like=x)
    for start, stop, y, _ in _in_strips(fill, convs, (n, channels + skip_channels, height, width), x):
        _affine(y, convs[-1][1], result[:, :, start:stop])
    return result


def _rgb_in_strips(head: RgbHead, features: Tensor, x: Tensor) -> Tensor:
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


def _convolve(conv: nn.Conv2d, x: Tensor, padding: tuple[int, ...] | None = None) -> Tensor:
    """What a convolution makes of ``x``, with a padding of its own or another.

    In float32 on one thread, PyTorch would do some convolutions in another way, with more memory and other roundings,
    and a picture would depend on how many photographs are in hand.
    """
    padding = cast("tuple[int, ...]", conv.padding) if padding is None else padding
    # A fake tensor, by which a render's cost is counted, knows only the general way.
    if x.dtype == torch.float32 and x.device.type == "cpu" and type(x) is Tensor and _HAS_ONEDNN:
        return torch.mkldnn_convolution(x, conv.weight, conv.bias, padding, conv.stride, conv.dilation, conv.groups)
    return F.conv2d(x, conv.weight, conv.bias, conv.stride, padding, conv.dilation, conv.groups)


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
    strips = list(_strips(height + len(convs), n * widest * width * like.element_size(), like.device))
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
            y = _convolve(conv, seen, padding=(0, 1)).relu_()
            if i + 1 < len(convs):
                made = windows[i + 1][:, :, 2 : 2 + stop - start]
                _affine(y, norm, made)
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


def _attend(layer: SelfAttention, x: Tensor) -> Tensor:
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
        for start, stop in _strips(key.shape[2], 4 * len(x) * query.shape[3], x.device):
            scores = torch.softmax(key[:, :, start:stop].float() @ query, dim=-1)
            attended[:, :, start:stop] = scores.to(value.dtype) @ value
    attended = attended.squeeze(1).transpose(1, 2).reshape(x.shape)
    return torch.addcmul(x, attended, layer.gamma.view(1, 1, 1, 1))


def _empty(n: int, channels: int, height: int, width: int, *, like: Tensor) -> Tensor:
    return torch.empty(
        (n, channels, height, width), dtype=like.dtype, device=like.device, memory_format=torch.channels_last
    )


def _strips(height: int, row_bytes: int, device: torch.device) -> Iterator[tuple[int, int]]:
    """First row and the one beyond the last, of strips of nearly equal height, an even number of rows but the last."""
    fitting = max(2, STRIP_BYTES.get(device.type, STRIP_BYTES["cpu"]) // row_bytes)
    count = -(-height // fitting)
    step = -(-height // count)
    step += step % 2
    for start in range(0, height, step):
        yield start, min(start + step, height)
