"""The live pipeline's face finder and crop over every picture of a data set: once, in parallel, cached."""

import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from tqdm import tqdm

from emotion_core.faces.crop import KEY_POINTS, crop_face, key_points, normalize_landmarks
from emotion_core.files import written_beside
from emotion_core.types import Box, DetectedFace, EmotionError
from train.data.readers import ClipFrame, Picture, Raw, sha

if TYPE_CHECKING:
    from emotion_core.video.reader import Frames

VERSION = "1"  # raise it when the face finder or the crop changes: old caches are then left alone
OK, UNREADABLE, NO_FACE = 0, 1, 2
BLENDSHAPES = 52
_CHUNK = 96  # pictures a worker takes at a time: a whole clip (32 frames) or three
CROP_SIDE = 260  # a picture no larger than this is taken as a crop of one face

log = logging.getLogger("train")


def extract(
    raw: Raw,
    *,
    cache: str | Path | None = None,
    size: int = 144,
    margin: float = 144 / 112,
    workers: int | None = None,
) -> dict[str, np.ndarray]:
    """Find the face of each picture and cut the live pipeline's crop; read from the cache where it was done.

    Returns:
        Arrays of len(raw) rows: `used` bool (the picture was readable and shows a face), `status` (0 used,
        1 unreadable, 2 no face), `crops` uint8 (N, size, size) grey, `landmarks` float32 (N, 50, 2),
        `present` bool, `blendshapes` float16 (N, 52), and the measures of `train.data.samples.MEASURES`.

    Raises:
        EmotionError: where no picture can be used at all.
    """
    folder = Path(cache) if cache is not None else Path(".cache/crops")
    file = folder / f"{raw.source}-{sha(raw.key, VERSION, str(size), str(margin))}.npz"
    faces = _read_cache(file, len(raw))
    if faces is None:
        faces = _extract(raw, size, margin, workers)
        _write_cache(file, faces)
    status = faces["status"]
    faces["used"] = status == OK
    for code, text in ((UNREADABLE, "can't be read"), (NO_FACE, "show no face")):
        rows = np.flatnonzero(status == code)
        if len(rows):
            names = ", ".join(raw.id[rows[:3]])
            log.warning(
                "%s: %d of %d pictures %s: left out (%s)", raw.source, len(rows), len(raw), text, names
            )
    if len(raw) and not faces["used"].any():
        raise EmotionError(f"{raw.source}: none of the {len(raw)} pictures can be read and shows a face")
    return faces


def open_picture(picture: Picture, cursor: "ClipCursor | None" = None) -> np.ndarray | None:
    """Decode a picture to RGB uint8 (H, W, 3), or give None where it can't be read."""
    if isinstance(picture, ClipFrame):
        return (cursor or ClipCursor()).frame(picture)
    if isinstance(picture, np.ndarray):
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB) if picture.ndim == 2 else picture
    if isinstance(picture, Path):
        try:
            data = np.fromfile(picture, np.uint8)
        except OSError:
            return None
    else:
        data = np.frombuffer(picture, np.uint8)
    if not data.size:
        return None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


