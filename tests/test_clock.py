"""Time is the source's: how long pictures last, what a file says of it, and cameras without a clock."""

import io
import json
import struct
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import main
from emotion_core.results.recording import read_results
from emotion_core.video.clock import Clock, is_whole
from emotion_core.video.reader import frames, probe
from emotion_core.video.source import identify
from tests.made import encode, greys

TICKS = [0, 40, 80, 120, 5000, 5040, 20_960]
"""A screen recording, in thousandths of a second: pictures come when something moves, the last is held."""


def held(path: Path, seconds: float, images: list[np.ndarray], *, tone: bool = True) -> Path:
    """Write pictures at `TICKS`, the last held until `seconds`, with sound that goes on until then."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        video.codec_context.max_b_frames = 0
        sound = out.add_stream("aac", rate=48000, layout="mono") if tone else None
        packets = []
        for image, tick in zip(images, TICKS, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 1000)
            packets += video.encode(frame)
        packets += video.encode(None)
        for packet, begin, end in zip(packets, TICKS, [*TICKS[1:], round(seconds * 1000)], strict=True):
            packet.duration = round((end - begin) / 1000 / packet.time_base)
            out.mux(packet)
        if sound is not None:
            for index in range(int(seconds * 48000 / 1024)):
                tone_ = np.sin(np.arange(1024) * 0.06)[None].astype(np.float32) * 0.2
                piece = av.AudioFrame.from_ndarray(tone_, format="fltp", layout="mono")
                piece.sample_rate, piece.pts, piece.time_base = 48000, index * 1024, Fraction(1, 48000)
                out.mux(sound.encode(piece))
            out.mux(sound.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
@pytest.mark.parametrize("tone", [True, False], ids=["sound", "silent"])
def test_the_last_picture_lasts_until_the_end(tmp_path: Path, name: str, tone: bool) -> None:
    with frames(held(tmp_path / name, 60.0, greys(7), tone=tone)) as reader:
        read = [f.time for f in reader]
    assert read == pytest.approx([t / 1000 for t in TICKS], abs=1e-3)
    assert reader.problem is None
    assert reader.end == pytest.approx(60, abs=0.05)
    assert probe(tmp_path / name).duration == pytest.approx(60, abs=0.05)


@pytest.mark.weights
def test_sixty_seconds_everywhere(tmp_path: Path, astronaut: np.ndarray) -> None:
    face = np.ascontiguousarray(astronaut[:240, 100:420])
    path = held(tmp_path / "a.mp4", 60.0, [face] * 7)
    assert main.main(["--video", str(path), "--no-objects"]) == 0
    summary = json.loads((tmp_path / "a_summary.json").read_text())
    assert summary["seconds"] == summary["source"]["duration"] == pytest.approx(60, abs=0.01)
    assert sum(face["seconds"] for face in summary["faces"]) == pytest.approx(60, abs=0.01)
    table = read_results(tmp_path / "a_results.json")
    assert table["duration"].tolist() == pytest.approx([0.04, 0.04, 0.04, 4.88, 0.04, 15.92, 39.04])
    with av.open(str(tmp_path / "a_emotions.mp4")) as made:
        lengths = [float(s.duration * s.time_base) for s in made.streams]
    assert lengths == pytest.approx([60, 60], abs=0.05)


# What a file says of its length


def patched(path: Path, box: bytes, seconds: float) -> Path:
    """Let the first `box` of an mp4, of version 0, say that it lasts so long."""
    data = bytearray(path.read_bytes())
    at = data.find(box) + 4
    assert data[at] == 0
    rate_at = at + 12
    rate = struct.unpack(">I", data[rate_at : rate_at + 4])[0]
    data[rate_at + 4 : rate_at + 8] = struct.pack(">I", round(seconds * rate))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("box", "says"), [(b"mdhd", 0.1), (b"mdhd", 3600), (b"mvhd", 0.1), (b"mvhd", 36_000)]
)
@pytest.mark.parametrize("tone", ["aac", None], ids=["sound", "silent"])
def test_one_wrong_length_is_not_believed(tmp_path: Path, box: bytes, says: float, tone: str | None) -> None:
    path = patched(encode(tmp_path / "a.mp4", greys(60), tone=tone), box, says)
    assert probe(path).duration == pytest.approx(2.4, abs=0.1)
    with frames(path) as reader:
        assert len(list(reader)) == 60
    assert reader.problem is None
    assert reader.end == pytest.approx(2.4, abs=0.1)


def test_a_matroska_knows_whether_it_is_whole(tmp_path: Path) -> None:
    path = held(tmp_path / "a.mkv", 60.0, greys(7))
    assert is_whole(path) is True
    path.write_bytes(path.read_bytes()[:-2000])
    assert is_whole(path) is False
    path.write_bytes(b"no matroska at all")
    assert is_whole(path) is None


def test_no_more_than_asked_for_is_read(tmp_path: Path) -> None:
    path = patched(encode(tmp_path / "a.mp4", greys(60)), b"mdhd", 0.1)
    with frames(identify(path, max_seconds=1.2)) as reader:
        assert [f.index for f in reader] == list(range(31))
    assert reader.problem is not None and "no more than" in reader.problem


def test_a_clock_that_is_set_back_goes_on() -> None:
    clock = Clock(10.0, 25.0)
    assert [clock.at(t) for t in (10.0, 10.04, 10.08)] == pytest.approx([0, 0.04, 0.08])
    assert [clock.at(t) for t in (3.0, 3.04)] == pytest.approx([0.12, 0.16])
    assert clock.at(None) == pytest.approx(0.2)
    assert clock.shifts == pytest.approx([0, 7.12])
    assert clock.at(3.0) > 0.2  # a small fall is pictures in another order


# A camera that sends pictures and no times


@pytest.fixture
def camera(astronaut: np.ndarray) -> Iterator[str]:
    """The address of a camera of five pictures a second, which hangs up after twenty."""
    buffer = io.BytesIO()
    Image.fromarray(astronaut).save(buffer, "JPEG")
    picture = buffer.getvalue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
            self.end_headers()
            begun = time.monotonic()
            try:
                for number in range(20):
                    time.sleep(max(0.0, begun + number / 5 - time.monotonic()))
                    head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                    self.wfile.write(head.encode() + picture + b"\r\n")
                    self.wfile.flush()
            except ConnectionError:
                return

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/live.mjpg"
        running.shutdown()


def test_a_camera_without_a_clock_is_timed_by_arrival(camera: str) -> None:
    with frames(camera) as reader:
        time.sleep(1.5)  # as long as loading a model takes
        times = [f.time for f in reader]
    assert reader.problem is None and len(times) == 20
    assert times == pytest.approx([i / 5 for i in range(20)], abs=0.15)
    assert reader.end == pytest.approx(4, abs=0.2)
    assert reader.measured()["fps"] == pytest.approx(5, rel=0.1)


@pytest.mark.weights
def test_a_minute_of_a_camera_is_a_minute(camera: str, tmp_path: Path) -> None:
    assert main.main(["--video", camera, "--output", str(tmp_path), "--no-objects"]) == 0
    summary = json.loads((tmp_path / "live_summary.json").read_text())
    assert summary["seconds"] == pytest.approx(4, abs=0.5)
    assert summary["source"]["fps"] == pytest.approx(5, rel=0.15)
    with av.open(str(tmp_path / "live_emotions.mp4")) as made:
        assert made.duration / av.time_base == pytest.approx(summary["seconds"], abs=0.05)
