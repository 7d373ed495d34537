"""Uploads that can't be used: each gets one line that says what to do, in the reader's language."""

import struct
import wave
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core.types import EmotionError
from webapp.settings import Settings
from webapp.shared.checks import check_picture, open_video
from webapp.shared.i18n import Text

EN = Text("en")


def refuse_video(path: Path, settings: Settings | None = None, text: Text = EN) -> str:
    with pytest.raises(EmotionError) as caught:
        open_video(path, settings or Settings(), text)
    message = str(caught.value)
    assert "\n" not in message and path.name in message and str(path.parent) not in message
    return message


def refuse_picture(path: Path, settings: Settings | None = None) -> str:
    with pytest.raises(EmotionError) as caught:
        check_picture(path, settings or Settings(), EN)
    message = str(caught.value)
    assert "\n" not in message and path.name in message and str(path.parent) not in message
    return message


def huge_png(path: Path, width: int, height: int) -> Path:
    """Write the header of a picture that would take 432 MB unpacked; nothing else of it is there."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    data = zlib.compress(b"\0" * 1000)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    )  # fmt: skip
    return path


def test_a_text_file_named_mp4(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("this is no video\n" * 200)
    assert "is not a video" in refuse_video(path)
    assert "kein lesbares Video" in refuse_video(path, text=Text("de"))


def test_sound_without_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(8000 * 2 * 8))
    assert "sound but no pictures" in refuse_video(path)


@pytest.mark.parametrize("name", ["empty.mp4", "empty.jpg"])
def test_zero_bytes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    assert "0 bytes" in (refuse_video if name.endswith("mp4") else refuse_picture)(path)


def test_gone_meanwhile(tmp_path: Path) -> None:
    assert "no longer on the server" in refuse_video(tmp_path / "gone.mp4")


def test_longer_than_the_limit(astronaut: np.ndarray, tmp_path: Path) -> None:
    """Seven seconds where six are allowed; the length is read from the file, nothing is analysed."""
    from benchmarks.clip import write_clip

    path = tmp_path / "long.mp4"
    write_clip(path, astronaut, width=160, height=120, seconds=7.0, rate=5, tone=False)
    assert "takes up to 0.1 minutes" in refuse_video(path, Settings(max_minutes=0.1))
    with open_video(path, Settings(max_minutes=0.2), EN) as reader:
        assert reader.info.duration == pytest.approx(7.0, abs=0.3)


def test_larger_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "big.mp4"
    with path.open("wb") as file:
        file.truncate(2 * 1024**2)
    assert "2 MB; this app takes up to 1 MB" in refuse_video(path, Settings(max_megabytes=1))


def test_a_picture_is_no_video(astronaut_path: Path) -> None:
    assert "is not a video" in refuse_video(astronaut_path)


def test_twelve_thousand_pixels_square_are_refused_by_their_header(tmp_path: Path) -> None:
    message = refuse_picture(huge_png(tmp_path / "wall.png", 12_000, 12_000))
    assert "up to 50 megapixels" in message


def test_a_picture_just_over_the_limit_is_measured(tmp_path: Path) -> None:
    message = refuse_picture(huge_png(tmp_path / "poster.png", 8000, 7000))
    assert "8000 x 7000 pixels" in message


def test_a_text_file_named_jpg(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("no picture")
    assert "is not a picture" in refuse_picture(path)


@pytest.mark.parametrize("name", ['a "quoted" name.png', "two  spaces.png", "人脸 照片.png", "<b>x</b>.png"])
def test_names_with_quotes_spaces_and_chinese(tmp_path: Path, name: str) -> None:
    path = tmp_path / name.replace("/", "_")
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(path)
    assert check_picture(path, Settings(), EN) == "PNG"


def test_good_files_pass(astronaut_path: Path, talking_clip: Path, tmp_path: Path) -> None:
    assert check_picture(astronaut_path, Settings(), EN) == "PNG"
    gif = tmp_path / "wink.gif"
    Image.open(astronaut_path).convert("P").save(gif)
    assert check_picture(gif, Settings(), EN) == "GIF"
    with open_video(talking_clip, Settings(), EN) as reader:
        info = reader.info
    assert (info.width, info.height, info.has_audio) == (320, 240, True)
