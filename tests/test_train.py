"""Training's parts against closed forms and naive implementations, and a run at toy scale."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from deoldify.imaging import normalise
from tests.toys import pictures
from train import loop
from train.data import (
    DataError,
    Entry,
    Preparation,
    Reader,
    Samples,
    WeightedBatches,
    as_old_photograph,
    batches,
    cut,
    cut_out,
    index,
    is_held_out,
)
from train.evaluate import PooledFeatures, colourfulness, grey_of, kernel_distance, measure, originals, psnr
from train.losses import FeatureLoss, chroma_loss
from train.recipes import Stage


def test_index_finds_folders_and_tars_and_reads_both(tmp_path: Path) -> None:
    pictures(tmp_path / "data" / "loose", 3)
    pictures(tmp_path / "packed", 2, seed=1)
    with tarfile.open(tmp_path / "data" / "packed.tar", "w") as tar:
        tar.add(tmp_path / "packed", "packed")
    entries = index(tmp_path / "data")
    assert [(e.source, e.name) for e in entries] == [
        ("loose", "loose/000.jpg"), ("loose", "loose/001.jpg"), ("loose", "loose/002.jpg"),
        ("packed", "packed/000.jpg"), ("packed", "packed/001.jpg"),
    ]  # fmt: skip
    packed = Reader().read(entries[-1])
    with Image.open(tmp_path / "packed" / "001.jpg") as direct:
        assert np.array_equal(np.asarray(packed), np.asarray(direct))
    with pytest.raises(DataError, match="nowhere does not exist"):
        index(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        index(tmp_path / "empty")


def test_the_held_out_part_is_decided_by_name_and_has_its_share() -> None:
    entries = [Entry("s", f"s/{number:05}.jpg", Path("x")) for number in range(20000)]
    held_out = {e.name for e in entries if is_held_out(e.name)}
    assert 150 < len(held_out) < 250
    assert held_out == {e.name for e in reversed(entries) if is_held_out(e.name)}


def test_batches_depend_on_the_step_alone(tmp_path: Path) -> None:
    pictures(tmp_path / "a", 5)
    pictures(tmp_path / "b", 5, seed=1)
    (tmp_path / "b" / "bad.jpg").write_bytes(b"not a picture")
    entries = index(tmp_path)

    def take(steps: range, workers: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        samples = Samples(entries, Preparation(), 32, seed=5)
        return list(batches(samples, batch=4, shares={"a": 1, "b": 3}, steps=steps, workers=workers))

    whole, resumed, parallel = take(range(6), 0), take(range(3, 6), 0), take(range(6), 2)
    for (grey, original), (grey_again, original_again) in zip([*whole, *whole[3:]], [*parallel, *resumed], strict=True):
        assert torch.equal(grey, grey_again)
        assert torch.equal(original, original_again)
    assert not torch.equal(whole[0][1], whole[1][1])


def test_sources_are_drawn_by_their_shares() -> None:
    entries = [Entry(source, f"{source}/{n}", Path("x")) for source in ("a", "b", "c") for n in range(10)]
    drawn = [entries[key[0]].source for batch in WeightedBatches(entries, {"a": 1, "b": 3}, 50, range(100), 0)
             for key in batch]  # fmt: skip
    assert drawn.count("c") == 0
    assert drawn.count("b") / len(drawn) == pytest.approx(0.75, abs=0.02)


def test_cut_keeps_the_share_it_promises_and_the_size(coffee: npt.NDArray[np.uint8]) -> None:
    # A horizontal ramp tells which columns were kept.
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 400).astype(np.uint8), (300, 1))).convert("RGB")
    rng = np.random.default_rng(0)
    for _ in range(50):
        part = np.asarray(cut(ramp, 40, rng, smallest=0.5)).astype(int)
        assert part.shape == (40, 40, 3)
        assert np.ptp(part[..., 0]) / 255 > 0.45


def test_a_part_that_is_cut_out_keeps_its_pixels_and_is_no_longer_than_asked() -> None:
    columns = np.arange(0, 250, 5, dtype=np.uint8)
    ramp = Image.fromarray(np.tile(columns, (30, 1))).convert("RGB")
    rng = np.random.default_rng(0)
    widths = set()
    for _ in range(50):
        part = cut_out(ramp, 1000, rng, smallest=0.5).astype(int)
        assert set(np.diff(part[0, :, 0])) in ({5}, {-5})
        assert part.shape[0] * part.shape[1] > 0.45 * 30 * 50
        widths.add(part.shape[1])
        shrunk = cut_out(ramp, 20, rng, smallest=0.5)
        assert max(shrunk.shape) == 20 and (shrunk % 5 == 0).all()
    assert len(widths) > 5


def test_for_a_generator_that_sees_samples_input_and_original_are_picked_from_the_same_places() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    known = {tuple(pixel) for pixel in noise.reshape(-1, 3)}
    preparation = Preparation("jitter-2018", sampled=True)
    for seed in range(10):
        before, after = preparation.pair(Image.fromarray(noise), 48, np.random.default_rng(seed))
        assert before.shape == after.shape == (48, 48, 3)
        assert {tuple(pixel) for pixel in after.reshape(-1, 3)} <= known
        # Brightness and contrast are shaken alike everywhere: what was brighter is not darker.
        order = np.argsort(after.ravel(), kind="stable")
        assert (np.diff(before.ravel().astype(int)[order]) >= 0).all()


def test_old_photographs_are_sometimes_the_plain_luma_and_mostly_near_it(coffee: npt.NDArray[np.uint8]) -> None:
    rgb = np.asarray(Image.fromarray(coffee).resize((64, 64)))
    luma = np.rint(rgb @ np.array([0.299, 0.587, 0.114]))
    rng = np.random.default_rng(0)
    drawn = [as_old_photograph(rgb, rng) for _ in range(300)]
    assert {d.shape for d in drawn} == {(64, 64)}
    assert {d.dtype for d in drawn} == {np.dtype(np.uint8)}
    plain = sum(np.array_equal(d, luma) for d in drawn)
    assert 70 < plain < 130
    alike = [np.corrcoef(d.ravel().astype(float), luma.ravel())[0, 1] for d in drawn]
    assert np.median(alike) > 0.95


def test_chroma_loss_in_closed_form() -> None:
    grey, red = torch.full((1, 3, 2, 2), 0.5), torch.tensor([0.7, 0.4, 0.4]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    y = 0.299 * 0.7 + 0.701 * 0.4
    u, v = 0.492 * (0.4 - y), 0.877 * (0.7 - y)

    def huber(x: float) -> float:
        return 0.5 * x * x / 0.1 if abs(x) < 0.1 else abs(x) - 0.05

    expected = (1 + 8 * (u * u + v * v) ** 0.5) * (huber(u) + huber(v)) / 2 / 0.1
    assert chroma_loss(normalise(grey), normalise(red), emphasis=8).item() == pytest.approx(expected, rel=1e-4)
    assert chroma_loss(normalise(red), normalise(red), emphasis=8).item() == pytest.approx(0, abs=1e-6)


def test_feature_loss_in_closed_form() -> None:
    class Halves(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            return [x, x[:, :1] / 2]

    a, b = torch.zeros(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    assert FeatureLoss(Halves(), (10.0, 3.0))(a, b).item() == pytest.approx(10 * 1 + 3 * 0.5)


def test_colourfulness_psnr_and_grey_in_closed_form() -> None:
    assert colourfulness(np.full((4, 4, 3), 77, np.uint8)) == 0
    half = np.zeros((2, 2, 3), np.uint8)
    half[0] = [200, 100, 0]  # rg = 100, yb = 150 in one half, 0 in the other
    assert colourfulness(half) == pytest.approx(np.hypot(50, 75) + 0.3 * np.hypot(50, 75))
    assert psnr(np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 51, np.uint8)) == pytest.approx(20 * np.log10(5))
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=-1)
    assert np.array_equal(grey_of(ramp), ramp)


def test_grey_has_the_lightness_of_the_picture(coffee: npt.NDArray[np.uint8]) -> None:
    from skimage.color import rgb2lab

    lightness, grey_lightness = (rgb2lab(p)[..., 0] for p in (coffee, grey_of(coffee)))
    assert np.abs(lightness - grey_lightness).max() < 0.5


def test_kernel_distance_against_its_definition() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(7, 5, generator=generator), torch.randn(6, 5, generator=generator) + 1

    def kernel(x: torch.Tensor, y: torch.Tensor) -> float:
        return (float(x @ y) / 5 + 1) ** 3

    within_a = [kernel(a[i], a[j]) for i in range(7) for j in range(7) if i != j]
    within_b = [kernel(b[i], b[j]) for i in range(6) for j in range(6) if i != j]
    across = [kernel(x, y) for x in a for y in b]
    expected = np.mean(within_a) + np.mean(within_b) - 2 * np.mean(across)
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-5)


def test_the_measures_of_grey_are_those_on_record(data_folder: Path) -> None:
    on_record = {"photos": (21.63, 41.2, 62.1), "scenes": (24.31, 34.0, 63.8), "faces": (19.70, 43.5, 138.7)}
    features = PooledFeatures()
    for name, found in originals(data_folder / "val").items():
        measures = measure(found, [grey_of(p) for p in found], features)
        wanted_psnr, wanted_colourfulness, wanted_kid = on_record[name]
        assert measures.psnr == measures.psnr_grey == pytest.approx(wanted_psnr, abs=0.006)
        assert measures.colourfulness_original == pytest.approx(wanted_colourfulness, abs=0.06)
        # The features depend a little on how a library resizes.
        assert measures.kid_lite0 == pytest.approx(wanted_kid, rel=0.04)


def test_rates_rise_stay_and_fall() -> None:
    stage = Stage("s", 64, 4, 100, 1.0, rise=0.1, fall=0.5, floor=0.2)
    assert [loop.rate_at(stage, step) for step in (0, 5, 10, 50, 75, 100)] == pytest.approx([0.1, 0.55, 1, 1, 0.6, 0.2])
