"""MediaPipe's own FaceLandmarker as a mesh reader: the reference, for whoever has the package."""

import ctypes
import queue
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core.faces.crop import crop_matrix
from emotion_core.faces.hush import quiet
from emotion_core.faces.mesh import PRESENCE_CONFIDENCE, MeshReading, not_a_bundle
from emotion_core.quiet import load

DETECTION_CONFIDENCE = 0.3
"""Of the FaceLandmarker's own detector inside a crop: low, since a face has been found there already."""

_KNOWN_INSIDES = ("1.2.2",)  # versions of MediaPipe whose C library may be called directly


class MediaPipeMesh:
    """A few landmarkers behind one thread-safe call; see `mesh.Mesh`.

    They run in MediaPipe's IMAGE mode, which keeps nothing between calls, so that all sessions can share
    them. Each takes about 26 MB and is made when it is first needed.

    Args:
        path: the `face_landmarker.task` bundle.
        blendshapes: whether to read the 52 blendshapes too.
        copies: how many crops may be read at once.

    Raises:
        ImportError: where mediapipe can't be imported, or a system library that it needs is missing.
        EmotionError: where the file is no face model.
    """

    side = 192  # larger crops took longer and read no better

    def __init__(self, path: Path, *, blendshapes: bool = False, copies: int = 1) -> None:
        self._path, self._blendshapes = path, blendshapes
        self._made = 0
        self._copies = max(1, copies)
        self._lock = threading.Lock()
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._all: list[Any] = []
        self._mp = _import_mediapipe()
        self._direct = _Direct.of(self._mp)
        weakref.finalize(self, _close, self._all)
        self._idle.put(self._make())

    def region(self, points: np.ndarray) -> np.ndarray:
        """See `Mesh.region`; wide, since the landmarker detects the face again."""
        return crop_matrix(points, self.side, 1.6)

    def read(self, crop: np.ndarray) -> MeshReading | None:
        """Read the face in an RGB uint8 crop (H, W, 3), or give None where none is seen."""
        picture = self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=np.ascontiguousarray(crop))
        landmarker = self._take()
        try:
            points, result = self._ask(landmarker, picture)
        finally:
            self._idle.put(landmarker)
        if not len(points):
            return None
        height, width = crop.shape[:2]
        shapes = None
        if self._blendshapes and result.face_blendshapes:
            shapes = {c.category_name: float(c.score) for c in result.face_blendshapes[0]}
        rotation = np.asarray(result.facial_transformation_matrixes[0], np.float64)[:3, :3]
        # MediaPipe's pixel centres lie at half numbers.
        return MeshReading(points * np.array([width, height], np.float32) - 0.5, rotation, shapes)

    def find(self, picture: np.ndarray) -> MeshReading | None:
        """See `Mesh.find`; the landmarker finds a face anyway."""
        return self.read(picture)

    def _ask(self, landmarker: Any, picture: Any) -> tuple[np.ndarray, Any]:
        """Return the points (478, 2), or none, as shares of the picture, and the rest of the result."""
        answer = self._direct.detect(landmarker, picture) if self._direct is not None else None
        if answer is not None:
            return answer
        result = landmarker.detect(picture)
        points = [(p.x, p.y) for face in result.face_landmarks[:1] for p in face]
        return np.array(points, np.float32).reshape(-1, 2), result

    def _take(self) -> Any:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        with self._lock:
            if self._made < self._copies:
                return self._make()
        return self._idle.get()

    def _make(self) -> Any:
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(self._path)),
            running_mode=vision.RunningMode.IMAGE,
            num_faces=1,
            min_face_detection_confidence=DETECTION_CONFIDENCE,
            min_face_presence_confidence=PRESENCE_CONFIDENCE,
            output_face_blendshapes=self._blendshapes,
            output_facial_transformation_matrixes=True,
        )
        blank = self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=np.zeros((64, 64, 3), np.uint8))
        with quiet():
            try:
                landmarker = vision.FaceLandmarker.create_from_options(options)
                landmarker.detect(blank)  # the first call lays the networks out, and writes its lines too
            except (RuntimeError, ValueError) as e:
                raise not_a_bundle(self._path) from e
            except OSError as e:  # raised where libEGL or libGLESv2 can't be loaded
                raise ImportError(str(e)) from e
        self._made += 1
        self._all.append(landmarker)
        return landmarker


FaceMesh = MediaPipeMesh  # its name until 0.1


class _Direct:
    """Calls MediaPipe's C library as its Python layer does, but makes no 478 objects of a mesh.

    That layer also hands each call to another thread. Without both, a face takes a twelfth less time; where
    a later version has changed its insides, `of` gives None and the usual way is taken.
    """

    def __init__(self, result: Any, outcome: Any, point: Any) -> None:
        self._result, self._outcome = result, outcome
        self._layout = np.dtype(
            {
                "names": ["x", "y"],
                "formats": ["f4", "f4"],
                "offsets": [point.x.offset, point.y.offset],
                "itemsize": ctypes.sizeof(point),
            }
        )

    @classmethod
    def of(cls, mediapipe: Any) -> "_Direct | None":
        """Prepare for the installed version, or give None where it has other insides."""
        if mediapipe.__version__ not in _KNOWN_INSIDES:
            return None
        from mediapipe.tasks.python.components.containers import landmark_c
        from mediapipe.tasks.python.vision import face_landmarker as module

        return cls(
            module.MpFaceLandmarkerResultC, module.FaceLandmarkerResult, landmark_c.MpNormalizedLandmarkC
        )

    def detect(self, landmarker: Any, picture: Any) -> tuple[np.ndarray, Any] | None:
        """Find the points (478, 2), or none, and the rest of the result; None where the library complains."""
        library, held, problem = landmarker._lib._lib, self._result(), ctypes.c_char_p()
        if library.MpFaceLandmarkerDetectImage(
            landmarker._handle, picture._image_ptr, None, ctypes.byref(held), ctypes.byref(problem)
        ):
            return None  # the usual way raises what is wrong
        faces = held.face_landmarks_count
        try:
            points = np.zeros((0, 2), np.float32)
            if faces:
                mesh = held.face_landmarks[0]
                size = mesh.landmarks_count * self._layout.itemsize
                rows = np.frombuffer(ctypes.string_at(mesh.landmarks, size), self._layout)
                points = np.stack([rows["x"], rows["y"]], 1)
            held.face_landmarks_count = 0  # or they are made into objects after all
            rest = self._outcome.from_ctypes(held)
        finally:
            held.face_landmarks_count = faces
            library.MpFaceLandmarkerCloseResult(ctypes.byref(held))
        return points, rest


def _import_mediapipe() -> Any:
    try:
        return load("mediapipe")
    except OSError as e:  # a system library such as PortAudio or libEGL that is missing
        raise ImportError(str(e)) from e


def _close(landmarkers: list[Any]) -> None:
    while landmarkers:
        landmarker = landmarkers.pop()
        try:
            landmarker.close()
        except RuntimeError:
            # The interpreter is ending and MediaPipe's worker thread has gone: there is nothing left to
            # close, and without its handle its own destructor won't try again.
            landmarker._handle = None
