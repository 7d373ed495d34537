"""What a refusal costs: memory over idle and time, for files and requests made to be too much.

`python -m benchmarks.refused` prints a table. Files are read in a process of their own by the checks that the
web app and the command line use; requests go to the running application.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.conditions import ROOT
from benchmarks.process import high_water

MOST_MB = 100.0
"""What a refusal may cost, in MB (10^6 bytes)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What was refused, in which words, and at what cost in MB and seconds."""

    kind: str
    words: str
    megabytes: float
    seconds: float


# -- files --------------------------------------------------------------------------------------------------


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path: Path, width: int, height: int) -> Path:
    """Write a PNG that says how large it is and holds next to nothing."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    )
    return path


def _tiff(path: Path) -> Path:
    entries = [
        (256, 4, 60_000),
        (257, 4, 60_000),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (278, 4, 9),
    ]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + b"\0" * 4)
    return path


def _bmp(path: Path) -> Path:
    head = struct.pack("<IiiHHIIiiII", 40, 40_000, 40_000, 1, 24, 0, 0, 0, 0, 0, 0)
    path.write_bytes(b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head)
    return path


def _gif(path: Path) -> Path:
    picture = b"\x2c" + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x02\x02\x4c\x01\x00;"
    path.write_bytes(b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0x80, 0, 0) + b"\0" * 6 + picture)
    return path


def _video(path: Path) -> Path:
    import av
    import numpy as np

    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264" if path.suffix == ".mp4" else "ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 12_000, 5_000, "yuv420p"
        if path.suffix == ".mp4":
            stream.codec_context.options = {"preset": "ultrafast"}
        frame = av.VideoFrame.from_ndarray(np.zeros((7_500, 12_000), np.uint8), format="yuv420p")
        frame.pts = 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _parquet_run(path: Path) -> Path:
    """Write columns of one value each, repeated sixty million times, in some kilobytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 2_000_000
    table = pa.table(
        {name: pa.array([0] * rows, pa.int8()) for name in ("frame", "confidence", "valence", "arousal")}
        | {"emotion": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int8()), ["Happy"])}
    )
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(30):
            writer.write_table(table)
    return path


def _parquet_text(path: Path) -> Path:
    """Write one text of a megabyte that a dictionary repeats a hundred thousand times."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 100_000
    numbers = {name: pa.array([0.0] * rows) for name in ("frame", "confidence", "valence", "arousal")}
    words = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * 1_000_000])
    pq.write_table(pa.table({**numbers, "emotion": words, "objects": words}), path, compression="zstd")
    return path


def _csv_line(path: Path) -> Path:
    with path.open("wb") as file:
        file.write(b"frame,emotion,confidence,valence,arousal\n0,")
        for _ in range(200):
            file.write(b"x" * 1_000_000)
    return path


def _csv_rows(path: Path) -> Path:
    with path.open("wb") as file:
        file.write(b"frame,emotion,confidence,valence,arousal\n")
        for _ in range(300):
            file.write(b"0,Sad,1,0,0\n" * 10_000)
    return path


def _csv_words(path: Path) -> Path:
    with path.open("wb") as file:
        file.write(b"frame,emotion,confidence,valence,arousal\n")
        for _ in range(150):
            file.write(b"word,Sad,word,word,word\n" * 10_000)
    return path


def _json_empty(path: Path) -> Path:
    with path.open("wb") as file:
        file.write(b"[")
        for _ in range(100):
            file.write(b"{}, " * 250_000)
        file.write(b"{}]")
    return path


def _json_rows(path: Path) -> Path:
    with path.open("wb") as file:
        file.write(b"[")
        for _ in range(300):
            file.write(b'{"frame":1,"emotion":"Sad","confidence":1,"valence":0,"arousal":0},' * 10_000)
        file.write(b"{}]")
    return path


def _json_lists(path: Path) -> Path:
    with path.open("wb") as file:
        file.write(b'[{"frame": [')
        for _ in range(100):
            file.write(b"[]," * 300_000)
    return path


def _json_wide(path: Path) -> Path:
    wide = ",".join(f'"c{n}":0' for n in range(100_000))
    path.write_text('[{"frame":1,"emotion":"Sad","confidence":1,"probabilities":{' + wide + "}}]")
    return path


