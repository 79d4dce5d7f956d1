"""What a recipe will take, as a dry run tells it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.toys import GAN, TOY, narrow, pictures
from train.__main__ import app
from train.recipes import (
    CRITIC_2018,
    RECIPES,
)
from train.run import costs, planned

IMAGENET = 1_281_167


def test_memory_grows_with_area_and_batch_and_is_no_more_with_a_micro_batch() -> None:
    recipe = dataclasses.replace(GAN, generator=narrow(GAN.generator))
    cost = costs(recipe)
    small, large = (dataclasses.replace(recipe.stages[1], size=side, batch=32) for side in (64, 128))
    weights = cost.generator + cost.critic + cost.features
    assert cost.of(large) - weights == pytest.approx(4 * (cost.of(small) - weights), rel=1e-6)
    assert cost.of(large, 8) - weights == pytest.approx((cost.of(large) - weights) / 4, rel=1e-6)
    # A convolution keeps its input: the first of the critic keeps the picture itself, the next one its output.
    assert GAN.critic is not None
    assert cost.critic_saved > 4 * (3 * 64 * 64 + GAN.critic.width * 32 * 32)


def test_a_dry_run_prints_every_stage_and_trains_nothing(tmp_path: Path) -> None:
    pictures(tmp_path / "data", 6)
    arguments = [
        "colorize",
        "--recipe",
        "compact",
        "--data",
        str(tmp_path / "data"),
        "--out",
        str(tmp_path / "run"),
    ]
    toy = [f"generator.{key}={list(getattr(TOY, key))}" for key in ("middle_widths", "up_widths", "widths")]
    changes = [part for change in (*toy, "192px.batch=5") for part in ("--set", change)]
    done = CliRunner().invoke(app, [*arguments, *changes, "--dry-run"])
    assert done.exit_code == 0, done.output
    rows = [line for line in done.output.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0] for row in rows[1:]] == [f"| {stage.name}" for stage in RECIPES["compact"].stages]
    assert "| 192px | generator | 192 | 5 | 9,400 | 0.0003 | – | 3e-05, 9e-05 | 783333.3% | 47,000 |" in rows[3]
    assert "| 192px-critic | adversarial | 192 | 16 | 600 | 5e-05 | 0.0002 | frozen |" in rows[5]
    assert not (tmp_path / "run").exists()
    assert "compact-defade" in CliRunner().invoke(app, ["recipes"]).output
    later = CliRunner().invoke(app, [*arguments, *changes, "--dry-run", "--from", "224px"])
    assert [line.split(" | ")[0] for line in later.output.splitlines() if line.startswith("| ")][1:] == [
        "| 224px", "| 192px-critic", "| 192px-agreeing"
    ]  # fmt: skip
    untrained = CliRunner().invoke(app, [*arguments, "--from", "224px"])
    assert untrained.exit_code == 2 and "trained weights" in untrained.output


def test_the_table_of_imagenet_counts_its_images() -> None:
    whole = RECIPES["progressive-2018"]
    recipe = dataclasses.replace(whole, generator=narrow(whole.generator), critic=GAN.critic, features="lite0")
    assert CRITIC_2018.width == 512
    assert "| 64-frozen | adversarial | 64 | 32 | 10,010 |" in planned(recipe, IMAGENET)
