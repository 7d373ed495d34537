"""Hugging Face's ZeroGPU: its decorator where the `spaces` package is present, and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def gpu(function: F) -> F:
    """Mark `function` as one that may use a borrowed GPU; a ZeroGPU Space needs at least one.

    The network takes five milliseconds a face on a processor, so only the still pictures carry the mark:
    borrowing a GPU for each live frame would cost more than it saves.
    """
    try:
        import spaces
    except ImportError:
        return function
    marked: F = spaces.GPU(function)
    return marked
