"""The client for asyncio: the methods of `Client`, to be awaited."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.client import calls
from emotion_core.client.calls import Answer, Call, Job
from emotion_core.streaming import pack
from emotion_core.types import EmotionError

if TYPE_CHECKING:
    import httpx
    import numpy as np

    Pictures = AsyncIterable[tuple[np.ndarray | bytes, float]] | Iterable[tuple[np.ndarray | bytes, float]]


class AsyncClient:
    """A client of one server, for one event loop; arguments, answers and errors are those of `Client`."""

    def __init__(self, url: str, token: str | None = None, *, timeout: float = calls.TIMEOUT) -> None:
        self.url = url
        self._socket = calls.socket_options(token, timeout)
        made = calls.needs("httpx").AsyncClient(**calls.http_options(url, token, timeout))
        self._http: httpx.AsyncClient = made

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def model(self) -> dict[str, Any]:
        """Return the facts of the weights, and what the server allows."""
        return dict((await self._ask(Call("GET", "/model"))).json())

    async def faces(self, *pictures: str | os.PathLike[str] | bytes) -> list[list[dict[str, Any]]]:
        """Return the faces of each picture."""
        with calls.faces_call(pictures) as call:
            return calls.faces_of((await self._ask(call)).json())

    async def submit(
        self,
        source: str | os.PathLike[str],
        /,
        *,
        key: str | None = None,
        in_parts: bool | None = None,
        **options: Any,
    ) -> Job:
        """Send a video or a picture; gives the job that waits."""
        path = Path(source)
        size = calls.size_of(path)
        if in_parts or (in_parts is None and size >= calls.LARGE):
            call = calls.json_call("upload", await self._send(path, size), options, key)
            return Job.of((await self._ask(call)).json())
        with calls.file_call(path, options, key) as call:
            return Job.of((await self._ask(call)).json())

    async def submit_from_library(self, name: str, *, key: str | None = None, **options: Any) -> Job:
        """Have a file of the server's library analysed."""
        return Job.of((await self._ask(calls.json_call("library", name, options, key))).json())

    async def analyze(
        self,
        source: str | os.PathLike[str],
        /,
        *,
        on_progress: Callable[[Job], object] | None = None,
        **options: Any,
    ) -> Job:
        """Send a video or a picture and wait until it has been read."""
        job = await self.submit(source, **options)
        return (await self.wait(job.id, on_progress=on_progress)).checked()

    async def wait(self, id: str, *, on_progress: Callable[[Job], object] | None = None) -> Job:
        """Wait until a job has ended, also while the server is started again; it may have failed."""
        missing = 0
        while True:
            try:
                async with aclosing(self.events(id)) as events:
                    async for job in events:
                        missing = 0
                        if on_progress is not None:
                            on_progress(job)
                        if job.ended:
                            return job
            except ConnectionError as error:
                missing += 1
                if missing > calls.MOST_MISSING:
                    raise calls.unreached(self.url, error) from error
            await asyncio.sleep(0.5)

    async def events(self, id: str) -> AsyncGenerator[Job]:
        """Yield a job whenever it gets further; raises ConnectionError where the connection breaks off."""
        import httpx

        try:
            async with self._http.stream("GET", f"/analyses/{id}/events", timeout=60) as answer:
                if answer.is_error:
                    await answer.aread()
                    Call("GET", f"/analyses/{id}/events").check(answer)
                async for line in answer.aiter_lines():
                    if (job := calls.job_in(line)) is not None:
                        yield job
        except httpx.TransportError as error:
            raise ConnectionError(str(error)) from error

    async def job(self, id: str) -> Job:
        """Return a job as it is now."""
        return Job.of((await self._ask(Call("GET", f"/analyses/{id}"))).json())

    async def jobs(self, state: str | None = None) -> AsyncIterator[Job]:
        """Yield the jobs of this token, the newest first; `state` chooses some."""
        params: dict[str, Any] = {"limit": 100} | ({"state": state} if state else {})
        while True:
            page = (await self._ask(Call("GET", "/analyses", {"params": params}))).json()
            for said in page["analyses"]:
                yield Job.of(said)
            if page["next"] is None:
                return
            params["cursor"] = page["next"]

    async def results(
        self,
        id: str,
        *,
        face: int | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> list[dict[str, Any]]:
        """Return the records: all, those of a face, or between two seconds."""
        return list((await self._ask(calls.results_call(id, face, start, end))).json())

    async def summary(self, id: str) -> dict[str, Any]:
        """Return shares, means, longest runs and strongest moments of each face."""
        return dict((await self._ask(Call("GET", f"/analyses/{id}/summary"))).json())

    async def save(self, id: str, what: str, path: str | os.PathLike[str]) -> Path:
        """Save "video", "report", "summary" or a format of results, such as "csv", as a file."""
        import httpx

        call, target = calls.file_of(id, what), Path(path)
        try:
            async with self._http.stream(call.method, call.path, **call.given) as answer:
                if answer.is_error:
                    await answer.aread()
                    call.check(answer)
                with target.open("wb") as file:
                    async for data in answer.aiter_bytes():
                        file.write(data)
        except httpx.TransportError as error:
            raise calls.unreached(self.url, error) from error
        return target

    async def delete(self, id: str) -> None:
        """End a job, where it still waits or runs, and delete all of it."""
        await self._ask(Call("DELETE", f"/analyses/{id}"))

    async def stream(
        self, pictures: Pictures, *, newest: bool = False, **options: Any
    ) -> AsyncIterator[Answer]:
        """Send pictures one after the other, of either kind of iterable, and give the answer to each."""
        connect = calls.needs("websockets.asyncio.client").connect
        broken = calls.needs("websockets.exceptions").WebSocketException
        try:
            async with connect(calls.stream_url(self.url, newest=newest), **self._socket) as socket:
                calls.heard(await socket.recv())
                if options:
                    await socket.send(json.dumps({"type": "config", **options}))
                if newest:
                    async for answer in _overtaken(socket, pictures):
                        yield answer
                    return
                async for image, stamp in _each(pictures):
                    await socket.send(pack(image, stamp))
                    yield Answer.of(await socket.recv())
        except (OSError, broken) as error:
            raise calls.unreached(self.url, error) from error

    async def _ask(self, call: Call) -> httpx.Response:
        """Make a call, and make it again where the server asks for that or can't be reached for a moment."""
        import httpx

        for tried in range(1, calls.TRIES):
            try:
                answer = await self._http.request(call.method, call.path, **call.given)
            except httpx.TransportError as error:
                if not call.again:
                    raise calls.unreached(self.url, error) from error
                wait: float = tried
            else:
                asked = call.wait(answer)
                if asked is None:
                    return call.check(answer)
                wait = asked
            await asyncio.sleep(wait)
        try:
            return call.check(await self._http.request(call.method, call.path, **call.given))
        except httpx.TransportError as error:
            raise calls.unreached(self.url, error) from error

    async def _send(self, path: Path, size: int) -> str:
        """Send a file in parts; gives the id of the upload."""
        answer = await self._ask(calls.begin_call(path.name, size))
        id = answer.headers["location"].rpartition("/")[2]
        at = 0
        with path.open("rb") as file:
            while at < size:
                file.seek(at)
                part = await asyncio.to_thread(file.read, calls.PART_BYTES)
                try:
                    answer = await self._ask(calls.part_call(id, at, part))
                except EmotionError:  # what came of the part stays: the server knows where to go on
                    answer = await self._ask(Call("HEAD", f"/uploads/{id}"))
                    if int(answer.headers["upload-offset"]) == at:
                        raise
                at = int(answer.headers["upload-offset"])
        return id


async def _each(pictures: Pictures) -> AsyncIterator[tuple[np.ndarray | bytes, float]]:
    if isinstance(pictures, AsyncIterable):
        async for pair in pictures:
            yield pair
    else:
        for pair in pictures:
            yield pair


async def _overtaken(socket: Any, pictures: Pictures) -> AsyncIterator[Answer]:
    """Yield the answers while a task sends; the last picture that was sent is always answered."""
    sent = 0

    async def send() -> None:
        nonlocal sent
        async for image, stamp in _each(pictures):
            await socket.send(pack(image, stamp))
            sent += 1

    sending, answered = asyncio.create_task(send()), 0
    try:
        while not sending.done() or answered < sent:
            try:
                async with asyncio.timeout(0.1):
                    text = await socket.recv()
            except TimeoutError:
                continue
            answer = Answer.of(text)
            answered += 1 + answer.dropped
            yield answer
        await sending
    finally:
        sending.cancel()
