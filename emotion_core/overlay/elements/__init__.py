"""The elements of the overlay: a file in this folder for each, and its name in `_FILES`, lowest first.

`DrawStyle`, the command line and the keys of the window read `ELEMENTS`.
"""

from typing import TYPE_CHECKING

from emotion_core.registry import Registry

if TYPE_CHECKING:
    from emotion_core.overlay.elements.base import Element

_FILES = ("objects", "landmarks", "pose", "box", "name", "panel")

ELEMENTS: "Registry[Element]" = Registry(__name__, "ELEMENT", *_FILES)
"""Every element by its name, in the order in which they are drawn."""


LOOKS: dict[str, frozenset[str]] = {
    "full": frozenset(),
    "label": frozenset({"panel"}),
    "frame": frozenset({"panel", "name"}),
}
"""Ready-made choices by what each leaves out of the usual elements: all, one line a face, the frame."""


def defaults() -> frozenset[str]:
    """Return the names of the elements that are on unless somebody chooses."""
    return frozenset(name for name, element in ELEMENTS.items() if element.default)


def of_look(look: str) -> frozenset[str]:
    """Return the elements of one of the `LOOKS`; raises KeyError for another name."""
    return defaults() - LOOKS[look]
