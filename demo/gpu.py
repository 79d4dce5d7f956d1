"""Where renders of the page are made: here, or on a ZeroGPU Space by a worker that has the GPU.

Imported before anything that may touch CUDA, for ZeroGPU's package patches torch.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar, cast

try:
    _spaces: ModuleType | None = import_module("spaces")
except ImportError:
    _spaces = None

ELSEWHERE = _spaces is not None
"""Whether the GPU is another process's, and not ours before a render is asked for."""

Worker = TypeVar("Worker", bound=Callable[..., Any])


def on_gpu(worker: Worker) -> Worker:
    """``worker``, on a ZeroGPU Space run where the GPU is."""
    return worker if _spaces is None else cast(Worker, _spaces.GPU(worker))
