"""The training loop: killed, stopped, diverging, in pieces and in several processes."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from deoldify.errors import CheckpointError
from tests.toys import GAN, pictures, start, toy, toy_stages
from tests.train.run.runs import scalars, train
from train.data import index, is_held_out
from train.errors import TrainingError
from train.folder import LAST, averaged_state, read_run
from train.publish import export
from train.recipes import changed, to_dict
from train.run import Training, board, training

RUN = "tests.toy_run"


# One stage of each phase, with dropout in the critic and the switch of 2019.
NOGAN: dict[str, Any] = {"recipe": "stable", "steps": 5, "stages": "64-frozen 1-critic-128 1-gan-192"}


def kill(data: Path, out: Path, step: str) -> None:
    """Run in a process of its own until a step is told of, then kill it."""
    process = start(RUN, data, out, json.dumps(NOGAN))
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
    two = start(RUN, data, tmp_path / "two", json.dumps(settings), launcher=launcher)
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


def test_processes_count_the_colours_of_all_and_learn_one_distribution(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"recipe": "compact", "steps": 2, "stages": "96px", "changes": []}
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    two = start(RUN, data, tmp_path / "two", json.dumps(settings), launcher=launcher)
    monkeypatch.setattr(board, "STEPS_BETWEEN_SCALARS", 1)
    train(toy_stages(**settings), data, tmp_path / "one")
    output, _ = two.communicate(timeout=600)
    assert two.returncode == 0, output
    ranks = [(tmp_path / "two" / f"rank{rank}.txt").read_text() for rank in (0, 1)]
    assert ranks[0] == ranks[1]
    one, other = (scalars(tmp_path / name)["loss/distribution"] for name in ("one", "two"))
    assert len(one) == 2 and other == pytest.approx(one, rel=2e-3)


def test_float16_scales_the_losses_and_leaves_the_weights_finite(data: Path, tmp_path: Path) -> None:
    training = train(toy_stages("compact", 2, "96px"), data, tmp_path / "run", precision="float16")
    assert training.state()["scaler"]["scale"] > 1
    assert all(torch.isfinite(weight).all() for weight in training.networks.generator.parameters())


def test_a_run_whose_disk_fills_up_ends_and_goes_on_when_there_is_room(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    monkeypatch.setattr(training, "STEPS_BETWEEN_CHECKPOINTS", 2)
    advance, recipe = board.Board.advance, toy_stages("compact", 5, "96px")

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
        train(toy(GAN), data, tmp_path / "gan")
    first = train(dataclasses.replace(toy("compact"), stages=toy("compact").stages[:1]), data, tmp_path / "compact")
    weights_of = tmp_path / "compact" / LAST
    second = Training(toy(GAN), data, tmp_path / "gan", seed=1, device="cpu", workers=0, init=weights_of)
    weights = averaged_state(first.state())
    assert all(torch.equal(weights[key], value) for key, value in second.networks.generator.state_dict().items())
    # The same from the file that is shipped, in 16 bits.
    shipped = export(weights_of, tmp_path / "compact.safetensors", {}).path
    third = Training(toy(GAN), data, tmp_path / "gan", seed=1, device="cpu", workers=0, init=shipped)
    for key, value in third.networks.generator.state_dict().items():
        assert torch.equal(weights[key].half().float() if value.is_floating_point() else weights[key], value)
    with pytest.raises(CheckpointError, match="another generator than 'gan' trains"):
        Training(
            changed(toy(GAN), ["generator.convs_per_block=2"]), data, tmp_path / "gan", seed=1,
            device="cpu", workers=0, init=shipped,
        )  # fmt: skip


def test_weights_under_another_head_begin_what_the_two_have_in_common(data: Path, tmp_path: Path) -> None:
    recipe = toy("compact", steps=1)
    plain = dataclasses.replace(recipe.stages[0], distribution_weight=0.0)
    rgb = dataclasses.replace(recipe.generator, head="rgb")
    train(dataclasses.replace(recipe, generator=rgb, stages=(plain,)), data, tmp_path / "rgb")
    known = averaged_state(read_run(tmp_path / "rgb" / LAST))
    begun = Training(recipe, data, tmp_path / "next", seed=1, device="cpu", workers=0, init=tmp_path / "rgb" / LAST)
    state = begun.networks.generator.state_dict()
    shared = {name for name in known if not name.startswith("head.")}
    assert len(shared) > 100 and all(torch.equal(state[name], known[name]) for name in shared)
    assert {name for name in state.keys() - shared if name.endswith("weight")} == {
        "head.out.weight", "head.hidden.weight", "head.likely.weight"
    }  # fmt: skip


def test_several_folders_are_trained_on_together(data: Path, tmp_path: Path) -> None:
    pictures(tmp_path / "more" / "streets", 5, seed=3)
    recipe = toy_stages("compact", 1, "96px")
    training = Training(
        recipe, [str(data), str(tmp_path / "more")], tmp_path / "run", seed=0, device="cpu", workers=0
    )  # fmt: skip
    assert training.source.images == sum(
        not is_held_out(entry.name) for entry in index(data, tmp_path / "more")
    )  # fmt: skip


def test_colours_are_counted_as_a_mean_over_steps(data: Path, tmp_path: Path) -> None:
    recipe = toy_stages("compact", 1, "96px")
    networks = Training(recipe, data, tmp_path / "run", seed=0, device="cpu", workers=0).networks
    before = networks.generator.get_buffer("head.seen").clone()
    green = networks.seen(torch.tensor([30, 200, 60], dtype=torch.uint8).view(1, 3, 1, 1).expand(2, 3, 32, 32))
    after = networks.count_colours(green)
    kept = 0.995
    found = (after - kept * before) / (1 - kept)
    assert torch.equal(after, networks.generator.get_buffer("head.seen"))
    assert int((found > 1e-3).sum()) <= 4 and float(found.sum()) == pytest.approx(1, abs=1e-3)
