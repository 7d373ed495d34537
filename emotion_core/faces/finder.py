"""Every face of a picture: a detector finds them, a mesh reader reads each one's mesh."""

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from emotion_core.faces.crop import crop_matrix, five_points, warp
from emotion_core.faces.detectors import USUAL
from emotion_core.faces.detectors import load as load_detector
from emotion_core.faces.mesh import Mesh, MeshMissingError, MeshReading
from emotion_core.faces.meshes import load_mesh
from emotion_core.faces.regions import apart, area, head_pose, inside, pad, plausible, sound, turned
from emotion_core.faces.still import anchored, carried
from emotion_core.faces.weights import find_landmarker
from emotion_core.forks import Home
from emotion_core.types import Box, Candidate, DetectedFace, EmotionError, same_place

logger = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")

MESH = "litert"
"""The mesh reader that is used where none is named."""

_CROP = 192  # side of the upright crop that a face just detected is looked for in
_MARGIN = 1.6  # of that crop, in units of the network's own
# Looks at a face until the mesh is found, mostly in profile or lying where it takes several: (margin, turn).
_LOOKS = (
    *((_MARGIN, 0.0), (1.6, 10.0), (1.6, -10.0), (2.6, 0.0), (1.6, 75.0), (1.6, -75.0)),
    *((0.9, -20.0), (0.9, 20.0), (1.0, 10.0), (1.0, -10.0), (1.9, -10.0), (1.9, 10.0)),
)
# Where the mesh's own score lies below this, the face may lie another way round: other turns are tried, and
# taken where they fit clearly better. Hands and dim light leave 6 to 12, the wrong way round -10 to 6.
_FITS, _CLEARLY = 10.0, 4.0
_SEEN = 0.8  # score of a detector from which it is sure to have seen a head that stands upright
# Below it at every turn, a face that seems to look ahead is not read: better no answer than that of one
# upside down. Profiles have 0 to 4, and stay.
_MISLAID, _AHEAD = 4.0, 40.0
_TURNS = (180.0, 135.0, -135.0, 90.0, -90.0, 45.0, -45.0)
_LOCAL = 192  # side of the picture in which a face is searched for around its last place
_LOCAL_REACH = 2.4  # and what it shows, in units of the face
_FAR = 2.0  # times as much, and a face is read again
_STILL = 0.01  # of a face's size: less than this is no movement
# Of so many faces that move each mesh is read in every other frame, of twice as many in every third, of more
# in every fourth: on the shared clips 99.5 % of the labels are the same either way, and valence within 0.005.
_FEW, _MOST_SPARED = 2, 3
_JITTER = 0.04  # of a face's size: the detector's own noise, which is not passed on
_PADS = (0.5, 0.25, 1.0, 0.0)  # margins added to a ready-made crop, in units of its longer side
_PAD_SIDE = 224


