"""The check finds what it should in made data, and nothing where there is nothing."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from train.__main__ import main
from train.data.check import check, report
from train.data.duplicates import hash_pictures, near_duplicates


@pytest.fixture(scope="module")
def pictures() -> Any:
    """Parts of real photographs, all different, and near-copies of some of them."""
    data = pytest.importorskip("skimage.data")
    rng = np.random.default_rng(0)
    sources = [data.astronaut(), data.coffee(), data.chelsea(), np.dstack([data.camera()] * 3)]
    found = []
    for i in range(60):
        source = sources[i % len(sources)]
        y, x = rng.integers(0, source.shape[0] - 130), rng.integers(0, source.shape[1] - 130)
        found.append(cv2.resize(source[y : y + 128, x : x + 128], (96, 96)))
    return found


def near_copy(image: np.ndarray) -> Any:
    smaller = cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(
        ".jpg", np.clip(smaller * 0.9 + 12, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 70]
    )
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[:, :, ::-1])


def test_near_copies_are_found_and_only_they(pictures: list[np.ndarray]) -> None:
    copies = [near_copy(p) for p in pictures[:20]]
    pairs = near_duplicates(hash_pictures([*pictures, None, *copies]))
    wanted = {(i, 61 + i) for i in range(20)}
    got = {tuple(p) for p in pairs.tolist()}
    assert len(wanted & got) >= 19
    assert not got - wanted


def test_search_by_bands_finds_what_comparing_all_finds() -> None:
    rng = np.random.default_rng(1)
    base = rng.integers(0, 2**63, 40, dtype=np.uint64)
    flips = np.array([sum(1 << int(b) for b in rng.choice(63, 8, replace=False)) for _ in base], np.uint64)
    hashes = hash_pictures([np.zeros((8, 8), np.uint8)] * 80)
    object.__setattr__(hashes, "phash", np.concatenate([base, base ^ flips]))
    object.__setattr__(hashes, "thumbs", np.full((80, 576), 1 / 24, np.float16))
    bits = np.bitwise_count(hashes.phash[:, None] ^ hashes.phash[None])
    all_pairs = {(i, j) for i, j in np.argwhere(bits <= 10).tolist() if i < j}
    assert {tuple(p) for p in near_duplicates(hashes).tolist()} == all_pairs
    assert len(all_pairs) >= 40


def test_check_counts_unreadable_files_empty_classes_and_leaks(
    tmp_path: Path, pictures: list[np.ndarray]
) -> None:
    for i, picture in enumerate(pictures[:12]):
        split = "train" if i < 9 else "valid"
        save(tmp_path / split / ("happy" if i % 2 else "sad") / f"{i}.png", picture)
    save(tmp_path / "valid" / "happy" / "leak.png", near_copy(pictures[0]))
    (tmp_path / "train" / "happy" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    found = check([str(tmp_path)])
    (part,) = found["sets"].values()
    assert (part["pictures"], part["unreadable"]) == (14, 1)
    assert part["unreadable_examples"] == ["train/happy/broken.jpg"]
    assert "Angry" in part["empty"]
    assert "Happy" not in part["empty"]
    assert part["counts"]["Sad"] == {"train": 5, "valid": 1, "test": 0}
    pairs = found["near_duplicates"]
    assert (pairs["pairs"], pairs["across_splits"], pairs["dropped_from_train"]) == (1, 1, 1)
    assert pairs["labels_disagree"] == 1  # picture 0 is sad, its copy is filed under happy
    text = report(found)
    assert "1 pictures are dropped from train" in text
    assert "unreadable: train/happy/broken.jpg" in text


def test_command_writes_json_and_one_line_for_a_mistake(
    tmp_path: Path, pictures: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(4):
        save(tmp_path / "d" / "abc"[i % 2] / f"{i}.png", pictures[i])
    assert main(["check", str(tmp_path / "d"), "--json", str(tmp_path / "found.json")]) == 0
    assert (tmp_path / "found.json").exists()
    assert main(["check", str(tmp_path / "nothing")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_shared_ferplus_leaks_are_found(data_dir: Path) -> None:
    found = check([str(data_dir)], sets=["expw", "ferplus"])
    assert found["sets"]["ferplus"]["unreadable"] == 0
    assert (
        found["near_duplicates"]["dropped_from_train"] > 500
    )  # FER2013 is known to hold the same pictures often
