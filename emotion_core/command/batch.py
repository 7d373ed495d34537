"""The job `batch`: many files into one study, with a line about each that goes wrong."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_core.command.options import MISUSED
from emotion_core.command.progress import CLOSING, Shown, StopOnSignal
from emotion_core.ending import fail, warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emotion_core.batch.driver import Progress
    from emotion_core.batch.messages import Listed
    from emotion_core.batch.run import Ended
    from emotion_core.batch.settings import Settings

_TROUBLE = ("failed", "aside", "partial")


def batch(args: argparse.Namespace) -> int:
    """Read many files into the study `--output`; return the exit code: 1 where one is not whole."""
    from emotion_core.command.listing import listed

    if args.output is None:
        warn(args.program, "a batch needs a folder for its study: --output OUT")
        return MISUSED
    out = Path(args.output).expanduser()
    return into(args, listed(args.batch, out), out)


def into(args: argparse.Namespace, sources: "Iterable[Listed]", out: Path) -> int:
    """Read files, each with what is known of it, into the study in `out`; return the exit code."""
    from emotion_core.batch import run

    if args.workers is not None and args.cluster is not None:
        warn(args.program, "--workers are those of this machine, --cluster has its own: give one of them")
        return MISUSED
    with StopOnSignal() as should_stop, _Display() as display:
        ended = run.run(
            sources,
            out,
            _settings(args),
            workers=args.workers,
            address=args.cluster,
            tries=args.tries or run.TRIES,
            again=bool(args.retry),
            tell=display.show,
            note=lambda text: display.note(args.program, text),
            should_stop=should_stop,
        )
    return _report(args.program, out, ended)


def _settings(args: argparse.Namespace) -> "Settings":
    from emotion_core.batch.settings import Settings
    from emotion_core.faces.detectors import USUAL
    from emotion_core.limits import MAX_PIXELS
    from emotion_core.video.part import Part

    return Settings(
        weights=None if args.weights is None else str(Path(args.weights).expanduser().resolve()),
        backend=args.backend,
        device=args.device,
        detector=args.detector or USUAL,
        every_frame=bool(args.every_frame),
        reidentify=not args.no_reidentify,
        objects=_objects(args),
        smoothing=args.smoothing or 5,
        threshold=args.threshold or 0.0,
        extras=getattr(args, "with") or (),
        formats=args.format or ("json",),
        annotate=bool(args.annotate),
        overlay=args.overlay,
        language=args.language or "en",
        part=Part(args.start or 0.0, args.end, args.every or 1, args.rate),
        max_pixels=MAX_PIXELS if args.max_megapixels is None else max(1, int(args.max_megapixels * 1e6)),
    )


def _objects(args: argparse.Namespace) -> str | None:
    """Return the model that finds objects, as every worker finds it; None where nobody looks for any."""
    if args.no_objects:
        return None
    from emotion_core.objects import ObjectDetector, cached, fetch

    if args.objects_model is not None:
        return str(Path(args.objects_model).expanduser().resolve())
    found = fetch() if args.fetch_objects else cached()
    if found is None and args.objects:
        ObjectDetector.load()  # says what is missing
    return None if found is None else str(found.resolve())


class _Display(Shown):
    """Progress of all files, with time left."""

    def note(self, program: str, text: str) -> None:
        """Say what a user should know at once."""
        if self._bar is not None:
            self._bar.clear()
        warn(program, text)

    def show(self, progress: "Progress") -> None:
        """Show how far it is."""
        words, counts = _words_of(progress), progress.counts
        done = counts.total - counts.left
        if sys.stderr.isatty():
            if self._bar is None:
                from tqdm import tqdm

                form = "{l_bar}{bar}| {n_fmt}/{total_fmt} files [{elapsed}{postfix}]"
                self._bar = tqdm(desc="batch", total=1, dynamic_ncols=True, bar_format=form)
            self._bar.total, self._bar.n = counts.total, done
            self._bar.set_postfix_str(words)
        else:
            self._tell(f"batch: {done} of {counts.total} files, {words}")


def _words_of(progress: "Progress") -> str:
    states, left = progress.counts.states, progress.seconds_left
    bad = sum(states.get(name, 0) for name in _TROUBLE)
    parts = ["no worker yet" if not progress.workers else f"{_counted(progress.workers, 'worker')}"]
    parts += [f"{bad} not whole"] if bad else []
    return ", ".join([*parts, *([] if left is None else [f"{_time(left)} left"])])


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _report(program: str, out: Path, ended: "Ended") -> int:
    """Say what it came to; gives the exit code."""
    counts = ended.counts
    done = counts.states.get("done", 0)
    print(f"{done} of {_counted(counts.total, 'file')} done, the study is in {out}")
    for kind in ("results", "dataset", "summary.csv", "manifest.csv"):
        print(f"  {kind.split('.')[0]:8} {out / kind}")
    print(CLOSING, flush=True)
    if ended.others:
        warn(
            program,
            f"{_counted(ended.others, 'file')} of earlier calls have results by other settings or weights",
        )
    bad = sum(counts.states.get(name, 0) for name in _TROUBLE)
    if bad:
        warn(program, f"{bad} of {counts.total} are not whole (--retry reads those that failed again):")
    for path, _, error in ended.troubled:
        name = Path(path).name
        warn(program, error if name in error else f"{name}: {error}")
    if bad > len(ended.troubled):
        warn(program, f"and {bad - len(ended.troubled)} more: {out / 'manifest.csv'}")
    if ended.stopped:
        return fail(program, f"stopped, {counts.left} left: the same call goes on")
    return int(bool(bad))
