"""The published checkpoints compute what the reference implementation computes; see the parity kit's README."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import deoldify
from deoldify.checkpoints import find, load_generator
from deoldify.checkpoints.published import to_generator_state
from deoldify.errors import CheckpointError
from deoldify.imaging import Transfer
from deoldify.network import ARTISTIC, fold_norms


@pytest.mark.parametrize("kind", ["artistic", "stable"])
def test_outputs_agree_with_the_reference_and_folding_changes_nothing(
    kind: str, stand_in: dict[str, Path], parity_kit: Path
) -> None:
    golden = np.load(parity_kit / "golden.npz")
    generator = load_generator(find(kind), stand_in[kind])
    for folded in (False, True):
        if folded:
            fold_norms(generator)
        for side in (64, 112):
            with torch.inference_mode():
                output = generator(torch.from_numpy(golden[f"{kind}_{side}_input"])).numpy()
            assert np.abs(output - golden[f"{kind}_{side}_output"]).max() <= 1e-4


@pytest.mark.parametrize("transfer", ["bilinear", "none"])
def test_pictures_agree_with_the_reference(transfer: Transfer, stand_in: dict[str, Path], parity_kit: Path) -> None:
    golden = np.load(parity_kit / "golden_pipeline.npz")
    colorizer = deoldify.load("artistic", checkpoint=stand_in["artistic"], device="cpu", precision="float32")
    picture = np.asarray(colorizer(Image.fromarray(golden["photo_1"]), render_factor=7, transfer=transfer))
    expected = golden[{"bilinear": "colorized_1_factor_7", "none": "model_only_1_factor_7"}[transfer]]
    difference = np.abs(picture.astype(int) - expected.astype(int))
    assert (difference <= 1).mean() >= 0.999


def test_every_tensor_is_used_and_none_is_missing(stand_in: dict[str, Path]) -> None:
    config = ARTISTIC
    published = torch.load(stand_in["artistic"], weights_only=True)
    state = to_generator_state(published, config)
    assert len(state) == len(published) == 378
    assert {t.data_ptr() for t in state.values()} == {t.data_ptr() for t in published.values()}

    short = dict(published)
    del short["layers.10.layers.0.0.bias"]
    with pytest.raises(CheckpointError, match=r"layers\.10\.layers\.0\.0\.bias is missing"):
        to_generator_state(short, config)
    with pytest.raises(CheckpointError, match=r"layers\.99\.weight is not part of this generator"):
        to_generator_state({**published, "layers.99.weight": torch.zeros(1)}, config)
    with pytest.raises(CheckpointError, match=r"layers\.1\.weight has shape \(7,\) instead of \(512,\)"):
        to_generator_state({**published, "layers.1.weight": torch.zeros(7)}, config)


def test_a_checkpoint_of_the_other_architecture_is_refused(stand_in: dict[str, Path]) -> None:
    with pytest.raises(CheckpointError, match=r"another architecture.*layers\."):
        load_generator(find("stable"), stand_in["artistic"])
