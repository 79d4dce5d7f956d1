"""The training loop: killed, stopped, diverging, in pieces and in several processes."""

from __future__ import annotations

import dataclasses
import json
import math
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from deoldify.errors import CheckpointError
from tests.tars import serve, shard
from tests.toys import ROOT, pictures, start, toy, toy_stages
from train import board, loop, runs
from train.data import Preparation, Samples, batches, index
from train.loop import Training
from train.publish import export
from train.recipes import Recipe, changed, to_dict
from train.runs import LAST, TrainingError, averaged_state, read_run

RUN = ROOT / "tests" / "toy_run.py"
# One stage of each phase, with dropout in the critic and the switch of 2019.
NOGAN: dict[str, Any] = {"recipe": "stable", "steps": 5, "stages": "64-frozen 1-critic-128 1-gan-192"}
GRAPH = board.Board.graph


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One thread, as the processes beside this one have, and no graph, which takes longer than a run."""
    monkeypatch.setattr(board.Board, "graph", lambda *arguments: None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    pictures(folder / "photos", 12)
    return folder


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Three shards of pictures on a server."""
    folder = tmp_path_factory.mktemp("streamed")
    for number in range(3):
        shard(folder / f"toy-{number}.tar", 6, number)
    with serve(folder) as bucket:
        yield f"{bucket.url}/toy-{{0..2}}.tar"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs to measure on."""
    folder = tmp_path_factory.mktemp("validation")
    pictures(folder / "faces", 3, seed=5)
    return folder


def train(recipe: Recipe, data: str | Path, out: Path, **changes: Any) -> Training:
    settings: dict[str, Any] = {"seed": 3, "device": "cpu", "workers": 0, "precision": "float32"}
    training = Training(recipe, data, out, **(settings | changes))
    training.resume()
    training.run()
    return training


def kill(data: Path, out: Path, step: str) -> None:
    """Run in a process of its own until a step is told of, then kill it."""
    process = start(str(RUN), data, out, json.dumps(NOGAN))
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == step:
            process.kill()
            break
    process.stdout.read()
    assert process.wait(timeout=300) == -signal.SIGKILL


def test_a_run_stopped_in_one_stage_and_killed_in_two_ends_as_one_that_was_not(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, advance = tmp_path / "struck", board.Board.advance

    def stops(self: board.Board, stage: str, shown: str) -> None:
        advance(self, stage, shown)
        signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(board.Board, "advance", stops)
        with pytest.raises(TrainingError, match="stopped at step 1; go on with --resume"):
            train(toy_stages(**NOGAN), data, run)
    assert read_run(run / LAST)["step"] == 1
    # Steps are told of as counted from where a process began.
    kill(data, run, "step 7 of 1-critic-128")
    done = read_run(run / LAST)["step"]
    assert 5 <= done < 10
    kill(data, run, f"step {13 - done} of 1-gan-192")
    assert 10 <= read_run(run / LAST)["step"] < 15

    # Another seed is asked for, and the run's own kept.
    resumed = train(toy_stages(**NOGAN), data, run, seed=99)
    assert resumed.seed == 3
    train(toy_stages(**NOGAN), data, tmp_path / "whole")
    a, b = (read_run(tmp_path / name / LAST) for name in ("whole", "struck"))
    for network in ("generator", "averaged", "critic"):
        assert all(torch.equal(a[network][key], b[network][key]) for key in a[network]), network
    assert a["step"] == b["step"] == 15


def test_a_run_on_streamed_shards_goes_on_as_if_it_had_not_stopped(
    streamed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, run, advance = toy_stages(**NOGAN), tmp_path / "stopped", board.Board.advance
    for stop in (3, 7):  # in the stage of the generator, and in that of the critic

        def stops(self: board.Board, stage: str, shown: str, stop: int = stop) -> None:
            advance(self, stage, shown)
            if self._step == stop:
                signal.raise_signal(signal.SIGTERM)

        with monkeypatch.context() as patched:
            patched.setattr(board.Board, "advance", stops)
            with pytest.raises(TrainingError, match=f"stopped at step {stop}; go on with --resume"):
                train(recipe, streamed, run, workers=1, images=18)
    train(recipe, streamed, run, images=18)
    train(recipe, streamed, tmp_path / "whole", images=18)
    a, b = (read_run(tmp_path / name / LAST) for name in ("whole", "stopped"))
    assert all(torch.equal(a["generator"][key], b["generator"][key]) for key in a["generator"])
    assert all(torch.equal(a["critic"][key], b["critic"][key]) for key in a["critic"])
    assert a["data"] == b["data"] and a["data"]["drawn"] == 2 * 5 * 4


def test_a_signal_to_the_whole_group_leaves_the_loader_to_the_run(data: Path, tmp_path: Path) -> None:
    samples = Samples(index(data), Preparation(), 32, seed=0)
    loader = iter(batches(samples, batch=2, shares={}, steps=range(50), workers=1))
    next(loader)
    (worker,) = multiprocessing.active_children()
    assert worker.pid is not None
    assert os.getpgid(worker.pid) != os.getpgrp()
    os.kill(worker.pid, signal.SIGINT)
    assert len(list(loader)) == 49


@pytest.mark.parametrize(("kind", "steps"), [("data", 3), ("streamed", 2)])
def test_two_processes_with_half_the_batch_follow_one_with_all_of_it(
    kind: str, steps: int, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = request.getfixturevalue(kind)
    # Dropout draws other channels in every process, so it rests.
    settings: dict[str, Any] = {
        "recipe": "progressive-2018", "steps": steps, "stages": "64-frozen 64-free",
        "changes": ["critic.dropout=[0, 0]", "lighting=0"],
    }  # fmt: skip
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    two = start(str(RUN), data, tmp_path / "two", json.dumps(settings), launcher=launcher)
    monkeypatch.setattr(board, "STEPS_BETWEEN_SCALARS", 1)
    train(toy_stages(**settings), data, tmp_path / "one")
    output, _ = two.communicate(timeout=300)
    assert two.returncode == 0, output
    ranks = [(tmp_path / "two" / f"rank{rank}.txt").read_text() for rank in (0, 1)]
    assert ranks[0] == ranks[1]
    one, other = (scalars(tmp_path / name) for name in ("one", "two"))
    for name in ("loss/pixels", "loss/features", "loss/critic", "loss/adversarial"):
        assert len(one[name]) == 2 * steps
        assert other[name] == pytest.approx(one[name], rel=2e-3, abs=1e-4), name


def scalars(run: Path) -> dict[str, list[float]]:
    events = EventAccumulator(str(run / "board"), {"scalars": 0})
    events.Reload()
    return {name: [event.value for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_the_board_shows_what_it_should(
    data: Path, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board.Board, "graph", GRAPH)
    monkeypatch.setattr(board, "STEPS_BETWEEN_PICTURES", 4)
    monkeypatch.setattr(board, "STEPS_BETWEEN_HISTOGRAMS", 8)
    monkeypatch.setattr(board, "STEPS_BETWEEN_SCALARS", 2)
    recipe = toy_stages("stable", 4, "64-free 1-gan-192", ["1-gan-192.switch=null"])
    train(recipe, data, tmp_path / "run", validation=scenes)
    events = EventAccumulator(str(tmp_path / "run" / "board"), {"images": 0, "histograms": 0, "scalars": 0})
    events.Reload()
    tags = events.Tags()
    wanted = {
        "loss/pixels", "loss/features", "loss/critic", "loss/critic on real", "loss/critic on fake",
        "loss/adversarial", "rate/generator", "rate/critic", "gradient norm/generator", "gradient norm/critic",
        "images per second", "memory",
        "held out/pixels", "validation/psnr", "validation/colourfulness", "validation/kid_lite0", "validation/skin_hue",
    }  # fmt: skip
    assert wanted <= set(tags["scalars"])
    assert [event.step for event in events.Scalars("loss/pixels")] == [2, 4, 6, 8]
    (shown, *_) = events.Images("input, render, averaged render, original")
    assert shown.step == 4 and shown.width == loop.FIXED * (32 + 2) + 2 and shown.height == 4 * (32 + 2) + 2
    assert events.Images("inflection")
    assert {name.split("/")[0] for name in tags["histograms"]} == {"generator", "critic"}
    assert tags["graph"]
    assert "_hparams_/experiment" in events.summary_metadata
    rates = [event.value for event in events.Scalars("rate/critic")]
    assert rates == pytest.approx([1e-4, 1e-4])


def test_the_generator_waits_for_a_critic_that_sees(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = toy("stable", steps=6)
    recipe = dataclasses.replace(recipe, stages=(recipe.stages[-1],))
    turns: list[str] = []
    for name in ("_generator_step", "_critic_step"):
        step = getattr(Training, name)

        def recorded(self: Training, *arguments: Any, name: str = name, step: Any = step) -> Any:
            turns.append(name[1:-5])
            return step(self, *arguments)

        monkeypatch.setattr(Training, name, recorded)
    last = recipe.stages[-1].name
    train(changed(recipe, [f"{last}.switch=0"]), data, tmp_path / "never")
    assert turns == ["critic"] * 6
    turns.clear()
    train(changed(recipe, [f"{last}.switch=100"]), data, tmp_path / "always")
    assert turns == ["critic", "generator"] * 3
    turns.clear()
    train(changed(recipe, [f"{last}.switch=null"]), data, tmp_path / "both")
    assert turns == ["generator", "critic"] * 6


def test_a_batch_in_pieces_has_the_gradient_of_the_whole(data: Path, tmp_path: Path) -> None:
    # Batch norm sees the pieces, so a piece is compared that is the whole batch four times over.
    recipe = changed(toy("compact", steps=1), ["generator.widths=[8, 8, 8, 8]"])
    training = Training(recipe, data, tmp_path, seed=0, device="cpu", workers=0, precision="float32")
    stage = recipe.stages[0]
    training._set_modes(stage)
    piece = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32)
    norms = []
    for size in (None, 2):
        training.micro_batch = size
        state = {key: value.clone() for key, value in training.generator.state_dict().items()}
        batch = [tensor.repeat(4, 1, 1, 1) for tensor in piece]
        losses, renders = training._generator_step(stage, training.generator, None, *batch)
        assert renders.shape == (8, 3, 32, 32)
        norms.append((losses["chroma"].item(), losses["gradient norm/generator"].item()))
        training.generator.load_state_dict(state)
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)


def test_float16_scales_the_losses_and_leaves_the_weights_finite(data: Path, tmp_path: Path) -> None:
    training = train(toy_stages("compact", 2, "64px"), data, tmp_path / "run", precision="float16")
    assert training.state()["scaler"]["scale"] > 1
    assert all(torch.isfinite(weight).all() for weight in training.generator.parameters())


def test_a_stage_that_diverges_goes_back_once_at_a_lower_rate(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(board, "STEPS_BETWEEN_SCALARS", 1)
    content, broken_at = Training._content, [2]

    def breaks(self: Training, *arguments: Any) -> dict[str, torch.Tensor]:
        losses = content(self, *arguments)
        if self.step in broken_at and torch.is_grad_enabled():
            if len(broken_at) == 1 and self.relief < 1:
                return losses
            return {name: loss * math.nan for name, loss in losses.items()}
        return losses

    monkeypatch.setattr(Training, "_content", breaks)
    recipe = toy("compact", steps=4)
    recipe = dataclasses.replace(recipe, stages=recipe.stages[:2])
    training = train(recipe, data, tmp_path / "once")
    assert "went wrong at step" in caplog.text and "not finite: chroma" in caplog.text
    assert training.step == 8 and training.relief == 1
    rates = scalars(tmp_path / "once")["rate/generator"]
    assert min(rates) < 0.3 * max(rates)

    broken_at.append(3)
    with pytest.raises(
        TrainingError, match=r"stage '64px' went wrong again at step \d+: not finite: chroma.*lower rate"
    ):
        train(recipe, data, tmp_path / "twice")
    assert read_run(tmp_path / "twice" / LAST)["step"] == 0


def test_a_critic_that_cannot_be_fooled_stops_the_stage(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(toy("progressive-2018"), data, tmp_path, seed=0, device="cpu", workers=0)
    stage = training.recipe.stages[0]
    for _ in range(60):
        training._watch(stage, {"critic": torch.tensor(0.3)})
    training.critic_mean = 0.011
    training._watch(stage, {"critic": torch.tensor(0.0)})
    training.critic_mean = loop.COLLAPSED
    with pytest.raises(loop.DivergedError, match="so sure"):
        training._watch(stage, {"critic": torch.tensor(0.0)})
    # In a run: back to the last good checkpoint at a lower rate once, then an end.
    monkeypatch.setattr(loop, "COLLAPSED", 100.0)
    monkeypatch.setattr(board, "STEPS_BETWEEN_SCALARS", 1)
    with pytest.raises(TrainingError, match=r"stage '1-gan-192' went wrong again at step 3: the critic is so sure"):
        train(toy_stages("stable", 2, "64-free 1-gan-192", ["1-gan-192.switch=null"]), data, tmp_path / "run")
    kept = read_run(tmp_path / "run" / LAST)
    assert (kept["step"], kept["relief"]) == (2, loop.LOWERED)


def test_old_checkpoints_step_back_and_nothing_half_written_stays(tmp_path: Path) -> None:
    for number in range(5):
        runs.save_rotating({"recipe": {}, "averaged": {}, "step": number}, tmp_path / LAST, keep=2)
    assert {path.name: read_run(path)["step"] for path in tmp_path.iterdir()} == {
        "last.pt": 4, "last.1.pt": 3, "last.2.pt": 2
    }  # fmt: skip


def test_a_disk_that_fills_up_is_told_and_the_last_checkpoint_stays(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full")
    runs.save_atomically({"recipe": {}, "averaged": {}, "step": 1}, tmp_path / LAST)
    (tmp_path / "last.pt.part").symlink_to(full)
    with pytest.raises(TrainingError, match=r"last.pt cannot be written.*intact.*--resume"):
        runs.save_atomically({"recipe": {}, "averaged": {}, "step": 2, "x": torch.zeros(10000)}, tmp_path / LAST)
    assert read_run(tmp_path / LAST)["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == [LAST]


def test_a_run_whose_disk_fills_up_ends_and_goes_on_when_there_is_room(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    monkeypatch.setattr(loop, "STEPS_BETWEEN_CHECKPOINTS", 2)
    advance, recipe = board.Board.advance, toy_stages("compact", 5, "64px")

    def fills(self: board.Board, stage: str, shown: str) -> None:
        advance(self, stage, shown)
        if self._step == 3:
            (tmp_path / "run" / "last.next.pt.part").symlink_to("/dev/full")

    with monkeypatch.context() as patched:
        patched.setattr(board.Board, "advance", fills)
        with pytest.raises(TrainingError, match=r"last\.next\.pt cannot be written.*--resume"):
            train(recipe, data, tmp_path / "run")
    assert read_run(tmp_path / "run" / LAST)["step"] == 2
    train(recipe, data, tmp_path / "run")
    train(recipe, data, tmp_path / "whole")
    a, b = (read_run(tmp_path / name / LAST)["generator"] for name in ("run", "whole"))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_no_room_or_no_right_to_write_is_an_error_before_training(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        train(toy("compact"), data, tmp_path / "file" / "run")
    usage = os.statvfs(tmp_path)
    assert usage.f_bavail > 0
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(TrainingError, match=r"0.0 GiB left.*need about"):
        train(toy("compact"), data, tmp_path / "run")
    assert not (tmp_path / "run" / LAST).exists()


def test_a_run_is_not_resumed_with_another_recipe_nor_from_a_damaged_file(data: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(toy("compact"), stages=toy("compact").stages[:1])
    training = train(recipe, data, tmp_path)
    assert json.loads((tmp_path / "recipe.json").read_text()) == to_dict(recipe) == read_run(tmp_path / LAST)["recipe"]
    with pytest.raises(TrainingError, match=r"clip is 0\.5, was 1\.0"):
        train(changed(recipe, ["clip=0.5"]), data, tmp_path)
    assert training.step == 2
    (tmp_path / LAST).write_bytes((tmp_path / LAST).read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"damaged.*last.1.pt"):
        train(recipe, data, tmp_path)


def test_a_run_goes_on_with_stages_that_were_added(data: Path, tmp_path: Path) -> None:
    recipe = toy("compact")
    steps = [stage.steps for stage in recipe.stages]
    assert train(dataclasses.replace(recipe, stages=recipe.stages[:1]), data, tmp_path).step == steps[0]
    assert train(recipe, data, tmp_path).step == sum(steps)
    assert read_run(tmp_path / LAST)["recipe"] == to_dict(recipe)


def test_a_run_starts_from_another_ones_averaged_weights(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="starts from weights of 'compact'"):
        train(toy("compact-gan"), data, tmp_path / "gan")
    first = train(dataclasses.replace(toy("compact"), stages=toy("compact").stages[:1]), data, tmp_path / "compact")
    weights_of = tmp_path / "compact" / LAST
    second = Training(toy("compact-gan"), data, tmp_path / "gan", seed=1, device="cpu", workers=0, init=weights_of)
    weights = averaged_state(first.state())
    assert all(torch.equal(weights[key], value) for key, value in second.generator.state_dict().items())
    # The same from the file that is shipped, in 16 bits.
    shipped = export(weights_of, tmp_path / "compact.safetensors", {}).path
    third = Training(toy("compact-gan"), data, tmp_path / "gan", seed=1, device="cpu", workers=0, init=shipped)
    for key, value in third.generator.state_dict().items():
        assert torch.equal(weights[key].half().float() if value.is_floating_point() else weights[key], value)
    with pytest.raises(CheckpointError, match="another generator than 'compact-gan' trains"):
        Training(
            changed(toy("compact-gan"), ["generator.convs_per_block=2"]), data, tmp_path / "gan", seed=1,
            device="cpu", workers=0, init=shipped,
        )  # fmt: skip
