"""Where a run trains."""

from __future__ import annotations

import pytest
import torch

from train.errors import TrainingError
from train.parallel import device_called


def test_auto_is_cuda_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_called("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_called("auto") == torch.device("cuda")
    assert device_called("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(TrainingError, match=r"no device 'cuda:2' here.*there is: cpu, cuda, cuda:0, cuda:1"):
        device_called("cuda:2")


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "gpu", ""])
def test_a_device_that_is_not_there_is_answered_with_a_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(TrainingError, match=f"^there is no device '{name}' here, .*; there is: cpu; or leave it to"):
        device_called(name)
