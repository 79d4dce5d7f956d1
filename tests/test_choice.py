"""auto: the truest model that is here, fits and is quick enough; a folder goes on with the one it was begun with."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

import deoldify
from deoldify import __main__, loading
from deoldify.checkpoints import Checkpoint, best_here, find, finding, records
from deoldify.errors import DeOldifyError, UnknownModelError
from deoldify.model import Model
from deoldify.network import ARTISTIC, memory
from deoldify.photo import read_label
from tests.ddcolor import ODD, as_published, random_network
from tests.network.costs import PLENTY

CPU = ["--device", "cpu", "--precision", "float32"]
Put = Callable[..., None]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """A machine without a network and with nothing but what is embedded, where models can be put: toys, by name."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setenv("DEOLDIFY_WEIGHTS", str(folder))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("deoldify.checkpoints.fetching.hub.download", None)  # nothing is ever asked for
    monkeypatch.setattr(memory, "free_bytes", lambda device: PLENTY)

    def put(*names: str) -> None:
        for name in names:
            known = find(name)
            config = dataclasses.replace(ODD, width=300) if known.config == ARTISTIC else ODD  # one is larger
            state = as_published(random_network(config, seed=len(name)))
            file = folder / known.file
            torch.save({"params": state}, file)
            toy = dataclasses.replace(
                known, config=config, render_factor=4, bytes=file.stat().st_size, slack=0,
                sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
            )  # fmt: skip
            changed: tuple[Checkpoint, ...] = tuple(toy if each.name == name else each for each in records.CHECKPOINTS)
            monkeypatch.setattr(records, "CHECKPOINTS", changed)
            monkeypatch.setattr(finding, "CHECKPOINTS", changed)

    return put


