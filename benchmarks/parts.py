"""The measurements, one function each; every function gives its figures and prints nothing."""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.batch import batch, batch_rows
from benchmarks.clip import crowd, drift, repeat_clip, write_clip
from benchmarks.dashboard import dashboard
from benchmarks.measurement import Measurement
from benchmarks.process import run, serve_once
from benchmarks.viewers import viewers
from benchmarks.visit import visit


def _picture() -> np.ndarray:
    from skimage import data

    return np.ascontiguousarray(data.astronaut())


def _percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share))


def network() -> list[Measurement]:
    """Time `encode` and `decide` for one face under ONNX Runtime."""
    from emotion_core.network.runtime import load_network

    net = load_network(backend="onnx", device="cpu")
    random = np.random.default_rng(0)
    image = random.normal(size=(1, 3, 224, 224)).astype(np.float32)
    points = random.normal(size=(1, 50, 2)).astype(np.float32)
    window = np.zeros((1, net.window, net.feature_size), np.float32)
    encode, decide, both = [], [], []
    for index in range(320):
        start = time.perf_counter()
        window[:, -1] = net.encode(image, points, np.ones(1, np.float32))
        middle = time.perf_counter()
        net.decide(window)
        end = time.perf_counter()
        if index >= 20:
            encode.append((middle - start) * 1e3)
            decide.append((end - middle) * 1e3)
            both.append((end - start) * 1e3)
    return [
        Measurement("encode, one face, median", statistics.median(encode), "ms"),
        Measurement("decide, one face, median", statistics.median(decide), "ms"),
        Measurement("encode + decide, one face, median", statistics.median(both), "ms", 5),
    ]


def live() -> list[Measurement]:
    """Time the live path: a decoded 640x480 frame in, faces out; one moving face."""
    from emotion_core import Frame, Recognizer, Session

    rate = 30
    images = list(drift(_picture(), 640, 480, 450, rate))
    recognizer, session = Recognizer.from_pretrained(), Session()
    times, found = [], 0
    for index, image in enumerate(images):
        frame = Frame(image, index, index / rate)
        start = time.perf_counter()
        faces = recognizer(frame, session)
        times.append((time.perf_counter() - start) * 1e3)
        found += len(faces) == 1
    times = times[30:]
    return [
        Measurement("live path, one face, 640x480", 1e3 * len(times) / sum(times), "frames/s", 60, False),
        Measurement("live path, 95th percentile of a frame", _percentile(times, 95), "ms", 30),
        Measurement("live path, frames with exactly the one face", 100 * found / len(images), "%", 99, False),
    ]


def faces() -> list[Measurement]:
    """Weigh the live path with 1, 4, 16 and 50 faces in 1920x1080, in processor time a frame."""
    from emotion_core import Frame, Recognizer, Session

    recognizer, spent = Recognizer.from_pretrained(threads=1), {}
    for count in (1, 4, 16, 50):
        session, times, found = Session(), [], 0
        for index, image in enumerate(crowd(_picture(), 1920, 1080, count, 40)):
            start = time.process_time()
            found = len(recognizer(Frame(image, index, index / 30), session))
            times.append((time.process_time() - start) * 1e3)
        if found != count:
            raise RuntimeError(f"{found} of {count} faces were found")
        spent[count] = statistics.mean(times[10:])
    return [
        *(Measurement(f"live path, processor time, {n} faces", ms, "ms") for n, ms in spent.items()),
        Measurement("live path, 16 faces against 1", spent[16] / spent[1], "times", 9),
    ]


def video() -> list[Measurement]:
    """Time `main.py --video` on a 1280x720 clip of 20 s at 30 frames a second, annotated, with sound."""
    seconds = 20.0
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, _picture(), seconds=seconds, tone=True)
        ran = run(["main.py", "--video", str(clip), "--output", f"{folder}/out.mp4", "--no-objects"])
    return [
        Measurement("--video, 1280x720 at 30/s, annotated", seconds / ran.seconds, "x real time", 1.5, False),
        Measurement("--video, 1280x720, peak memory", ran.peak_mb, "MB", 600),
    ]


