"""HEIC photographs, made here by the library that reads them: upright, whole, one line for all else."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core.types import EmotionError
from emotion_core.video import heif
from emotion_core.video.reader import frames
from emotion_core.video.source import identify
from webapp.settings import Settings
from webapp.shared.checks import check_picture
from webapp.shared.i18n import Text

ORIENTATION = 0x112
pillow_heif = pytest.importorskip("pillow_heif", reason="pip install pillow-heif")


def write(path: Path, image: np.ndarray, orientation: int = 1) -> Path:
    """Write a HEIC with the note of a camera that was held another way; the pixels lie as they are given."""
    picture = Image.fromarray(image)
    exif = picture.getexif()
    exif[ORIENTATION] = orientation
    pillow_heif.register_heif_opener()
    picture.save(path, format="HEIF", quality=90, exif=exif.tobytes())
    return path


def read(path: Path) -> np.ndarray:
    with frames(path) as reader:
        (frame,) = reader
        assert reader.info.kind == "picture" and reader.problem is None
    return frame.image


@pytest.fixture
def small(astronaut: np.ndarray) -> np.ndarray:
    return astronaut[0:256, 100:300]


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (6, 1), (3, 2), (8, 3)])
def test_a_phones_photo_comes_upright(
    tmp_path: Path, small: np.ndarray, orientation: int, turns: int
) -> None:
    lying = np.ascontiguousarray(np.rot90(small, turns))
    image = read(write(tmp_path / "IMG_0042.HEIC", lying, orientation))
    assert image.shape == small.shape and image.dtype == np.uint8
    assert np.abs(image.astype(int) - small).mean() < 5


def test_ten_bits_become_eight(tmp_path: Path, small: np.ndarray) -> None:
    height, width = small.shape[:2]
    deep = (small.astype(np.uint16) * 257).tobytes()
    pillow_heif.from_bytes("RGB;16", (width, height), deep).save(tmp_path / "deep.heic", quality=90)
    assert np.abs(read(tmp_path / "deep.heic").astype(int) - small).mean() < 5


def test_what_is_cut_off_or_spoilt_is_one_line(tmp_path: Path, small: np.ndarray) -> None:
    whole = write(tmp_path / "whole.heic", small).read_bytes()
    draws = np.random.default_rng(0)
    spoilt = [whole[: len(whole) * part // 8] for part in range(1, 8)]
    for _ in range(12):
        data = bytearray(whole)
        for at in draws.integers(12, min(len(data), 800), 6):
            data[at] = draws.integers(0, 256)
        spoilt.append(bytes(data))
    told = 0
    for number, data in enumerate(spoilt):
        path = tmp_path / f"{number}.heic"
        path.write_bytes(data)
        try:
            read(path)
        except EmotionError as error:
            assert "\n" not in str(error)
            told += 1
    assert told >= 7, "what is cut off can't be read"


def test_the_limit_on_pixels_holds(tmp_path: Path, small: np.ndarray) -> None:
    path = write(tmp_path / "wall.heic", small)
    with pytest.raises(EmotionError, match="200 x 256 pixels"):
        frames(replace(identify(path), max_pixels=1000))


def test_brands_tell_photos_from_what_moves_and_from_avif() -> None:
    def head(first: bytes, *others: bytes) -> bytes:
        return (
            (16 + 4 * len(others)).to_bytes(4, "big")
            + b"ftyp"
            + first
            + bytes(4)
            + b"".join(others)
            + b"heic"
        )

    assert heif.is_heic(head(b"heic", b"mif1")) and heif.is_heic(head(b"mif1", b"mif1", b"heic"))
    assert not heif.is_heic(head(b"mif1", b"avif")) and not heif.is_heic(head(b"avif", b"mif1"))
    assert heif.is_moving(head(b"hevc", b"heic")) and not heif.is_moving(head(b"isom"))


def test_a_moving_one_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "live.heics"
    path.write_bytes(b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc" + bytes(400))
    with pytest.raises(EmotionError, match="save it as a video"):
        identify(path)


def test_the_page_takes_one(tmp_path: Path, small: np.ndarray) -> None:
    path = write(tmp_path / "photo.heic", small)
    assert check_picture(path, Settings(), Text("en")) == "HEIF"
    (tmp_path / "torn.heic").write_bytes(path.read_bytes()[:40])
    with pytest.raises(EmotionError, match="is not a picture"):
        check_picture(tmp_path / "torn.heic", Settings(), Text("en"))


def test_without_the_package_it_is_said_what_to_do(
    tmp_path: Path, small: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "IMG_0042.HEIC", small)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    heif.ready.cache_clear()
    try:
        with pytest.raises(EmotionError, match="pip install pillow-heif"):
            frames(path)
        with pytest.raises(EmotionError, match="Convert it to JPEG"):
            check_picture(path, Settings(), Text("en"))
    finally:
        heif.ready.cache_clear()