class FaceFinder:
    """Finds faces and follows them; weights only, so one serves every session and every thread.

    Args:
        model: the path of a `face_landmarker.task` bundle; the usual one where None.
        mesh: the name of a mesh reader in `meshes.MESHES`; True needs the usual one, False does without, None
            uses it where it can be had and warns where not.
        blendshapes: whether to read the 52 blendshapes of each face.
        max_faces: how many faces are read at most; the largest are.
        detector: what finds faces, a name in `faces.detectors.DETECTORS`.
        every_frame: whether a face that hardly changed is read anew all the same.

    Raises:
        EmotionError: for an unknown detector, a model file that is missing or damaged, or a mesh that is
            asked for and can't be had.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        mesh: bool | str | None = None,
        blendshapes: bool = False,
        max_faces: int = 64,
        detector: str = USUAL,
        every_frame: bool = False,
    ) -> None:
        if max_faces < 1:
            raise EmotionError(f"max_faces must be 1 or more, not {max_faces}")
        copies = min(2, os.cpu_count() or 1)
        self.max_faces = max_faces
        self.detector, self.every_frame, self.blendshapes = detector, every_frame, blendshapes
        self._detector = load_detector(detector)
        self._mesh = None if mesh is False else _load_mesh(model, mesh, blendshapes, copies)
        self._home = Home()
        self._pool = ThreadPoolExecutor(copies, thread_name_prefix="faces")

    def detect(self, image: np.ndarray) -> list[DetectedFace]:
        """Find every face of an RGB uint8 picture (H, W, 3), the largest first."""
        return self.read(image, self.candidates(image, thorough=True))

    def candidates(self, image: np.ndarray, *, thorough: bool = False) -> list[Candidate]:
        """Return what may be faces, best first: from about 20 px in a picture 640 wide.

        A thorough search also looks for smaller faces in large pictures and for faces that fill the
        picture, which takes three to five times as long, and for heads that lie where none surely stands.
        """
        longest = max(image.shape[:2])
        sides = [640 if longest > 320 else 320]
        if thorough:
            sides += [side for side in (160, 320) if side < sides[0]]
            sides += [1920] if longest >= 2400 else [1280] if longest >= 960 else []
        found = self._detect(image, sides)
        if thorough and not any(candidate.score >= _SEEN for candidate in found):
            found += self._lying(image, sides)
        return found

    def read(
        self, image: np.ndarray, candidates: Sequence[Candidate], *, most: int | None = None
    ) -> list[DetectedFace]:
        """Read the mesh of each candidate; leaves out those that are likely no face. The largest first.

        `most` of them are read, those that are largest; `max_faces` where None.
        """
        most = self.max_faces if most is None else most
        largest = sorted(candidates, key=lambda c: -area(c.box))[:most]
        read = [face for face in self._each(lambda c: self._read(image, c), largest) if face is not None]
        found: list[DetectedFace] = []
        for face in sorted(read, key=lambda f: (f.landmarks is None, -f.score)):
            if not any(same_place(face.box, other.box) for other in found):
                found.append(face)
        return sorted(found, key=lambda f: -area(f.box))

    def follow(self, image: np.ndarray, previous: Sequence[DetectedFace]) -> list[DetectedFace | None]:
        """Find faces of the frame before again, each near its last place; None where one can't be found.

        A picture that stands still gives the very same answer again.
        """
        spared = min(1 + (len(previous) - 1) // _FEW, _MOST_SPARED)
        return self._each(lambda face: self._follow(image, face, spared), previous)

    def follow_and_search(
        self, image: np.ndarray, previous: Sequence[DetectedFace], *, thorough: bool = False
    ) -> tuple[list[DetectedFace | None], list[Candidate]]:
        """Do `follow` and `candidates` at once, in little more than the time of the longer one."""
        self._home.check()
        if not previous:
            return [], self.candidates(image, thorough=thorough)
        search = self._pool.submit(self.candidates, image, thorough=thorough)
        return self.follow(image, previous), search.result()

    def in_crop(self, image: np.ndarray) -> DetectedFace | None:
        """Find the face of a ready-made face crop, RGB uint8 (H, W, 3) of any size, cut tightly or not.

        Landmarks are in pixels of the crop; a face cut off at the border has some outside. Training and
        `Recognizer.classify` share this. None where no face is seen.
        """
        height, width = image.shape[:2]
        zoom = _PAD_SIDE / max(height, width)
        enlarge = cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA
        size = (max(1, round(width * zoom)), max(1, round(height * zoom)))
        picture = cv2.resize(image, size, interpolation=enlarge)
        scale = np.array([width / size[0], height / size[1]])
        padded = {share: pad(picture, round(share * _PAD_SIDE)) for share in _PADS}
        for share, framed in padded.items():
            reading = self._mesh.find(framed) if self._mesh is not None else None
            if reading is not None:
                landmarks = (reading.points - round(share * _PAD_SIDE) + 0.5) * scale - 0.5
                face = _from_mesh(landmarks.astype(np.float32), reading, np.eye(2, 3), 1.0)
                if face is not None:
                    return face
        for share, framed in padded.items():
            found = self._detect(framed, (_PAD_SIDE,))
            if found:
                offset = round(share * _PAD_SIDE)
                box, points = found[0].box, (found[0].points - offset + 0.5) * scale - 0.5
                x, y = (box.x - offset) * scale[0], (box.y - offset) * scale[1]
                shown = Box(x, y, box.width * scale[0], box.height * scale[1])
                return DetectedFace(shown, found[0].score, points.astype(np.float32))
        return None

    def in_crops(self, images: Sequence[np.ndarray]) -> list[DetectedFace | None]:
        """Do `in_crop` on many at once."""
        return self._each(self.in_crop, images)

    def _each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        self._home.check()
        if len(items) < 2:
            return [work(item) for item in items]
        return list(self._pool.map(work, items))

    def _detect(self, image: np.ndarray, sides: Sequence[int]) -> list[Candidate]:
        self._home.check()
        found = self._detector.detect(image, sides, self._detector.least)
        return [candidate for candidate in found if sound(candidate.points)]

    def _lying(self, image: np.ndarray, sides: Sequence[int]) -> list[Candidate]:
        """Search the picture turned by a quarter: detectors see a head upside down before one that lies."""
        width = image.shape[1]
        found = self._detect(np.ascontiguousarray(np.rot90(image)), sides)
        return [
            Candidate(
                Box(width - c.box.y - c.box.height, c.box.x, c.box.height, c.box.width),
                c.score,
                np.column_stack([width - 1 - c.points[:, 1], c.points[:, 0]]).astype(np.float32),
            )
            for c in found
        ]

    def _read(self, image: np.ndarray, found: Candidate) -> DetectedFace | None:
        doubtful = None
        for margin, turn in _LOOKS if self._mesh is not None else ():
            face = self._find_at(
                image, turned(crop_matrix(found.points, _CROP, margin), turn, _CROP), found.score
            )
            if face is not None and plausible(found.box, face.box):
                sure = self._relaid(image, face)
                if sure is not None:
                    return self._upright(image, found, sure)
                doubtful = doubtful or face
        if doubtful is not None:
            return self._upright(image, found, doubtful)
        if found.score < self._detector.least_alone:
            return None
        near = self._near(image, found.box)  # as following will see it
        if near is None or not same_place(near.box, found.box):
            near = found
        return DetectedFace(near.box, found.score, near.points)

    def _upright(self, image: np.ndarray, found: Candidate, face: DetectedFace) -> DetectedFace | None:
        """Read a face at the turn in the plane at which its mesh fits best; None where none does."""
        if face.fit is None or face.fit >= _FITS:
            return face
        best, most = face, face.fit
        for turn in _TURNS:
            region = turned(crop_matrix(found.points, _CROP, _MARGIN), turn, _CROP)
            other = self._find_at(image, region, found.score)
            if other is None or not plausible(found.box, other.box):
                continue
            other = self._relaid(image, other)
            if other is not None and other.fit is not None and other.fit > most + _CLEARLY:
                best, most = other, other.fit
                if most >= _FITS:
                    break
        ahead = best.pose is not None and abs(best.pose.yaw) < _AHEAD
        return None if most < _MISLAID and ahead else best

    def _relaid(self, image: np.ndarray, face: DetectedFace) -> DetectedFace | None:
        """Find a face again in the crop that its mesh asks for, until it settles; None where that fails.

        A mesh laid over something else, or upside down, is mostly not found again.
        """
        for _ in range(3):
            wanted = crop_matrix(face.points, _CROP, _MARGIN)
            if face.region is not None and apart(face.region, wanted, _CROP) < 1:
                break
            again = self._find_at(image, wanted, face.score)
            if again is None or not plausible(face.box, again.box):
                return None
            face = again
        return self._followed(image, face)

    def _followed(self, image: np.ndarray, face: DetectedFace) -> DetectedFace | None:
        """Read a face that was found as following will see it; None where that fails."""
        assert self._mesh is not None
        for _ in range(3):
            wanted = self._mesh.region(face.points)
            again = self._read_at(image, wanted, face.score)
            if again is None or not plausible(face.box, again.box):
                return None
            face = again
            if apart(wanted, self._mesh.region(face.points), self._mesh.side) < 1:
                break
        return face

    def _find_at(self, image: np.ndarray, region: np.ndarray, score: float) -> DetectedFace | None:
        """Find and read the face somewhere in a crop of `_CROP` pixels."""
        assert self._mesh is not None
        return _in_picture(self._mesh.find(warp(image, region, _CROP)), region, score)

    def _read_at(self, image: np.ndarray, region: np.ndarray, score: float) -> DetectedFace | None:
        """Read the face that the mesh reader's own crop is laid around."""
        assert self._mesh is not None
        return _in_picture(self._mesh.read(warp(image, region, self._mesh.side)), region, score)

    def _follow(self, image: np.ndarray, last: DetectedFace, spared: int) -> DetectedFace | None:
        if not inside(image, last.box):
            return None
        if self._mesh is not None and last.region is not None:
            same = None if self.every_frame else carried(image, last, spared)
            if same is not None and inside(image, same.box):
                return same
            face = self._read_at(image, last.region, last.score)
            if face is not None and self._is_mislaid(image, face):
                return None
            if face is not None and plausible(last.box, face.box):
                if not inside(image, face.box):
                    return None
                settled = self._settled(image, last, face)
                return settled if self.every_frame else anchored(image, settled)
        near = self._near(image, last.box)
        if near is None or not plausible(last.box, near.box):
            return None
        if self._mesh is not None:
            face = self._find_at(image, crop_matrix(near.points, _CROP, _MARGIN), near.score)
            if face is not None and plausible(last.box, face.box):
                return self._followed(image, face) or replace(face, region=self._mesh.region(face.points))
        size = max(last.box.width, last.box.height)
        if last.landmarks is None and np.abs(near.points - last.points).max() < _JITTER * size:
            return last
        return DetectedFace(near.box, near.score, near.points)

    def _is_mislaid(self, image: np.ndarray, face: DetectedFace) -> bool:
        """Tell whether a face that is followed lies the other way round, as after a cut."""
        if face.fit is None or face.fit >= _MISLAID or face.region is None:
            return False
        assert self._mesh is not None
        other = self._read_at(image, turned(face.region, 180.0, self._mesh.side), face.score)
        return other is not None and other.fit is not None and other.fit > face.fit + _CLEARLY

    def _settled(self, image: np.ndarray, last: DetectedFace, face: DetectedFace) -> DetectedFace:
        """Choose the crop for the next frame: the same while it fits, so that a face at rest doesn't tremble.

        A face that has moved so far that the crop lies badly is read again.
        """
        size = max(face.box.width, face.box.height)
        if np.abs(face.points - last.points).max() < _STILL * size:
            return face
        assert self._mesh is not None and last.region is not None
        wanted = self._mesh.region(face.points)
        away = apart(last.region, wanted, self._mesh.side)
        if away < 1:
            return face
        again = self._read_at(image, wanted, face.score) if away > _FAR else None
        if again is not None and plausible(face.box, again.box):
            return again
        return replace(face, region=wanted)

    def _near(self, image: np.ndarray, box: Box) -> Candidate | None:
        """Search a small window around `box`, which costs a tenth of a search of the whole frame."""
        side = _LOCAL_REACH * max(box.width, box.height)
        zoom = _LOCAL / side
        corner = np.array([box.x + box.width / 2 - side / 2, box.y + box.height / 2 - side / 2])
        window = np.column_stack([np.eye(2) * zoom, -corner * zoom])
        found = self._detect(warp(image, window, _LOCAL), (_LOCAL,))
        moved = [
            Candidate(
                Box(
                    c.box.x / zoom + corner[0],
                    c.box.y / zoom + corner[1],
                    c.box.width / zoom,
                    c.box.height / zoom,
                ),
                c.score,
                (c.points / zoom + corner).astype(np.float32),
            )
            for c in found
        ]
        return max(moved, key=lambda c: c.box.iou(box), default=None)


