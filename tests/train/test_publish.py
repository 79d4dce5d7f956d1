"""A model laid out, uploaded to a stand-in for the Hub, and loaded from there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard, constants
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

import deoldify
from deoldify import checkpoints
from deoldify.__main__ import app as deoldify_app
from deoldify.checkpoints import finding
from deoldify.errors import CheckpointError, HubError
from deoldify.network import Generator, GeneratorConfig
from tests.hub import Fault, Hub, hub
from tests.toys import TOY
from train.__main__ import app
from train.folder import read_trained, save_atomically
from train.recipes import RECIPES, to_dict

__all__ = ["hub"]  # the fixture, which only pytest uses

REPO = "somebody/old-photos"


def saved(path: Path, task: str = "colorize", seed: int = 0) -> Generator:
    """A snapshot as a run keeps it, in 16 bits, and the generator in it."""
    recipe = RECIPES["compact" if task == "colorize" else "compact-defade"]
    config = dataclasses.replace(TOY, head=recipe.generator.head)
    recipe = dataclasses.replace(recipe, generator=config)
    torch.manual_seed(seed)
    generator = Generator(config).eval()
    averaged = {
        f"module.{name}": tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in generator.state_dict().items()
    }
    save_atomically({"recipe": to_dict(recipe), "seed": 3, "step": 70, "averaged": averaged}, path)
    return generator


def call(folder: Path, *more: str) -> Any:
    arguments = ["publish", "--checkpoint", str(folder / "toy.pt"), "--repo", REPO, "--out", str(folder / "out")]
    arguments += [
        "--data",
        "Fields of colour, CC0",
        "--commit",
        "abc",
        "--command",
        "python -m train",
        "--licence",
        "mit",
    ]
    return CliRunner().invoke(app, [*arguments, "--render-factor", "4", *more])


@pytest.fixture
def published(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The stand-in with a model that was published there."""
    monkeypatch.setenv("HF_TOKEN", "hf_toy")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the stand-in speaks the older protocol
    saved(tmp_path / "toy.pt")
    result = call(tmp_path, "--upload")
    assert result.exit_code == 0, f"{result.output}\n{result.exception}"
    hub.requests.clear()
    return hub


def test_a_dry_run_lays_everything_out_and_asks_nothing(hub: Hub, tmp_path: Path) -> None:
    generator = saved(tmp_path / "toy.pt")
    Image.new("RGB", (9, 9)).save(tmp_path / "photos-4.png")
    (tmp_path / "curves.csv").write_text("stage,step\n")
    measured = {"images": 2, "psnr": 23.456, "fid": None}
    numbers = {"precision": "torch.float32", "render_factors": {"4": {"photos": measured}}}
    (tmp_path / "numbers.json").write_text(json.dumps(numbers))
    more = ["--numbers", str(tmp_path / "numbers.json"), "--picture", str(tmp_path / "photos-4.png")]
    result = call(tmp_path, *more, "--table", str(tmp_path / "curves.csv"))
    assert result.exit_code == 0, result.output
    assert "Nothing was uploaded" in result.output
    assert hub.requests == [] and hub.tokens == []
    out = tmp_path / "out"
    names = {"model.safetensors", "config.json", "README.md", "photos-4.png", "curves.csv"}
    assert {path.name for path in out.iterdir()} == names
    config = json.loads((out / "config.json").read_text())
    assert (config["task"], config["render_factor"], config["licence"]) == ("colorize", 4, "mit")
    assert GeneratorConfig.from_dict(config["generator"]) == generator.config
    assert config["bytes"] == (out / "model.safetensors").stat().st_size
    card = ModelCard.load(out / "README.md")
    assert (card.data.license, card.data.library_name) == ("mit", "deoldify")
    for words in (
        f'deoldify.load("{REPO}")', "![photos-4](photos-4.png)", "| 96px | generator | 96 | 48 | 2,000 | 0.001 | – |",
        "| psnr | 23.456 |", "Fields of colour, CC0", "render factor 4", "[curves.csv](curves.csv)",
    ):  # fmt: skip
        assert words in card.text, words


def test_what_was_published_is_loaded_as_it_was_trained(published: Hub, tmp_path: Path) -> None:
    assert set(published.tokens) == {"Bearer hf_toy"}
    commit = published.branches["main"]
    colorizer = deoldify.load(REPO, precision="float32", device="cpu")
    assert isinstance(colorizer, deoldify.Colorizer)
    record = colorizer.checkpoint
    assert (record.name, record.revision, record.render_factor, record.licence) == (REPO, commit, 4, "mit")
    trained = saved(tmp_path / "again.pt")
    state = checkpoints.load_generator(record).state_dict()
    for name, tensor in trained.state_dict().items():
        assert torch.equal(state[name], tensor.half().float() if tensor.is_floating_point() else tensor)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
    assert colorizer(image).size == (60, 40)
    # By the command line; the model's best render factor comes from the repository.
    image.save(tmp_path / "photo.png")
    arguments = ["colorize", str(tmp_path / "photo.png"), "-o", str(tmp_path / "colour.png"), "-m", REPO]
    done = CliRunner().invoke(deoldify_app, arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception}"
    with Image.open(tmp_path / "colour.png") as coloured:
        assert coloured.size == (60, 40)
    fetched = CliRunner().invoke(deoldify_app, ["fetch", REPO])
    assert f"{REPO}: " in fetched.stdout and fetched.stdout.strip().endswith(f"{commit}/model.safetensors")


