"""Photographs by pipes, none of which is waited for for ever."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deoldify.errors import PhotoError
from deoldify.folder import Run, Task, process, streams
from deoldify.photo import Photo, open_photo

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")


def never() -> bool:
    return False


def encoded(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(15, 20) // 2).save(out, kind)
    return out.getvalue()


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_photo_goes_in_by_one_pipe_and_out_by_another(pipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    os.mkfifo(out)
    came: list[bytes] = []
    hands = [
        threading.Thread(target=lambda: pipe.write_bytes(encoded())),
        threading.Thread(target=lambda: came.append(out.read_bytes())),
    ]
    for hand in hands:
        hand.start()

    def work(photo: Photo) -> tuple[Photo, str]:
        return photo.with_pixels(255 - photo.pixels), "inverted"

    (outcome,) = process([Task(pipe, out)], Run(work), workers=1)
    for hand in hands:
        hand.join(60)
    assert (outcome.status, outcome.message) == ("done", "")
    result = open_photo(io.BytesIO(came[0]))
    assert result.format == "TIFF"
    assert np.array_equal(result.pixels[..., 0], 255 - np.arange(300, dtype=np.uint8).reshape(15, 20) // 2)
    assert sorted(tmp_path.iterdir()) == [out, pipe]


def test_what_is_no_photo_is_called_by_the_pipes_name(pipe: Path, tmp_path: Path) -> None:
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"no photo"))
    writer.start()
    (outcome,) = process(
        [Task(pipe, tmp_path / "a.jpg")], Run(lambda photo: (photo, "unchanged")), workers=1
    )  # fmt: skip
    writer.join(60)
    assert outcome.status == "failed" and outcome.message.startswith(f"{pipe} is not a photograph")


def test_nobody_is_waited_for_for_ever(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_PARTNER_SECONDS", 0.3)
    monkeypatch.setattr(streams, "_SILENCE_SECONDS", 0.5)
    with pytest.raises(PhotoError, match="a pipe that nobody writes to"):
        streams.receive(pipe, never)
    with pytest.raises(PhotoError, match="cannot write to"), streams.sent(pipe, ".png", never) as file:
        file.write_bytes(b"a photo")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:  # who reads nothing, and writes nothing
        with pytest.raises(PhotoError, match="nobody read it"), streams.sent(pipe, ".png", never) as file:
            file.write_bytes(bytes(1 << 20))
        writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        try:
            while os.read(reader, 1 << 20):
                pass
        except BlockingIOError:
            with pytest.raises(PhotoError, match="no more of it came"):
                streams.receive(pipe, never)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def test_waiting_ends_with_the_run(pipe: Path) -> None:
    with pytest.raises(PhotoError, match="not waited for"):
        streams.receive(pipe, lambda: True)


def test_what_has_no_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PhotoError, match="is a device"):
        streams.receive(Path("/dev/zero"), never)
    monkeypatch.setattr(streams, "LARGEST", 1 << 20)
    os.mkfifo(tmp_path / "endless")

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), (tmp_path / "endless").open("wb", buffering=0) as out:
            while True:
                out.write(bytes(1 << 16))

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(PhotoError, match="more than 1 MB"):
        streams.receive(tmp_path / "endless", never)
    writer.join(60)
    assert not writer.is_alive()