@dataclass
class ClipCursor:
    """Reads the asked frames of a clip in one pass; frames of one clip are asked for in order."""

    path: Path | None = None
    at: int = -1
    wanted: dict[int, int] = field(default_factory=dict)
    stream: "Frames | None" = None
    last: np.ndarray | None = None

    def frame(self, asked: ClipFrame) -> np.ndarray | None:
        """Return the frame as RGB uint8, or None where the clip can't be read that far."""
        from emotion_core.video.reader import frames

        try:
            if self.path != asked.path or self.stream is None:
                self.close()
                self.path, self.at, self.last = asked.path, -1, None
                self.stream = frames(asked.path)
                info = self.stream.info
                total = info.frames or round((info.duration or 0) * info.fps)
                places = np.linspace(0, max(total - 1, 0), asked.count).astype(int)
                self.wanted = {i: int(p) for i, p in enumerate(places)}
            while self.at < self.wanted[asked.number]:
                step = next(self.stream, None)
                if step is None:  # shorter than its header says: the last frame stands for the rest
                    break
                self.at, self.last = self.at + 1, step.image
        except EmotionError:
            return None
        return self.last

    def close(self) -> None:
        """Let go of the clip that is open."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None


# In a worker process ------------------------------------------------------------------------------------

_finder: Any = None


def _start_worker() -> None:
    global _finder
    from emotion_core.faces.finder import FaceFinder

    cv2.setNumThreads(1)
    _finder = FaceFinder(blendshapes=True)


def _work(pictures: Sequence[Picture], tight: bool, size: int, margin: float) -> dict[str, np.ndarray]:
    faces = _blank(len(pictures), size)
    cursor = ClipCursor()
    for i, picture in enumerate(pictures):
        image = open_picture(picture, cursor)
        if image is None:
            faces["status"][i] = UNREADABLE
            continue
        face = find_face(_finder, image, tight)
        if face is None:
            faces["status"][i] = NO_FACE
            continue
        crop = cv2.cvtColor(crop_face(image, face.points, size, margin), cv2.COLOR_RGB2GRAY)
        faces["crops"][i] = crop
        if face.landmarks is not None:
            try:
                faces["landmarks"][i] = normalize_landmarks(key_points(face.landmarks))
                faces["present"][i] = True
            except ValueError:
                pass  # a mesh that fell together is no mesh: `present` stays False
        if face.blendshapes is not None and len(face.blendshapes) == BLENDSHAPES:
            faces["blendshapes"][i] = list(face.blendshapes.values())
        faces["eye_distance"][i] = np.hypot(*(face.points[0] - face.points[1]))
        if face.pose is not None:
            faces["yaw"][i], faces["pitch"][i], faces["roll"][i] = (
                face.pose.yaw,
                face.pose.pitch,
                face.pose.roll,
            )
        faces["blur"][i] = cv2.Laplacian(cv2.resize(crop, (112, 112)), cv2.CV_32F).std()
        faces["light"][i] = crop.mean()
    return faces


def find_face(finder: Any, image: np.ndarray, tight: bool) -> DetectedFace | None:
    """Find the face of a picture as the live pipeline does: the largest of a photograph, the one of a crop.

    A small picture or a tight crop in which nothing is seen is taken as a face whose landmarks are hidden,
    as `Recognizer.classify` takes it.
    """
    if tight or max(image.shape[:2]) <= CROP_SIDE:
        return finder.in_crop(image) or whole_picture(image)
    faces = finder.detect(image)
    return max(faces, key=lambda f: f.box.width * f.box.height, default=None)


def whole_picture(image: np.ndarray) -> DetectedFace:
    """Give the face whose crop is the whole of a square picture: eyes and mouth where they are on average."""
    height, width = image.shape[:2]
    side, middle = max(height, width), np.array([width, height]) / 2
    places = np.array([[-0.185, -0.115], [0.185, -0.115], [0, 0.1], [-0.13, 0.245], [0.13, 0.245]])
    points = (middle + places * side - 0.5).astype(np.float32)
    return DetectedFace(Box(0, 0, width, height), 0.0, points)


def _extract(raw: Raw, size: int, margin: float, workers: int | None) -> dict[str, np.ndarray]:
    faces = _blank(len(raw), size)
    starts = range(0, len(raw), _CHUNK)
    count = min(workers or min(2, os.cpu_count() or 1), len(starts)) or 1
    bar = tqdm(total=len(raw), desc=f"faces of {raw.source}", unit="picture", leave=False, disable=None)
    if len(starts) == 1:  # a few pictures are read sooner than processes start
        if _finder is None:
            _start_worker()
        return _work(raw.pictures, raw.tight, size, margin)
    try:
        with bar, ProcessPoolExecutor(count, get_context("spawn"), initializer=_start_worker) as pool:
            jobs = [
                pool.submit(_work, list(raw.pictures[s : s + _CHUNK]), raw.tight, size, margin)
                for s in starts
            ]
            for start, job in zip(starts, jobs, strict=True):
                part = job.result()
                for name, array in part.items():
                    faces[name][start : start + len(array)] = array
                bar.update(len(part["status"]))
    except BrokenProcessPool:
        raise EmotionError(
            f"{raw.source}: a process that looks for faces ended early (out of memory?); try --workers 1"
        ) from None
    return faces


def _blank(n: int, size: int) -> dict[str, np.ndarray]:
    numbers = ("eye_distance", "yaw", "pitch", "roll", "blur", "light")
    return {
        "status": np.zeros(n, np.uint8),
        "crops": np.zeros((n, size, size), np.uint8),
        "landmarks": np.zeros((n, len(KEY_POINTS), 2), np.float32),
        "present": np.zeros(n, bool),
        "blendshapes": np.full((n, BLENDSHAPES), np.nan, np.float16),
        **{name: np.full(n, np.nan, np.float32) for name in numbers},
    }


def _read_cache(file: Path, n: int) -> dict[str, np.ndarray] | None:
    if not file.exists():
        return None
    try:
        with np.load(file, allow_pickle=False) as store:
            faces = dict(store.items())
    except (OSError, ValueError, KeyError) as error:
        log.warning("the cache %s can't be read (%s): made anew", file.name, error)
        return None
    return faces if len(faces.get("status", ())) == n else None


def _write_cache(file: Path, faces: Mapping[str, np.ndarray]) -> None:
    """Write beside and rename, so that a killed run leaves no half a cache."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(file) as part, part.open("wb") as stream:
            np.savez(stream, **faces)  # type: ignore[arg-type]
    except OSError as error:
        log.warning("the crops can't be cached in %s (%s): they are made anew next time", file.parent, error)