def test_a_defader_is_loaded_as_one(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path / "toy.pt", "defade")
    assert call(tmp_path).exit_code == 0
    offer(hub, tmp_path / "out")
    assert isinstance(deoldify.load(REPO), deoldify.Defader)
    with pytest.raises(deoldify.UnknownModelError, match="does not colour photographs"):
        deoldify.load_colorizer(REPO)


def test_a_branch_follows_the_hub_a_commit_is_asked_for_once_and_the_cache_serves_offline(
    published: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    commit = published.branches["main"]
    first = checkpoints.find_on_hub(REPO)
    checkpoints.fetch(first)
    published.requests.clear()
    assert dataclasses.replace(checkpoints.find_on_hub(REPO, commit)) == first
    assert checkpoints.fetch(first).name == "model.safetensors"
    assert published.requests == []
    # Another commit on the branch.
    config = json.loads((tmp_path / "out" / "config.json").read_text()) | {"render_factor": 9}
    (tmp_path / "out" / "config.json").write_text(json.dumps(config))
    offer(published, tmp_path / "out", commit="b" * 40)
    second = checkpoints.find_on_hub(REPO)
    assert (second.revision, second.render_factor) == ("b" * 40, 9)
    assert checkpoints.find_on_hub(REPO, commit).render_factor == 4
    # Without the Hub the newest that was seen is used, and said so.
    published.head_faults = ["hang"]
    assert checkpoints.find_on_hub(REPO, patience=1) == second
    assert "taken from the cache" in caplog.text and "not answer" in caplog.text
    published.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert checkpoints.find_on_hub(REPO) == second
    with pytest.raises(HubError, match=r"'a/b' cannot be fetched.*HF_HUB_OFFLINE"):
        deoldify.load("a/b")
    assert published.requests == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("RepoNotFound", "no public repository somebody/old-photos"),
        ("EntryNotFound", r"no file config.json at main.*python -m train publish"),
        ("hang", "it (does|did) not answer"),
    ],
)
def test_what_is_not_there_is_told(hub: Hub, fault: Fault, words: str) -> None:
    hub.head_faults = [fault]
    with pytest.raises(HubError, match=words):
        checkpoints.find_on_hub(REPO, patience=1 if fault == "hang" else 100)
    assert hub.count("GET") == 0


def offer(hub: Hub, folder: Path, commit: str = "a" * 40) -> None:
    """Put a folder on the stand-in as a commit of the branch main."""
    for path in folder.iterdir():
        hub.files[f"{REPO}/resolve/{commit}/{path.name}"] = path.read_bytes()
    hub.branches["main"] = commit


def test_a_configuration_that_is_not_sound_is_refused_before_any_weights(hub: Hub, tmp_path: Path) -> None:
    saved(tmp_path / "toy.pt")
    assert call(tmp_path).exit_code == 0
    path = tmp_path / "out" / "config.json"
    sound = json.loads(path.read_text())
    assert finding._read_config(REPO, path).render_factor == 4
    changes: list[tuple[dict[str, Any], str]] = [
        ({"model_type": "bert"}, "not of a DeOldify model"),
        ({"format": 2}, "format is 2.*reads format 1"),
        ({"task": "upscale"}, "task is 'upscale'"),
        ({"render_factor": "10"}, "render_factor is '10'"),
        ({"sha256": "../secrets"}, "sha256 is"),
        ({"bytes": True}, "bytes is True"),
        ({"weights": "model.pkl"}, "unknown fields: weights"),
        ({"generator": {"encoder": "resnet34"}}, "missing or unknown fields"),
        ({"generator": sound["generator"] | {"widths": [1, 2, 3, 10**9]}}, r"widths is \(1, 2, 3, 1000000000\)"),
        ({"generator": sound["generator"] | {"widths": [1, 2, 3]}}, r"widths is \(1, 2, 3\)"),
        ({"generator": sound["generator"] | {"attention_block": 7}}, "attention_block is 7"),
        ({"generator": sound["generator"] | {"encoder": ["resnet34"]}}, r"encoder is \('resnet34',\)"),
    ]
    for change, words in changes:
        path.write_text(json.dumps(sound | change))
        with pytest.raises(CheckpointError, match=f"{REPO!r} cannot be used.*not sound.*{words}"):
            finding._read_config(REPO, path)
    for text in ("", "[1]", "{" * 10000, "[" * 100000, " " * (1 << 21)):
        path.write_text(text)
        with pytest.raises(CheckpointError, match="cannot be used"):
            finding._read_config(REPO, path)
    path.write_text(json.dumps(sound | {"render_factor": 1000}))
    offer(hub, tmp_path / "out")
    with pytest.raises(CheckpointError, match="not sound: render_factor 1000 is outside 4 to 64"):
        deoldify.load(REPO)
    assert not [asked for _, asked in hub.requests if "safetensors" in asked]


