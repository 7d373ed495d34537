"""The jobs of the command line, one function each; imports are inside, so that help comes at once."""

import argparse
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.ending import fail

if TYPE_CHECKING:
    from emotion_core.desktop.keeping import Make
    from emotion_core.outlets.sending import Sender
    from emotion_core.searching import ObjectFinder

DONE = 0


def do(job: str, args: argparse.Namespace, program: str) -> int:
    """Do the job of that name for `program`, whose name leads its complaints; gives the exit code."""
    args.program = program
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    from emotion_core.command import research

    jobs = {
        **{"model": model, "realtime": realtime, "video": video, "batch": batch, "convert": convert},
        **{"study": study, "agreement": research.agreement, "responses": research.responses},
    }
    try:
        return jobs[job](args)
    except KeyboardInterrupt:
        return fail(program, "stopped")


def model(args: argparse.Namespace) -> int:
    """Print the network's parts and sizes and check the weights; return the exit code."""
    from emotion_core.network import checkpoint

    path = Path(args.weights) if args.weights else checkpoint.WEIGHTS
    if path.is_dir() or (args.weights and not path.parent.is_dir()):
        from emotion_core.types import EmotionError

        raise EmotionError(f"{path} is no place for a weights file: check the path of --weights")
    existed = path.is_file()
    meta = checkpoint.ensure(path)
    print(_parts(path))
    state = (
        "trained" if meta.trained else "UNTRAINED: its answers mean nothing before `python main.py --train`"
    )
    size = path.stat().st_size / 1e6
    print(f"\nweights  {path} ({size:.1f} MB), {'verified' if existed else 'created'}, {state}")
    print(f"labels   {', '.join(meta.labels)}")
    print(f"sha256   {meta.sha256}")
    return DONE


def _parts(weights: Path) -> str:
    """Write the table of the network's parts, which PyTorch has to lay out."""
    try:
        from emotion_core.network.checkpoint import load_network
        from emotion_core.network.design import describe

        return describe(load_network(weights)[0])
    except ModuleNotFoundError:
        return "The table of parts needs PyTorch: pip install 'emotion-recognition[train]'"


def realtime(args: argparse.Namespace) -> int:
    """Show a camera live in a window; return the exit code."""
    from emotion_core.desktop import live
    from emotion_core.outlets.ndjson import STANDARD_OUTPUT

    camera = args.camera if args.camera is not None else "0"
    source: int | str = int(camera) if camera.isdecimal() else camera
    record, sender = _record(args), _sender(args)
    live.check(source)
    return live.run(
        source,
        lambda: _recognizer(args),  # the window opens first and says that it loads
        smoothing=args.smoothing or 5,
        threshold=args.threshold or 0.0,
        objects=_objects(args),
        elements=args.overlay or (),
        language=args.language or "en",
        record=record,
        sender=sender,
        out=sys.stderr if STANDARD_OUTPUT in (args.send or ()) else None,
    )


def _sender(args: argparse.Namespace) -> "Sender | None":
    """Return what sends the readings of a live view on, None where nobody asked for it."""
    from emotion_core.ending import warn
    from emotion_core.outlets.sending import Sender

    if not args.send:
        return None
    return Sender(args.send, extras=getattr(args, "with") or (), note=lambda text: warn(args.program, text))


def _record(args: argparse.Namespace) -> "Make | None":
    """Return what begins the recording of a live view, None where nobody asked for one."""
    from emotion_core.results.names import RESULTS
    from emotion_core.results.recording import Recording
    from emotion_core.types import EmotionError

    extras = getattr(args, "with") or ()
    if args.output is None:
        if args.format or (extras and not args.send):
            option = "--format" if args.format else "--with"
            raise EmotionError(f"{option} is about recorded results: name their place (--output)")
        return None
    path = Path(args.output).expanduser()
    if path.is_dir():
        path /= f"live_{time.strftime('%Y-%m-%d_%H-%M-%S')}{RESULTS}.json"
    if not path.parent.is_dir():
        raise EmotionError(f"the folder {path.parent} does not exist: create it first", ("output",))

    def make(recognizer: Any, info: Any) -> Recording:
        from emotion_core.analysis import model_facts

        source = {"name": info.name, "kind": info.kind, "width": info.width, "height": info.height}
        settings = {"smoothing": args.smoothing or 5, "threshold": args.threshold or 0.0}
        about = {"source": source, "model": model_facts(recognizer), "settings": settings}
        labels = recognizer.labels
        return Recording.create(
            path, formats=args.format or ("json",), labels=labels, about=about, extras=extras
        )

    Recording.create(path, formats=args.format or ("json",))  # what is wrong with it shows before a window
    return make


