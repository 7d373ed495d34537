"""Gradio without what it loads beside itself and this app does without: the server stays a fifth smaller."""

from __future__ import annotations

import contextlib
import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class Later(ModuleType):
    """Stands for a module that is imported when something of it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        """Return what the module itself has under `name`."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def import_gradio() -> None:
    """Import Gradio, and pandas only once somebody needs it.

    Gradio imports it to recognise its tables in a cache that this app has no use for. After each event it
    sets back the backend of Matplotlib, with which nothing in this app draws.
    """
    if "pandas" not in sys.modules:
        sys.modules["pandas"] = Later("pandas")
    try:
        from gradio import utils
    finally:
        if isinstance(sys.modules.get("pandas"), Later):
            del sys.modules["pandas"]
    utils.MatplotlibBackendMananger = contextlib.nullcontext  # type: ignore[misc, assignment]
