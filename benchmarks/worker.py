"""Runs in the tree of any revision and measures what it is told to, line by line; see `against`.

It uses nothing but the public names of the library, so that one script fits old and new trees. Each line of
standard input is a request in JSON, each line of standard output its answer.
"""

import json
import sys
import time
from typing import Any

FRAMES = 150  # of a clip, held in memory so that decoding is not measured


class Worker:
    """A recognizer and the frames of the clips that it was asked about."""

    def __init__(self) -> None:
        from emotion_core import Recognizer

        # as videos and the web app do: threads that wait for each other are no work
        self.recognizer = Recognizer.from_pretrained(threads=1)
        self.frames: dict[str, list[Any]] = {}

    def live(self, clip: str, skip: int = 0) -> dict[str, Any]:
        """Read the first frames of a clip as a new viewer; gives seconds of work a frame.

        `skip` of them are not counted; "faces" is how many the last one showed.
        """
        from emotion_core import Session

        frames = self._decoded(clip)
        session, times, faces = Session(), [], []
        for frame in frames:
            before = time.process_time()
            faces = self.recognizer(frame, session)
            times.append(time.process_time() - before)
        times = sorted(times[skip:])
        p95 = times[int(0.95 * (len(times) - 1))]
        return {"work": sum(times) / len(times), "p95": p95, "faces": len(faces)}

    def network(self, times: int = 60) -> dict[str, Any]:
        """Run `encode` and `decide` for one face; gives seconds of work for both."""
        import numpy as np

        net: Any = self.recognizer._network
        random = np.random.default_rng(0)
        image = np.broadcast_to(random.normal(size=(1, 1, 224, 224)).astype(np.float32), (1, 3, 224, 224))
        points = random.normal(size=(1, 50, 2)).astype(np.float32)
        window = np.zeros((1, net.window, net.feature_size), np.float32)
        before = time.process_time()
        for _ in range(times):
            window[:, -1] = net.encode(image, points, np.ones(1, np.float32))
            net.decide(window)
        return {"work": (time.process_time() - before) / times}

    def records(self, clip: str) -> dict[str, Any]:
        """Return what is read of every face of a whole clip."""
        from emotion_core import Session, frames

        session, rows = Session(), []
        with frames(clip) as reader:
            for frame in reader:
                for face in self.recognizer(frame, session):
                    box = [face.box.x, face.box.y, face.box.width, face.box.height]
                    pose = face.pose and [face.pose.yaw, face.pose.pitch, face.pose.roll]
                    numbers = {"valence": [face.valence], "arousal": [face.arousal], "pose": pose, "box": box}
                    numbers["probabilities"] = list(face.probabilities)
                    rows.append({"frame": frame.index, "face": face.id, "label": face.emotion, **numbers})
        return {"rows": rows}

    def _decoded(self, clip: str) -> list[Any]:
        from emotion_core import frames

        if clip not in self.frames:
            self.frames.clear()
            self.frames[clip] = []
            with frames(clip) as reader:
                for frame in reader:
                    self.frames[clip].append(frame)
                    if len(self.frames[clip]) == FRAMES:
                        break
        return self.frames[clip]


def main() -> None:
    """Answer until standard input ends."""
    worker = Worker()
    print(json.dumps({"ready": time.process_time()}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(getattr(worker, request.pop("do"))(**request)), flush=True)


if __name__ == "__main__":
    main()