FILES: dict[str, Callable[[Path], Path]] = {
    "square.png": lambda path: png(path, 30_000, 30_000),
    "thread.png": lambda path: png(path, 1, 40_000_000),
    "wide.png": lambda path: png(path, 40_000_000, 1),
    "huge.tiff": _tiff,
    "huge.bmp": _bmp,
    "huge.gif": _gif,
    "huge.mp4": _video,
    "huge.mkv": _video,
    "run_results.parquet": _parquet_run,
    "text_results.parquet": _parquet_text,
    "line_results.csv": _csv_line,
    "rows_results.csv": _csv_rows,
    "words_results.csv": _csv_words,
    "empty_results.json": _json_empty,
    "rows_results.json": _json_rows,
    "lists_results.json": _json_lists,
    "wide_results.json": _json_wide,
}
"""Files that must be refused, by name, and how each is made."""


def _read(path: Path) -> str:
    """Read a file as the application would; return the words of the refusal, or "" where there was none."""
    from emotion_core.results.recording import read_results
    from emotion_core.types import EmotionError
    from emotion_core.video.reader import probe

    try:
        if path.suffix in (".parquet", ".csv", ".json"):
            read_results(path)
        else:
            probe(path)
    except EmotionError as refusal:
        return str(refusal)
    return ""


def _warm_up(path: Path) -> None:
    """Read a small file of the same kind: what the libraries take is idle, and no part of a refusal."""
    import av
    import numpy as np
    import pandas as pd
    from PIL import Image

    small = path.with_name(f"small{path.suffix}")
    row = {"frame": 0, "emotion": "Sad", "confidence": 1, "valence": 0, "arousal": 0}
    table = pd.DataFrame([row])
    if path.suffix == ".parquet":
        table.to_parquet(small)
    elif path.suffix == ".csv":
        table.to_csv(small)
    elif path.suffix == ".json":
        small.write_text(table.to_json(orient="records"))
    elif path.suffix in (".mp4", ".mkv"):
        with av.open(str(small), "w") as out:
            stream = out.add_stream("libx264" if path.suffix == ".mp4" else "ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((72, 64), np.uint8), format="yuv420p")))
            out.mux(stream.encode(None))
    else:
        Image.new("RGB", (64, 48)).save(small)
    if words := _read(small):
        raise RuntimeError(f"a good file was refused: {words}")


def measure_reading(path: Path) -> Refused:
    """Read one file in this process."""
    _warm_up(path)
    before = reset_peak(os.getpid())
    start = time.perf_counter()
    words = _read(path)
    seconds = time.perf_counter() - start
    return Refused(path.name, words, high_water(os.getpid()) - before, seconds)


def reset_peak(pid: int) -> float:
    """Make the kernel forget the peak of a process; return its resident memory in MB."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return high_water(pid)


def measure_file(name: str, folder: Path) -> Refused:
    """Make the file `name` of `FILES` in `folder` and read it in a process of its own.

    Raises:
        RuntimeError: where that process fails.
    """
    path = FILES[name](folder / name)
    words = [sys.executable, "-m", "benchmarks.refused", "--read", str(path)]
    child = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    path.unlink()
    if child.returncode != 0:
        raise RuntimeError(f"{name}: {child.stderr.strip()[-500:]}")
    return Refused(**json.loads(child.stdout.splitlines()[-1]))


def measure_files(folder: Path) -> Iterator[Refused]:
    """Measure all of `FILES`."""
    for name in FILES:
        yield measure_file(name, folder)


def main() -> None:
    """Print the table, or measure one file."""
    if sys.argv[1:2] == ["--read"]:
        one = measure_reading(Path(sys.argv[2]))
        print(json.dumps({name: getattr(one, name) for name in Refused.__slots__}))
        return
    from benchmarks.refused_requests import measure_requests

    print(f"| what | MB over idle (at most {MOST_MB:g}) | seconds | said |\n|---|---:|---:|---|")
    with tempfile.TemporaryDirectory() as folder:
        for one in (*measure_files(Path(folder)), *measure_requests(Path(folder))):
            print(f"| {one.kind} | {one.megabytes:.0f} | {one.seconds:.2f} | {one.words} |", flush=True)


if __name__ == "__main__":
    main()
