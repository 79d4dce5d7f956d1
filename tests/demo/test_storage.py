"""Where visitors' files lie, and that none stays longer than said."""

from __future__ import annotations

import os
import time
from pathlib import Path

from demo.storage import Storage, sweep


def test_a_start_clears_what_ended_ones_left_and_spares_running_ones(tmp_path: Path) -> None:
    running = Storage(tmp_path)
    kept = running.new_folder() / "photo.jpg"
    kept.write_bytes(b"photo")
    left = tmp_path / "part-of-a-killed-one"
    left.mkdir()
    (left / "photo.jpg").write_bytes(b"photo")
    (tmp_path / "part-of-a-killed-one.lock").touch()
    foreign = tmp_path / "holiday.jpg"
    foreign.write_bytes(b"mine")
    second = Storage(tmp_path)
    assert kept.exists() and foreign.exists() and not left.exists()
    assert not (tmp_path / "part-of-a-killed-one.lock").exists()
    running.close()
    second.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["holiday.jpg", "start.lock"]


def test_names_are_long_and_differ(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    names = {storage.new_folder().name for _ in range(50)}
    assert len(names) == 50 and all(len(name) == 32 and int(name, 16) >= 0 for name in names)
    storage.close()


def test_old_files_and_folders_left_empty_go(tmp_path: Path) -> None:
    long_ago = time.time() - 1000
    for name in ("old/deep/a.jpg", "mixed/b.jpg", "mixed/new.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
        if "new" not in name:
            os.utime(tmp_path / name, (long_ago, long_ago))
    (tmp_path / "link").symlink_to(tmp_path.parent)
    for folder in ("old/deep", "old", "mixed"):
        os.utime(tmp_path / folder, (long_ago, long_ago))
    sweep(tmp_path, 500)
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*.jpg"))] == ["mixed/new.jpg"]
    assert (tmp_path / "link").is_symlink()
    sweep(tmp_path, -10)
    assert not list(tmp_path.iterdir()) and tmp_path.is_dir()  # the link went, and was not followed
