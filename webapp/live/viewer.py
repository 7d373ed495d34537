"""What the live view keeps for one viewer: plain data, owned by one WebSocket, gone with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from emotion_core.types import Face
from webapp.live.baseline import _LEAST_SAMPLES, CALIBRATION_SECONDS, Baseline, Calibration

_PATIENCE = 6.0  # seconds more that a slow machine gets to see the face often enough


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What a viewer has chosen on the page and the server needs to know."""

    smoothing: int = 5  # frames of the moving average, 1 to 30
    threshold: float = 0.0  # a confidence below it, in [0, 1), is shown as uncertain
    objects: bool = False
    landmarks: bool = False  # send the 50 key points too

    def __post_init__(self) -> None:
        if not 1 <= self.smoothing <= 30:
            raise ValueError(f"smoothing lies between 1 and 30, not {self.smoothing}")
        if not 0 <= self.threshold < 1:
            raise ValueError(f"the threshold lies in [0, 1), not {self.threshold}")

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> LiveOptions:
        """Read the options a browser sent; raises ValueError where they make no sense."""
        try:
            return cls(
                smoothing=_whole(message["smoothing"]),
                threshold=float(message["threshold"]),
                objects=bool(message.get("objects")),
                landmarks=bool(message.get("landmarks")),
            )
        except (KeyError, TypeError, OverflowError) as e:
            raise ValueError("the options lack a field or have one of a wrong kind") from e


def _whole(value: Any) -> int:
    number = int(value)
    if isinstance(value, float) and number != value:
        raise ValueError(f"smoothing counts frames, and is no {value}")
    return number


@dataclass(slots=True)
class LiveState:
    """One viewer: options, the core's session, the baseline of their face."""

    session: Any  # emotion_core.Session, itself plain data
    options: LiveOptions = field(default_factory=LiveOptions)
    index: int = 0  # frames analysed
    calibration: Calibration | None = None
    baseline: Baseline | None = None
    news: list[dict[str, Any]] = field(default_factory=list)  # messages that wait to be sent

    def calibrate(self, faces: list[Face], wanted: int | None, time: float) -> None:
        """Begin three seconds of looking at the face `wanted`, or at the largest."""
        chosen = next((f for f in faces if f.id == wanted), None)
        if chosen is None and faces:
            chosen = max(faces, key=lambda f: f.box.width * f.box.height)
        if chosen is None:
            self.news.append({"type": "baseline", "state": "noface", "face": None})
            return
        self.baseline = None
        self.calibration = Calibration(chosen.id, time + CALIBRATION_SECONDS)
        self.news.append({"type": "baseline", "state": "looking", "face": chosen.id})

    def forget_baseline(self) -> None:
        """Go back to what the model says."""
        self.baseline = self.calibration = None
        self.news.append({"type": "baseline", "state": "none", "face": None})

    def against_baseline(self, faces: list[Face], time: float) -> list[Face]:
        """Feed a running calibration, and give the faces with a finished one applied."""
        running = self.calibration
        if running is not None:
            for face in faces:
                if face.id == running.face:
                    running.add(face)
            enough = len(running.logs) >= _LEAST_SAMPLES or time >= running.until + _PATIENCE
            if time >= running.until and enough:
                self.baseline = running.result()
                self.calibration = None
                state = "done" if self.baseline else "failed"
                self.news.append({"type": "baseline", "state": state, "face": running.face})
        if self.baseline is None:
            return faces
        shown = []
        for face in faces:
            if face.id == self.baseline.face:
                face = self.baseline.apply(face)
                face = replace(face, uncertain=face.confidence < self.options.threshold)
            shown.append(face)
        return shown


def face_message(face: Face, *, landmarks: bool) -> dict[str, Any]:
    """Return what the page needs of a face, as small as it can be: about 150 bytes."""
    message: dict[str, Any] = {
        "id": face.id,
        "box": face.box.as_list(),
        "e": face.labels.index(face.emotion),
        "c": round(face.confidence, 3),
        "p": [round(float(p), 3) for p in face.probabilities],
        "v": round(face.valence, 3),
        "a": round(face.arousal, 3),
        "u": int(face.uncertain),
    }
    if landmarks and face.landmarks is not None:
        message["lm"] = [round(float(v), 1) for v in face.landmarks.reshape(-1)]
    return message
