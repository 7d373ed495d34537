"""Read the expressions in a video with LiteRT, NumPy and OpenCV alone: what an app for a phone has to port.

python docs/mobile_example.py talk.mp4 --network outputs/litert/fp32

It prints a line of CSV for each face of each frame. docs/mobile.md explains the steps. Points are complex
numbers, x + iy in pixels, and a crop is a pair (turn, shift): it maps the point p to p * turn + shift.
"""

import argparse
import json
import math
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

SIDE, MESH_SIDE = 224, 256  # of the network's and of the mesh model's picture, in pixels
KEY_POINTS = [
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # brows
    *(168, 195, 4, 240, 75, 1, 305, 460),  # nose
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),  # eyes
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),  # outer lip
    *(78, 82, 13, 312, 308, 317, 14, 87),  # inner lip
]
PRESENT = math.log(0.3 / 0.7)  # score of the mesh model from which a crop shows a face
SURE, SURE_ALONE = 0.6, 0.84  # scores of YuNet from which a face counts: with a mesh, and without
EVERY = 0.4  # seconds between searches of the whole picture
GAP = 0.5  # seconds out of sight after which a face begins anew
SMOOTHING, LEAD = (
    5,
    0.1,
)  # frames that are averaged, and by how much another label must lead to be taken at once

Crop = tuple[complex, complex]
Model = Callable[..., dict[str, np.ndarray]]


# Crops ---------------------------------------------------------------------------------------------------


def lay_crop(five: np.ndarray, size: int, margin: float = 1.0) -> Crop:
    """Lay an upright square crop by both eyes, the nose and the corners of the mouth."""
    eyes, mouth, across = (five[0] + five[1]) / 2, (five[3] + five[4]) / 2, five[1] - five[0]
    down = mouth - eyes
    side = 2.7 * max(abs(across), 0.93 * abs(down))  # of what the crop shows, with a margin of 1
    axis = (across - 1j * down) / abs(across - 1j * down)  # to the face's left, of length 1
    middle = eyes + (0.5 - 0.385) * side * 1j * axis  # the eyes lie at 0.385 of the height
    turn = axis.conjugate() * size / (side * margin)
    return complex(turn), complex((size - 1) / 2 * (1 + 1j) - turn * middle)


