"""How the files of a batch are read: one set of settings, and the hashes that tell it from another."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from emotion_core.faces.detectors import USUAL
from emotion_core.files import sha256_of
from emotion_core.limits import MAX_PIXELS
from emotion_core.video.part import Part

_NO_MATTER = ("weights", "backend", "device", "objects")
"""What is left out of the hash: paths and devices; the weights have a hash of their own."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a single video takes, for every file; see `analyze` and `Recognizer.from_pretrained`.

    `objects` is a model file that finds objects, None to leave them out; `annotate` says whether annotated
    videos and pictures are written, with the elements of `overlay` (None: the usual ones) and their names in
    `language`.
    """

    weights: str | None = None
    backend: str = "auto"
    device: str = "auto"
    detector: str = USUAL
    every_frame: bool = False
    reidentify: bool = True
    objects: str | None = None
    smoothing: int = 5
    threshold: float = 0.0
    extras: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("json",)
    annotate: bool = False
    overlay: tuple[str, ...] | None = None
    language: str = "en"
    part: Part = field(default_factory=Part)
    max_pixels: int = MAX_PIXELS

    def digest(self) -> str:
        """Return a SHA-256 of all that decides what the outputs hold, but for the weights."""
        facts = {name: value for name, value in asdict(self).items() if name not in _NO_MATTER}
        if self.language == "en":  # as studies have it that were begun before there was another
            del facts["language"]
        facts["objects"] = None if self.objects is None else sha256_of(Path(self.objects))
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def weights_hash(self) -> str:
        """Return the SHA-256 that the weights say they have, without loading them.

        Raises:
            EmotionError: where there are none, or the file is none of weights.
        """
        from emotion_core.network import checkpoint

        path = Path(self.weights) if self.weights else checkpoint.WEIGHTS
        if path == checkpoint.WEIGHTS:
            checkpoint.ensure(path)
        return checkpoint.read_metadata(path).sha256
