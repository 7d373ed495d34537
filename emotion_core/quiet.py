"""Libraries that report how they are used, or write into the home folder, loaded so that they do neither.

From its import on, ONNX Runtime keeps usage records and looks for a host that collects them. MediaPipe
imports Matplotlib, which lists the machine's fonts in the home folder. Ultralytics looks for the internet,
keeps settings in the home folder and may install packages. Everything of ours loads them through `load`.
"""

import atexit
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

SWITCHES = {
    "onnxruntime": {"ORT_DISABLE_TELEMETRY": "1"},
    "ultralytics": {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"},
}
"""What is set in the environment before the first import of a library; what the user has set stays."""

_FOLDERS = {"ultralytics": ("YOLO_CONFIG_DIR", "MPLCONFIGDIR")}
_one_at_a_time = threading.RLock()
_PLOTS = ("matplotlib", "matplotlib.pyplot")


def load(name: str) -> Any:
    """Import a module of one of these libraries, such as "onnxruntime.quantization", and give it.

    Raises:
        ImportError: where it can't be imported; OSError where a system library that it needs is missing.
    """
    library = name.partition(".")[0]
    with _one_at_a_time:  # what another thread is importing is in `sys.modules` before it is whole
        return _load(library, name)


def _load(library: str, name: str) -> Any:
    known = sys.modules.get(library)
    for variable, value in SWITCHES.get(library, {}).items():
        os.environ.setdefault(variable, value)
    for variable in _FOLDERS.get(library, ()):
        if known is None and variable not in os.environ:
            os.environ[variable] = _folder()
    if library == "mediapipe":
        with _plots_later():
            return import_module(name)
    module = import_module(name)  # waits where another thread is in the middle of it
    if library == "onnxruntime" and known is not None:
        # Somebody else may have imported it without the variable: it has written a first record by then, but
        # sends nothing after this.
        known.disable_telemetry_events()
    return module


def _folder() -> str:
    folder = tempfile.mkdtemp(prefix="emotion-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class _Later(ModuleType):
    """Stands for a module of Matplotlib until something is asked of it, which hardly ever happens."""

    def __getattr__(self, name: str) -> Any:
        _step_aside()
        return getattr(import_module(self.__name__), name)


@contextmanager
def _plots_later() -> Iterator[None]:
    """Keep MediaPipe's import from loading Matplotlib: half a second, and files in the home folder."""
    if "matplotlib" not in sys.modules:
        whole, plot = (_Later(name) for name in _PLOTS)
        whole.pyplot = plot  # type: ignore[attr-defined]
        sys.modules.update({"matplotlib": whole, "matplotlib.pyplot": plot})
    try:
        yield
    finally:
        _step_aside()


def _step_aside() -> None:
    for name in _PLOTS:
        if isinstance(sys.modules.get(name), _Later):
            del sys.modules[name]
