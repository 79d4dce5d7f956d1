"""What a photograph can be taken from, and what is said of the rest."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import deoldify
from deoldify.photo import Photo, open_photo, photo_of


@pytest.fixture
def small(coffee: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.fromarray(coffee).resize((60, 40)))


def test_a_photo_comes_from_an_image_a_path_bytes_a_stream_or_pixels(
    small: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(small).save(path)
    data = path.read_bytes()
    for source in (Image.fromarray(small), path, str(path), data, bytearray(data), memoryview(data), small):
        assert np.array_equal(photo_of(source).pixels, small)
    assert np.array_equal(photo_of(io.BytesIO(data)).pixels, small)
    photo = open_photo(path)
    assert photo_of(photo) is photo


def test_pixels_may_be_grey_and_have_transparency_and_16_bits(small: npt.NDArray[np.uint8]) -> None:
    grey = small[..., 0]
    for pixels in (grey, grey[..., None], grey.astype(np.uint16) * 257):
        photo = photo_of(pixels)
        assert photo.was_grey and photo.alpha is None and photo.pixels.dtype == pixels.dtype
        assert all(np.array_equal(photo.pixels[..., channel], pixels.reshape(40, 60)) for channel in range(3))
    photo = photo_of(np.concatenate([small, grey[..., None]], axis=-1))
    assert np.array_equal(photo.pixels, small) and photo.alpha is not None and np.array_equal(photo.alpha, grey)
    assert not photo.was_grey


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (7, "not a int$"),
        (None, "not a NoneType$"),
        ([[1, 2]], "not a list$"),
        (np.zeros((4, 4, 3), np.float32), r"not an array \(4, 4, 3\) of float32$"),
        (np.zeros((4, 4, 2), np.uint8), r"not an array \(4, 4, 2\) of uint8$"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"not an array \(2, 4, 4, 3\) of uint8$"),
        (np.zeros((0, 4, 3), np.uint8), r"not an array \(0, 4, 3\) of uint8$"),
    ],
)
def test_what_is_no_photograph_is_told_what_one_is(source: Any, words: str) -> None:
    with pytest.raises(TypeError, match=f"^a photograph must be a PIL image, a path, the bytes of a file.*{words}"):
        photo_of(source)


def test_models_take_what_a_photo_can_be_taken_from(
    colorizer: deoldify.Colorizer, defader: deoldify.Defader, small: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(small).save(path)
    for model in (colorizer, defader):
        expected = np.asarray(model(Image.fromarray(small), render_factor=4))
        for source in (path, path.read_bytes(), small):
            assert np.array_equal(np.asarray(model(source, render_factor=4)), expected)
        with pytest.raises(TypeError, match="not a list"):
            model([small])  # type: ignore[arg-type]
        with pytest.raises(deoldify.PhotoError, match="is not a photograph"):
            model(b"no photograph at all")


def test_photos_and_models_say_what_they_are(colorizer: deoldify.Colorizer, defader: deoldify.Defader) -> None:
    photo = Photo(np.zeros((3000, 4000, 3), np.uint16), format="TIFF")
    assert repr(photo) == "Photo(4000×3000, 16 bits, TIFF)"
    assert repr(colorizer) == "Colorizer('compact', cpu, float32)"
    assert repr(defader) == "Defader('defade', cpu, float32)"
