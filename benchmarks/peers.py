"""The live path beside vladmandic's `human`: `python -m benchmarks.peers [CLIP ...]`; needs Node and npm.

`human` 3.3.6 in WebAssembly on two threads is what a browser without a GPU runs. It reads a face anew only
where the picture has changed by a share that it calls cache sensitivity, so it is timed as it comes and with
every frame looked at. The frames are decoded before, both sides in turns, each in a process of its own.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.clip import drift

PACKAGES = ("@vladmandic/human@3.3.6", "@tensorflow/tfjs@4.22.0", "@tensorflow/tfjs-backend-wasm@4.22.0")
SCRIPT = Path(__file__).with_name("human.mjs")
AS_IT_COMES, EVERY_FRAME = "0.7", "0"
FRAMES = 300
WARM = 30  # frames at the start that are not counted

_OURS = """
import json, sys, time
import numpy as np
from emotion_core import Frame, Recognizer, Session
frames, times = np.load(sys.argv[1]), []
recognizer, session, faces = Recognizer.from_pretrained(), Session(), 0
for index, image in enumerate(frames):
    begun = time.perf_counter()
    faces += len(recognizer(Frame(image, index, index / 30), session)) > 0
    times.append((time.perf_counter() - begun) * 1e3)
print(json.dumps({"times": times, "faces": faces}))
"""


def main() -> None:
    """Print frames a second of both, the median of the turns."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=main.__doc__)
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="videos (default: one made, in two sizes)")
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    with _packages() as folder:
        print("| clip | this, frames/s | human as it comes | human, every frame |\n|---|---:|---:|---:|")
        for name, frames in _clips(args.clips):
            rates: dict[str, list[float]] = {"": [], AS_IT_COMES: [], EVERY_FRAME: []}
            for _ in range(args.turns):
                for cache, found in rates.items():
                    found.append(_human(folder, frames, cache) if cache else _ours(folder, frames))
            print(f"| {name} | " + " | ".join(f"{statistics.median(r):.1f}" for r in rates.values()) + " |")


@contextmanager
def _packages() -> Iterator[Path]:
    """Install the peer in a folder that goes away again."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is not there: install Node, or measure without a peer")
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--silent", *PACKAGES], cwd=name, check=True
        )
        yield Path(name)


def _clips(named: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield names and frames, uint8 (N, H, W, 3)."""
    if named:
        from emotion_core import frames

        for path in named:
            yield (
                Path(path).stem,
                np.stack([f.image for f, _ in zip(frames(path), range(FRAMES), strict=False)]),
            )
        return
    from skimage import data

    for width, height in ((640, 360), (400, 300)):
        yield f"made, {width}x{height}", np.stack([*drift(data.astronaut(), width, height, FRAMES, 30)])


def _ours(folder: Path, frames: np.ndarray) -> float:
    kept = folder / "frames.npy"
    np.save(kept, frames)
    done = subprocess.run([sys.executable, "-c", _OURS, str(kept)], capture_output=True, check=True)
    return _rate(done.stdout, len(frames))


def _human(folder: Path, frames: np.ndarray, cache: str) -> float:
    script = shutil.copy(SCRIPT, folder)
    words = ["node", str(script), str(frames.shape[2]), str(frames.shape[1]), "2", cache]
    done = subprocess.run(words, cwd=folder, input=frames.tobytes(), capture_output=True, check=True)
    return _rate(done.stdout, len(frames))


def _rate(said: bytes, frames: int) -> float:
    """Return frames a second from what a side has printed last."""
    answer = json.loads(said.decode().strip().splitlines()[-1])
    if len(answer["times"]) != frames or answer["faces"] < frames * 0.9:
        raise RuntimeError(f"{answer['faces']} of {frames} frames had a face")
    times = answer["times"][WARM:]
    return float(1e3 * len(times) / sum(times))


if __name__ == "__main__":
    main()