@pytest.fixture
def photos(coffee: npt.NDArray[np.uint8], tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(coffee).convert("L").resize((40, 30)).save(folder / name)
    return folder


def call(*arguments: object) -> Result:
    return CliRunner().invoke(__main__.app, [str(argument) for argument in arguments])


def test_the_order_is_fixed_and_what_is_not_here_or_damaged_is_passed_over(
    put: Put, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert best_here() == [("compact",)]
    put("ddcolor-tiny")
    assert best_here() == [("ddcolor-tiny",), ("compact",)]
    put("artistic", "ddcolor-artistic")
    pair = [("ddcolor-artistic", "artistic"), ("ddcolor-artistic",), ("artistic",)]
    assert best_here() == [*pair, ("ddcolor-tiny",), ("compact",)]
    file = tmp_path / "weights" / find("artistic").file
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert best_here() == [pair[1], ("ddcolor-tiny",), ("compact",)]
    assert "passed over" in caplog.text and "'artistic'" in caplog.text


def test_on_a_bare_machine_auto_is_compact(put: Put) -> None:
    assert loading.load_best(device="cpu").checkpoint.name == "compact"


def test_auto_is_the_truest_that_fits_and_is_quick_enough(
    put: Put, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put("artistic", "ddcolor-artistic", "ddcolor-tiny")
    seconds = {"artistic": 20.0, "ddcolor-artistic": 30.0}
    monkeypatch.setattr(Model, "seconds", lambda self, *_: seconds.get(self.checkpoint.name, 1.0))
    named = deoldify.load("auto", device="cpu", precision="float32")
    assert named.checkpoint.name == "artistic+ddcolor-artistic"
    seconds["artistic"] = 50.0
    assert loading.load_best(device="cpu").checkpoint.name == "ddcolor-artistic"
    assert "artistic+ddcolor-artistic would take 80 s" in caplog.text
    seconds["ddcolor-artistic"] = 61.0
    assert loading.load_best(device="cpu").checkpoint.name == "artistic"

    # Beside weights that are read and built, the render must fit; toys' renders take no memory to speak of.
    monkeypatch.setattr(loading, "largest_render_factor", lambda *_, at_most, **__: at_most)
    monkeypatch.setattr(memory, "free_bytes", lambda device: 2 * find("artistic").bytes - 1)
    assert find("ddcolor-tiny").bytes < find("artistic").bytes / 10
    assert loading.load_best(device="cpu").checkpoint.name == "ddcolor-tiny"
    monkeypatch.setattr(memory, "free_bytes", lambda device: PLENTY)
    monkeypatch.setattr(loading, "largest_render_factor", lambda *_, **__: None)
    assert loading.load_best(device="cpu").checkpoint.name == "compact"


def test_the_command_line_says_what_auto_is_and_the_result_does(put: Put, photos: Path, tmp_path: Path) -> None:
    put("ddcolor-artistic", "artistic")
    done = call("colorize", photos / "a.png", "-o", tmp_path / "new.png", *CPU)
    assert done.exit_code == 0, done.output
    assert done.stderr.count("auto: artistic+ddcolor-artistic, the truest of the models that are here") == 1
    assert "(artistic+ddcolor-artistic)" in read_label(tmp_path / "new.png")
    restored = call("restore", photos / "a.png", "-o", tmp_path / "fresh.png", "--colour", "always", *CPU)
    assert restored.exit_code == 0 and "auto: artistic+ddcolor-artistic" in restored.stderr, restored.output


def test_a_folder_keeps_the_model_that_its_first_photo_was_done_with(put: Put, photos: Path, tmp_path: Path) -> None:
    put("ddcolor-tiny")
    folder = tmp_path / "new"
    first = call("colorize", photos, "-o", folder, *CPU)
    assert first.exit_code == 0 and "auto: ddcolor-tiny, the truest" in first.stderr, first.output
    put("ddcolor-artistic")
    Image.open(photos / "a.png").save(photos / "c.png", pnginfo=None, compress_level=1)
    again = call("colorize", photos, "-o", folder, *CPU)
    assert again.exit_code == 0, again.output
    assert "auto: ddcolor-tiny, with which the first photos" in again.stderr
    assert "2 of 3 photos are done already" in again.stderr
    assert {read_label(path).split(")")[0] for path in folder.glob("*.png")} == {"Coloured by DeOldify (ddcolor-tiny"}
    elsewhere = call("colorize", photos, "-o", tmp_path / "other", *CPU)
    assert "auto: ddcolor-artistic, the truest" in elsewhere.stderr
    (tmp_path / "weights" / find("ddcolor-tiny").file).unlink()
    gone = CliRunner().invoke(__main__.app, ["colorize", str(photos), "-o", str(folder), *CPU])
    assert isinstance(gone.exception, DeOldifyError)
    assert "were done with ddcolor-tiny" in str(gone.exception) and "deoldify fetch ddcolor-tiny" in str(gone.exception)


def test_models_that_are_to_agree_are_named_with_a_plus_in_any_order(put: Put, photos: Path, tmp_path: Path) -> None:
    put("ddcolor-tiny")
    report, target = tmp_path / "done.csv", tmp_path / "new"
    done = call("colorize", photos, "-o", target, "-m", "ddcolor-tiny+compact", "--report", report, *CPU)
    assert done.exit_code == 0, done.output
    assert "(compact+ddcolor-tiny)" in read_label(target / "a.png")
    assert "auto" not in done.stderr
    for words in ("compact@", "ddcolor-tiny", find("ddcolor-tiny").sha256, find("compact").sha256):
        assert words in report.read_text()
    again = call("colorize", photos, "-o", target, "-m", "compact+ddcolor-tiny", *CPU)
    assert "2 of 2 photos are done already" in again.stderr
    unknown = CliRunner().invoke(__main__.app, ["colorize", str(photos), "-o", "x", "-m", "compact+vivid"])
    assert isinstance(unknown.exception, UnknownModelError) and "'vivid'" in str(unknown.exception)


def test_weights_of_one_s_own_are_found_out(put: Put, photos: Path, tmp_path: Path) -> None:
    torch.save({"net_g": as_published(random_network(ODD))}, tmp_path / "anything.pth")
    target, report = tmp_path / "new.png", tmp_path / "done.csv"
    arguments = ["colorize", photos / "a.png", "-o", target, "--checkpoint", tmp_path / "anything.pth", "-r", 4]
    done = call(*arguments, "--report", report, *CPU)
    assert done.exit_code == 0, done.output
    assert "anything.pth is DDColor, of other widths." in done.stderr
    assert "(anything.pth)" in read_label(target)
    assert hashlib.sha256((tmp_path / "anything.pth").read_bytes()).hexdigest() in report.read_text()


def test_before_a_download_size_source_and_licence_are_said(put: Put, photos: Path, tmp_path: Path) -> None:
    done = call("colorize", photos / "a.png", "-o", tmp_path / "new.png", "-m", "ddcolor-tiny+compact", *CPU)
    said = "ddcolor-tiny is not here yet: 220 MB come from piddnad/DDColor-models on the Hugging Face Hub, under the"
    assert done.exit_code == 1 and f"{said} licence Apache-2.0." in done.stderr and "compact is" not in done.stderr
    assert "is not here yet: 912 MB" in call("fetch", "ddcolor+ddcolor-tiny").stderr
