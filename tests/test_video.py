"""Reading video: time, colour, orientation, and files that are not what they say."""

import contextlib
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from PIL import Image

from emotion_core.types import EmotionError
from emotion_core.video.reader import VideoWriter, frames, probe
from tests.made import corner_names, corners, encode, greys

# Reading


def test_times_are_those_of_the_container(tmp_path: Path) -> None:
    ticks = [0, 40, 55, 300, 301, 777, 2000]
    path = encode(tmp_path / "vfr.mkv", greys(len(ticks)), ticks=ticks)
    read = list(frames(path))
    assert [round(f.time * 1000) for f in read] == ticks
    assert [f.index for f in read] == list(range(len(ticks)))
    assert [f.image.mean() for f in read] == pytest.approx([g.mean() for g in greys(len(ticks))], abs=4)


def test_2997_does_not_drift(tmp_path: Path) -> None:
    ticks = [1001 * i for i in range(300)]
    path = encode(tmp_path / "ntsc.mp4", greys(300), ticks=ticks, clock=30000)
    assert list(frames(path))[-1].time == pytest.approx(299 * 1001 / 30000, abs=1e-6)


def test_a_broadcast_clock_is_moved_to_zero(tmp_path: Path) -> None:
    ticks = [90_000 * 3600 + 3600 * i for i in range(10)]
    path = encode(tmp_path / "tv.ts", greys(10), ticks=ticks, clock=90_000)
    read = list(frames(path))
    assert read[0].time == pytest.approx(0, abs=0.05)
    assert read[-1].time - read[0].time == pytest.approx(0.36, abs=1e-3)


def test_fragments_begin_at_zero(tmp_path: Path) -> None:
    path = encode(tmp_path / "plain.mp4", greys(10))
    with av.open(str(path)) as src:
        flags = {"movflags": "frag_keyframe+empty_moov"}
        with av.open(str(tmp_path / "frag.mp4"), "w", container_options=flags) as out:
            stream = out.add_stream_from_template(src.streams.video[0])
            for packet in src.demux(src.streams.video[0]):
                if packet.dts is not None:
                    packet.pts, packet.dts, packet.stream = packet.pts + 80, packet.dts + 80, stream
                    out.mux(packet)
    read = list(frames(tmp_path / "frag.mp4"))
    assert [f.time for f in read] == pytest.approx([i / 25 for i in range(10)], abs=1e-3)


ONE = 65536


@pytest.mark.parametrize(
    ("matrix", "seen", "rotation"),
    [
        ([ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30], "RGBW", 0),
        ([0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30], "BRWG", 90),
        ([-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30], "WBGR", 180),
        ([0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30], "GWRB", 270),
        ([-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30], "GRWB", 0),
        ([ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30], "BWRG", 0),
    ],
)
def test_rotation_and_mirroring_are_applied(
    tmp_path: Path, matrix: list[int], seen: str, rotation: int
) -> None:
    path = encode(tmp_path / "turned.mp4", [corners()] * 3, matrix=matrix)
    info = probe(path)
    assert info.rotation == rotation
    assert (info.width, info.height) == ((64, 96) if rotation in (90, 270) else (96, 64))
    for frame in frames(path):
        assert frame.image.shape == (info.height, info.width, 3)
        assert corner_names(frame.image) == seen


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p", "yuvj420p"])
@pytest.mark.parametrize("space", [Colorspace.ITU601, Colorspace.ITU709], ids=["601", "709"])
def test_colours_come_out_as_they_went_in(tmp_path: Path, full: bool, pix_fmt: str, space: int) -> None:
    if pix_fmt.startswith("yuvj") and not full:
        pytest.skip("yuvj is full range by its name")
    image = corners()
    path = encode(tmp_path / "colour.mp4", [image] * 3, pix_fmt=pix_fmt, full=full, space=space)
    read = next(frames(path)).image
    for y, x in ((10, 10), (10, 80), (50, 10), (50, 80)):
        assert np.abs(read[y, x].astype(int) - image[y, x]).max() <= 6, (y, x)


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    path = encode(tmp_path / "dv.mp4", [corners(96, 64)] * 2, aspect=Fraction(4, 3))
    assert (probe(path).width, probe(path).height) == (128, 64)
    assert next(frames(path)).image.shape == (64, 128, 3)