def memory() -> list[Measurement]:
    """Compare the peak memory of `main.py --video` on 1 minute and on 10 minutes of the same video."""
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        minute = Path(folder) / "1.mp4"
        write_clip(minute, _picture(), width=640, height=480, seconds=60, rate=15, tone=True)
        longer = Path(folder) / "10.mp4"
        repeat_clip(minute, longer, 10)
        for clip in (minute, longer):
            out = f"{folder}/out_{clip.name}"
            peaks.append(run(["main.py", "--video", str(clip), "--output", out, "--no-objects"]).peak_mb)
    return [
        Measurement("--video, 640x480, 1 minute, peak memory", peaks[0], "MB", 600),
        Measurement("--video, 640x480, 10 minutes, peak memory", peaks[1], "MB", 600),
        Measurement("memory, 10 minutes against 1", 100 * (peaks[1] / peaks[0] - 1), "% more", 5),
    ]


IMPORT = "import time; t = time.perf_counter(); import emotion_core; print(time.perf_counter() - t)"
FIRST_FRAME = """
import sys
from emotion_core import Recognizer, Session, frames
recognizer, session = Recognizer.from_pretrained(), Session()
faces = recognizer(next(iter(frames(sys.argv[1]))), session)
print(len(faces), "torch" in sys.modules)
"""


def start() -> list[Measurement]:
    """Time importing the library, and the first frame of a video from the start of the process."""
    imports = [float(run(["-c", IMPORT]).output) for _ in range(5)]
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, _picture(), seconds=2)
        firsts = [run(["-c", FIRST_FRAME, str(clip)]) for _ in range(3)]
    answers = {one.output.strip() for one in firsts}
    if answers != {"1 False"}:
        raise RuntimeError(f"the first frame has one face and needs no torch; it printed {answers}")
    return [
        Measurement("import emotion_core, median of 5", statistics.median(imports), "s", 0.2),
        Measurement(
            "first frame of a video, from process start",
            statistics.median([r.seconds for r in firsts]),
            "s",
            3,
        ),
    ]


def web() -> list[Measurement]:
    """Time the web app from the start of its process until it answers, and its end after SIGTERM."""
    ready, ends = [], []
    for _ in range(3):
        up, down = serve_once()
        ready.append(up)
        ends.append(down)
    return [
        Measurement("web app, from process start to ready", statistics.median(ready), "s", 8),
        Measurement("web app, from SIGTERM to its end", statistics.median(ends), "s"),
    ]


def convert() -> list[Measurement]:
    """Convert an hour of three people to each format: processor time and memory of the whole program."""
    from emotion_core.results.formats import available

    times, sizes = {}, {}
    with tempfile.TemporaryDirectory() as place:
        run(["-c", _MAKE_HOUR, f"{place}/hour_results.parquet"])
        for name in available():  # json is the first: all others are made of it, as they usually are
            made_of = "parquet" if name == "json" else "json"
            words = ["main.py", "--convert", f"{place}/hour_results.{made_of}", "--to", name, "--overwrite"]
            done = run(["-c", _TIMED, *words])
            times[name], sizes[name] = float(done.output.split()[-1]), done.peak_mb
    slowest, largest = max(times, key=times.__getitem__), max(sizes, key=sizes.__getitem__)
    what = "an hour of three people to the"
    return [
        Measurement(f"{what} slowest format ({slowest}), processor time", times[slowest], "s", 10),
        Measurement(f"{what} hungriest format ({largest}), memory", sizes[largest], "MB", 400),
    ]


_MAKE_HOUR = """
import sys
from emotion_core.analytics.sample import make_recording
make_recording(3600, 3, 30.0).assign(uncertain=False).to_parquet(sys.argv[1])
"""
_TIMED = """
import sys, time, main
code = main.main(sys.argv[2:])
print(time.process_time())
sys.exit(code)
"""

PARTS = {
    "network": network,
    "live": live,
    "faces": faces,
    "video": video,
    "memory": memory,
    "start": start,
    "web": web,
    "viewers": viewers,
    "visit": visit,
    "dashboard": dashboard,
    "batch": batch,
    "batch-rows": batch_rows,
    "convert": convert,
}
