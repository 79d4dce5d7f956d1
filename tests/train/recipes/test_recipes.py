"""Recipes: the numbers of 2018 and 2019, changes from the command line."""

from __future__ import annotations

import dataclasses

import pytest

from tests.toys import GAN
from train.recipes import (
    RECIPES,
    RecipeError,
    Stage,
    changed,
    conflicts,
    differences,
    to_dict,
)

IMAGENET = 1_281_167


def test_progressive_grows_and_each_size_but_the_first_begins_with_an_unshock() -> None:
    stages = RECIPES["progressive-2018"].stages
    assert [(s.size, s.batch, s.share, s.frozen) for s in stages[:5]] == [
        (64, 32, 0.25, "encoder"), (64, 32, 0.25, "nothing"),
        (96, 16, 0.1, "encoder"), (96, 16, 0.25, "encoder"), (96, 16, 0.25, "nothing"),
    ]  # fmt: skip
    assert [s.rate * 1e4 for s in stages] == pytest.approx(
        [1, 1, 1 / 20, 1 / 2, 1 / 2, 1 / 30, 1 / 3, 1 / 3, 1 / 80, 1 / 8, 1 / 16, 1 / 160, 1 / 16, 1 / 16]
    )
    assert all(s.critic_rate == pytest.approx(5 * s.rate) and s.switch is None for s in stages)
    assert stages[0].steps_on(IMAGENET) == -(-IMAGENET // (4 * 32))


def test_nogan_repeats_its_cycles_and_video_follows_stable() -> None:
    artistic, stable, video = (RECIPES[name] for name in ("artistic", "stable", "video"))
    assert [s.name for s in artistic.stages] == [
        "64-frozen", "64-free", "128-free", "192-free", "1-critic-128",
        *(f"{n}-{phase}-192" for n in range(1, 6) for phase in ("critic", "gan")),
    ]  # fmt: skip
    assert len(stable.stages) == 4 + 1 + 3 * 2
    assert (video.follows, [s.phase for s in video.stages]) == ("stable", ["generator", "critic", "adversarial"])
    gan = artistic.stages[-1]
    assert (gan.batch, gan.switch, gan.content_weight, gan.snapshots) == (9, 0.65, 2.0, 30)
    assert (gan.rate, gan.critic_rate) == pytest.approx((1e-5, 5e-5))
    free = artistic.stages[1]
    assert [free.rate * r for r in free.encoder_rates] == pytest.approx([3e-7, 3e-4 * 10**-1.5])
    critic = artistic.stages[4]
    assert critic.renders_on(1000) == 85
    assert critic.steps_on(1000) == -(-(85 * 6 * 2) // 64)


def test_any_value_can_be_changed_and_only_to_one_of_its_type() -> None:
    recipe = changed(
        GAN,
        ["*.ema=0.5", "*.steps=3", "gan-96.rate=1", 'critic-96.shares={"a": 1}', "critic.width=8", "clip=null",
         "generator.widths=[1, 2, 3, 4]", "damage=grey", "gan-96.switch=0.65"],
    )  # fmt: skip
    assert (recipe.stages[1].ema, recipe.clip, recipe.damage, recipe.generator.widths) == (
        0.5,
        None,
        "grey",
        (1, 2, 3, 4),
    )
    assert recipe.critic is not None and recipe.critic.width == 8
    assert {s.steps for s in recipe.stages} == {3}
    assert (recipe.stages[0].shares, recipe.stages[1].rate, recipe.stages[1].switch) == ({"a": 1.0}, 1.0, 0.65)
    assert GAN.critic is not None and GAN.critic.width == 48
    for wrong, said in (
        ("emma=1", "there is no 'emma'; there are: critic-96, gan-96"),
        ("weight_decay=x", "'x' is not a value of type float"),
        ("gan-96.phase=both", "one of 'generator', 'critic', 'adversarial'"),
        ("generator.middle_widths=[1]", "is not"),
        ("generator.widths=[1, 2]", "as many widths as up_widths"),
        ("clip", "write it as field=value"),
        ("clip.x=1", "no fields of its own"),
        ("*.steps=true", "is not a value of type int"),
        ("critic=null", "needs a critic"),
        ("*.steps=0", "neither steps nor a share"),
        ("layers=[1]", "as many feature_layers"),
        ("layer_weights=[1]", "as many layer_weights"),
        ("gan-96.distribution_weight=0", "needs a distribution_weight above 0"),
        ("critic-96.distribution_weight=1", "and of 0 elsewhere"),
        ("generator.head=rgb", "and of 0 elsewhere"),
    ):
        with pytest.raises(RecipeError, match=said.replace("[", r"\[")):
            changed(GAN, [wrong])


def test_differences_of_recipes_are_named() -> None:
    ours = changed(RECIPES["compact"], ["96px.batch=7", "clip=0.5", "generator.convs_per_block=2"])
    assert differences(to_dict(RECIPES["compact"]), to_dict(ours)) == [
        "clip is 0.5, was 1.0", "generator.convs_per_block is 2, was 1", "96px.batch is 7, was 48"
    ]  # fmt: skip


def test_stages_still_to_come_are_no_conflict() -> None:
    recipe = RECIPES["compact"].resolved(1000)
    first, second = recipe.stages[:2]
    theirs = to_dict(dataclasses.replace(recipe, stages=(first, second)))
    longer = to_dict(recipe)
    for step in (0, first.steps, first.steps + 1, first.steps + second.steps):
        assert not conflicts(theirs, longer, step)
    other = to_dict(changed(recipe, ["128px.batch=7"]))
    assert not conflicts(theirs, other, first.steps)
    assert conflicts(theirs, other, first.steps + 1) == ["128px.batch is 7, was 24"]
    assert conflicts(theirs, to_dict(dataclasses.replace(recipe, stages=(first,))), first.steps + 1)
    assert conflicts(theirs, to_dict(changed(recipe, ["clip=0.5"])), 0) == ["clip is 0.5, was 1.0"]
    # A run from before there was such a value had it as it is by default.
    del theirs["stages"][0]["gradient_weight"], theirs["crop"]
    assert not conflicts(theirs, longer, first.steps)
    assert conflicts(theirs, to_dict(changed(recipe, ["96px.gradient_weight=1"])), 1) == [
        "96px.gradient_weight is 1.0, was 0.0"
    ]


def test_steps_of_a_stage_without_a_share_are_its_own() -> None:
    assert Stage("s", 64, 4, 10, 1.0).steps_on(5) == 10


def test_a_stretch_begins_with_a_stage_by_its_name() -> None:
    compact = RECIPES["compact"]
    assert compact.beginning_at("192px").stages == compact.stages[2:]
    assert compact.beginning_at(compact.stages[0].name) == compact
    with pytest.raises(RecipeError, match="'compact' has no stage '64px'; it has: 96px, 128px"):
        compact.beginning_at("64px")


def test_compact_sees_enough_of_large_pictures_and_of_no_kind_too_much() -> None:
    stages = RECIPES["compact"].stages
    assert [stage.size for stage in stages[:4]] == [96, 128, 192, 224]
    assert sum(stage.batch * stage.steps for stage in stages if stage.size > 128) >= 200_000
    speeds = {96: 100, 128: 25, 192: 10, 224: 6}  # pictures a second, as measured on two cores
    minutes = {stage.name: stage.batch * stage.steps / speeds[stage.size] / 60 for stage in stages}
    assert sum(minutes[stage.name] for stage in stages if stage.size >= 176) >= sum(minutes.values()) / 2
    for stage in stages:
        assert all(most <= 1 / 7 for _, most in stage.limits)
        small = [most for group, most in stage.limits if "kodachrome" in group]
        assert small == ([0.1] if stage.size > 128 else [])