def test_an_info_says_what_is_there(tmp_path: Path) -> None:
    info = probe(encode(tmp_path / "a.mp4", greys(50), tone="aac"))
    assert (info.width, info.height, info.frames, info.has_audio) == (64, 48, 50, True)
    assert info.fps == pytest.approx(25)
    assert info.duration == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("name", ["a.avi", "a.mkv", "a.mov", "a.webm", "a.gif", "a.mjpeg", "a.ts", "a.flv"])
def test_containers(tmp_path: Path, name: str) -> None:
    codec = {"a.avi": "mpeg4", "a.webm": "libvpx-vp9", "a.gif": "gif", "a.mjpeg": "mjpeg"}.get(
        name, "libx264"
    )
    pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
    clock = 100 if codec == "gif" else 25 if codec in ("mpeg4", "mjpeg") else 1000
    images = greys(20)
    path = encode(tmp_path / name, images, codec=codec, pix_fmt=pix_fmt, clock=clock)
    with frames(path) as reader:
        read = list(reader)
    assert reader.problem is None
    assert len(read) == 20
    assert np.diff([f.time for f in read]) == pytest.approx([0.04] * 19, abs=0.002)
    tolerance = 30 if codec == "gif" else 6
    assert [f.image.mean() for f in read] == pytest.approx([g.mean() for g in images], abs=tolerance)


def test_any_name_will_do(tmp_path: Path) -> None:
    for name in ('it\'s "mine" %03d.mp4', "点 头.mp4", "a:b.mp4", "-dash.mp4", "x#y?z.mp4"):
        path = encode(tmp_path / "plain.mp4", greys(3)).rename(tmp_path / name)
        out = tmp_path / f"out {name}"
        with VideoWriter(out) as writer:
            for frame in frames(path):
                writer.write(frame.image, frame.time)
        assert len(list(frames(out))) == 3


def test_reading_memory_does_not_grow(tmp_path: Path) -> None:
    path = encode(tmp_path / "long.mp4", [g for _ in range(60) for g in greys(20, 640, 480)])
    code = f"""
from emotion_core.video.reader import frames
def rss(): return int(open('/proc/self/statm').read().split()[1]) * 4096
for frame in frames({str(path)!r}):
    if frame.index == 100: before = rss()
print((rss() - before) / 1e6)
"""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    grown = float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
    assert grown < 25  # 1,100 frames of 0.9 MB went by


# Pictures


@pytest.mark.parametrize(
    ("orientation", "seen"), [(1, "RGBW"), (3, "WBGR"), (6, "BRWG"), (8, "GWRB"), (2, "GRWB"), (5, "RBGW")]
)
def test_photos_are_upright(tmp_path: Path, orientation: int, seen: str) -> None:
    picture = Image.fromarray(corners())
    note = picture.getexif()
    note[0x112] = orientation
    picture.save(tmp_path / "photo.jpg", exif=note, quality=95)
    read = list(frames(tmp_path / "photo.jpg"))
    assert len(read) == 1
    assert corner_names(read[0].image) == seen


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.bmp", "a.tiff", "a.jpg"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_picture_kinds(tmp_path: Path, name: str, mode: str) -> None:
    if name == "a.jpg" and mode == "RGBA":
        pytest.skip("JPEG has no transparency")
    Image.fromarray(corners()).convert(mode).save(tmp_path / name)
    frame = next(frames(tmp_path / name))
    assert frame.image.shape == (64, 96, 3)
    assert frame.image.flags.writeable


def test_a_picture_too_large_is_refused_unread(tmp_path: Path) -> None:
    small = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(small, "PNG")
    (tmp_path / "wide.png").write_bytes(small.getvalue())
    with pytest.raises(EmotionError, match="12000 x 12000"):
        frames(tmp_path / "wide.png")


