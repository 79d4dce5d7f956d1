"""From a training run's checkpoint to the file that is shipped, and to a repository that anybody can load from."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import HfApi, ModelCardData, get_token
from safetensors.torch import save_file

from deoldify.checkpoints import CONFIG_FILE, WEIGHTS_FILE, endpoint, find, find_on_hub, is_repository, names_of
from deoldify.errors import CheckpointError, UnknownModelError
from deoldify.model import check_render_factor
from train.errors import TrainingError
from train.folder import Trained, read_trained, replacing, write_text
from train.recipes import RECIPES

__all__ = ["Exported", "Story", "export", "stage", "upload"]

CARD_FILE = "README.md"


@dataclass(frozen=True)
class Exported:
    """A file of weights as ``deoldify.checkpoints`` records it."""

    path: Path
    sha256: str
    bytes: int


def export(
    checkpoint: Path,
    out: Path,
    origin: Mapping[str, str],
    *,
    chroma: float = 1.0,
    trust: float = 0.0,
) -> Exported:
    """Write the averaged weights of a run as safetensors, float16, with their generator's config.

    Args:
        checkpoint: what a run saved, or what was exported before.
        out: file to write; it appears whole or not at all.
        origin: what to tell about the weights (command, commit, data, ...), kept in the file's metadata.
        chroma: factor of the U and V that a generator emits, not of its distribution.
        trust: added to the logit of how far a tone head trusts itself beyond stretching the channels; less than 0
            gives up some gain on average to do harm to fewer photographs.

    Raises:
        CheckpointError: there is no such checkpoint, or its generator has no head that ``chroma`` or ``trust`` could
            change.
    """
    trained = read_trained(checkpoint)
    if chroma != 1:
        for weight in _of_head(trained, "distribution", "head.out").parameters():
            weight.data.mul_(chroma)
    if trust:
        _of_head(trained, "tone", "head.trust").get_parameter("bias").data.add_(trust)
    return _export(trained, out, origin)


def _of_head(trained: Trained, head: str, module: str) -> torch.nn.Module:
    if trained.generator.config.head != head:
        raise CheckpointError(f"the generator has a {trained.generator.config.head} head, and no {head} to change")
    return trained.generator.get_submodule(module)


def _export(trained: Trained, out: Path, origin: Mapping[str, str]) -> Exported:
    halved = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in trained.generator.state_dict().items()
    }
    metadata = {
        "config": json.dumps(trained.generator.config.to_dict()),
        "recipe": json.dumps(trained.recipe),
        "seed": str(trained.seed),
        "step": str(trained.step),
        **origin,
    }
    with replacing(out) as beside:
        save_file(halved, beside, metadata=metadata)
    data = out.read_bytes()
    return Exported(out, hashlib.sha256(data).hexdigest(), len(data))


@dataclass(frozen=True)
class Story:
    """What a model card tells beside what the checkpoint does.

    Attributes:
        licence: of the weights: an identifier that the Hub knows, such as ``"mit"``.
        data: what it was trained on, and under which terms.
        commit: of the code that trained it.
        command: that trained it.
        numbers: what ``python -m train evaluate --json`` wrote; ``None`` where nothing was measured.
        pictures: contact sheets and curves to show, PNG or JPEG.
        tables: other files to lie beside the card, such as the run's scalars.
    """

    licence: str
    data: str
    commit: str
    command: str
    numbers: Mapping[str, Any] | None = None
    pictures: Sequence[Path] = ()
    tables: Sequence[Path] = ()


def stage(checkpoint: Path, repo: str, folder: Path, render_factor: int | None, story: Story) -> list[Path]:
    """Lay out what is published: weights, configuration and model card, with their pictures.

    Args:
        checkpoint: of a run, a snapshot of one, or what was exported.
        repo: ``"owner/name"``, for the card.
        folder: to lay it out in; made if need be, emptied if it holds an earlier model's files.
        render_factor: at which the model does best; ``None`` takes that of the largest pictures it was trained on.
        story: what the card tells.

    Returns:
        the files, all that will be published.

    Raises:
        CheckpointError: there is no such checkpoint, or it does not tell what it was trained for.
        TrainingError: the repository's name is none, a picture is missing, the folder holds other things, or it cannot
            be written; or the render factor is out of range.
    """
    if not is_repository(repo):
        raise TrainingError(f"{repo!r} names no repository; --repo takes owner/name")
    trained = read_trained(checkpoint)
    if not trained.recipe:
        raise CheckpointError(f"{checkpoint} does not tell what it was trained for; publish the run's own checkpoint")
    factor = trained.render_factor if render_factor is None else render_factor
    try:
        check_render_factor(factor)
    except ValueError as error:
        raise TrainingError(f"name the render factor at which the model does best: {error}") from error
    shown = [*story.pictures, *story.tables]
    for path in shown:
        if not path.is_file():
            raise TrainingError(f"there is no file {path} to publish")
    if len({path.name for path in shown}) < len(shown):
        raise TrainingError("two of the files to publish have the same name; rename one")
    names = [WEIGHTS_FILE, CONFIG_FILE, CARD_FILE, *(path.name for path in shown)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = sorted(path.name for path in folder.iterdir() if path.name not in names)
        if strangers:
            raise TrainingError(f"{folder} holds other things ({', '.join(strangers[:3])}); name an empty --out")
        origin = {"data": story.data, "commit": story.commit, "command": story.command}
        exported = _export(trained, folder / WEIGHTS_FILE, origin)
        config = {
            "model_type": "deoldify",
            "format": 1,
            "task": trained.recipe["task"],
            "generator": trained.generator.config.to_dict(),
            "render_factor": factor,
            "licence": story.licence,
            "origin": f"published as {repo}; trained by the recipe {trained.recipe['name']}",
            "sha256": exported.sha256,
            "bytes": exported.bytes,
        }
        write_text(folder / CONFIG_FILE, json.dumps(config, indent=2) + "\n")
        write_text(folder / CARD_FILE, card(trained, repo, factor, story))
        for path in shown:
            shutil.copyfile(path, folder / path.name)
    except OSError as error:
        raise TrainingError(f"{folder} cannot be written: {error}") from error
    return [folder / name for name in names]


def card(trained: Trained, repo: str, render_factor: int, story: Story) -> str:
    """The model card, in Markdown with the front matter that the Hub reads.

    Args:
        trained: the model.
        repo: ``"owner/name"``.
        render_factor: at which it does best.
        story: what else there is to tell.
    """
    recipe, task = trained.recipe, trained.recipe["task"]
    front = ModelCardData(
        license=story.licence, library_name="deoldify", pipeline_tag="image-to-image",
        tags=["deoldify", "image-colorization" if task == "colorize" else "image-restoration"],
    )  # fmt: skip
    parameters = sum(weight.numel() for weight in trained.generator.parameters())
    about = RECIPES[recipe["name"]].about if recipe["name"] in RECIPES else recipe.get("about", "")
    colorizes = task == "colorize"
    lines = [
        "---", front.to_yaml().strip(), "---", "",
        f"# {repo.partition('/')[2]}", "",
        f"{'Colours black-and-white' if colorizes else 'Restores faded'} photographs, with DeOldify. "
        f"{parameters / 1e6:.1f} million parameters on {trained.generator.config.encoder}, stored as float16.", "",
        "```python", "import deoldify", "",
        f'{"colorizer" if colorizes else "defader"} = deoldify.load("{repo}")',
        f"result = {'colorizer' if colorizes else 'defader'}(image)  # a PIL image", "```", "",
        f"It does best at render factor {render_factor}, which is used when none is asked for.", "",
    ]  # fmt: skip
    for path in story.pictures:
        lines += [f"![{path.stem}]({path.name})", ""]
    lines += ["## Recipe", "", f"`{recipe['name']}`: {about}", ""]
    lines += [f"- command: `{story.command}`", f"- commit: {story.commit}"]
    lines += [f"- seed {trained.seed}, step {trained.step}", "", *_stages(recipe), ""]
    lines += ["## Data and terms", "", story.data, "", *_teacher(recipe)]
    lines += ["## Numbers", "", *(_numbers(story.numbers) if story.numbers else ["Not measured."]), ""]
    for path in story.tables:
        lines.append(f"[{path.name}]({path.name}) lies beside this card.")
    return "\n".join(lines).rstrip() + "\n"


def _teacher(recipe: Mapping[str, Any]) -> list[str]:
    """Whose colours the weights have learned beside those of photographs, and under which licence its own are."""
    teacher = recipe.get("teacher", "")
    if not teacher:
        return []
    licences = []
    for name in names_of(teacher):
        try:
            licences.append(f"`{name}` (licence {find(name).licence})")
        except UnknownModelError:
            licences.append(f"`{Path(name).name}` (licence unknown to this program)")
    share = f"{recipe['teacher_weight']:.0%}"
    return [f"A teacher's colours were blended into the targets of the pixels, at {share}: {', '.join(licences)}.", ""]


def _stages(recipe: Mapping[str, Any]) -> list[str]:
    rows = [["stage", "phase", "side", "batch", "steps", "rate", "critic's rate"], ["---"] * 7]
    for each in recipe["stages"]:
        phase, critic_rate = each.get("phase", "generator"), each.get("critic_rate", 0.0)
        rows.append([
            each["name"], phase, str(each["size"]), str(each["batch"]), f"{each['steps']:,}",
            "–" if phase == "critic" else f"{each['rate']:.3g}",
            "–" if phase == "generator" else f"{critic_rate:.3g}",
        ])  # fmt: skip
    return [_row(row) for row in rows]


def _numbers(numbers: Mapping[str, Any]) -> list[str]:
    """All that was measured, a row for each measure, a column for each set and render factor."""
    columns: dict[str, dict[str, str]] = {}
    for factor, sets in numbers["render_factors"].items():
        for name, measures in sets.items():
            columns[f"{name}, factor {factor}"] = dict(_flat(measures))
    names = list(dict.fromkeys(name for measures in columns.values() for name in measures))
    rows = [["measure", *columns], ["---"] * (len(columns) + 1)]
    rows += [[name, *(measures.get(name, "–") for measures in columns.values())] for name in names]
    return [f"By `python -m train evaluate`, {numbers['precision']}.", "", *map(_row, rows)]


def _flat(measures: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found = []
    for name, value in measures.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}: ")
        elif value is not None:
            shown = f"{value:.3f}" if isinstance(value, float) else str(value)
            found.append((prefix + name.replace("_", " "), shown))
    return found


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def upload(folder: Path, repo: str, files: Sequence[Path], *, private: bool = False) -> str:
    """Bring a model's files into a repository on the Hub, made if need be, in one commit.

    The Hub is the one that ``HF_ENDPOINT`` names; the token is that of ``hf auth login`` or ``HF_TOKEN``.

    Args:
        folder: that holds the files.
        repo: ``"owner/name"``.
        files: in the folder.
        private: whether a repository that is made now is seen by its owner alone.

    Returns:
        the commit, 40 hex digits, as the Hub then has it.

    Raises:
        TrainingError: nobody is logged in, the Hub refuses or cannot be reached, or what it then serves is not sound.
    """
    if get_token() is None:
        raise TrainingError("publishing needs a login: run `hf auth login`, or set HF_TOKEN")
    hub = HfApi(endpoint=endpoint())
    try:
        hub.create_repo(repo, private=private, exist_ok=True)
        done = hub.upload_folder(
            repo_id=repo, folder_path=folder, commit_message="A model trained with DeOldify",
            allow_patterns=[path.name for path in files],
        )  # fmt: skip
    except Exception as error:  # the client's HTTP library has changed twice, and its errors with it
        raise TrainingError(f"{repo} cannot be published on {hub.endpoint}: {error}") from error
    try:
        find_on_hub(repo, done.oid)
    except CheckpointError as error:
        raise TrainingError(f"{repo} was published, but cannot be read back: {error}") from error
    return str(done.oid)
