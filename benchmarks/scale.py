"""`python -m benchmarks.scale`: what one viewer and one video cost a server, and what many of them need.

It measures a running server in processor time, memory and bytes, which another load on the machine changes
little, and computes cores, memory, network and storage from that. `--write` puts both into docs/scale.md;
`--from FILE` computes from figures that were measured before, `--json FILE` keeps those of this run.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.clip import write_clip
from benchmarks.conditions import ROOT, conditions
from benchmarks.process import spent_seconds, status_mb
from benchmarks.serving import running
from benchmarks.stream import pictures_of
from emotion_core.client import Client
from emotion_core.client.calls import socket_options, stream_url
from emotion_core.streaming import pack

SECONDS = 20  # of the video that is analysed
STREAMS = 6
FORMATS = ("json", "csv", "parquet", "ndjson")
FRAME = 14  # bytes of a WebSocket's own around a picture


@dataclass(frozen=True, slots=True)
class Cost:
    """What a server was measured to need; memory in MB (10^6 bytes) of one process."""

    server_mb: float  # that has read pictures and does nothing now
    viewer_mb: float  # more for each live viewer
    picture_ms: float  # processor time for a live picture, 640x480, one face
    picture_kb: float  # bytes in, 10^3
    answer_kb: float
    job_mb: float  # more while a video is analysed, 1280x720
    plain_s: float  # processor time for a second of video, results only
    marked_s: float  # with the annotated video
    results_mb: float  # results of an hour of video in four formats
    report_mb: float  # summary and report of one video, however long
    video_mb: float  # annotated video of an hour
    writes: float  # of the queue in SQLite, a second


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked of a site, and what is taken for granted."""

    viewers: int = 1000
    rate: float = 30.0  # pictures a second of one viewer
    hours: float = 10_000.0  # of video a day
    length: float = 10.0  # minutes of one video
    upload_mb: float = 900.0  # an hour of video as it is sent, 2 Mbit/s
    days: float = 30.0  # for which results are kept
    busy: float = 0.7  # share of a core that may be planned with
    marked: bool = False  # annotated videos are written, too


def measure() -> Cost:
    """Measure a server of its own; takes about a minute on an idle machine."""
    pictures = pictures_of(100)
    with tempfile.TemporaryDirectory() as scratch:
        clip = Path(scratch) / "clip.mp4"
        from skimage import data

        write_clip(clip, data.astronaut(), seconds=SECONDS)
        with running("--max-viewers", str(STREAMS + 1)) as (url, app), Client(url) as client:
            _read(url, pictures)
            before = spent_seconds(app.pid)
            answers = _read(url, pictures)
            picture = (spent_seconds(app.pid) - before) / len(pictures)
            one, several = (_with_streams(url, app.pid, n, pictures[:10]) for n in (1, STREAMS))
            viewer = (several - one) / (STREAMS - 1)
            idle = status_mb(app.pid)
            plain, _, peak = _job(client, app.pid, clip, video=False)
            marked, sizes, peak = _job(client, app.pid, clip, video=True)
        writes = _writes(Path(scratch) / "queue.sqlite")
    hour = 3600 / SECONDS / 1e6
    return Cost(
        server_mb=idle,
        viewer_mb=max(0.0, viewer),
        picture_ms=1000 * picture,
        picture_kb=sum(map(len, pictures)) / len(pictures) / 1e3,
        answer_kb=sum(answers) / len(answers) / 1e3,
        job_mb=max(0.0, peak - idle),
        plain_s=plain / SECONDS,
        marked_s=marked / SECONDS,
        results_mb=hour * sum(sizes[name] for name in FORMATS),
        report_mb=(sizes["summary"] + sizes["report"]) / 1e6,
        video_mb=hour * sizes["video"],
        writes=writes,
    )


def _read(url: str, pictures: Sequence[bytes]) -> list[int]:
    """Send pictures one after the other; gives the bytes of each answer."""
    from websockets.sync.client import connect

    with connect(stream_url(url, newest=False), **socket_options(None, 60)) as socket:
        socket.recv()
        sizes = []
        for number, picture in enumerate(pictures):
            socket.send(pack(picture, number / 30))
            sizes.append(len(socket.recv()))
    return sizes


def _with_streams(url: str, pid: int, count: int, pictures: Sequence[bytes]) -> float:
    """Return the memory while `count` streams are open that have read pictures."""
    from contextlib import ExitStack

    from websockets.sync.client import connect

    with ExitStack() as stack:
        for _ in range(count):
            socket = stack.enter_context(connect(stream_url(url, newest=False), **socket_options(None, 60)))
            socket.recv()
            for picture in pictures:
                socket.send(pack(picture, 0.0))
                socket.recv()
        return status_mb(pid)


def _job(client: Client, pid: int, clip: Path, *, video: bool) -> tuple[float, dict[str, int], float]:
    """Analyse a clip; gives processor seconds, the bytes of each file, and the most memory meanwhile."""
    before, peak = spent_seconds(pid), 0.0
    id = client.submit(clip, video=video).id
    while not client.job(id).ended:
        peak = max(peak, status_mb(pid))
        time.sleep(0.1)
    client.wait(id).checked()
    used = spent_seconds(pid) - before
    names = (*FORMATS, "summary", "report", *(["video"] if video else []))
    with tempfile.TemporaryDirectory() as folder:
        sizes = {name: client.save(id, name, Path(folder) / name).stat().st_size for name in names}
    client.delete(id)
    return used, sizes, peak


