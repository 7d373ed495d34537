"""Modules under the names that they had until 0.1 or 0.2: they still import, with a warning, until 0.3.

Registered by the package itself, so it imports nothing but the standard library.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PACKAGE = "emotion_core"
MOVED = {
    "checkpoint": "network.checkpoint",
    "draw": "overlay.draw",
    "export": "network.onnx_export",
    "facemesh": "faces.mesh_mediapipe",
    "facemodels": "faces.weights",
    "live": "desktop.live",
    "models": "network.design",
    "panels": "overlay.panels",
    "placement": "overlay.placement",
    "preprocess": "faces.crop",
    "reading": "results.table",
    "record": "results.record",
    "recording": "results.recording",
    "runtime": "network.runtime",
    "source": "video.source",
    "sprites": "overlay.sprites",
    "summary": "results.summary",
    "sums": "hashes",
    "tracking": "faces.tracking",
    "window": "desktop.window",
    "writer": "video.writer",
    "yunet": "faces.yunet",
}


def _warn(old: str, new: str, level: int) -> None:
    warnings.warn(f"{old} is now {new}; the old name goes with 0.3", DeprecationWarning, stacklevel=level + 1)


class _Alias:
    def __init__(self, target: str) -> None:
        self.target = target

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the making of a module to the import system: `exec_module` puts the real one in its place."""

    def exec_module(self, module: ModuleType) -> None:
        """Put the module under its present name where the old name is looked up."""
        sys.modules[module.__name__] = import_module(self.target)

    def get_code(self, name: str) -> CodeType | None:
        """Return the code of the module under its present name, for `python -m` with the old one."""
        from importlib.util import find_spec  # loaded by then; at the top it costs every import 3 ms

        loader = getattr(find_spec(self.target), "loader", None)
        return loader.get_code(self.target) if loader is not None else None


class Finder:
    """Finds `emotion_core.OLD` as what it has become. No `importlib.abc`: it costs every import 5 ms."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the spec of a moved module; None for every other name."""
        package, _, old = fullname.partition(".")
        if package != PACKAGE or old not in MOVED:
            return None
        new = f"{PACKAGE}.{MOVED[old]}"
        _warn(fullname, new, 2)
        return ModuleSpec(fullname, _Alias(new))  # type: ignore[arg-type]


def attributes(package: str, module: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package that was a module: its names now stand in `module` below it."""

    def __getattr__(name: str) -> Any:
        from importlib.util import find_spec  # at the top it costs every import 3 ms

        # `from package import module` asks here first: a module of the room is the import system's to load
        there = name.startswith("_") or find_spec(f"{package}.{name}") is not None
        if not there and hasattr(home := import_module(f"{package}.{module}"), name):
            _warn(f"{package}.{name}", f"{package}.{module}.{name}", 2)
            return getattr(home, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__
