"""Streamed shards: from a real server, in one order whatever the workers, to be gone on with anywhere."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.tars import Bucket, serve, shard
from train.data import DataError, Drawing, Images, Preparation, Source, index, is_held_out, members, open_source, shards
from train.parallel import Peers

ALONE = Peers(0, 1, torch.device("cpu"))
COUNT, SHARDS = 9, 5
Batch = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture(autouse=True)
def _few_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the lanes, which is a quarter of the requests."""
    monkeypatch.setattr(shards, "LANES", 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    for number in range(SHARDS):
        shard(folder / f"toy-{number:03}.tar", COUNT, number, damaged=number == 3)
    return folder


@pytest.fixture(scope="module")
def bucket(folder: Path) -> Iterator[Bucket]:
    with serve(folder) as running:
        yield running


@pytest.fixture
def pattern(bucket: Bucket) -> str:
    return f"{bucket.url}/toy-{{000..{SHARDS - 1:03}}}.tar"


def drawing(batch: int = 6, workers: int = 0, peers: Peers = ALONE) -> Drawing:
    return Drawing(Preparation("grey"), 8, batch, {}, 5, workers, peers)


def take(source: Source, steps: range, **changes: object) -> list[Batch]:
    return list(source.batches(drawing(**changes), steps))  # type: ignore[arg-type]


def same(a: list[Batch], b: list[Batch]) -> bool:
    return len(a) == len(b) and all(torch.equal(x, y) for pair in zip(a, b) for x, y in zip(*pair))


def test_the_order_is_the_seeds_whatever_the_workers(pattern: str) -> None:
    alone, one, two = (take(open_source(pattern), range(14), workers=workers) for workers in (0, 1, 2))
    assert alone[0][0].shape == (6, 3, 8, 8) and alone[0][0].dtype == torch.uint8
    assert same(alone, one) and same(alone, two)
    assert not torch.equal(alone[0][1], alone[1][1])


def test_a_run_goes_on_where_it_was_to_the_bit_at_any_step(pattern: str) -> None:
    whole = open_source(pattern)
    expected = take(whole, range(30))
    for step, workers in ((1, 0), (13, 2), (29, 0)):
        before = open_source(pattern)
        # More is prepared ahead than is used: what counts is what was used.
        loader = iter(before.batches(drawing(workers=workers), range(30)))
        for _ in range(step):
            next(loader)
        after = open_source(pattern)
        after.go_to(before.state(ALONE))
        assert same(take(after, range(step, 30)), expected[step:])
        assert after.state(ALONE) == whole.state(ALONE)


def test_processes_divide_the_batches_of_one(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = take(open_source(pattern), range(18))
    sources = [open_source(pattern) for _ in range(2)]
    # What all_reduce would do, in one process.
    monkeypatch.setattr(
        Peers, "highest", lambda self, values: [max(v) for v in zip(*(s._positions for s in sources))]  # type: ignore[attr-defined]
    )  # fmt: skip
    for first, last in ((0, 7), (7, 18)):
        parts = [
            take(source, range(first, last), peers=Peers(rank, 2, torch.device("cpu")), workers=rank * 2)
            for rank, source in enumerate(sources)
        ]
        for number, whole in enumerate(expected[first:last]):
            for part, of_all in zip(zip(*(parts[rank][number] for rank in (0, 1))), whole, strict=True):
                assert torch.equal(torch.stack(part, 1).flatten(0, 1), of_all)
    with pytest.raises(DataError, match=r"among 5 processes; a divisor of 12"):
        take(open_source(pattern), range(1), batch=5, peers=Peers(0, 5, torch.device("cpu")))


def test_every_useful_image_comes_as_often_as_any_other_and_the_rest_is_counted(folder: Path, pattern: str) -> None:
    source = open_source(pattern)
    entries = Images(index(folder)).entries  # the same tar files in a folder have the same split
    useful = {e.name for e in entries} - {"toy-003/03000.jpg", "toy-003/03001.jpg"}  # one grey, one damaged
    assert len(useful) >= SHARDS * COUNT - 4
    # Uncut and unmirrored pictures would be told apart at once; their mean colours survive both, roughly.
    names = {_mean(content): name for url in _urls(source) for name, content, _ in members(url) if name in useful}
    drawn = Counter[str]()
    for _, after in take(source, range(12 * COUNT * 5 // 6)):
        for picture in after:
            mean = picture.float().mean((1, 2))
            nearest = min(names, key=lambda known: float((torch.tensor(known) - mean).abs().sum()))
            drawn[names[nearest]] += 1
    assert sum(drawn.values()) == 12 * COUNT * 5
    assert set(drawn) == useful
    # Every lane has been through some five shards, and each picture is there 12 times in the mean.
    assert min(drawn.values()) >= 4 and max(drawn.values()) <= 24
    corrupt, grey = source.skipped.counts()
    assert 6 <= corrupt <= 18 and 6 <= grey <= 18


def _urls(source: Source) -> list[str]:
    assert isinstance(source, shards.Shards)
    return source.urls


def _mean(content: bytes) -> tuple[float, ...]:
    return tuple(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).mean((0, 1)).tolist())


def test_what_breaks_off_is_taken_up_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(shards, "_BLOCK", 4096)
    with serve(folder) as bucket:
        whole = list(members(f"{bucket.url}/toy-000.tar"))
        bucket.requests.clear()
        bucket.breaks = {2, 3}
        assert list(members(f"{bucket.url}/toy-000.tar")) == whole
        assert len({wanted for _, wanted in bucket.requests}) < len(bucket.requests)  # some was asked for again
        bucket.requests.clear()
        bucket.breaks = set(range(1, 99))
        with pytest.raises(DataError, match=r"toy-000\.tar cannot be read from byte 0 on"):
            list(members(f"{bucket.url}/toy-000.tar"))


def test_a_shard_is_read_from_any_of_its_members_on(folder: Path) -> None:
    with tarfile.open(folder / "toy-001.tar") as tar:
        direct = [(f"toy-001/{m.name}", tar.extractfile(m).read()) for m in tar if m.name.endswith(".jpg")]  # type: ignore[union-attr]
    with serve(folder) as bucket:
        read = list(members(f"{bucket.url}/toy-001.tar"))
        assert [(name, content) for name, content, _ in read] == direct
        for number, (_, _, end) in enumerate(read):
            assert list(members(f"{bucket.url}/toy-001.tar", end)) == read[number + 1 :]
    with serve(folder, ranges=False) as bucket, pytest.raises(DataError, match=r"does.* support range requests"):
        list(members(f"{bucket.url}/toy-001.tar", read[0][2]))


def test_what_cannot_be_had_is_told_and_nothing_is_waited_for(folder: Path, bucket: Bucket, pattern: str) -> None:
    with pytest.raises(DataError, match=r"there is no http://.*/none\.tar"):
        take(open_source(f"{bucket.url}/none.tar"), range(1), workers=2)
    with pytest.raises(DataError, match="mixes URLs and files"):
        open_source(f"{{{bucket.url}/toy-000,{folder}/toy-001}}.tar")
    with pytest.raises(DataError, match="nowhere:// cannot be read here"):
        open_source("nowhere://bucket/{0..3}.tar")
    with pytest.raises(DataError, match=r"nowhere/0\.tar does not exist"):
        open_source("/nowhere/{0..3}.tar")
    with pytest.raises(DataError, match="--images is for shards that are streamed"):
        open_source(str(folder), 100)
    source = open_source(pattern)
    with pytest.raises(DataError, match="started on 4 shards, not on 5"):
        source.go_to({"shards": 4, "positions": [0] * 12, "drawn": 0})


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_without_a_useful_image_are_an_error_not_a_wait(tmp_path: Path, workers: int) -> None:
    with tarfile.open(tmp_path / "grey.tar", "w") as tar:
        content = io.BytesIO()
        Image.new("RGB", (9, 9), "grey").save(content, "PNG")
        member = tarfile.TarInfo("a.png")
        member.size = len(content.getvalue())
        tar.addfile(member, io.BytesIO(content.getvalue()))
    with pytest.raises(DataError, match=r"^not one of the training images can be decoded and has colour$"):
        take(open_source(f"file://{tmp_path}/grey.tar"), range(1), workers=workers)


def test_local_patterns_are_indexed_as_folders_are(folder: Path) -> None:
    source = open_source(f"{folder}/toy-{{000..{SHARDS - 1:03}}}.tar")
    assert isinstance(source, Images)
    assert source.entries == Images(index(folder)).entries
    assert source.images == sum(not is_held_out(entry.name) for entry in index(folder))


def test_a_few_images_of_the_validation_part_are_kept(folder: Path, pattern: str, tmp_path: Path) -> None:
    held_out = {entry.name for entry in Images(index(folder)).held_out}
    found = open_source(pattern).few(tmp_path, 12)
    assert len(found) == 12
    assert {entry.name for entry in found if is_held_out(entry.name)} == held_out
    # Nothing is asked for a second time, and nothing half-brought is left.
    assert open_source("http://127.0.0.1:9/{0..4}.tar").few(tmp_path, 12) == found
    assert [path.name for path in tmp_path.iterdir()] == ["held-out"]


def test_the_count_of_images_is_the_users(pattern: str) -> None:
    assert open_source(pattern).images is None
    assert open_source(pattern, 1000).images == 990