# What can't be read


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.mp4", b"", "empty"),
        ("text.mp4", b"hello there\n" * 50, "no video"),
        ("notes.txt", b"hello there\n" * 50, "no video"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n", "no video"),
        ("many.mp4", b"ffconcat version 1.0\nfile a.mp4\n", "no video"),
        ("photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC|damaged"),
        ("torn.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "damaged"),
        ("cut.mp4", b"\0\0\0\x10ftypisom\0\0\0\0\0\x0f\0\0mdat" + b"x" * 99, "cut off before its index"),
    ],
)
def test_bad_files_say_why(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EmotionError, match=says) as caught:
        frames(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(name)


def test_missing_folder_and_sound_only(tmp_path: Path) -> None:
    with pytest.raises(EmotionError, match="does not exist"):
        frames(tmp_path / "nothing.mp4")
    with pytest.raises(EmotionError, match="is a folder"):
        frames(tmp_path)
    whole = encode(tmp_path / "a.mp4", greys(5), tone="aac")
    with av.open(str(whole)) as src, av.open(str(tmp_path / "song.m4a"), "w") as out:
        stream = out.add_stream_from_template(src.streams.audio[0])
        for packet in src.demux(src.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    with pytest.raises(EmotionError, match="only sound"):
        frames(tmp_path / "song.m4a")


def test_no_camera_says_so() -> None:
    with pytest.raises(EmotionError, match="camera 97 can't be opened"):
        frames(97)
    with pytest.raises(EmotionError, match="count from 0"):
        frames(-1)


def test_a_cut_file_is_read_up_to_the_cut(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(100)]
    whole = tmp_path / "whole.mp4"
    with VideoWriter(whole) as writer:
        for i, image in enumerate(noise):
            writer.write(image, i / 25)
    data = whole.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) // 2])
    with frames(cut) as reader:
        count = sum(1 for _ in reader)
    assert 35 <= count <= 65
    assert reader.problem is not None
    assert f"stopped at {reader.end:.1f} of 4.0 seconds" in reader.problem


def test_a_damaged_middle_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, fps=25) as writer:
        for i, image in enumerate(greys(100, 320, 240)):
            writer.write(image, i / 25)
    data = bytearray(path.read_bytes())
    middle = len(data) * 2 // 3
    data[middle : middle + 60] = b"\xff" * 60
    path.write_bytes(data)
    assert sum(1 for _ in frames(path)) > 50


# Addresses


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A small web server of `tmp_path` that can be read from any place, as most can."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = tmp_path / self.path.lstrip("/")
            if not path.is_file():
                self.send_error(404)
                return
            data = path.read_bytes()
            start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
            self.send_response(206)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(data) - start))
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # the reader hangs up when it has what it wants
                self.wfile.write(data[start:])

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_an_address_is_read_with_its_sound(tmp_path: Path, server: str) -> None:
    encode(tmp_path / "a.mp4", greys(30), tone="aac")
    with frames(f"{server}/a.mp4") as reader:
        writer = VideoWriter(tmp_path / "out.mp4", source=f"{server}/a.mp4")
        for frame in reader:
            writer.write(frame.image, frame.time)
        writer.close(reader.end)
    assert reader.problem is None and writer.sound == "copied"
    assert len(list(frames(tmp_path / "out.mp4"))) == 30


def test_addresses_that_lead_nowhere(tmp_path: Path, server: str) -> None:
    (tmp_path / "a.txt").write_text("hello\n" * 1000)
    for address, says in [
        (f"{server}/none.mp4", "404"),
        (f"{server}/a.txt", "can't be opened"),
        ("http://me:secret@127.0.0.1:1/x.mp4", "refused"),
        ("nonsense://x", "Protocol not found"),
    ]:
        with pytest.raises(EmotionError, match=says) as caught:
            frames(address)
        assert "secret" not in str(caught.value) and "\n" not in str(caught.value)