def _writes(file: Path) -> float:
    """Return how often a second the lease of a job can be renewed in SQLite."""
    from webapp.service.ledger import Ledger

    ledger = Ledger(file)
    ledger.add("a" * 22, owner="", counted="", name="a.mp4", options="{}")
    job = ledger.claim("here", lambda name: False)
    assert job is not None
    begun = time.monotonic()
    for number in range(200):
        ledger.beat(job, number, 0.5, 30.0, 1.0)
    return 200 / (time.monotonic() - begun)


def rows(cost: Cost, need: Need) -> Iterator[tuple[str, str, str]]:
    """Yield what is needed: what for, how it is computed, how much."""
    cores = need.viewers * need.rate * cost.picture_ms / 1000 / need.busy
    memory = cores * cost.server_mb + need.viewers * cost.viewer_mb
    way_in = need.viewers * need.rate * (cost.picture_kb + (16 + FRAME) / 1e3) * 8 / 1e6
    out = need.viewers * need.rate * (cost.answer_kb + FRAME / 1e3) * 8 / 1e6
    who = f"{need.viewers:,} viewers, {need.rate:g} pictures/s"
    yield f"{who}: cores", "viewers x rate x picture / busy", f"{math.ceil(cores):,}"
    yield "processes, `--max-viewers`", "one a core", f"{math.ceil(cores):,}, {_each(cores, need):,}"
    yield "memory", "processes x server + viewers x viewer", f"{memory / 1000:,.0f} GB"
    yield "network in", "viewers x rate x (picture + head)", f"{way_in:,.1f} Gbit/s"
    yield "network out", "viewers x rate x answer", f"{out:,.2f} Gbit/s"
    each = cost.marked_s if need.marked else cost.plain_s
    work = need.hours / 24 * each / need.busy
    jobs = need.hours * 60 / need.length
    size = need.hours * (cost.results_mb + (cost.video_mb if need.marked else 0.0)) + jobs * cost.report_mb
    kind = "annotated" if need.marked else "results only"
    yield (
        f"{need.hours:,.0f} hours a day, {kind}: cores",
        "hours / 24 x second / busy",
        f"{math.ceil(work):,}",
    )
    yield "memory", "a process of one job a core", f"{work * (cost.server_mb + cost.job_mb) / 1000:,.0f} GB"
    yield (
        "network in",
        "hours x upload / day",
        f"{need.hours * need.upload_mb * 8 / 86_400 / 1000:,.2f} Gbit/s",
    )
    yield "storage", f"(hours x files + videos x report) x {need.days:g}", f"{size * need.days / 1e6:,.1f} TB"
    beats = work * need.busy + 5 * jobs / 86_400
    yield "writes of the queue", "jobs that run + 5 x jobs a second", f"{beats:,.0f} a second"


def _each(cores: float, need: Need) -> int:
    return max(1, math.ceil(need.viewers / cores))


def text(cost: Cost, facts: dict[str, object]) -> str:
    """Return both tables in Markdown."""
    names = {
        "server_mb": ("server, memory", "MB"),
        "viewer_mb": ("viewer, memory", "MB"),
        "picture_ms": ("picture, processor time", "ms"),
        "picture_kb": ("picture, in", "kB"),
        "answer_kb": ("answer, out", "kB"),
        "job_mb": ("job, memory", "MB"),
        "plain_s": ("second of video, results only", "s"),
        "marked_s": ("second of video, annotated", "s"),
        "results_mb": ("results of an hour, four formats", "MB"),
        "report_mb": ("summary and report of a video", "MB"),
        "video_mb": ("annotated video of an hour", "MB"),
        "writes": ("writes of the queue, SQLite", "a second"),
    }
    lines = ["| measured | |", "|---|---:|"]
    lines += [f"| {what} | {getattr(cost, name):.3g} {unit} |" for name, (what, unit) in names.items()]
    lines += ["", f"{facts['cpu']}, {facts['cores']} cores, commit `{facts['commit']}`.", ""]
    lines += ["| needed | how | |", "|---|---|---:|"]
    for need in (Need(), Need(rate=10.0, marked=True)):
        lines += [f"| {what} | {how} | {much} |" for what, how, much in rows(cost, need)]
    return "\n".join(lines)


def write(path: Path, made: str) -> None:
    """Replace what stands between the two marks of a document."""
    head, begin, rest = path.read_text("utf-8").partition("<!-- scale -->\n")
    _, end, tail = rest.partition("<!-- /scale -->")
    if not begin or not end:
        raise SystemExit(f"{path.name} lacks the marks <!-- scale --> and <!-- /scale -->")
    path.write_text(f"{head}{begin}{made}\n{end}{tail}", "utf-8")


def main(argv: list[str] | None = None) -> int:
    """Measure, or read what was measured; compute and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--from", dest="given", type=Path, metavar="FILE", help="compute from this file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures there")
    parser.add_argument("--write", action="store_true", help="put both tables into docs/scale.md")
    args = parser.parse_args(argv)
    if args.given:
        known = json.loads(args.given.read_text())
        cost, facts = Cost(**known["cost"]), known["conditions"]
    else:
        cost, facts = measure(), conditions()
    made = text(cost, facts)
    print(made)
    if args.json:
        args.json.write_text(json.dumps({"conditions": facts, "cost": asdict(cost)}, indent=1) + "\n")
    if args.write:
        write(ROOT / "docs" / "scale.md", made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
