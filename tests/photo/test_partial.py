"""Files appear whole or not at all, and only what nobody writes any more is swept away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deoldify.errors import PhotoError
from deoldify.photo import WRITABLE_SUFFIXES, Photo, open_photo, partial_file, save_photo, sweep
from tests.photo.pictures import noise

WRITER = """
import sys, time
from pathlib import Path
from deoldify.photo import partial_file
with partial_file(Path(sys.argv[1])) as stream:
    stream.write(b"half")
    stream.flush()
    print("begun", flush=True)
    time.sleep(600)
"""


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    with partial_file(target, modified=1_000_000_000_000_000_000) as stream:
        stream.write(b"all of it")
        assert not target.exists()
    assert target.read_bytes() == b"all of it"
    assert target.stat().st_mtime == 1_000_000_000
    assert list(tmp_path.iterdir()) == [target]


def test_nothing_is_left_of_what_failed(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    target.write_bytes(b"before")

    def write_half() -> None:
        with partial_file(target) as stream:
            stream.write(b"after")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


def test_a_sweep_takes_what_was_left_and_not_what_is_being_written(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    command = [sys.executable, "-c", WRITER, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "begun\n"
        (partial,) = tmp_path.iterdir()
        sweep(tmp_path)
        assert partial.read_bytes() == b"half"
        writer.kill()
    assert partial.exists()
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="the largest size of a file is set as POSIX sets it")
@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_a_disk_that_is_full_leaves_nothing_half_written(tmp_path: Path, suffix: str) -> None:
    """A file that can grow no further is what a full disk is, down to the last write that is cut short."""
    import resource

    photo, soft = Photo(noise(200, 300)), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, soft[1]))
    try:
        with pytest.raises(PhotoError, match=r"cannot save .*File too large"):
            save_photo(photo, tmp_path / f"a{suffix}", label="Coloured", stamp="s")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, soft)
    assert not list(tmp_path.iterdir())
    save_photo(photo, tmp_path / f"a{suffix}")
    assert open_photo(tmp_path / f"a{suffix}").pixels.shape == (200, 300, 3)
