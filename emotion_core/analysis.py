"""A whole video or picture at once: recognised, drawn, encoded and written down.

The command line and the web app both call `analyze`. Decoding, finding faces, reading them, and drawing with
encoding overlap in four threads with short queues between them: the order is kept and memory does not grow
with length.
"""

import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.ahead import ahead
from emotion_core.annotated import Annotated
from emotion_core.files import disk_problem
from emotion_core.planning import Plan, plan
from emotion_core.results.extras import check as check_extras
from emotion_core.results.names import place_of
from emotion_core.results.recording import Recording
from emotion_core.searching import OBJECTS_EVERY, ObjectFinder, ObjectSearch
from emotion_core.shortage import OUT_OF_MEMORY, give_back, is_out_of_memory
from emotion_core.types import DetectedObject, EmotionError, Frame
from emotion_core.video.part import Part
from emotion_core.video.reader import Frames, VideoInfo
from emotion_core.video.shape import LARGE
from emotion_core.video.source import Source

if TYPE_CHECKING:
    from emotion_core.recognizer import Recognizer
    from emotion_core.session import Session, Sighting

__all__ = ["AnalysisResult", "ObjectFinder", "Part", "Plan", "Progress", "analyze", "plan"]

Progress = Callable[[int, int | None, float, float | None], None]
"""Called with frames done, frames in all, frames a second and seconds left; None stands for unknown."""

_Found = tuple[Frame, list[DetectedObject] | None]  # a frame and its objects, None where nobody looked
_QUEUE_BYTES = 6_000_000  # two pictures of 1280x720; more take memory and gain no time
_MODEL_FACTS = ("name", "sha256", "trained", "temperature", "temperature_color", "backend", "device")


@dataclass(frozen=True, slots=True)
class AnalysisResult:
    """What `analyze` left: `paths` by kind ("video" or "picture", "summary", and the formats' names).

    `complete` is False where the source ended early or the job was stopped; `message` then says so.
    """

    paths: dict[str, Path]
    summary: dict[str, Any]
    complete: bool
    message: str


def analyze(
    source: str | os.PathLike[str] | int | Source | Frames | Plan,
    *,
    recognizer: "Recognizer",
    output: str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    smoothing: int = 5,
    threshold: float = 0.0,
    objects: ObjectFinder | None = None,
    objects_every: float = OBJECTS_EVERY,
    formats: Sequence[str] = ("json",),
    write_video: bool = True,
    part: Part | None = None,
    on_progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    style: Any = None,
    extras: Sequence[str] = (),
) -> AnalysisResult:
    """Analyse a source from its first frame to its last.

    Args:
        source: a video, a picture, an address or a camera, or what `plan` or `frames` made of one, which is
            closed in the end.
        recognizer: shared weights; the state of this job is its own.
        output: where the annotated video goes, or a folder; see `plan`, which has it where there is one.
        output_dir: the folder of all outputs where `output` is not given.
        smoothing: frames over which the predictions are averaged, from 1.
        threshold: confidence in [0, 1] below which an answer is marked uncertain.
        objects: finds objects in an RGB picture, or None to leave them out.
        objects_every: seconds of video between two searches for objects; in between, the last ones are drawn.
        formats: names in `results.formats.FORMATS`; "json" is always written.
        write_video: whether to write the annotated video or picture.
        part: what is read of the source, as `Part(start=60, end=90, rate=5)`; all where None. Times and
            numbers of frames stay the source's; the annotated video holds the part alone.
        on_progress: called a few times a second.
        should_stop: asked before every frame; True ends the job and keeps what there is.
        style: a `draw.DrawStyle`.
        extras: what records hold besides, names in `results.extras.EXTRAS`; "blendshapes" needs a recognizer
            that was loaded with them.

    Returns:
        What was written. A source that ends early, or a stop, gives `complete` False and a message.

    Raises:
        EmotionError: for anything a user can act on; then nothing of this run is left behind.
    """
    if isinstance(source, Plan):
        if output or output_dir or tuple(formats) != ("json",) or not write_video or part:
            raise ValueError("a plan says already what is written where: give that to plan()")
    else:
        source = plan(
            source,
            output=output,
            output_dir=output_dir,
            formats=formats,
            write_video=write_video,
            part=part,
        )
    with source as made:
        if smoothing < 1:
            raise EmotionError(f"smoothing counts frames and starts at 1 (no smoothing), not {smoothing}")
        extras = check_extras(extras)
        if "blendshapes" in extras and not recognizer.finder.blendshapes:
            raise EmotionError("this recognizer reads no blendshapes: load it with blendshapes=True")
        from emotion_core.session import Session

        search = None if objects is None else ObjectSearch(objects, every=objects_every)
        session = Session(smoothing, threshold)
        result = _analyze(made, recognizer, session, search, on_progress, should_stop, style, extras)
    if source.source.kind != "picture":
        give_back()
    return result


