"""The options that commands share, and what their values may be."""

import argparse
import math
import sys
from collections.abc import Collection
from typing import Any, NoReturn

MISUSED = 2
"""The exit code of wrong use."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line and exit with code 2."""
        print(f"{self.prog}: {' '.join(message.split())} (try --help)", file=sys.stderr)
        raise SystemExit(MISUSED)


def add_result_options(group: Any) -> None:
    """Add what `video`, `batch` and `realtime` take: where results go, in which formats, what they hold."""
    from emotion_core.results.formats import FORMATS

    group.add_argument(
        "--output",
        metavar="OUT",
        help="a folder for all outputs, or the annotated .mp4; live: where results are recorded, a .json; a "
        "batch: the folder of its study",
    )
    group.add_argument(
        "--format", metavar="LIST", type=formats, help=f"any of {','.join(FORMATS)} (json is always written)"
    )
    group.add_argument(
        "--with",
        metavar="LIST",
        type=extras,
        help="more of each face in the results, any of pose,blendshapes,landmarks,gaze",
    )


def add_file_options(group: Any) -> None:
    """Add what `video` alone takes."""
    group.add_argument(
        "--no-video", action="store_true", default=None, help="results only, no annotated video"
    )
    group.add_argument(
        "--stream",
        metavar="N",
        type=stream,
        help="the video stream to read, of all streams counted from 0 (default: the file's default one, else "
        "the one of the largest picture)",
    )


def add_live_options(group: Any) -> None:
    """Add what `realtime` alone takes: the camera, and who gets the readings while they come."""
    group.add_argument(
        "--camera", metavar="N|PATH|URL", help="camera number (default 0), a file or an address"
    )
    group.add_argument(
        "--send",
        metavar="ADDRESS",
        action="append",
        help="send readings (never pictures) while they come: ndjson:- (standard output), tcp://HOST:PORT, "
        "udp://HOST:PORT, osc://HOST:PORT or lsl[:NAME]; may be given several times",
    )


def add_batch_options(group: Any) -> None:
    """Add what `batch` alone takes: who reads the files, and how often one is tried."""
    group.add_argument(
        "--workers", metavar="N", type=workers, help="processes of this machine (default: one for each core)"
    )
    group.add_argument(
        "--cluster", metavar="ADDRESS", help="a Dask scheduler elsewhere, as tls://head:8786, or its file"
    )
    group.add_argument(
        "--annotate", action="store_true", default=None, help="write annotated videos and pictures too"
    )
    group.add_argument(
        "--tries",
        metavar="N",
        type=workers,
        help="how often a file is begun that kills its worker or that the machine fails at (default 2)",
    )
    group.add_argument(
        "--retry", action="store_true", default=None, help="read those again that failed in an earlier call"
    )


def add_study_options(group: Any) -> None:
    """Add what `study` alone takes: another step than the analysis."""
    step = group.add_mutually_exclusive_group()
    step.add_argument(
        "--check", action="store_true", default=None, help="only say what is missing, for each participant"
    )
    step.add_argument(
        "--report", action="store_true", default=None, help="write the report of what is analysed"
    )


def add_convert_options(group: Any, *, required: bool = False) -> None:
    """Add what `convert` alone takes: the formats to write, and how."""
    from emotion_core.results.formats import FORMATS

    group.add_argument(
        "--to", metavar="LIST", type=formats, required=required, help=f"any of {','.join(FORMATS)}"
    )
    group.add_argument(
        "--shift", metavar="S", type=seconds, help="seconds to add to all times, also below 0 (default 0)"
    )
    group.add_argument(
        "--overwrite", action="store_true", default=None, help="replace files that are there already"
    )


def add_part_options(group: Any) -> None:
    """Add what `video` and `batch` take: which part of the source is read, and how large it may be."""
    group.add_argument(
        "--max-megapixels", metavar="N", type=megapixels, help="largest frame that is read (default 50)"
    )
    group.add_argument("--start", metavar="T", type=moment, help="read from there on: seconds or m:ss")
    group.add_argument("--end", metavar="T", type=moment, help="read up to there")
    some = group.add_mutually_exclusive_group()
    some.add_argument("--every", metavar="N", type=count, help="read every N-th picture")
    some.add_argument("--rate", metavar="R", type=rate, help="read R pictures a second, at most all")


