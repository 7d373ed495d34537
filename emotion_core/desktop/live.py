"""The window of `main.py --realtime`, and the thread that recognises beside it."""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from emotion_core.ahead import ahead
from emotion_core.desktop.keeping import Kept, Make
from emotion_core.desktop.latest import CameraSource, LatestFrame, Taken
from emotion_core.desktop.window import WEB_APP, Window, check_display, fitting, resized
from emotion_core.overlay.placement import Memory
from emotion_core.types import DetectedObject, EmotionError, Face, Frame

if TYPE_CHECKING:
    from emotion_core.outlets.sending import Sender
    from emotion_core.overlay.draw import DrawStyle
    from emotion_core.recognizer import Recognizer, Session
    from emotion_core.searching import ObjectSearch
    from emotion_core.session import Sighting

CONSENT = (
    "Every face in view is analysed, on this computer only: no picture is kept or sent. Tell the people in "
    "view.\nIt shows the apparent expression, not what a person feels."
)
_PUT_AWAY = 60.0  # seconds at most for which a recording is waited for in the end: of hours, SPSS takes long
_SWITCHES = {"m": "mirror", "b": "bars", "h": "hide_faces"}  # besides the elements of the overlay


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that reached the screen: number and time of its frame, and how old it was, in seconds."""

    index: int
    time: float
    age: float
    faces: int


@dataclass(slots=True)
class _View:
    image: np.ndarray
    taken: Taken
    faces: int
    final: bool = False


class _Worker:
    """Everything between camera and screen, in a thread of its own, so that the window always answers."""

    def __init__(
        self,
        reader: LatestFrame,
        recognizer: "Recognizer | Callable[[], Recognizer]",
        make_session: "Callable[[], Session]",
        objects: Callable[[np.ndarray], list[DetectedObject]] | None,
        style: "DrawStyle",
        kept: Kept | None = None,
        sender: "Sender | None" = None,
    ) -> None:
        self.reader, self.style, self.size = reader, style, (reader.info.width, reader.info.height)
        self.fps: float | None = None
        self.age: float | None = None
        self.failure: BaseException | None = None
        self._recognizer, self._make_session, self._objects = recognizer, make_session, objects
        self._kept, self._sender = kept, sender
        self._memory = Memory()
        self._view: _View | None = None
        self._change = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recognise", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def view(self, timeout: float) -> _View | None:
        """Wait for the next picture; None where there is none yet."""
        with self._change:
            self._change.wait_for(lambda: self._view is not None, timeout)
            view, self._view = self._view, None
            return view

    def stop(self) -> None:
        self._stop.set()
        patience = 0.6 if self._sender is None else 2.0
        self._thread.join(patience if self._kept is None else _PUT_AWAY)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  it is raised again in the main thread
            self.failure = error

    def _work(self) -> None:
        from emotion_core.searching import ObjectSearch

        made: Any = self._recognizer
        recognizer = made if hasattr(made, "labels") else made()
        if self._kept is not None:
            self._kept.begin(recognizer, self.reader.info)
        if self._sender is not None:
            from emotion_core.analysis import model_facts
            from emotion_core.outlets.base import About

            self._sender.begin(About(self.reader.info.name, recognizer.labels, model_facts(recognizer)))
        session = self._make_session()
        beside = ThreadPoolExecutor(1, thread_name_prefix="objects")
        search = None if self._objects is None else ObjectSearch(self._objects, beside=beside)
        last: tuple[Taken, list[Face], list[DetectedObject]] | None = None
        try:
            self.reader.start()
            # Faces of the next frame are found while those of this one are read and drawn.
            with closing(ahead(self._sighted(recognizer, session), 1)) as stream:
                for taken, sighting in stream:
                    faces = recognizer.read(sighting, session)
                    if self._sender is not None:
                        self._sender.send(taken.frame, taken.read, faces)
                    things: list[DetectedObject] = []
                    found = None
                    if search is not None and "objects" in self.style.elements:
                        found = search.step(taken.frame.image, taken.at)
                        things = search.held(taken.at)
                    if self._kept is not None:
                        self._kept.append(taken.frame, faces, found)
                    last = taken, faces, things
                    self._hand_over(*last, note="")
                    if self._stop.is_set():
                        break
            if self._kept is not None:
                self._kept.finish(self.reader.end if self.reader.ended else None)
            if last is not None and self.reader.info.kind != "camera":
                self._hold(*last, search)
        finally:
            beside.shutdown(wait=False, cancel_futures=True)
            if self._sender is not None:
                self._sender.close()
            if self._kept is not None:
                self._kept.finish()

    def _sighted(self, recognizer: "Recognizer", session: "Session") -> "Iterator[tuple[Taken, Sighting]]":
        """Yield each newest frame with the faces found in it, until the source ends or the user quits."""
        while not self._stop.is_set():
            taken = self.reader.get(0.1)
            if taken is not None:
                yield taken, recognizer.find(taken.frame, session)
            elif self.reader.ended:
                return

    def _hold(
        self, taken: Taken, faces: list[Face], things: list[DetectedObject], search: "ObjectSearch | None"
    ) -> None:
        """Keep the last picture of a file until the user quits; a short clip would flash by unseen.

        A search that was still running, as it is for a photo, adds what it finds.
        """
        drawn = None
        note = "" if self.reader.info.kind == "picture" else "end"
        while not self._stop.wait(0.05):
            found = search.collect(time.monotonic()) if search is not None else None
            if found is not None:
                things, drawn = found, None
            wanted = self.size, self.style
            if wanted != drawn:
                self._hand_over(taken, faces, things, note=note)
                drawn = wanted

    def _hand_over(self, taken: Taken, faces: list[Face], things: list[DetectedObject], *, note: str) -> None:
        from emotion_core.overlay.draw import draw, scaled

        image = taken.frame.image
        height, width = image.shape[:2]
        # Drawn at the size of the window: letters stay sharp, and a 4K camera costs no more than a small one.
        size = fitting(width, height, self.size, least=self.size[0])
        faces, things = scaled(faces, things, size[0] / width, size[1] / height)
        final = bool(note) or self.reader.info.kind == "picture"
        view = draw(
            Frame(resized(image, size), taken.frame.index, taken.frame.time),
            faces,
            things,
            fps=None if final else self.fps,
            latency_ms=None if final or self.age is None else self.age * 1000,
            style=self.style,
            memory=self._memory,
            note=note,
        )
        with self._change:
            self._view = _View(view, taken, len(faces), final)
            self._change.notify_all()


def check(source: CameraSource) -> None:
    """Find out early, before a model loads, whether there is a display and `source` can be read.

    Raises:
        EmotionError: in one line that says what to do.
    """
    check_display()
    _open(source).close()


def _open(source: CameraSource) -> LatestFrame:
    try:
        return LatestFrame(source)
    except EmotionError as error:
        is_camera = isinstance(source, int) or str(source).startswith("/dev/video")
        raise EmotionError(f"{error} Or {WEB_APP}" if is_camera else str(error)) from error


def run(
    camera: CameraSource,
    recognizer: "Recognizer | Callable[[], Recognizer]",
    *,
    smoothing: int = 5,
    threshold: float = 0.0,
    objects: Callable[[np.ndarray], list[DetectedObject]] | None = None,
    style: "DrawStyle | None" = None,
    elements: Collection[str] = (),
    language: str = "en",
    on_shown: Callable[[Shown], None] | None = None,
    record: Make | None = None,
    sender: "Sender | None" = None,
    out: TextIO | None = None,
) -> int:
    """Show a camera, a file or an address live, with the overlay, until the user quits.

    A `recognizer` that is not loaded yet may be given as a function that loads it: the window opens first.
    `on_shown` hears of every picture that reaches the screen. `elements` are those of the overlay, the usual
    ones where there are none, with names in `language`. A camera is shown as in a mirror unless a `style`
    says otherwise. The last picture of a file stays until `q`. `record` makes a recording, which takes what
    is read of every frame and is closed in the end, also by Ctrl-C; `sender` sends the same while it comes.
    What is said goes to `out`, standard output where it is None.

    Gives 0 where the user quit, 1, with one line on stderr, where there is no display, no camera, or the
    camera went away. Runs in the main thread.
    """
    from emotion_core.overlay.draw import DrawStyle
    from emotion_core.overlay.elements import defaults
    from emotion_core.session import Session

    try:
        check_display()
        reader = _open(camera)
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    print(CONSENT, keys(), sep="\n", file=out, flush=True)
    chosen = style or DrawStyle(
        elements or defaults(), mirror=reader.info.kind == "camera", language=language
    )

    def session() -> "Session":
        return Session(smoothing=smoothing, threshold=threshold)

    kept = None if record is None else Kept(record)
    worker = _Worker(reader, recognizer, session, objects, chosen, kept, sender)
    try:
        return _show(worker, on_shown)
    finally:
        worker.stop()
        reader.close()
        for kind, path in () if kept is None else kept.paths.items():
            print(f"  {kind:8} {path}", file=out, flush=True)


def switches() -> dict[str, str]:
    """Return what each key of the window switches: a field of `DrawStyle`, or an element of the overlay."""
    from emotion_core.overlay.elements import ELEMENTS

    return {**_SWITCHES, **{element.key: name for name, element in ELEMENTS.items() if element.key}}


def keys() -> str:
    """Return one line about the keys of the window."""
    named = ", ".join(f"{key} {name.replace('_', ' ')}" for key, name in switches().items())
    return f"q or Esc quits; {named}"


def _show(worker: _Worker, on_shown: Callable[[Shown], None] | None) -> int:
    quitting = False
    known = switches()

    def on_key(key: str) -> None:
        nonlocal quitting
        if key in ("q", "escape"):
            quitting = True
        elif key in known:
            worker.style = worker.style.switched(known[key])

    info = worker.reader.info
    window = Window(f"Emotion – {info.name}", info.width, info.height, on_key)
    times: deque[float] = deque(maxlen=90)
    try:
        worker.size = window.size
        worker.start()
        while window.open and not quitting:
            view = worker.view(0.008)
            if view is not None:
                now = window.show(view.image)
                if not view.final:
                    _measure(worker, times, now, now - view.taken.at)
                    if on_shown is not None:
                        frame = view.taken.frame
                        on_shown(Shown(frame.index, frame.time, now - view.taken.at, view.faces))
            elif not worker.alive:
                break
            window.pump()
            worker.size = window.size
    finally:
        window.close()
    if worker.failure is not None and not isinstance(worker.failure, EmotionError):
        raise worker.failure
    problem = str(worker.failure) if worker.failure is not None else worker.reader.problem
    if problem is None and worker.reader.ended and info.kind == "camera":
        problem = f"{info.name} gives no more pictures: is it still plugged in?"
    if problem is not None:
        print(problem, file=sys.stderr)
    return int(worker.failure is not None or (problem is not None and info.kind == "camera"))


def _measure(worker: _Worker, times: deque[float], now: float, age: float) -> None:
    """Frames a second over the last second, and a latency that can be read: it doesn't dance."""
    times.append(now)
    while now - times[0] > 1.0:
        times.popleft()
    if len(times) > 2:
        worker.fps = (len(times) - 1) / (times[-1] - times[0])
    worker.age = age if worker.age is None else 0.9 * worker.age + 0.1 * age
