"""The annotated video or picture of an analysis."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core.files import disk_problem, written_beside
from emotion_core.overlay.placement import Memory
from emotion_core.overlay.words import missing
from emotion_core.shortage import OUT_OF_MEMORY, is_out_of_memory
from emotion_core.types import DetectedObject, EmotionError, Face, Frame
from emotion_core.video.part import Part
from emotion_core.video.reader import VideoInfo
from emotion_core.video.shape import LARGE
from emotion_core.video.source import Source
from emotion_core.video.writer import VideoError, VideoWriter

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


class Annotated:
    """The annotated output: draws and encodes in a thread of its own, in order."""

    def __init__(
        self, path: Path, info: VideoInfo, sound: Source | None, style: Any, depth: int, part: Part
    ) -> None:
        """Take where to write, the source and where its sound is, how many frames may wait, and the part."""
        self._path = path
        self._depth = depth
        self._large = info.width * info.height > LARGE
        self._style = {} if style is None else {"style": style}
        said = None if style is None else missing(style.language)
        self._said = [] if said is None else [said]
        self._memory = Memory()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="annotate")
        self._waiting: deque[Future[None]] = deque()
        self._writer: VideoWriter | None = None
        self._picture: np.ndarray | None = None
        self.problem = ""
        if path.suffix.lower() not in PICTURE_ENDINGS:
            self._writer = VideoWriter(path, source=sound, fps=part.rate_of(info.fps), part=part)

    def put(self, frame: Frame, faces: list[Face], objects: Sequence[DetectedObject]) -> None:
        """Hand over a frame, which is drawn onto; waits while many others are waiting.

        Raises what went wrong with those.
        """
        while len(self._waiting) >= self._depth:
            self._wait()
        if self.problem:
            return
        # In a list, out of which it is taken: what was handed to a thread lives as long as its work.
        pixels = [self._pool.submit(self._drawn, [frame], faces, objects)]
        if self._large:
            wait(pixels)  # so that the next picture is decoded when this one's pixels are needed no more
        self._waiting.append(self._pool.submit(self._take, pixels, frame.time))

    def close(self, end: float | None, *, complete: bool) -> Path | None:
        """Finish; gives where the output lies, or None where `problem` says why there is none."""
        while self._waiting:
            self._wait()
        if self.problem:
            return None
        if self._writer is None:
            assert self._picture is not None
            save_picture(self._picture, self._path)
            return self._path
        with self._giving_up():
            return self._writer.close(end, complete=complete)
        return None

    def _wait(self) -> None:
        with self._giving_up():
            self._waiting.popleft().result()

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Let the results go on where it is the video alone that can't be made."""
        try:
            yield
        except VideoError as error:
            self.problem = self.problem or f"there is no annotated video: {error}"
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self.problem = f"there is no annotated output: {OUT_OF_MEMORY}"

    @property
    def notes(self) -> list[str]:
        """What is other than was asked for, of the sound and of the words, in a line each.

        It is whole after `close`.
        """
        return [*self._said, *([] if self._writer is None else self._writer.notes)]

    def discard(self) -> None:
        """Stop the thread and remove what is not finished; nothing happens after `close`."""
        self._pool.shutdown(cancel_futures=True)
        if self._writer is not None:
            self._writer.discard()

    def _take(self, pixels: list[Future[Any]], time: float) -> None:
        if self._writer is not None:
            self._writer.add(pixels.pop().result(), time)
        else:
            self._picture = pixels.pop().result()

    def _drawn(self, frames: list[Frame], faces: list[Face], objects: Sequence[DetectedObject]) -> Any:
        """Give a picture with what is drawn onto it: as the writer takes it, where there is one."""
        from emotion_core.overlay.draw import draw

        image = draw(frames.pop(), faces, objects, memory=self._memory, in_place=True, **self._style)
        return image if self._writer is None else self._writer.converted(image)


def save_picture(image: np.ndarray, path: Path) -> None:
    """Write an RGB picture (H, W, 3) in the format of its ending."""
    from PIL import Image

    try:
        with written_beside(path) as part:
            Image.fromarray(image).save(part, quality=92)
    except OSError as error:
        raise EmotionError(disk_problem(path, error)) from error
