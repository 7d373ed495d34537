"""What the overlay shows, as a caller chooses it."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from emotion_core.overlay.elements import ELEMENTS, defaults
from emotion_core.overlay.words import LANGUAGES
from emotion_core.types import EmotionError


@dataclass(frozen=True, slots=True)
class DrawStyle:
    """What the overlay shows.

    `elements` are names in `overlay.elements.ELEMENTS`; a frozenset once it is made. `bars` and `va` are the
    probability bars and the valence and arousal rows of the panel. `hide_faces` pixelates every face beyond
    recognition and leaves its landmarks out; the rest of the overlay stays. `people` off leaves out the boxes
    of the class "person". `mirror` shows the picture as a mirror does, the text not. `scale` in [0.5, 3]
    makes everything smaller or larger. `language` is one of `overlay.words.LANGUAGES`; names are in English
    where its letters can't be drawn here.

    Raises:
        EmotionError: for an element that does not exist, or a language that is none of those.
        ValueError: for a scale out of its range.
    """

    elements: Collection[str] = field(default_factory=defaults)
    bars: bool = True
    va: bool = True
    hide_faces: bool = False
    people: bool = True
    mirror: bool = False
    scale: float = 1.0
    language: str = "en"

    def __post_init__(self) -> None:
        object.__setattr__(self, "elements", frozenset(self.elements))
        unknown = sorted(set(self.elements) - set(ELEMENTS))
        if unknown:
            raise EmotionError(
                f"{unknown[0]!r} is no element of the overlay: choose from {', '.join(ELEMENTS)}"
            )
        if self.language not in LANGUAGES:
            raise EmotionError(
                f"{self.language!r} is no language of the overlay: choose from {', '.join(LANGUAGES)}"
            )
        if not 0.5 <= self.scale <= 3:
            raise ValueError(f"scale lies in [0.5, 3], not {self.scale}")

    def switched(self, name: str) -> "DrawStyle":
        """Return the style with one element, or one of its own switches, turned on or off."""
        if name in ELEMENTS:
            return replace(self, elements=frozenset(self.elements) ^ {name})
        change: dict[str, bool] = {name: not getattr(self, name)}
        return replace(self, **change)  # type: ignore[arg-type]
