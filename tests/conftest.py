"""What tests share: the photographs that scikit-image brings, the parity kit where it is present; and how they run.

The whole suite runs in two processes, a file in one of them, each on one thread: renders of test pictures are too small
for more. What is named on the command line runs in this one, where a debugger can follow.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

if TYPE_CHECKING:
    import deoldify

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported, and for what tests start

SHARED = Path(__file__).parents[2] / "shared"


def shared(name: str, what: str) -> Path:
    """A folder that lies beside the repository; skips the test where it is not there."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{what} not at {folder}")
    return folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes: see above."""
    return 2 if config.args_source == pytest.Config.ArgsSource.TESTPATHS else 0


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked for CUDA where there is none."""
    if item.get_closest_marker("cuda") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("there is no CUDA device here")


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    """How much is said is the process's, and goes back after a command line that says less or more."""
    loggers = [logging.getLogger(name) for name in ("deoldify", "train", "tensorboard")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="session")
def coffee() -> npt.NDArray[np.uint8]:
    """A colour photograph, (400, 600, 3) uint8."""
    from skimage import data

    return np.asarray(data.coffee())  # type: ignore[no-untyped-call]


@pytest.fixture(scope="session")
def colorizer() -> deoldify.Colorizer:
    """The embedded one, in float32 on the CPU."""
    import deoldify

    return deoldify.load("compact", device="cpu", precision="float32")


@pytest.fixture(scope="session")
def defader() -> deoldify.Defader:
    """The embedded one, in float32 on the CPU."""
    import deoldify

    return deoldify.load("defade", device="cpu", precision="float32")


@pytest.fixture(scope="session")
def parity_kit() -> Path:
    """The folder with the parity kit; skips where it is not there."""
    return shared("parity", "the parity kit is")


@pytest.fixture(scope="session")
def stand_in(parity_kit: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A stand-in for each published file: artistic as a bare state dict of 2019, stable wrapped and new."""
    folder = tmp_path_factory.mktemp("published")
    files = {"artistic": folder / "artistic.pth", "stable": folder / "stable.pth"}
    for kind, options in (("artistic", ["--legacy"]), ("stable", ["--wrap"])):
        script = parity_kit / "make_checkpoint.py"
        subprocess.run([sys.executable, str(script), kind, str(files[kind]), *options], check=True, timeout=300)
    return files


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with photographs to train and measure on; skips where it is not there."""
    return shared("data", "the photographs are")