def video(args: argparse.Namespace) -> int:
    """Analyse videos, pictures and addresses, one after the other; return the exit code."""
    from emotion_core import analysis
    from emotion_core.command.files import Work, analyze_all
    from emotion_core.command.inputs import expanded
    from emotion_core.command.memory import give_back_large_blocks
    from emotion_core.overlay.draw import DrawStyle
    from emotion_core.overlay.elements import defaults
    from emotion_core.video.source import identify

    give_back_large_blocks()
    formats = args.format or ("json",)
    part = analysis.Part(args.start or 0.0, args.end, args.every or 1, args.rate)

    def plan(source: str) -> analysis.Plan:
        # Everything a user can get wrong is told before the model loads.
        place = identify(source, max_pixels=_max_pixels(args), stream=args.stream)
        return analysis.plan(
            place, output=args.output, formats=formats, write_video=not args.no_video, part=part
        )

    def load() -> tuple[Any, Any]:
        objects = _objects(args)
        return _recognizer(args, threads=1), objects  # the stages of a video share the cores already

    def settings() -> dict[str, Any]:
        return {
            "smoothing": args.smoothing or 5,
            "threshold": args.threshold or 0.0,
            "style": DrawStyle(args.overlay or defaults(), language=args.language or "en"),
            "extras": getattr(args, "with") or (),
        }

    return analyze_all(args, expanded(args.video), Work(plan, load, settings))


def batch(args: argparse.Namespace) -> int:
    """Read many files on many workers into one study; return the exit code."""
    from emotion_core.command.batch import batch

    return batch(args)


def study(args: argparse.Namespace) -> int:
    """Analyse a study's folder, check it, or write its report; return the exit code."""
    from emotion_core.command.study import study

    return study(args)


def convert(args: argparse.Namespace) -> int:
    """Write results files in other formats; return the exit code, 1 where one of them failed."""
    from emotion_core.ending import explained, warn
    from emotion_core.results.converting import convert as write

    failed = 0
    for path in args.convert:
        try:
            folder = None if args.output is None else Path(args.output).expanduser()
            done = write(
                Path(path).expanduser(),
                args.to,
                folder=folder,
                shift=args.shift or 0.0,
                rate=args.rate,
                overwrite=bool(args.overwrite),
            )
        except Exception as error:
            line = explained(error)
            if line is None:
                raise
            failed += fail(args.program, line)
            continue
        for note in done.notes:
            warn(args.program, f"{Path(path).name}: {note}")
        print("\n".join(f"  {name:9} {place}" for name, place in done.paths.items()), flush=True)
    return int(bool(failed))


def _recognizer(args: argparse.Namespace, threads: int | None = None) -> Any:
    from emotion_core.faces.detectors import USUAL
    from emotion_core.recognizer import Recognizer

    return Recognizer.from_pretrained(
        args.weights,
        backend=args.backend,
        device=args.device,
        threads=threads,
        detector=args.detector or USUAL,
        every_frame=bool(args.every_frame),
        reidentify=not args.no_reidentify,
        blendshapes="blendshapes" in (getattr(args, "with", None) or ()),
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


def _max_pixels(args: argparse.Namespace) -> int:
    from emotion_core.limits import MAX_PIXELS

    return MAX_PIXELS if args.max_megapixels is None else max(1, int(args.max_megapixels * 1e6))
