"""Which stream and which frames of a file are read, and what they look like, whatever kind of file it is."""

import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

import main
from emotion_core.types import EmotionError
from emotion_core.video.reader import VideoWriter, frames, probe
from emotion_core.video.shape import eight_bits, fitted
from emotion_core.video.source import identify
from tests.made import encode, greys

# Streams


def two_streams(path: Path, sizes: list[tuple[int, int]], default: int | None) -> Path:
    """Write ten frames of each size, the streams side by side; one is marked default, or none."""
    with av.open(str(path), "w") as out:
        streams = []
        for number, (width, height) in enumerate(sizes):
            stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.disposition = Disposition.default if number == default else Disposition(0)
            streams.append(stream)
        for index in range(10):
            for stream in streams:
                image = np.full((stream.height, stream.width, 3), 40, np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "sizes", "default", "read"),
    [
        ("a.mkv", [(64, 48), (160, 120), (96, 64)], 2, 2),
        ("a.mkv", [(64, 48), (160, 120)], None, 1),
        ("a.mp4", [(64, 48), (160, 120)], 1, 1),
        ("a.ts", [(64, 48), (160, 120)], None, 1),
    ],
)
def test_the_default_stream_is_read_else_the_largest(
    tmp_path: Path, name: str, sizes: list[tuple[int, int]], default: int | None, read: int
) -> None:
    with frames(two_streams(tmp_path / name, sizes, default)) as reader:
        assert {f.image.shape[1::-1] for f in reader} == {sizes[read]}
    assert len(reader.notes) == 1 and f"stream {read} " in reader.notes[0]
    assert all(f"{w} x {h}" in reader.notes[0] for w, h in sizes)


def test_another_stream_is_read_where_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = two_streams(tmp_path / "a.mkv", [(160, 120), (64, 48)], 0)
    assert next(frames(path, stream=1)).image.shape == (48, 64, 3)
    assert probe(identify(path, stream=1)).width == 64
    with pytest.raises(EmotionError, match=r"no video stream 7: choose from 0 \(160 x 120\), 1 \(64 x 48\)"):
        frames(path, stream=7)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(EmotionError, match="no video with streams"):
        frames(tmp_path / "a.png", stream=1)
    with pytest.raises(SystemExit):
        main.main(["--video", str(path), "--stream", "last"])
    assert "no number of a stream" in capsys.readouterr().err


@pytest.mark.weights
def test_the_summary_says_what_was_not_read(tmp_path: Path) -> None:
    path = two_streams(tmp_path / "a.mkv", [(64, 48), (160, 120)], None)
    assert main.main(["--video", str(path), "--no-objects", "--stream", "0"]) == 0
    summary = json.loads((tmp_path / "a_summary.json").read_text())
    assert summary["source"]["width"] == 64
    assert summary["remarks"] == ["video stream 0 (64 x 48) is read, not 1 (160 x 120)"]


# Pictures of several frames


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.avif"])
def test_a_moving_picture_is_read_whole(tmp_path: Path, name: str) -> None:
    lasting = [100, 200, 40, 40, 500]
    first, *rest = [Image.fromarray(g) for g in greys(5)]
    first.save(tmp_path / name, save_all=True, append_images=rest, duration=lasting)
    with frames(tmp_path / name) as reader:
        read = list(reader)
    assert [f.image.mean() for f in read] == pytest.approx([g.mean() for g in greys(5)], abs=3)
    assert [f.time for f in read] == pytest.approx([0, 0.1, 0.3, 0.34, 0.38])
    assert reader.end == pytest.approx(0.88)
    assert reader.info.kind == "file" and reader.info.frames == 5
    first.save(tmp_path / f"one{name}")
    assert probe(tmp_path / f"one{name}").kind == "picture"


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_all_pages_of_a_tiff_are_read(tmp_path: Path, kind: type) -> None:
    top = 1.0 if kind is np.float32 else np.iinfo(kind).max
    pages = [np.full((48, 64, 3), 0, kind) for _ in range(4)]
    for number, page in enumerate(pages):
        page[:24], page[24:] = top, top * (number + 1) // 8 if kind is not np.float32 else (number + 1) / 8
    assert cv2.imwritemulti(str(tmp_path / "a.tif"), pages)
    with frames(tmp_path / "a.tif") as reader:
        read = list(reader)
    assert [f.time for f in read] == [0, 1, 2, 3] and reader.end == 4
    assert [f.image[40, 10, 0] for f in read] == pytest.approx([32, 64, 96, 128], abs=2)
    assert any("no times" in note for note in reader.notes)