def _load_mesh(
    model: str | Path | None, asked: bool | str | None, blendshapes: bool, copies: int
) -> Mesh | None:
    name = asked if isinstance(asked, str) else MESH
    try:
        return load_mesh(name, find_landmarker(model), blendshapes=blendshapes, copies=copies)
    except EmotionError as e:
        # a file or a reader that the user chose is never passed over
        if asked or (model is not None and not isinstance(e, MeshMissingError)):
            raise
        logger.warning("faces are read without landmarks, which is less exact: %s", e)
        return None


def _from_mesh(
    landmarks: np.ndarray, reading: MeshReading, region: np.ndarray, score: float
) -> DetectedFace | None:
    low, high = landmarks.min(0), landmarks.max(0)
    points = five_points(landmarks)
    if not np.isfinite(landmarks).all() or not sound(points):
        return None
    box = Box(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    return DetectedFace(
        box,
        score,
        points,
        landmarks,
        head_pose(reading.rotation, region),
        reading.blendshapes,
        region,
        fit=reading.fit,
    )


def _in_picture(reading: MeshReading | None, region: np.ndarray, score: float) -> DetectedFace | None:
    """Take what was read in a crop back to the picture that it was cut from."""
    if reading is None:
        return None
    back = cv2.invertAffineTransform(region)
    landmarks = reading.points @ back[:, :2].T + back[:, 2]
    return _from_mesh(landmarks.astype(np.float32), reading, region, score)