def test_weights_that_are_not_those_of_the_configuration_are_refused(hub: Hub, tmp_path: Path) -> None:
    saved(tmp_path / "toy.pt")
    assert call(tmp_path).exit_code == 0
    out = tmp_path / "out"
    whole, config = (out / "model.safetensors").read_bytes(), json.loads((out / "config.json").read_text())
    # Not those of the digest.
    (out / "model.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    offer(hub, out)
    with pytest.raises(HubError, match="truncated or altered, twice"):
        deoldify.load(REPO)
    # Of another generator, though the digest is right.
    config["generator"]["convs_per_block"] = 2
    (out / "config.json").write_text(json.dumps(config))
    (out / "model.safetensors").write_bytes(whole)
    offer(hub, out, "b" * 40)
    with pytest.raises(CheckpointError, match="convs_per_block is 1, not 2"):
        deoldify.load(REPO)
    # A pickle under that name is never unpickled.
    evil = pickle.dumps({"weight": bytes(4_000_000)})  # as large as such a generator may be
    config["generator"]["convs_per_block"] = 1
    config |= {"bytes": len(evil), "sha256": hashlib.sha256(evil).hexdigest()}
    (out / "config.json").write_text(json.dumps(config))
    (out / "model.safetensors").write_bytes(evil)
    offer(hub, out, "c" * 40)
    with pytest.raises(CheckpointError, match="truncated, altered or no checkpoint"):
        deoldify.load(REPO)


def test_names_that_are_neither_models_nor_repositories(hub: Hub) -> None:
    for name in ("vivid", "../vivid/x", "a/b/c", "a/..", ""):
        with pytest.raises(deoldify.UnknownModelError, match="owner/name"):
            deoldify.load(name)
    with pytest.raises(ValueError, match="'compact' has no revisions"):
        deoldify.load("compact", revision="main")
    assert hub.requests == []


def test_what_cannot_be_published_is_told(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path / "toy.pt")
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    for more, words in (
        (["--upload"], "publishing needs a login"),
        (["--repo", "toy"], "'toy' names no repository"),
        (["--picture", str(tmp_path / "none.png")], "there is no file"),
        (["--checkpoint", str(tmp_path / "none.pt")], "there is no checkpoint"),
    ):
        assert words in str(call(tmp_path, *more).exception)
    assert hub.tokens == []
    shutil.copy(tmp_path / "toy.pt", tmp_path / "out" / "diary.txt")
    assert "holds other things (diary.txt)" in str(call(tmp_path).exception)
    monkeypatch.setenv("HF_TOKEN", "hf_toy")
    (tmp_path / "out" / "diary.txt").unlink()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    refused = call(tmp_path, "--upload")
    assert "cannot be published on http://127.0.0.1:9" in str(refused.exception)


def test_a_head_is_made_livelier_or_more_careful_by_export(tmp_path: Path) -> None:
    generator = saved(tmp_path / "colours.pt")
    out = tmp_path / "changed.safetensors"
    shared = ["--commit", "abc", "--command", "python -m train", "--data", "CC0"]
    arguments = ["export", "--checkpoint", str(tmp_path / "colours.pt"), "--out", str(out), *shared]
    livelier = CliRunner().invoke(app, [*arguments, "--chroma", "1.25"])
    assert livelier.exit_code == 0, f"{livelier.output}\n{livelier.exception}"
    for name, tensor in load_file(out).items():
        factor = 1.25 if name in ("head.out.weight", "head.out.bias") else 1.0
        torch.testing.assert_close(tensor.float(), generator.state_dict()[name].float() * factor, rtol=2e-3, atol=1e-4)
    saved(tmp_path / "tones.pt", "defade")
    refused = CliRunner().invoke(app, [*arguments, "--checkpoint", str(tmp_path / "tones.pt"), "--chroma", "1.25"])
    assert "a tone head, and no distribution to change" in str(refused.exception or refused.output)
    careful = CliRunner().invoke(app, [*arguments, "--checkpoint", str(tmp_path / "tones.pt"), "--trust", "-0.5"])
    assert careful.exit_code == 0, f"{careful.output}\n{careful.exception}"
    before = read_trained(tmp_path / "tones.pt").generator.get_parameter("head.trust.bias").item()
    assert load_file(out)["head.trust.bias"].item() == pytest.approx(before - 0.5, abs=1e-3)