def test_a_moving_picture_that_is_cut_says_so(tmp_path: Path) -> None:
    first, *rest = [
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (48, 64, 3), np.uint8)) for i in range(9)
    ]
    first.save(tmp_path / "a.png", save_all=True, append_images=rest, duration=100)
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    reader = frames(tmp_path / "a.png")
    assert 2 <= len(list(reader)) < 9
    assert reader.problem is not None and "damaged" in reader.problem


# Depth


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (np.array([0, 32768, 65535], np.uint16), [0, 128, 255]),
        (np.array([0, 2048, 4095], np.uint16), [0, 128, 255]),
        (np.array([0, 100, 200], np.uint16), [0, 100, 200]),
        (np.array([0, 10**6, 2 * 10**6], np.int32), [0, 128, 255]),
        (np.array([-50, 1, 52], np.int16), [0, 128, 255]),
        (np.array([0, 0.5, 1.0]), [0, 128, 255]),
        (np.array([0, 100.0, 200.0], np.float32), [0, 100, 200]),
        (np.array([0, 5e5, 1e6]), [0, 128, 255]),
        (np.array([np.nan, 0, 1.0]), [0, 0, 255]),
        (np.array([True, False]), [255, 0]),
        (np.array([7, 9], np.uint8), [7, 9]),
    ],
)
def test_any_depth_is_scaled(values: np.ndarray, shown: list[int]) -> None:
    assert eight_bits(values).tolist() == shown


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "colour.tif", "float.tif", "colour.png"])
def test_a_deep_picture_looks_like_its_shallow_one(tmp_path: Path, name: str, astronaut: np.ndarray) -> None:
    image = astronaut if name.startswith("colour") else cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    deep = image.astype(np.float32) / 255
    if name != "float.tif":
        deep = np.rint(deep * 65535).astype(np.uint16)
    cv2.imwrite(str(tmp_path / name), deep[:, :, ::-1] if deep.ndim == 3 else deep)
    read = next(frames(tmp_path / name)).image
    wanted = image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
    assert np.abs(read.astype(int) - wanted).max() <= 1


# Sizes


def test_a_size_that_changes_keeps_its_shape(tmp_path: Path) -> None:
    def disc(width: int, height: int) -> np.ndarray:
        return cv2.circle(
            np.zeros((height, width, 3), np.uint8), (width // 2, height // 2), 30, (255, 255, 255), -1
        )

    parts = []
    for number, (width, height) in enumerate([(320, 180), (180, 320), (160, 90)]):
        ticks = [90_000 + (number * 10 + i) * 3600 for i in range(10)]
        part = encode(tmp_path / f"{number}.ts", [disc(width, height)] * 10, ticks=ticks, clock=90_000)
        parts.append(part.read_bytes())
    (tmp_path / "a.ts").write_bytes(b"".join(parts))
    with frames(tmp_path / "a.ts") as reader:
        read = [f.image for f in reader]
    assert {image.shape for image in read} == {(180, 320, 3)} and len(read) == 30
    assert len(reader.notes) == 1 and "320 x 180" in reader.notes[0]
    for image in read:
        rows, columns = np.nonzero(image[:, :, 0] > 128)
        assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=3)


