"""The emotion of a face in one line, where no panel says it."""

from emotion_core.overlay.elements import panel
from emotion_core.overlay.elements.base import Element, Scene


def label(scene: Scene) -> None:
    """Put one line to every face; nothing with the panel on, which has it too."""
    if "panel" not in scene.elements:
        panel.put(scene, whole=False)


ELEMENT = Element("name", "the emotion in one line, where there is no panel", label=label, default=True)
