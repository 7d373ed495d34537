"""The client for programs that wait for its answers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.client import calls
from emotion_core.client.calls import Answer, Call, Job
from emotion_core.streaming import pack
from emotion_core.types import EmotionError

if TYPE_CHECKING:
    import httpx
    import numpy as np


class Client:
    """A client of one server; several threads may use it.

    Args:
        url: the server's address, such as "http://127.0.0.1:7860".
        token: what the server knows this program by, where it asks for one.
        timeout: seconds that an answer may take.

    Every method raises EmotionError, in one line, where the server refuses or can't be reached.
    """

    def __init__(self, url: str, token: str | None = None, *, timeout: float = calls.TIMEOUT) -> None:
        self.url = url
        self._socket = calls.socket_options(token, timeout)
        self._http: httpx.Client = calls.needs("httpx").Client(**calls.http_options(url, token, timeout))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def model(self) -> dict[str, Any]:
        """Return the facts of the weights, and what the server allows."""
        return dict(self._ask(Call("GET", "/model")).json())

    def faces(self, *pictures: str | os.PathLike[str] | bytes) -> list[list[dict[str, Any]]]:
        """Return the faces of each picture: files, or the bytes of files.

        Raises EmotionError for the first picture that can't be read.
        """
        with calls.faces_call(pictures) as call:
            return calls.faces_of(self._ask(call).json())

    def submit(
        self,
        source: str | os.PathLike[str],
        /,
        *,
        key: str | None = None,
        in_parts: bool | None = None,
        **options: Any,
    ) -> Job:
        """Send a video or a picture; gives the job that waits in the server's queue.

        `options` are those of the command line: smoothing, threshold, objects, overlay, format, video,
        hide_faces, max_megapixels. The same `key` gives the same job, however often it is sent. Large files
        go in parts, others at once, unless `in_parts` says which.
        """
        path = Path(source)
        size = calls.size_of(path)
        if in_parts or (in_parts is None and size >= calls.LARGE):
            return Job.of(self._ask(calls.json_call("upload", self._send(path, size), options, key)).json())
        with calls.file_call(path, options, key) as call:
            return Job.of(self._ask(call).json())

    def submit_from_library(self, name: str, *, key: str | None = None, **options: Any) -> Job:
        """Have a file of the server's library analysed; the rest is as in `submit`."""
        return Job.of(self._ask(calls.json_call("library", name, options, key)).json())

    def analyze(
        self,
        source: str | os.PathLike[str],
        /,
        *,
        on_progress: Callable[[Job], object] | None = None,
        **options: Any,
    ) -> Job:
        """Send a video or a picture and wait until it has been read; `options` as in `submit`.

        A file that ends early gives a `partial` job. Raises EmotionError where it can't be read.
        """
        return self.wait(self.submit(source, **options).id, on_progress=on_progress).checked()

    def wait(self, id: str, *, on_progress: Callable[[Job], object] | None = None) -> Job:
        """Wait until a job has ended, also while the server is started again; it may have failed."""
        missing = 0
        while True:
            try:
                for job in self.events(id):
                    missing = 0
                    if on_progress is not None:
                        on_progress(job)
                    if job.ended:
                        return job
            except ConnectionError as error:
                missing += 1
                if missing > calls.MOST_MISSING:
                    raise calls.unreached(self.url, error) from error
            time.sleep(0.5)

    def events(self, id: str) -> Iterator[Job]:
        """Yield a job whenever it gets further, until it has ended.

        Raises ConnectionError where the connection breaks off before that.
        """
        import httpx

        try:
            with self._http.stream("GET", f"/analyses/{id}/events", timeout=60) as answer:
                if answer.is_error:
                    answer.read()
                    Call("GET", f"/analyses/{id}/events").check(answer)
                yield from (job for line in answer.iter_lines() if (job := calls.job_in(line)))
        except httpx.TransportError as error:
            raise ConnectionError(str(error)) from error

    def job(self, id: str) -> Job:
        """Return a job as it is now."""
        return Job.of(self._ask(Call("GET", f"/analyses/{id}")).json())

    def jobs(self, state: str | None = None) -> Iterator[Job]:
        """Yield the jobs of this token, the newest first; `state` chooses some."""
        params: dict[str, Any] = {"limit": 100} | ({"state": state} if state else {})
        while True:
            page = self._ask(Call("GET", "/analyses", {"params": params})).json()
            yield from (Job.of(said) for said in page["analyses"])
            if page["next"] is None:
                return
            params["cursor"] = page["next"]

    def results(
        self,
        id: str,
        *,
        face: int | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> list[dict[str, Any]]:
        """Return the records, one for each frame and face: all, those of a face, or between two seconds."""
        return list(self._ask(calls.results_call(id, face, start, end)).json())

    def summary(self, id: str) -> dict[str, Any]:
        """Return shares, means, longest runs and strongest moments of each face."""
        return dict(self._ask(Call("GET", f"/analyses/{id}/summary")).json())

    def save(self, id: str, what: str, path: str | os.PathLike[str]) -> Path:
        """Save "video", "report", "summary" or a format of results, such as "csv", as a file."""
        import httpx

        call, target = calls.file_of(id, what), Path(path)
        try:
            with self._http.stream(call.method, call.path, **call.given) as answer:
                if answer.is_error:
                    answer.read()
                    call.check(answer)
                with target.open("wb") as file:
                    for data in answer.iter_bytes():
                        file.write(data)
        except httpx.TransportError as error:
            raise calls.unreached(self.url, error) from error
        return target

    def delete(self, id: str) -> None:
        """End a job, where it still waits or runs, and delete all of it."""
        self._ask(Call("DELETE", f"/analyses/{id}"))

    def stream(
        self,
        pictures: Iterable[tuple[np.ndarray | bytes, float]],
        *,
        newest: bool = False,
        **options: Any,
    ) -> Iterator[Answer]:
        """Send pictures one after the other and give the answer to each.

        A picture is RGB uint8 (H, W, 3), which is sent raw, or the bytes of a JPEG; beside it stands a time
        stamp that comes back. With `newest`, for a source that does not wait, pictures are sent as they come,
        from a thread, and those that the server is too slow for are overtaken. `options` are smoothing and
        threshold.
        """
        connect = calls.needs("websockets.sync.client").connect
        broken = calls.needs("websockets.exceptions").WebSocketException
        try:
            with connect(calls.stream_url(self.url, newest=newest), **self._socket) as socket:
                calls.heard(socket.recv())
                if options:
                    socket.send(json.dumps({"type": "config", **options}))
                if newest:
                    yield from _overtaken(socket, pictures)
                    return
                for image, stamp in pictures:
                    socket.send(pack(image, stamp))
                    yield Answer.of(socket.recv())
        except (OSError, broken) as error:
            raise calls.unreached(self.url, error) from error

    def _ask(self, call: Call) -> httpx.Response:
        """Make a call, and make it again where the server asks for that or can't be reached for a moment."""
        import httpx

        for tried in range(1, calls.TRIES):
            try:
                answer = self._http.request(call.method, call.path, **call.given)
            except httpx.TransportError as error:
                if not call.again:
                    raise calls.unreached(self.url, error) from error
                wait: float = tried
            else:
                asked = call.wait(answer)
                if asked is None:
                    return call.check(answer)
                wait = asked
            time.sleep(wait)
        try:
            return call.check(self._http.request(call.method, call.path, **call.given))
        except httpx.TransportError as error:
            raise calls.unreached(self.url, error) from error

    def _send(self, path: Path, size: int) -> str:
        """Send a file in parts; gives the id of the upload."""
        id = self._ask(calls.begin_call(path.name, size)).headers["location"].rpartition("/")[2]
        at = 0
        with path.open("rb") as file:
            while at < size:
                file.seek(at)
                try:
                    answer = self._ask(calls.part_call(id, at, file.read(calls.PART_BYTES)))
                except EmotionError:  # what came of the part stays: the server knows where to go on
                    answer = self._ask(Call("HEAD", f"/uploads/{id}"))
                    if int(answer.headers["upload-offset"]) == at:
                        raise
                at = int(answer.headers["upload-offset"])
        return id


def _overtaken(socket: Any, pictures: Iterable[tuple[np.ndarray | bytes, float]]) -> Iterator[Answer]:
    """Yield the answers while a thread sends; the last picture that was sent is always answered."""
    gone = calls.needs("websockets.exceptions").ConnectionClosed
    sent = 0

    def send() -> None:
        nonlocal sent
        for image, stamp in pictures:
            try:
                socket.send(pack(image, stamp))
            except gone:  # whoever takes the answers has stopped, or hears of it there
                return
            sent += 1

    with ThreadPoolExecutor(1, thread_name_prefix="stream") as pool:
        sending, answered = pool.submit(send), 0
        try:
            while not sending.done() or answered < sent:
                try:
                    answer = Answer.of(socket.recv(timeout=0.1))
                except TimeoutError:
                    continue
                answered += 1 + answer.dropped
                yield answer
        finally:
            socket.close()  # so that the thread ends
        sending.result()
