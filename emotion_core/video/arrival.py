"""Packets of an address without a clock, stamped when they come, however late they are asked for."""

import queue
import threading
import time
from collections.abc import Iterator

import av.error
from av.container import InputContainer
from av.packet import Packet

_MOST = 600  # packets that wait: two minutes of five pictures a second, twenty seconds of thirty
_PATIENCE = 0.2  # seconds between two looks at whether anybody still wants them

_Stamped = tuple[Packet | None, float, Exception | None]


class Arriving:
    """Reads a container in a thread of its own: iterate for its packets; `moment` is when the last came (s).

    What the thread was told of the end of the stream, an error or not, comes after the last packet. Where
    nobody asks for long the address has to wait, as without a thread.
    """

    def __init__(self, container: InputContainer) -> None:
        self.moment = 0.0
        self._container = container
        self._waiting: queue.Queue[_Stamped] = queue.Queue(_MOST)
        self._done = threading.Event()
        threading.Thread(target=self._read, name="arriving", daemon=True).start()

    def __iter__(self) -> Iterator[Packet]:
        while True:
            packet, self.moment, error = self._waiting.get()
            if error is not None:
                raise error
            if packet is None:
                return
            yield packet

    def close(self) -> None:
        """End the thread, which then closes the container: at once, or when the next packet comes."""
        self._done.set()

    def _read(self) -> None:
        error: Exception | None = None
        try:
            for packet in self._container.demux():
                if not self._put(packet, None):
                    break
        except (av.error.FFmpegError, OSError) as problem:
            error = problem
        self._put(None, error)
        self._container.close()

    def _put(self, packet: Packet | None, error: Exception | None) -> bool:
        """Hand something over; False where nobody wants it any more."""
        stamped = packet, time.monotonic(), error
        while not self._done.is_set():
            try:
                self._waiting.put(stamped, timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False