def cut(image: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """Cut a crop out; what lies beyond the border repeats it. A large face is averaged first."""
    turn, shift = crop
    grow_x = grow_y = 1.0
    if abs(turn) < 0.5:
        corners = (np.array([0, size, size * 1j, size * (1 + 1j)]) - shift) / turn
        x, y, (height, width) = corners.real, corners.imag, image.shape[:2]
        x0 = min(max(math.floor(x.min()) - 2, 0), width - 1)
        y0 = min(max(math.floor(y.min()) - 2, 0), height - 1)
        x1 = min(max(math.ceil(x.max()) + 2, x0 + 1), width)
        y1 = min(max(math.ceil(y.max()) + 2, y0 + 1), height)
        part = image[y0:y1, x0:x1]
        image = cv2.resize(part, None, fx=2 * abs(turn), fy=2 * abs(turn), interpolation=cv2.INTER_AREA)
        grow_x, grow_y = image.shape[1] / part.shape[1], image.shape[0] / part.shape[0]
        shift += turn * complex(0.5 / grow_x - 0.5 + x0, 0.5 / grow_y - 0.5 + y0)
    matrix = [[turn.real / grow_x, -turn.imag / grow_y, shift.real]]
    matrix += [[turn.imag / grow_x, turn.real / grow_y, shift.imag]]
    return cv2.warpAffine(image, np.array(matrix), (size, size), borderMode=cv2.BORDER_REPLICATE)


# What the network reads -----------------------------------------------------------------------------------


def to_tensor(crop: np.ndarray) -> np.ndarray:
    """Turn an RGB crop (224, 224, 3) into the input (1, 224, 224): grey, less its mean, over its spread."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    mean, spread = cv2.meanStdDev(grey)
    return ((grey.astype(np.float32) - np.float32(mean.item())) / np.float32(max(spread.item(), 4.0)))[None]


def to_landmarks(mesh: np.ndarray) -> np.ndarray:
    """Turn a mesh (478,) into the input (1, 50, 2): about its mean, outer corners of the eyes 1 apart."""
    points = mesh[KEY_POINTS]
    points = (points - points.mean()) / (mesh[263] - mesh[33])
    return np.stack([points.real, points.imag], 1).astype(np.float32)[None]


def has_colors(crop: np.ndarray) -> bool:
    """Tell whether a crop is more than shades of grey; the two have temperatures of their own."""
    few = crop[::8, ::8].astype(int)
    return bool((few.max(2) - few.min(2)).sum() > 0.08 * few.max(2).sum())


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Turn logits (K,) into calibrated probabilities (K,)."""
    scaled = np.exp((logits - logits.max()).astype(float) / temperature)
    return scaled / scaled.sum()


class Network:
    """The network's two halves, and what their folder says of them."""

    def __init__(self, folder: Path):
        self.settings = json.loads((folder / "network.json").read_text())
        self.encode, self.decide = (signature(folder / f"{name}.tflite") for name in ("encode", "decide"))


def signature(path: Path) -> Model:
    """Load a model whose inputs and outputs have names."""
    return interpreter(path.read_bytes()).get_signature_runner()


def interpreter(content: bytes) -> Any:
    """Load a model to run on one thread."""
    from ai_edge_litert.interpreter import Interpreter

    net = Interpreter(model_content=content, num_threads=1)
    net.allocate_tensors()
    return net


# Faces ----------------------------------------------------------------------------------------------------


class Mesh:
    """The mesh model of MediaPipe's FaceLandmarker bundle, which is a ZIP file."""

    def __init__(self, bundle: Path):
        self.net = interpreter(zipfile.ZipFile(bundle).read("face_landmarks_detector.tflite"))
        self.input, self.outputs = self.net.get_input_details()[0], self.net.get_output_details()

    def read(self, image: np.ndarray, crop: Crop) -> np.ndarray | None:
        """Read the mesh (478,) of the face that a crop is laid around; None where there is none."""
        picture = cut(image, crop, MESH_SIDE).astype(np.float32) / 255
        self.net.set_tensor(self.input["index"], picture[None])
        self.net.invoke()
        points, score = (self.net.get_tensor(one["index"]).ravel() for one in self.outputs[:2])
        if score[0] < PRESENT:
            return None
        x, y = points[0::3] - 0.5, points[1::3] - 0.5  # it counts from the corner of the first pixel
        return (x + 1j * y - crop[1]) / crop[0]


def five_of(mesh: np.ndarray) -> np.ndarray:
    """Return both eyes, the nose and the corners of the mouth (5,) of a mesh (478,)."""
    return np.array([(mesh[33] + mesh[133]) / 2, (mesh[362] + mesh[263]) / 2, mesh[4], mesh[61], mesh[291]])


def box_of(mesh: np.ndarray) -> tuple[complex, complex]:
    """Return the middle of a mesh (478,), and its width and height."""
    low = complex(mesh.real.min(), mesh.imag.min())
    high = complex(mesh.real.max(), mesh.imag.max())
    return (low + high) / 2, high - low


def far(one: Crop, other: Crop) -> float:
    """Tell how ill one crop of the mesh stands for another by size, turn and place; below 1 it does."""
    ratio, half = one[0] / other[0], MESH_SIDE / 2 * (1 + 1j)
    moved = abs(ratio * (half - other[1]) + one[1] - half) / MESH_SIDE
    return max(abs(math.log(abs(ratio))) / 0.14, abs(np.angle(ratio, deg=True)) / 8, moved / 0.08)


def near(one: tuple[complex, complex], other: tuple[complex, complex]) -> bool:
    """Tell whether two boxes, as `box_of` gives them, can be one face in two frames in a row."""
    (middle, size), (middle_2, size_2) = one, other
    longest, longest_2 = max(size.real, size.imag), max(size_2.real, size_2.imag)
    return abs(middle - middle_2) < 0.7 * longest and 0.55 < longest_2 / longest < 1.8


@dataclass
class Person:
    """One face over time: where it lies, its last 16 features, and its last readings."""

    number: int
    box: tuple[complex, complex]
    five: np.ndarray
    mesh: np.ndarray | None
    crop: Crop | None  # that the mesh is read in, in the next frame
    seen: float
    window: np.ndarray | None = None
    readings: list[np.ndarray] = field(default_factory=list)
    label: int | None = None
    rival: int | None = None
    streak: int = 0

    def smooth(self, reading: np.ndarray) -> tuple[np.ndarray, int]:
        """Average probabilities, valence and arousal (K + 2,); another label must lead, or lead for long."""
        self.readings = [*self.readings, reading][-SMOOTHING:]
        mean = np.mean(self.readings, 0)
        best = int(mean[:-2].argmax())
        self.streak = self.streak + 1 if best == self.rival else 1
        self.rival = best
        if self.label is None or mean[best] - mean[self.label] >= LEAD or self.streak >= SMOOTHING:
            self.label = best
        return mean, self.label


class Reader:
    """Finds and follows faces, and reads each one's expression; the state of one video."""

    def __init__(self, network: Network, mesh: Mesh, yunet: Path):
        self.network, self.mesh = network, mesh
        self.detector = cv2.FaceDetectorYN.create(str(yunet), "", (320, 320), SURE)
        self.people: list[Person] = []
        self.count, self.searched = 0, -math.inf

    def __call__(self, image: np.ndarray, time: float) -> Iterator[tuple[int, np.ndarray, int]]:
        """Yield number, probabilities with valence and arousal, and label of each face of an RGB frame."""
        for person in self.people:
            self.follow(image, person, time)
        if time - self.searched >= EVERY or not self.people or any(p.seen < time for p in self.people):
            self.searched = time
            self.search(image, time)
        self.people = [person for person in self.people if time - person.seen <= GAP]
        for person in self.people:
            if person.seen == time:
                yield person.number, *self.express(image, person)

    def follow(self, image: np.ndarray, person: Person, time: float) -> None:
        """Read a face's mesh where it was in the frame before; lay the crop anew once it lies badly."""
        if person.crop is None or (mesh := self.mesh.read(image, person.crop)) is None:
            return
        box, size = box_of(mesh), max(person.box[1].real, person.box[1].imag)
        height, width = image.shape[:2]
        if not near(person.box, box) or not (0 <= box[0].real < width and 0 <= box[0].imag < height):
            return
        moved = five_of(mesh) - person.five
        if max(abs(moved.real).max(), abs(moved.imag).max()) >= 0.01 * size:
            wanted = lay_crop(five_of(mesh), MESH_SIDE, 1.3)
            away = far(person.crop, wanted)
            again = self.mesh.read(image, wanted) if away > 2 else None
            mesh = mesh if again is None else again
            person.crop = wanted if away >= 1 else person.crop
        person.box, person.five, person.mesh, person.seen = box_of(mesh), five_of(mesh), mesh, time

    def search(self, image: np.ndarray, time: float) -> None:
        """Find faces in the whole picture: those who were lost, and those who are new."""
        height, width = image.shape[:2]
        zoom = (640 if max(height, width) > 320 else 320) / max(height, width)
        size = (round(width * zoom), round(height * zoom))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
        self.detector.setInputSize(size)
        _, found = self.detector.detect(np.ascontiguousarray(small[:, :, ::-1]))  # it wants BGR
        for row in () if found is None else found:
            x, y = row[0:14:2] * (width / size[0]), row[1:14:2] * (height / size[1])
            spots = x + 1j * y  # corner, size, five points
            box, five = (complex(spots[0] + spots[1] / 2), complex(spots[1])), spots[2:]
            if any(p.seen == time and near(p.box, box) for p in self.people):
                continue
            mesh, crop = self.start(image, five)
            if mesh is None and row[14] < SURE_ALONE:
                continue
            if mesh is not None:
                box, five = box_of(mesh), five_of(mesh)
            person = next((p for p in self.people if p.seen < time and near(p.box, box)), None)
            if person is None or time - person.seen > GAP:
                self.count += 1
                person = Person(self.count, box, five, mesh, crop, time)
                self.people.append(person)
            person.box, person.five, person.mesh, person.crop, person.seen = box, five, mesh, crop, time

    def start(self, image: np.ndarray, five: np.ndarray) -> tuple[np.ndarray | None, Crop | None]:
        """Read the mesh of a face just found, until the crop that it asks for is the one it was read in."""
        crop = lay_crop(five, MESH_SIDE, 1.3)
        for _ in range(3):
            mesh = self.mesh.read(image, crop)
            if mesh is None:
                return None, None
            wanted = lay_crop(five_of(mesh), MESH_SIDE, 1.3)
            if far(crop, wanted) < 1:
                break
            crop = wanted
        return mesh, crop

    def express(self, image: np.ndarray, person: Person) -> tuple[np.ndarray, int]:
        """Encode this frame's face, decide on the last 16, and smooth."""
        settings = self.network.settings
        picture = cut(image, lay_crop(person.five, SIDE), SIDE)
        landmarks = np.zeros((1, 50, 2), np.float32) if person.mesh is None else to_landmarks(person.mesh)
        present = np.array([person.mesh is not None], np.float32)
        inputs = {"images": to_tensor(picture), "landmarks": landmarks, "present": present}
        features = self.network.encode(**inputs)["features"]  # (1, F)
        if person.window is None:  # a window that is not full repeats its first frame
            person.window = np.repeat(features[None], settings["window"], 1)
        else:
            person.window = np.concatenate([person.window[:, 1:], features[None]], 1)
        said = self.network.decide(window=person.window)
        temperature = settings["temperature_color" if has_colors(picture) else "temperature"]
        probabilities = softmax(said["logits"][0], temperature)
        return person.smooth(np.array([*probabilities, said["valence"][0], said["arousal"][0]]))


def main() -> None:
    """Print what is seen in a video."""
    weights = Path(__file__).resolve().parent.parent / "assets" / "weights"
    parser = argparse.ArgumentParser(
        description="Read the expressions in a video with LiteRT and OpenCV alone."
    )
    parser.add_argument("video", type=Path)
    parser.add_argument(
        "--network", type=Path, required=True, metavar="FOLDER", help="encode.tflite and decide.tflite"
    )
    parser.add_argument("--mesh", type=Path, default=weights / "face_landmarker.task", metavar="FILE")
    parser.add_argument(
        "--yunet", type=Path, default=weights / "face_detection_yunet_2023mar.onnx", metavar="FILE"
    )
    given = parser.parse_args()
    video = cv2.VideoCapture(str(given.video))
    if not video.isOpened():
        sys.exit(f"{given.video} can't be read: name a video that OpenCV opens")
    network = Network(given.network)
    reader = Reader(network, Mesh(given.mesh), given.yunet)
    print("frame,time,face,emotion,confidence,valence,arousal")
    frame = 0
    while True:
        there, picture = video.read()
        if not there:
            break
        time = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        for number, said, label in reader(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), time):
            emotion = network.settings["labels"][label]
            print(f"{frame},{time:.3f},{number},{emotion},{said[label]:.4f},{said[-2]:.4f},{said[-1]:.4f}")
        frame += 1


if __name__ == "__main__":
    main()
