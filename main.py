"""The command line: live from a camera, a video, training, or the model itself."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from emotion_core.ending import fail, run, tell

if TYPE_CHECKING:
    from emotion_core.analysis import AnalysisResult, ObjectFinder

DONE, MISUSED = 0, 2

DESCRIPTION = """\
Read the apparent expression of every face in a camera picture, a video or a photo.

  python main.py --realtime                 a window with your camera; q quits
  python main.py --video talk.mp4           an annotated video and results beside it
  python main.py --train --epochs 100       train on your own data (see: python main.py --train --help)
  python main.py                            the model's parts and sizes; checks the weights file

The web app with the same and more starts with: python app.py
"""

EPILOG = """\
what --video writes for talk.mp4, beside it or where --output says:
  talk_emotions.mp4     the video with faces, emotions and scores drawn in, with its sound
  talk_results.json     one record per frame and face; other formats beside it with --format
  talk_summary.json     shares, means, longest runs and strongest moments of each face

It shows the apparent expression, not what a person feels. Emotion recognition at work and in education is
prohibited in the EU (AI Act, Art. 5(1)(f)); people whose faces are analysed must be told (Art. 50(3)).
"""

BELONGS = {
    "--camera": ("realtime",),
    "--output": ("video",),
    "--format": ("video",),
    "--no-video": ("video",),
    "--threshold": ("realtime", "video"),
    "--overlay": ("realtime", "video"),
    "--detector": ("realtime", "video"),
    "--smoothing": ("realtime", "video"),
    "--objects": ("realtime", "video"),
    "--fetch-objects": ("realtime", "video"),
    "--max-megapixels": ("video",),
    "--no-objects": ("realtime", "video"),
    "--objects-model": ("realtime", "video"),
}
"""Options that make sense in some modes only; elsewhere they are wrong use, not silently ignored."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line and exit with code 2."""
        print(f"{self.prog}: {_line(message)} (try --help)", file=sys.stderr)
        raise SystemExit(MISUSED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit code: 0, 1 for a failed job, 2 for wrong use."""
    return run("main.py", lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if "--train" in words:
        words.remove("--train")
        clash = [w for w in words if w in ("--realtime", "--video")]
        if clash:
            print(
                f"main.py: --train and {clash[0]} are two jobs: give one of them (try --help)",
                file=sys.stderr,
            )
            return MISUSED
        from train.__main__ import main as train

        return train(words)
    parser = build_parser()
    args = parser.parse_args(words)
    mode = "realtime" if args.realtime else "video" if args.video is not None else "model"
    for option, modes in BELONGS.items():
        if getattr(args, option[2:].replace("-", "_")) is not None and mode not in modes:
            parser.error(f"{option} goes with {' or '.join('--' + m for m in modes)}")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        return {"realtime": _realtime, "video": _video, "model": _model}[mode](args)
    except KeyboardInterrupt:
        return fail("main.py", "stopped")


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of everything but training, which has its own."""
    from emotion_core.faces.detectors import DETECTORS, USUAL
    from emotion_core.overlay.elements import ELEMENTS
    from emotion_core.results.formats import FORMATS

    parser = _Parser(
        prog="main.py",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    modes = parser.add_argument_group("what to do").add_mutually_exclusive_group()
    modes.add_argument("--realtime", action="store_true", help="show a camera live in a window; q quits")
    modes.add_argument("--video", metavar="IN", help="analyse a video, a photo or an address")
    modes.add_argument("--train", action="store_true", help="train; all other options go to the training")
    live = parser.add_argument_group("with --realtime")
    live.add_argument(
        "--camera", metavar="N|PATH|URL", help="camera number (default 0), a file or an address"
    )
    file = parser.add_argument_group("with --video")
    file.add_argument("--output", metavar="OUT", help="the annotated .mp4, or a folder for all outputs")
    file.add_argument(
        "--format", metavar="LIST", type=_formats, help=f"any of {','.join(FORMATS)} (json is always written)"
    )
    file.add_argument(
        "--no-video", action="store_true", default=None, help="results only, no annotated video"
    )
    file.add_argument(
        "--max-megapixels", metavar="N", type=_megapixels, help="largest frame that is read (default 50)"
    )
    both = parser.add_argument_group("with --realtime and --video")
    both.add_argument(
        "--overlay",
        metavar="LIST",
        type=_elements,
        help=f"what is drawn, any of {','.join(ELEMENTS)}; without it the usual ones",
    )
    both.add_argument(
        "--smoothing", metavar="N", type=_count, help="frames to average over, from 1 (default 5)"
    )
    both.add_argument(
        "--threshold", metavar="X", type=_share, help="mark answers less sure than this, 0 to 1"
    )
    choice = both.add_mutually_exclusive_group()
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
    both.add_argument(
        "--objects-model",
        metavar="PATH",
        help="YOLOv8 file, .onnx or .pt (default yolov8n; AGPL-3.0 weights)",
    )
    model = parser.add_argument_group("model")
    model.add_argument("--weights", metavar="PATH", help="weights file (default: the ones that come along)")
    model.add_argument(
        "--detector", choices=tuple(DETECTORS), help=f"what finds faces in the picture (default {USUAL})"
    )
    model.add_argument("--backend", choices=("auto", "onnx", "torch"), default="auto", help="default: auto")
    model.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    return parser


def _model(args: argparse.Namespace) -> int:
    from emotion_core.network import checkpoint
    from emotion_core.network.design import describe

    path = Path(args.weights) if args.weights else checkpoint.WEIGHTS
    if path.is_dir() or (args.weights and not path.parent.is_dir()):
        from emotion_core.types import EmotionError

        raise EmotionError(f"{path} is no place for a weights file: check the path of --weights")
    existed = path.is_file()
    meta = checkpoint.ensure(path)
    net, _ = checkpoint.load_network(path)
    print(describe(net))
    state = (
        "trained" if meta.trained else "UNTRAINED: its answers mean nothing before `python main.py --train`"
    )
    size = path.stat().st_size / 1e6
    print(f"\nweights  {path} ({size:.1f} MB), {'verified' if existed else 'created'}, {state}")
    print(f"labels   {', '.join(meta.labels)}")
    print(f"sha256   {meta.sha256}")
    return DONE


def _realtime(args: argparse.Namespace) -> int:
    from emotion_core.desktop import live

    camera = args.camera if args.camera is not None else "0"
    source: int | str = int(camera) if camera.isdecimal() else camera
    live.check(source)
    return live.run(
        source,
        lambda: _recognizer(args),  # the window opens first and says that it loads
        smoothing=args.smoothing or 5,
        threshold=args.threshold or 0.0,
        objects=_objects(args),
        elements=args.overlay or (),
    )


def _video(args: argparse.Namespace) -> int:
    from emotion_core import analysis
    from emotion_core.overlay.draw import DrawStyle
    from emotion_core.video.source import identify

    formats = args.format or ("json",)
    write_video = not args.no_video
    # Everything a user can get wrong is told before the model loads.
    source = identify(args.video, max_pixels=_max_pixels(args))
    planned = analysis.plan(source, output=args.output, formats=formats, write_video=write_video)
    objects = _objects(args)
    recognizer = _recognizer(args, threads=1)  # the stages of a video share the cores already
    begun = time.monotonic()
    with _stop_on_signal() as should_stop, _Bar(planned.source.name) as bar:
        result = analysis.analyze(
            source,
            recognizer=recognizer,
            output=args.output,
            smoothing=args.smoothing or 5,
            threshold=args.threshold or 0.0,
            objects=objects,
            formats=formats,
            write_video=write_video,
            style=DrawStyle(args.overlay) if args.overlay else None,
            on_progress=bar.show,
            should_stop=should_stop,
        )
    print(_report(result, time.monotonic() - begun))
    return DONE if result.complete else fail("main.py", result.message)


def _recognizer(args: argparse.Namespace, threads: int | None = None) -> Any:
    from emotion_core.faces.detectors import USUAL
    from emotion_core.recognizer import Recognizer

    return Recognizer.from_pretrained(
        args.weights,
        backend=args.backend,
        device=args.device,
        threads=threads,
        detector=args.detector or USUAL,
    )


def _objects(args: argparse.Namespace) -> "ObjectFinder | None":
    """Load the object detector; without one where nobody asked for it and its model is not here.

    Nothing is downloaded without `--fetch-objects`.
    """
    if args.no_objects:
        return None
    from emotion_core.objects import ObjectDetector, cached, fetch

    if args.objects_model is None:
        if args.fetch_objects:
            fetch()
        elif not args.objects and cached() is None:
            return None
    return ObjectDetector.load(args.objects_model)


def _report(result: "AnalysisResult", took: float) -> str:
    summary = result.summary
    seconds = summary["seconds"]
    speed = f" ({seconds / took:.1f} times real time)" if seconds > 1 else ""
    people = "1 face" if summary["people"] == 1 else f"{summary['people']} faces"
    what = f"{summary['source']['name']}: {summary['frames']} frames, {people}"
    lines = [f"{what}, {seconds:.1f} s of video in {took:.1f} s{speed}"]
    for face in summary["faces"]:
        shares = sorted(face["share"].items(), key=lambda pair: -pair[1])
        words = ", ".join(f"{name} {share:.0%}" for name, share in shares[:3] if share >= 0.005)
        valence, arousal = face["valence"]["mean"], face["arousal"]["mean"]
        lines.append(f"  face {face['face']}: {words}; valence {valence:+.2f}, arousal {arousal:.2f}")
    lines += [f"  {kind:8} {path}" for kind, path in result.paths.items()]
    return "\n".join([*lines, "The apparent expression, not what a person feels."])


class _Bar:
    """Progress on a terminal as a bar with rate and time left, elsewhere as a line every five seconds."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: Any = None
        self._heard = True
        self._told = time.monotonic()

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, done: int, total: int | None, rate: float, left: float | None) -> None:
        """Show how far the job is."""
        if sys.stderr.isatty():
            if self._bar is None:
                from tqdm import tqdm

                self._bar = tqdm(
                    total=total, unit=" frames", desc=self._name, dynamic_ncols=True, smoothing=0.1
                )
            self._bar.total = total
            self._bar.update(done - self._bar.n)
        elif self._heard and time.monotonic() - self._told >= 5:
            self._told = time.monotonic()
            of = "" if total is None else f" of {total}"
            rest = "" if left is None else f", {left:.0f} s left"
            self._heard = tell(f"{self._name}: {done}{of} frames, {rate:.1f} frames a second{rest}")


class _stop_on_signal:
    """Turn the first Ctrl-C or SIGTERM into a stop after the current frame, so that files are closed well."""

    def __enter__(self) -> Callable[[], bool]:
        self._asked = threading.Event()
        self._before = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}
        return self._asked.is_set

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        if self._asked.is_set():
            raise KeyboardInterrupt
        self._asked.set()


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of frames: give 1 (no smoothing) or more")
    return value


def _megapixels(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of megapixels above 0 and up to 10000")
    return value


def _max_pixels(args: argparse.Namespace) -> int:
    from emotion_core.limits import MAX_PIXELS

    return MAX_PIXELS if args.max_megapixels is None else max(1, int(args.max_megapixels * 1e6))


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} does not lie between 0 and 1")
    return value


def _formats(text: str) -> tuple[str, ...]:
    from emotion_core.results.formats import FORMATS

    return _some_of(FORMATS, text)


def _elements(text: str) -> tuple[str, ...]:
    from emotion_core.overlay.elements import ELEMENTS

    return _some_of(ELEMENTS, text)


def _some_of(known: Collection[str], text: str) -> tuple[str, ...]:
    names = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not names or not set(names) <= set(known):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of {', '.join(known)}")
    return names


def _line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    code = main()
    if "--realtime" in sys.argv:
        # Unloading the models takes a second: a window that the user has closed is to be gone at once.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
