"""The recognizer: weights that everyone may share. A frame and a session go in, faces come out."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core.faces.crop import (
    SIZE,
    crop_face,
    has_colors,
    key_points,
    normalize_landmarks,
    to_tensor,
    warp,
)
from emotion_core.faces.detectors import USUAL
from emotion_core.faces.embedding import Embedder
from emotion_core.faces.finder import FaceFinder
from emotion_core.faces.gaze import gaze_of
from emotion_core.faces.track import Track
from emotion_core.faces.tracking import Search
from emotion_core.forks import Home
from emotion_core.network.naming import title_of
from emotion_core.network.runtime import Network, load_network
from emotion_core.session import Session, Sighting
from emotion_core.smoothing import Reading, SettingError
from emotion_core.types import Box, DetectedFace, Face, Frame, same_place

__all__ = ["Recognizer", "Session", "SettingError"]

_BATCH = 32  # crops encoded at once: more take memory and save no time


class Recognizer:
    """Weights only: one per process serves every session and every thread.

    >>> recognizer = Recognizer.from_pretrained()  # doctest: +SKIP
    >>> faces = recognizer(frame, Session())  # doctest: +SKIP
    """

    def __init__(self, network: Network, finder: FaceFinder, embedder: Embedder | None = None) -> None:
        self._network, self._finder, self._home = network, finder, Home()
        self._embedder = embedder

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path | None = None,
        *,
        backend: str = "auto",
        device: str = "auto",
        face_model: str | Path | None = None,
        blendshapes: bool = False,
        threads: int | None = None,
        mesh: bool | str | None = None,
        detector: str = USUAL,
        every_frame: bool = False,
        reidentify: bool = True,
    ) -> "Recognizer":
        """Load the network and the face models.

        Args:
            path: a weights file; those that are shipped where None. A warning is logged for untrained ones.
            backend: "onnx", "torch" or "auto".
            device: "cpu", "cuda" or "auto".
            face_model: a `face_landmarker.task` bundle; the usual one where None.
            blendshapes: whether to read the 52 blendshapes of each face.
            threads: threads that read a picture in ONNX Runtime; two where None, if there are as many cores.
            mesh: the mesh reader, "litert" or "mediapipe"; True needs the usual one, False does without,
                None uses it where it can be had.
            detector: what finds faces, a name in `faces.detectors.DETECTORS`.
            every_frame: whether a face is read anew in every frame, also where it hardly changed.
            reidentify: whether people are known again by their looks, for which a session remembers numbers
                of each face (`faces.embedding`). Without, place and colours tell who is who, and whoever is
                gone for three seconds returns as somebody new.

        Raises:
            EmotionError: for a file, a backend or a device that cannot be used.
        """
        with ThreadPoolExecutor(1) as pool:  # the two load for about a second each
            finder = pool.submit(
                FaceFinder, face_model, mesh, blendshapes, detector=detector, every_frame=every_frame
            )
            network = load_network(path, backend=backend, device=device, threads=threads)
            return cls(network, finder.result(), Embedder() if reidentify else None)

    def with_blendshapes(self) -> "Recognizer":
        """Give one that shares this one's weights and reads the 52 blendshapes too, by the usual face model.

        Raises:
            EmotionError: where that face model can't be had.
        """
        mine = self._finder
        finder = FaceFinder(blendshapes=True, detector=mine.detector, every_frame=mine.every_frame)
        return Recognizer(self._network, finder, self._embedder)

    @property
    def labels(self) -> tuple[str, ...]:
        """The categories, in the order of the probabilities."""
        return tuple(self._network.metadata.labels)

    @property
    def trained(self) -> bool:
        """Whether the weights have been trained; where not, every answer is a guess."""
        return self._network.metadata.trained

    @property
    def metadata(self) -> dict[str, Any]:
        """What is known of the weights, and what finds the faces, ready for JSON."""
        meta = self._network.metadata
        return {
            **dict(meta.facts),
            "name": title_of(meta.facts),
            "labels": list(meta.labels),
            "trained": meta.trained,
            "sha256": meta.sha256,
            "temperature": meta.temperature,
            "temperature_color": meta.temperature_color,
            "detector": self._finder.detector,
        }

    @property
    def finder(self) -> FaceFinder:
        """The face finder, shared too."""
        return self._finder

    def __call__(self, frame: Frame | np.ndarray, session: Session, *, channels: str = "rgb") -> list[Face]:
        """Return the faces of a frame, in the order of their ids; an empty list where there is none.

        Args:
            frame: a Frame, or an RGB uint8 picture (H, W, 3). Pictures without a time, and times that don't
                rise, count as thirty a second.
            session: the state of this viewer or file; changed by the call.
            channels: "bgr" where the array is in the order of OpenCV; a Frame is always RGB.

        Raises:
            ValueError: for other channels, or a Frame that would not be RGB.
            EmotionError: in a process that was forked after the recognizer was loaded.
        """
        return self.read(self.find(frame, session, channels=channels), session)

    def find(self, frame: Frame | np.ndarray, session: Session, *, channels: str = "rgb") -> Sighting:
        """Do the first half of a call: find the faces of a frame and tell whose they are.

        `read` of one frame may run while another thread does `find` of the next: the two touch different
        parts of the session. Each of them needs the frames in their order.
        """
        if not isinstance(frame, Frame):
            frame = Frame(_in_rgb(np.asarray(frame), channels), 0, -1.0)
        elif channels != "rgb":
            raise ValueError(f"a Frame holds RGB: give the array itself with channels={channels!r}")
        tracks, beyond = self._track(frame, session)
        known = frozenset(track.id for track in session.tracker.tracks if track.id is not None)
        found = {track.id: track.face for track in tracks if track.id is not None}
        return Sighting(frame, found, session.tracker.now, known, beyond)

    def read(self, sighting: Sighting, session: Session) -> list[Face]:
        """Do the second half of a call: read the expression of each face that was found."""
        image, found = sighting.frame.image, sighting.found
        if not found:
            return []
        self._home.check()
        same = session.carry_on(sighting)
        self._read_anew(
            {number: face for number, face in found.items() if number not in same}, sighting, session
        )
        answers = []
        for number, face in found.items():
            person = session.people[number]
            assert person.reading is not None
            calm, label = person.smoother.update(person.reading, session.smoothing)
            answers.append(self._face(image, number, face, calm, label, session.threshold))
        return answers

    def _read_anew(self, faces: Mapping[int, DetectedFace], sighting: Sighting, session: Session) -> None:
        if not faces:
            return
        features, color = self._encode([(sighting.frame.image, face) for face in faces.values()])
        windows = session.remember(sighting, dict(zip(faces, features, strict=True)), self._network.window)
        probabilities, valence, arousal = self._network.decide(windows, color)
        for i, number in enumerate(faces):
            session.people[number].reading = Reading(
                probabilities[i].astype(np.float64), float(valence[i]), float(arousal[i])
            )

    def classify(
        self, crops: Sequence[np.ndarray], *, channels: str = "rgb"
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read pictures that are face crops already, tight or with a margin, each for itself.

        Args:
            crops: RGB uint8 (H, W, 3), or grey (H, W), of any size.
            channels: "bgr" where those of colours are in the order of OpenCV.

        Returns:
            Probabilities (N, K) in the order of `labels`, valence (N,) and arousal (N,).

        Raises:
            ValueError: where a crop is of another kind.
            EmotionError: in a process that was forked after the recognizer was loaded.
        """
        self._home.check()
        pictures = [_picture(_in_rgb(np.asarray(crop), channels), i) for i, crop in enumerate(crops)]
        k, length = len(self.labels), self._network.window
        parts = [(np.zeros((0, k), np.float32), np.zeros(0, np.float32), np.zeros(0, np.float32))]
        for start in range(0, len(pictures), _BATCH):
            batch = pictures[start : start + _BATCH]
            features, color = self._encode(list(zip(batch, self._finder.in_crops(batch), strict=True)))
            parts.append(self._network.decide(np.repeat(features[:, None], length, axis=1), color))
        probabilities, valence, arousal = (np.concatenate(column) for column in zip(*parts, strict=True))
        return probabilities, valence, arousal

    def _track(self, frame: Frame, session: Session) -> tuple[list[Track], int]:
        """Return the faces of a frame as they are followed, and how many may be there that are not read."""
        tracker, image = session.tracker, frame.image
        search = tracker.begin(frame.time, image)
        last = [track.face for track in tracker.present]
        if search is Search.NONE or (last and tracker.patient):
            followed = self._finder.follow(image, last)
            busy = any(face is not None and not face.held for face in followed)  # it waits
            if all(face is not None for face in followed) and (search is Search.NONE or busy):
                return tracker.update(image, followed, embed=self._embedder), 0
            search = search if search is Search.THOROUGH else Search.QUICK  # someone is lost: look at once
            seen = self._finder.candidates(image, thorough=search is Search.THOROUGH)
        else:
            thorough = search is Search.THOROUGH
            followed, seen = self._finder.follow_and_search(image, last, thorough=thorough)
        held = [face.box for face in followed if face is not None]
        fresh = [c for c in seen if not any(same_place(c.box, box) for box in held)]
        found = self._finder.read(image, fresh, most=max(0, self._finder.max_faces - len(held)))
        beyond = max(0, len(held) + len(fresh) - self._finder.max_faces)
        return tracker.update(image, followed, search, seen, found, self._embedder), beyond

    def _encode(
        self, pairs: Sequence[tuple[np.ndarray, DetectedFace | None]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return features (N, F) of faces in their pictures, and which have colours, bool (N,).

        A picture without a face is taken whole.
        """
        crops = []
        landmarks = np.zeros((len(pairs), 50, 2), np.float32)
        present = np.zeros(len(pairs), np.float32)
        for i, (image, face) in enumerate(pairs):
            if face is None:
                crops.append(_whole(image))
                continue
            crops.append(crop_face(image, face.points))
            if face.landmarks is not None:
                landmarks[i] = normalize_landmarks(key_points(face.landmarks))
                present[i] = 1.0
        color = np.array([has_colors(crop) for crop in crops], bool)
        return self._network.encode(to_tensor(crops), landmarks, present), color

    def _face(
        self, image: np.ndarray, number: int, found: DetectedFace, calm: Reading, label: int, threshold: float
    ) -> Face:
        probabilities = tuple(float(p) for p in calm.probabilities / calm.probabilities.sum())
        return Face(
            id=number,
            box=_clipped(found.box, image),
            emotion=self.labels[label],
            confidence=probabilities[label],
            probabilities=probabilities,
            valence=calm.valence,
            arousal=calm.arousal,
            labels=self.labels,
            uncertain=probabilities[label] < threshold,
            landmarks=None if found.landmarks is None else key_points(found.landmarks),
            pose=found.pose,
            blendshapes=found.blendshapes,
            gaze=None if found.landmarks is None else gaze_of(found.landmarks),
        )


def _in_rgb(image: np.ndarray, channels: str) -> np.ndarray:
    """Return a picture (H, W, 3) of those channels as RGB; else as it is, for the check that follows."""
    if channels not in ("rgb", "bgr"):
        raise ValueError(f"channels are 'rgb' or 'bgr', not {channels!r}")
    if channels == "rgb" or image.ndim != 3 or image.shape[2] != 3:
        return image
    return np.ascontiguousarray(image[:, :, ::-1])


def _picture(crop: np.ndarray, index: int) -> np.ndarray:
    picture = np.asarray(crop)
    if picture.dtype == np.uint8 and picture.ndim == 2 and picture.size:
        return np.repeat(picture[:, :, None], 3, axis=2)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ValueError(f"crop {index} is RGB uint8 (H, W, 3), not {picture.dtype} {picture.shape}")
    return np.ascontiguousarray(picture)


def _whole(image: np.ndarray) -> np.ndarray:
    """Take all of a picture as the crop, its longer side filling it."""
    height, width = image.shape[:2]
    zoom = SIZE / max(height, width)
    middle = (np.array([width, height]) - 1) / 2
    return warp(image, np.column_stack([np.eye(2) * zoom, (SIZE - 1) / 2 - middle * zoom]), SIZE)


def _clipped(box: Box, image: np.ndarray) -> Box:
    """Keep the part of a box that lies in the picture; its centre always does."""
    x, y = max(0.0, box.x), max(0.0, box.y)
    right = min(float(image.shape[1]), box.x + box.width)
    bottom = min(float(image.shape[0]), box.y + box.height)
    return Box(x, y, max(1.0, right - x), max(1.0, bottom - y))
