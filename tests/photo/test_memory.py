"""What a large photograph costs in memory, each measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

MEASURE = """
import sys
from pathlib import Path
import numpy as np
import deoldify
from deoldify.photo import Photo, open_photo, save_photo

name, source, target = sys.argv[1:]
model = deoldify.load(name, device="cpu")
work = model.colorize_photo if name == "compact" else model.defade_photo
ramp = np.arange(300 * 200 * 3).reshape(200, 300, 3).astype(np.uint8)
save_photo(work(Photo(ramp)), target)

def resident(field):
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index(field) + 1]) * 1024

program = resident("VmRSS:")
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
photo = open_photo(source)
save_photo(work(photo), target)
print((resident("VmHWM:") - program) / (photo.width * photo.height))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux tells it")
@pytest.mark.parametrize(
    ("name", "suffix", "size"),
    [("compact", ".jpg", (6000, 4000)), ("defade", ".jpg", (6000, 4000)), ("compact", ".png", (3600, 2400))],
)
def test_a_large_photo_takes_at_most_12_bytes_a_pixel(
    name: str, suffix: str, size: tuple[int, int], coffee: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    source = tmp_path / f"large{suffix}"
    Image.fromarray(coffee).resize(size).save(source)
    command = [sys.executable, "-c", MEASURE, name, str(source), str(tmp_path / f"new{suffix}")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert 5 < float(done.stdout) <= 12  # the photo and the result alone are 6