def add_reading_options(group: Any) -> None:
    """Add what `video`, `batch` and `realtime` take: what is drawn, smoothing, threshold, objects."""
    from emotion_core.overlay.elements import ELEMENTS, LOOKS
    from emotion_core.overlay.words import LANGUAGES

    group.add_argument(
        "--overlay",
        metavar="LIST",
        type=elements,
        help=f"what is drawn: {', '.join(LOOKS)} (as usual), or any of {','.join(ELEMENTS)}",
    )
    group.add_argument(
        "--language",
        choices=LANGUAGES,
        help="of the names in the annotated video and the window (default en)",
    )
    group.add_argument(
        "--smoothing", metavar="N", type=count, help="frames to average over, from 1 (default 5)"
    )
    group.add_argument(
        "--threshold", metavar="X", type=share, help="mark answers less sure than this, 0 to 1"
    )
    choice = group.add_mutually_exclusive_group()
    choice.add_argument(
        "--objects",
        action="store_true",
        default=None,
        help="mark objects too, or stop where their model is not here (default: mark them where it is)",
    )
    choice.add_argument(
        "--fetch-objects",
        action="store_true",
        default=None,
        help="the same, and agree to download the model where it is not here: YOLOv8n, 12.8 MB, AGPL-3.0",
    )
    choice.add_argument("--no-objects", action="store_true", default=None, help="do not look for objects")
    group.add_argument(
        "--objects-model",
        metavar="PATH",
        help="YOLOv8 file, .onnx or .pt (default yolov8n; AGPL-3.0 weights)",
    )


def add_model_options(group: Any) -> None:
    """Add which models read: weights, face detector, backend and device."""
    from emotion_core.faces.detectors import DETECTORS, USUAL

    group.add_argument("--weights", metavar="PATH", help="weights file (default: the ones that come along)")
    group.add_argument(
        "--detector", choices=tuple(DETECTORS), help=f"what finds faces in the picture (default {USUAL})"
    )
    group.add_argument(
        "--every-frame",
        action="store_true",
        default=None,
        help="read a face anew in every frame, also where it hardly changed: up to twice the work",
    )
    group.add_argument(
        "--no-reidentify",
        action="store_true",
        default=None,
        help="remember nobody's looks: whoever has left for three seconds returns under another number",
    )
    group.add_argument("--backend", choices=("auto", "onnx", "torch"), default="auto", help="default: auto")
    group.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")


def count(text: str) -> int:
    """Read a number of frames, 1 or more."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of frames: give 1 (no smoothing) or more")
    return value


def workers(text: str) -> int:
    """Read a number of workers or tries, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def moment(text: str) -> float:
    """Read a time as `video.part.moment` does."""
    from emotion_core.types import EmotionError
    from emotion_core.video.part import moment as seconds

    try:
        return seconds(text)
    except EmotionError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def seconds(text: str) -> float:
    """Read a number of seconds, which may lie below 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def rate(text: str) -> float:
    """Read pictures a second, above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of pictures a second above 0")
    return value


def stream(text: str) -> int:
    """Read the number of a stream, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a stream: they count from 0")
    return int(text)


def megapixels(text: str) -> float:
    """Read a number of megapixels, above 0 and up to 10,000."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of megapixels above 0 and up to 10000")
    return value


def share(text: str) -> float:
    """Read a number between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} does not lie between 0 and 1")
    return value


def formats(text: str) -> tuple[str, ...]:
    """Read a list of result formats."""
    from emotion_core.results.formats import FORMATS

    return _some_of(FORMATS, text)


def extras(text: str) -> tuple[str, ...]:
    """Read a list of what records hold besides."""
    from emotion_core.results.extras import EXTRAS

    return _some_of(EXTRAS, text)


def elements(text: str) -> tuple[str, ...]:
    """Read a list of overlay elements."""
    from emotion_core.overlay.elements import ELEMENTS, LOOKS, of_look

    chosen = _some_of((*ELEMENTS, *LOOKS), text)
    wanted = {name for one in chosen for name in (of_look(one) if one in LOOKS else (one,))}
    return tuple(name for name in ELEMENTS if name in wanted)


def words(text: str) -> tuple[str, ...]:
    """Read a list of words."""
    if not (found := _parts(text)):
        raise argparse.ArgumentTypeError("an empty list")
    return found


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _some_of(known: Collection[str], text: str) -> tuple[str, ...]:
    names = _parts(text.lower())
    if not names or not set(names) <= set(known):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of {', '.join(known)}")
    return names
