"""Writing video: what browsers can play, with the time and the sound of the source."""

from pathlib import Path

import av
import numpy as np
import pytest

from emotion_core.types import EmotionError
from emotion_core.video.reader import VideoWriter, frames
from tests.made import corners, encode, greys


def facts(path: Path) -> tuple[float, list[int], av.container.InputContainer]:
    """Give the length of the picture track (s) and the ticks of its frames at 90 kHz."""
    box = av.open(str(path))
    stream = box.streams.video[0]
    ticks = [round(f.time * 90_000) for f in box.decode(stream)]
    box.seek(0)
    return float(stream.duration * stream.time_base), ticks, box


def test_what_is_written_plays_in_browsers(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path) as writer:
        for i, image in enumerate(greys(10, 65, 47)):
            writer.write(image, i / 30)
    _, _, box = facts(path)
    stream = box.streams.video[0]
    assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
    assert (stream.width, stream.height) == (64, 46)
    data = path.read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")
    assert list(tmp_path.iterdir()) == [path]


def test_written_times_and_last_frame_are_kept(tmp_path: Path) -> None:
    times = [0.0, 1 / 30, 0.05, 0.5, 0.51, 1.7]
    writer = VideoWriter(tmp_path / "a.mp4")
    for image, time in zip(greys(6), times, strict=True):
        writer.write(image, time)
    writer.close(2.25)
    length, ticks, _ = facts(tmp_path / "a.mp4")
    assert ticks == [round(t * 90_000) for t in times]
    assert length == pytest.approx(2.25, abs=1e-3)


def test_written_colours_are_the_same_to_a_player(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", quality=5) as writer:
        for i in range(3):
            writer.write(corners(), i / 25)
    read = next(frames(tmp_path / "a.mp4")).image
    for y, x in ((10, 10), (10, 80), (50, 10), (50, 80)):
        assert np.abs(read[y, x].astype(int) - corners()[y, x]).max() <= 6


@pytest.mark.parametrize(
    ("name", "codec", "how", "kept"),
    [
        ("a.mp4", "aac", "copied", "aac"),
        ("a.mkv", "libmp3lame", "copied", "mp3"),
        ("a.webm", "libopus", "copied", "opus"),
        ("a.mkv", "pcm_s16le", "AAC", "aac"),
        ("a.mkv", "ac3", "AAC", "aac"),
        ("a.ts", "aac", "AAC", "aac"),
    ],
)
def test_sound_comes_along(tmp_path: Path, name: str, codec: str, how: str, kept: str) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    video = "libvpx-vp9" if name.endswith("webm") else "libx264"
    path = encode(tmp_path / name, greys(50), tone=codec, codec=video)
    out = tmp_path / "out.mp4"
    with frames(path) as reader:
        writer = VideoWriter(out, source=path)
        for frame in reader:
            writer.write(frame.image, frame.time)
        writer.close(reader.end)
    assert writer.sound == how
    with av.open(str(path)) as before, av.open(str(out)) as after:
        assert after.streams.audio[0].codec_context.name.removesuffix("float") == kept
        heard = [f for f in after.decode(audio=0)]
        assert sum(f.samples for f in heard) / 48000 == pytest.approx(2.0, abs=0.06)
        assert heard[0].time == pytest.approx(0, abs=0.05)
        wave = np.concatenate([f.to_ndarray()[0] for f in heard]).astype(float)
        assert np.abs(wave).max() > 0.3
        if how == "copied" and not name.endswith("ts"):
            with av.open(str(out)) as fresh:
                payload = [bytes(p) for p in fresh.demux(fresh.streams.audio[0]) if p.size]
            assert payload == [bytes(p) for p in before.demux(before.streams.audio[0]) if p.size]


def test_failures_leave_nothing_and_keep_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"the earlier one")
    with pytest.raises(RuntimeError), VideoWriter(path) as writer:  # noqa: PT012
        writer.write(greys(1)[0], 0.0)
        raise RuntimeError
    assert path.read_bytes() == b"the earlier one"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(EmotionError, match="no frame"):
        VideoWriter(path).close()
    with pytest.raises(EmotionError, match="create it first"):
        VideoWriter(tmp_path / "nowhere" / "a.mp4")
    with pytest.raises(EmotionError, match=r"end with \.mp4"):
        VideoWriter(tmp_path / "a.avi")
    assert list(tmp_path.iterdir()) == [path]


def test_an_unfinished_video_lies_beside_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"the earlier one")
    writer = VideoWriter(path)
    for i, image in enumerate(greys(5)):
        writer.write(image, i / 25)
    assert writer.close(complete=False) == tmp_path / "a.partial.mp4"
    assert path.read_bytes() == b"the earlier one"
    assert len(list(frames(tmp_path / "a.partial.mp4"))) == 5


def test_every_clip_keeps_its_frames_length_and_sound(clips: Path, tmp_path: Path) -> None:
    for path in sorted([*clips.glob("*.mp4"), *clips.glob("*.mov")]):
        if path.stem == "webcam_near_far":
            continue  # a minute long; the command line's own run covers it
        out = tmp_path / f"{path.stem}.mp4"
        with frames(path) as reader:
            writer = VideoWriter(out, source=path, fps=reader.info.fps, preset="ultrafast")
            times = []
            for frame in reader:
                writer.write(frame.image, frame.time)
                times.append(frame.time)
            writer.close(reader.end)
        assert reader.problem is None, path.name
        with av.open(str(path)) as before, av.open(str(out)) as after:
            one_frame = 1 / float(before.streams.video[0].average_rate)
            assert abs(before.duration - after.duration) / av.time_base <= one_frame, path.name
            assert len(before.streams.audio) == len(after.streams.audio), path.name
            again = [f.time for f in after.decode(video=0)]
        assert again == pytest.approx(times, abs=2e-5), path.name


def test_a_large_picture_is_encoded_too(tmp_path):
    """4K takes other settings of the encoder; what comes out still looks like what went in."""
    rows, columns = np.mgrid[:2160, :3840]
    image = np.stack([rows % 256, columns % 256, (rows + columns) // 24], 2).astype(np.uint8)
    image = np.ascontiguousarray(image // 4 + 96)
    times = [0.0, 0.1, 0.12]  # however unevenly they come
    with VideoWriter(tmp_path / "large.mp4") as writer:
        for time in times:
            writer.write(image, time)
    with frames(tmp_path / "large.mp4") as reader:
        seen = list(reader)
    assert [frame.time for frame in seen] == pytest.approx(times, abs=2e-5)
    assert np.abs(seen[2].image.astype(int) - image).mean() < 4