def test_a_writer_squashes_nothing(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(np.full((90, 160, 3), 200, np.uint8), 0.0)
        writer.write(np.full((160, 90, 3), 200, np.uint8), 0.04)
    *_, last = frames(tmp_path / "a.mp4")
    assert last.image[45, 5].max() < 40 and last.image[45, 80].min() > 160
    assert fitted(np.zeros((3, 1000, 3), np.uint8), 10, 10).shape == (10, 10, 3)


# Light and lines


def hdr(path: Path, transfer: int, value: int) -> Path:
    """Write three frames of one grey, 10 bits of BT.2020, whose signal is `value` of 1023 at full range."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx265", rate=25, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, transfer, 9
        context.color_range = 2
        for index in range(3):
            frame = av.VideoFrame(64, 64, "yuv420p10le")
            for number, plane in enumerate(frame.planes):
                plane.update(np.full(plane.buffer_size // 2, 512 if number else value, np.uint16).tobytes())
            frame.pts, frame.time_base = index, Fraction(1, 25)
            frame.color_range = 2
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("transfer", "value", "shown"),
    [
        (18, 767, (225, 250)),  # HLG's reference white at 75 %: near white, with room for lamps
        (16, 594, (225, 250)),  # PQ's at 58 %, 203 cd/m2
        (18, 1023, (253, 255)),
        (16, 769, (253, 255)),  # 1000 cd/m2
        (18, 0, (0, 2)),
        (16, 367, (96, 100)),  # a tenth of reference white, 20.3 cd/m2: 255 * 0.1 ** (1 / 2.4) is 98
    ],
)
def test_hdr_is_mapped_to_a_screen(tmp_path: Path, transfer: int, value: int, shown: tuple[int, int]) -> None:
    if "libx265" not in av.codecs_available:
        pytest.skip("this PyAV has no libx265")
    image = next(frames(hdr(tmp_path / "a.mp4", transfer, value))).image
    assert shown[0] <= image.mean() <= shown[1]
    assert np.ptp(image) <= 3  # grey stays grey


@pytest.mark.parametrize(("name", "codec"), [("a.ts", "mpeg2video"), ("a.mkv", "libx264")])
def test_interlaced_pictures_lose_their_combs(tmp_path: Path, name: str, codec: str) -> None:
    images = []
    for index in range(12):
        image = np.zeros((240, 320, 3), np.uint8)
        for field in (0, 1):  # a bar that moves on between the two fields of a frame
            left = 20 + (2 * index + field) * 8
            image[field::2, left : left + 60] = 220
        images.append(image)
    options = {"x264-params": "tff=1"} if codec == "libx264" else {"flags": "+ildct+ilme"}
    with av.open(str(tmp_path / name), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    read = list(frames(tmp_path / name))
    assert len(read) == 12
    assert np.diff([f.time for f in read]) == pytest.approx([0.04] * 11, abs=1e-3)

    def combs(image: np.ndarray) -> float:
        lines = image[:, :, 0].astype(float)
        return float(np.abs(lines[1:-1] - (lines[:-2] + lines[2:]) / 2).mean())

    assert max(combs(f.image) for f in read[1:-1]) < combs(images[5]) / 5


def test_a_codec_whose_name_is_damaged_is_one_line(tmp_path: Path) -> None:
    """The header of a Matroska file names the codec: with a letter lost, nobody can read the packets."""
    path = encode(tmp_path / "a.mkv", greys(10))
    data = path.read_bytes()
    assert data.count(b"V_MPEG4/ISO/AVC") == 1
    path.write_bytes(data.replace(b"V_MPEG4/ISO/AVC", b"V_\0PEG4/ISO/AVC"))
    with pytest.raises(
        EmotionError, match="can't be decoded here: copy it again, or save it as mp4"
    ) as caught:
        frames(path)
    assert "\n" not in str(caught.value)
