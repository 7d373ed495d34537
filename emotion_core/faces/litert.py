"""Small TensorFlow Lite models on LiteRT: a few interpreters behind one thread-safe call."""

import queue
import threading
from typing import Any

import numpy as np

from emotion_core.faces.hush import quiet


class Model:
    """A model with one float32 input; a call runs on one core, and as many at once as there are copies.

    Args:
        content: the bytes of a `.tflite` file.
        copies: how many calls may run at once; each takes memory of its own once it is needed.
        scale: what values are multiplied by on their way in.
        offset: and what is added then.

    Raises:
        ImportError: where LiteRT can't be imported.
        ValueError: where the content is no such model.
    """

    def __init__(self, content: bytes, copies: int = 1, *, scale: float = 1.0, offset: float = 0.0) -> None:
        self._content, self._left = content, max(1, copies)
        self._scale, self._offset = np.float32(scale), np.float32(offset)
        self._lock = threading.Lock()
        self._idle: queue.SimpleQueue[_Interpreter] = queue.SimpleQueue()
        self._idle.put(self._make())

    def __call__(self, values: np.ndarray) -> list[np.ndarray]:
        """Run the model on values in the shape of its input, without the batch; gives its outputs, flat."""
        interpreter = self._take()
        try:
            return interpreter.run(values, self._scale, self._offset)
        finally:
            self._idle.put(interpreter)

    def _take(self) -> "_Interpreter":
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        with self._lock:
            if self._left:
                return self._make()
        return self._idle.get()

    def _make(self) -> "_Interpreter":
        self._left -= 1
        return _Interpreter(self._content)


class _Interpreter:
    def __init__(self, content: bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with quiet():
            self._net: Any = Interpreter(model_content=content, num_threads=1)
            self._net.allocate_tensors()
        self._input = self._net.tensor(self._net.get_input_details()[0]["index"])
        self._outputs = [one["index"] for one in self._net.get_output_details()]

    def run(self, values: np.ndarray, scale: np.float32, offset: np.float32) -> list[np.ndarray]:
        room = self._input()[0]  # the model's own memory: nothing is copied twice
        np.multiply(values, scale, out=room, dtype=np.float32)
        if offset:
            room += offset
        del room  # the model does not run while it is lent
        self._net.invoke()
        return [self._net.get_tensor(index).ravel() for index in self._outputs]
