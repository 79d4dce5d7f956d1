"""What tests share: the photographs that scikit-image brings, the parity kit where it is present."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def coffee() -> npt.NDArray[np.uint8]:
    """A colour photograph, (400, 600, 3) uint8."""
    from skimage import data

    return np.asarray(data.coffee())  # type: ignore[no-untyped-call]


@pytest.fixture(scope="session")
def parity_kit() -> Path:
    """The folder with the parity kit; skips where it is not there."""
    folder = SHARED / "parity"
    if not folder.is_dir():
        pytest.skip(f"the parity kit is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with photographs to train and measure on; skips where it is not there."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"the photographs are not at {folder}")
    return folder
