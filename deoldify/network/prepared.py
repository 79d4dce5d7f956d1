"""A generator made ready to run: norms folded, memory layout and precision chosen, the large maps in strips of rows.

What runs here is the network of ``generator.py`` or ``ddcolor.py`` with the same weights, computed in another order:
nothing changes the pictures beyond rounding. It takes less time because convolutions run channels-last and norms have
become part of them, and less memory because no map is kept longer than it is used and the largest are never whole.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from deoldify.imaging import denormalise
from deoldify.network.building import AnyGenerator
from deoldify.network.ddcolor import DDColor, on_lightness
from deoldify.network.ddcolor_strips import ab_in_strips
from deoldify.network.distribution import DistributionHead, Opinions
from deoldify.network.folding import fold_norms
from deoldify.network.generator import Generator
from deoldify.network.heads import RgbHead, ToneHead
from deoldify.network.layers import ConvBlock, SelfAttention, UpBlock
from deoldify.network.strips import affine, attend, convolve, rgb_in_strips, up_in_strips

_DELICATE_ENCODERS = ("efficientnet_lite0",)
"""Encoders that stay in float32: their depthwise convolutions gain no time in less, and lose most of the precision."""

_turns: defaultdict[torch.device, threading.RLock] = defaultdict(threading.RLock)


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
        generator: the same, which still computes the same when called by itself: (N, 3, H, W) float32 on the device to
            float32, up to the roundings of ``dtype``.
        turn: held by whoever renders on the device; may be taken again by the thread that has it.
        most: calls from other threads that wait for their turn are rendered together with the one whose turn it is, so
            many in all. A device that one picture does not keep busy gains from that; what is larger than memory is
            rendered one by one.
    """

    def __init__(self, generator: AnyGenerator, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        fold_norms(generator)
        self.generator = generator.to(device).to(memory_format=torch.channels_last)
        for part in _robust_parts(generator):
            part.to(dtype)
        for module in generator.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.float()
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.register_forward_pre_hook(_in_own_precision)
            if type(module) is nn.Conv2d and device.type == "cpu":
                setattr(module, "forward", partial(convolve, module))  # noqa: B010  (a method, to a type checker)
        generator.register_forward_hook(_in_float32)
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

    @torch.inference_mode()
    def opinions(self, x: Tensor) -> Opinions:
        """``Generator.opinions`` of (N, 3, H, W) float32, normalised; float32, on the CPU. Calls take turns, too."""
        with self.turn:
            chroma, logits = self.judged(x.to(self.device))
            return Opinions(chroma.float().cpu(), logits.float().cpu())

    @property
    def seen(self) -> Tensor:
        """How common each bin of chroma is, (K,) float32 on the CPU, of a generator that has opinions."""
        head = self.generator.head
        assert isinstance(head, DistributionHead)
        return head.seen.float().cpu()

    @property
    def has_opinions(self) -> bool:
        """Whether the generator knows how likely each colour is."""
        return isinstance(self.generator, Generator) and isinstance(self.generator.head, DistributionHead)

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
        """The generator's ``forward`` of (N, 3, H, W) float32 on the device, without gradients and in less memory."""
        generator = self.generator
        if isinstance(generator, DDColor):
            return on_lightness(x, ab_in_strips(generator, denormalise(x)))
        _, features = self._decoded(generator, x)
        if isinstance(generator.head, RgbHead):
            return rgb_in_strips(generator.head, features, x.to(self.dtype))
        return cast(Tensor, generator.head(features, x))

    def judged(self, x: Tensor) -> Opinions:
        """``Generator.opinions`` of (N, 3, H, W) float32 on the device, likewise."""
        generator = self.generator
        assert isinstance(generator, Generator) and isinstance(generator.head, DistributionHead)
        before, features = self._decoded(generator, x)
        return generator.head.opinions(features, before)

    def _decoded(self, generator: Generator, x: Tensor) -> tuple[Tensor, Tensor]:
        """What goes into the decoder's last block and what comes out of it."""
        delicate = generator.config.encoder in _DELICATE_ENCODERS
        seen = generator.encoder_input(x).to(torch.float32 if delicate else self.dtype)
        seen = seen.contiguous(memory_format=torch.channels_last)
        *skips, features = generator.encoder(seen)
        features = affine(features, generator.bottom_norm, torch.empty_like(features)).relu_().to(self.dtype)
        for conv in cast("list[ConvBlock]", list(generator.middle)):
            features = conv.conv(features).relu_()
            features = affine(features, conv.norm, features)
        before = features
        for block in cast("list[UpBlock]", list(generator.decoder)):
            # Only a distribution looks at what comes before the last block; else no map is kept longer than needed.
            before, features = features, up_in_strips(block, features, skips.pop())
            if not self.has_opinions:
                before = features
            if isinstance(block.attention, SelfAttention):
                features = attend(block.attention, features)
        return before, features


def _robust_parts(generator: AnyGenerator) -> Iterator[nn.Module]:
    """What loses little in 16 bits; the rest stays in float32."""
    if isinstance(generator, DDColor):
        # Colours of the whole picture hang on the few numbers of the queries, which take no time.
        yield from (generator.encoder, generator.pixel_decoder, generator.colour_decoder.projections)
        return
    if generator.config.encoder not in _DELICATE_ENCODERS:
        yield generator.encoder
    # A whole picture's tone hangs on the few numbers of a tone head, which take no time.
    head = [] if isinstance(generator.head, ToneHead) else [generator.head]
    yield from (generator.bottom_norm, generator.middle, generator.decoder, *head)


def _in_own_precision(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What a layer is given, in the precision of its weights: parts of a generator called by itself differ in it."""
    return tuple(x.to(cast(Tensor, module.weight).dtype) for x in inputs)


def _in_float32(generator: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output.float()