def _analyze(
    made: Plan,
    recognizer: "Recognizer",
    session: "Session",
    search: ObjectSearch | None,
    on_progress: Progress | None,
    should_stop: Callable[[], bool] | None,
    style: Any,
    extras: Sequence[str],
) -> AnalysisResult:
    settings = {
        "smoothing": session.smoothing,
        "threshold": session.threshold,
        "objects": search is not None,
        **({"extras": list(extras)} if extras else {}),
    }
    about = {"source": _source_facts(made), "model": model_facts(recognizer), "settings": settings}
    recording = Recording.create(
        made.results, formats=made.formats, labels=tuple(recognizer.labels), about=about, extras=extras
    )
    pace = _Pace(on_progress, made.reader.part.expected(made.info.frames, made.info.duration))
    with ExitStack() as stack:
        stack.callback(recording.discard)
        try:
            recording.reserve()
        except OSError as error:
            raise EmotionError(disk_problem(made.results, error)) from error
        reader, depth = made.reader, _depth(made.info)
        large = made.info.width * made.info.height > LARGE
        annotated = None
        if made.video is not None:
            sound = made.source if made.info.has_audio else None
            annotated = Annotated(made.video, made.info, sound, style, depth, reader.part)
            stack.callback(annotated.discard)
        found_too = _with_objects(reader, search)
        # Pictures of 4K wait nowhere: encoding takes as long as all else, and one more takes 40 MB.
        decoded = found_too if large and annotated is not None else ahead(found_too, depth)
        stack.callback(decoded.close)
        sighted = _sighted(decoded, recognizer, session)
        stream = sighted if large else ahead(sighted, depth)
        stack.callback(stream.close)
        try:
            end, beyond = 0.0, 0
            cut: str | None = None  # why the job ends before its source does
            shown: Sequence[DetectedObject] = ()
            try:
                for sighting, found in stream:
                    if should_stop is not None and should_stop():
                        cut = _stopped(made, end)
                        break
                    frame, faces = sighting.frame, recognizer.read(sighting, session)
                    recording.append(frame, faces, found)
                    shown = shown if found is None else found
                    if annotated is not None:
                        annotated.put(frame, faces, shown)
                    pace.step()
                    end, beyond = frame.time, max(beyond, sighting.beyond)
                    del sighting, frame
            except Exception as error:
                if not is_out_of_memory(error) or not pace.done:
                    raise
                cut = f"{_stopped(made, end)}: {OUT_OF_MEMORY}"
            if not pace.done and not cut:
                nothing = f"{made.source.name}: no picture lies in that part of it"
                raise EmotionError(reader.problem or nothing)
            if not pace.done:
                raise EmotionError(f"{made.source.name}: stopped before its first frame, nothing is written")
            problem = cut or reader.problem
            recording.flush()
            ended = None if cut or made.is_picture else reader.end
            paths: dict[str, Path] = {}
            if annotated is not None:
                place = annotated.close(ended, complete=not problem)
                if place is not None:
                    paths["picture" if made.is_picture else "video"] = place
                elif not problem:
                    problem = f"{made.source.name}: {annotated.problem}"
            recording.about["message"] = problem or "complete"
            recording.about["remarks"] = reader.notes + (annotated.notes if annotated is not None else [])
            if beyond:
                recording.about["remarks"].append(
                    f"up to {beyond} more in one picture may be faces: the {recognizer.finder.max_faces} "
                    "largest are read"
                )
            if not problem:
                recording.about["source"] = {**recording.about["source"], **reader.measured()}
            recording.close(complete=not problem, end=ended)
        except KeyboardInterrupt:
            recording.close(complete=False)
            raise
        except OSError as error:
            raise EmotionError(disk_problem(recording.paths["json"], error)) from error
    pace.finish()
    paths.update(recording.paths)
    message = f"{problem}; the results up to there are in {paths['json']}" if problem else ""
    return AnalysisResult(paths, recording.summary, not problem, message)


def model_facts(recognizer: "Recognizer") -> dict[str, Any]:
    """Return what a summary says of the model."""
    facts = recognizer.metadata
    known = {key: facts[key] for key in (*_MODEL_FACTS, "detector") if key in facts}
    return {**known, "labels": list(recognizer.labels)}


class _Pace:
    """Counts frames and reports them a few times a second."""

    def __init__(self, report: Progress | None, total: int | None) -> None:
        self.done = 0
        self._report = report
        self._total = total
        self._begun = time.monotonic()
        self._told = 0.0

    def step(self) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self._told >= 0.2:
            self._tell(now)

    def finish(self) -> None:
        self._total = self.done
        self._tell(time.monotonic())

    def _tell(self, now: float) -> None:
        self._told = now
        if self._report is None:
            return
        rate = self.done / max(1e-6, now - self._begun)
        total = None if self._total is None else max(self._total, self.done)
        self._report(self.done, total, rate, None if total is None else (total - self.done) / rate)


def _depth(info: VideoInfo) -> int:
    """Return how many frames may wait between two threads: few of a large picture."""
    return max(1, min(6, _QUEUE_BYTES // max(1, info.width * info.height * 3)))


def _with_objects(reader: Frames, search: ObjectSearch | None) -> Generator[_Found, None, None]:
    """Pair each frame with its objects, or with None where nobody looked."""
    while (frame := next(reader, None)) is not None:
        pair = [(frame, None if search is None else search.step(frame.image, frame.time))]
        del frame  # a large picture is not held on to while the next one is decoded
        yield pair.pop()


def _sighted(
    decoded: Iterator[_Found], recognizer: "Recognizer", session: "Session"
) -> Generator[tuple["Sighting", list[DetectedObject] | None], None, None]:
    """Find the faces of each frame."""
    for frame, found in decoded:
        pair = [(recognizer.find(frame, session), found)]
        del frame
        yield pair.pop()


def _stopped(made: Plan, end: float) -> str:
    of = f" of {made.info.duration:.1f}" if made.info.duration else ""
    return f"{made.source.name}: stopped at {end:.1f}{of} seconds"


def _source_facts(made: Plan) -> Mapping[str, Any]:
    info, path = made.info, made.source.path
    part = made.reader.part
    return {
        "name": info.name,
        "path": None
        if path is None or path.name != info.name or made.source.uploaded
        else place_of(path, made.results.parent),
        "kind": info.kind,
        "width": info.width,
        "height": info.height,
        "fps": round(info.fps, 4),
        "duration": None if info.duration is None else round(info.duration, 3),
        "has_audio": info.has_audio,
        **({} if part.is_whole else {"part": part.facts()}),
    }
