"""A source, opened, and the places of what an analysis of it leaves: checked before any work is done."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from emotion_core.annotated import PICTURE_ENDINGS
from emotion_core.files import busy, is_being_written
from emotion_core.limits import MAX_VIDEO_SIDE
from emotion_core.results.formats import check as check_formats
from emotion_core.results.names import OVERLAY, RESULTS, free_name, results_path
from emotion_core.types import EmotionError
from emotion_core.video.part import Part
from emotion_core.video.reader import Frames, VideoInfo
from emotion_core.video.source import Source, identify


@dataclass(frozen=True, slots=True)
class Plan:
    """A source, opened, and where its outputs go, checked before any work is done.

    It is analysed once, by the `reader` that is open already; `with` closes it where it comes to nothing.
    """

    reader: Frames
    results: Path
    video: Path | None
    formats: tuple[str, ...]

    @property
    def source(self) -> Source:
        """What was named."""
        return self.reader.source

    @property
    def info(self) -> VideoInfo:
        """What it holds."""
        return self.reader.info

    @property
    def is_picture(self) -> bool:
        """Whether the annotated output is a picture, not a video."""
        return self.video is not None and self.video.suffix.lower() in PICTURE_ENDINGS

    def __enter__(self) -> "Plan":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reader.close()


def plan(
    source: str | os.PathLike[str] | int | Source | Frames,
    *,
    output: str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    formats: Sequence[str] = ("json",),
    write_video: bool = True,
    part: Part | None = None,
) -> Plan:
    """Open a source and check it and the places of its outputs.

    `source` may be a reader that has given no frame yet; it belongs to the plan then. Where planning fails
    the source is closed. `part` is what is read of it, all where None.

    NAME is the stem of `output` (without a trailing `_emotions` or `_results`, unless the source is called so
    too), else that of the source; the results are `NAME_results.json` and `NAME_summary.json` in the folder
    of `output`, else in `output_dir`, else beside the source. The annotated video is `output`, else
    `NAME_emotions.mp4` there (.jpg for a picture). Where the summary in that folder says that NAME is that of
    another source, this one's ending is added to it, as in `talk_mov_results.json`.

    Raises:
        EmotionError: where the source can't be read, or an output can't be written or would be the source.
    """
    with ExitStack() as stack:
        check_formats(formats)
        if isinstance(source, Frames):
            if part is not None:
                raise ValueError("a reader has its part already: give that to frames()")
            reader = source
        else:
            reader = Frames(identify(source), part)
        stack.callback(reader.close)
        if reader.info.duration is not None and reader.part.start >= reader.info.duration:
            raise EmotionError(
                f"{reader.source.name} lasts {reader.info.duration:.1f} s: nothing of it lies from "
                f"{reader.part.start:g} s on",
                ("start",),
            )
        made = _plan(reader, output, output_dir, formats, write_video)
        stack.pop_all()
        return made


def _plan(
    reader: Frames,
    output: str | os.PathLike[str] | None,
    output_dir: str | os.PathLike[str] | None,
    formats: Sequence[str],
    write_video: bool,
) -> Plan:
    place, info = reader.source, reader.info
    folder, name, video = _names(place, output, output_dir)
    free, other = free_name(folder, name, place.name, place.path, place.ending)
    if other is not None:
        reader.notes.append(
            f"{name}{RESULTS}.json is of {other}: the files of {place.name} are called {free}"
        )
        if video.stem.startswith(name):
            video = video.with_name(f"{free}{video.name.removeprefix(name)}")
        name = free
    if write_video and video is not None:
        allowed = (".mp4", *PICTURE_ENDINGS) if place.kind == "picture" else (".mp4",)
        if video.suffix.lower() not in allowed:
            raise EmotionError(
                f"the annotated {'picture' if len(allowed) > 1 else 'video'} can be written as "
                f"{' or '.join(allowed)}, not as {video.name!r}: choose another output",
                ("output",),
            )
    if write_video and place.kind != "picture" and max(info.width, info.height) > MAX_VIDEO_SIDE:
        raise EmotionError(
            f"{place.name} has {info.width} x {info.height} pixels, and an annotated video holds at most "
            f"{MAX_VIDEO_SIDE} a side: make it smaller, or leave the annotated video out"
        )
    made = Plan(reader, results_path(folder, name), video if write_video else None, tuple(formats))
    outputs = [made.results, *([made.video] if made.video else [])]
    for target in outputs:
        if place.path is not None and _same(target, place.path):
            raise EmotionError(
                f"the output would replace the input {place.name}: choose another output", ("output",)
            )
        if target.is_dir():
            raise EmotionError(
                f"{target} is a folder, where a file should go: choose another output", ("output",)
            )
        if is_being_written(target):
            raise EmotionError(busy(target))
    _check_folder(folder)
    return made


def _names(
    source: Source, output: str | os.PathLike[str] | None, output_dir: str | os.PathLike[str] | None
) -> tuple[Path, str, Path]:
    """Return the folder, NAME and the annotated output."""
    beside = source.path.parent if source.path is not None else Path()
    folder = Path(output_dir) if output_dir is not None else beside
    ending = ".jpg" if source.kind == "picture" else ".mp4"
    if output is not None:
        target = Path(output).expanduser()
        if not target.is_dir():
            name = target.stem
            if name != source.stem:  # a source called `many_emotions` is not the overlay of a `many`
                name = name.removesuffix(OVERLAY).removesuffix(RESULTS) or name
            return target.parent, name, target
        folder = target
    return folder, source.stem, folder / f"{source.stem}{OVERLAY}{ending}"


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise EmotionError(
            f"the folder {folder} does not exist: create it first, or choose another output", ("output",)
        )
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise EmotionError(
            f"nothing can be written to {folder} ({error.strerror}): choose another output", ("output",)
        ) from error


def _same(one: Path, other: Path) -> bool:
    try:
        return one.exists() and one.samefile(other)
    except OSError:
        return False
