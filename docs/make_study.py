"""`python docs/make_study.py FOLDER`: a made study of 12 people and 4 stimuli, to try `main.py --study` with.

Nobody took part: every "person" is one NASA photograph (scikit-image's astronaut, public domain) in other
colours and as in a mirror, and what they "show" is that photograph with another mouth. Each answers with a
delay of their own, and a few stimuli leave them cold. The last person was shown one stimulus less. The folder
says that it is made.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

NOTE = (
    "Made study: nobody took part. The people are one photograph in other colours, the expressions are drawn "
    "into it; the figures say nothing about anybody."
)
PEOPLE, STIMULI = 12, ("joy", "disgust", "startle", "calm")
SHOWN, PAUSE, RATE = 3.0, 1.5, 10  # seconds of a stimulus and before it, pictures a second
WIDTH, HEIGHT = 320, 240
MOUTH = np.array([223.0, 146.0])  # in the photograph

Faces = dict[str, np.ndarray]


def faces() -> Faces:
    """Return the photograph with the mouth of each stimulus; between them it is that of `calm`."""
    from skimage.data import astronaut

    picture = astronaut()
    calm = cv2.medianBlur(picture, 21)
    flipped, top = picture.copy(), int(MOUTH[1]) - 15
    flipped[top : top + 31] = picture[top : top + 31][::-1]
    lips = cv2.GaussianBlur(calm, (0, 0), 3)
    curve = MOUTH + np.array([[-15, 1.5], [-6, -0.5], [0, 0.3], [6, -0.5], [15, 1.5]])
    cv2.polylines(lips, [curve.astype(np.int32)], False, (120, 60, 55), 4, cv2.LINE_AA)
    others = {"disgust": flipped, "startle": cv2.GaussianBlur(lips, (0, 0), 1.0), "calm": calm}
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    away = ((x - MOUTH[0]) / 27) ** 2 + ((y - MOUTH[1]) / 15) ** 2
    share = np.clip(1.6 - away, 0, 1)[..., None]
    drawn = {
        name: (picture * (1 - share) + other * share).round().astype(np.uint8)
        for name, other in others.items()
    }
    return {"joy": picture, **drawn}


def someone(number: int) -> tuple[np.ndarray, bool]:
    """Return the colours of a person, a factor for each channel, and whether they are as in a mirror."""
    rng = np.random.default_rng(number)
    return rng.uniform(0.75, 1.15) * rng.uniform(0.93, 1.07, 3), number % 2 == 1


def pictures(shown: Faces, order: list[str], number: int) -> Iterator[np.ndarray]:
    """Yield the pictures RGB uint8 (HEIGHT, WIDTH, 3) of one person who is shown stimuli in an order."""
    rng = np.random.default_rng(1000 + number)
    colors, mirrored = someone(number)
    delay = rng.uniform(0.3, 0.9)
    cold = rng.uniform(size=len(order)) < 0.1
    for index in range(round((SHOWN + PAUSE) * len(order) * RATE)):
        time = index / RATE
        turn, since = divmod(time, SHOWN + PAUSE)
        answers = since >= PAUSE + delay and not cold[int(turn)]
        picture = shown[order[int(turn)] if answers else "calm"]
        zoom = 1.0 + 0.05 * np.sin(0.9 * time + number)
        matrix = cv2.getRotationMatrix2D((223, 150), 3 * np.sin(0.6 * time + number), zoom)
        matrix[:, 2] += (WIDTH / 2 - 223, HEIGHT / 2 - 130)
        image = cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        image = (image * colors.astype(np.float32)).clip(0, 255).astype(np.uint8)
        yield np.ascontiguousarray(image[:, ::-1]) if mirrored else image


def write_video(path: Path, images: Iterator[np.ndarray]) -> None:
    """Write pictures as an H.264 mp4."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make(folder: Path, people: int = PEOPLE) -> None:
    """Write the study of so many people into a new or empty folder."""
    for name in ("videos", "events"):
        (folder / name).mkdir(parents=True)
    (folder / "study.json").write_text(json.dumps({"title": "A made study", "note": NOTE}, indent=1) + "\n")
    (folder / "stimuli.tsv").write_text(
        "stimulus\tduration\n" + "".join(f"{name}\t{SHOWN}\n" for name in STIMULI)
    )
    shown = faces()
    rows = ["participant_id\tgroup\tmade"]
    for number in range(1, people + 1):
        who = f"sub-{number:02d}"
        rows.append(f"{who}\t{'first' if number <= people / 2 else 'second'}\tyes")
        order = [str(name) for name in np.random.default_rng(number).permutation(STIMULI)]
        if number == people:
            order = order[:-1]
        write_video(folder / "videos" / f"{who}_made.mp4", pictures(shown, order, number))
        onsets = (turn * (SHOWN + PAUSE) + PAUSE for turn in range(len(order)))
        lines = [f"{onset:g}\t{SHOWN:g}\t{name}" for onset, name in zip(onsets, order, strict=True)]
        events = "\n".join(["onset\tduration\ttrial_type", *lines]) + "\n"
        (folder / "events" / f"{who}_made_events.tsv").write_text(events)
    (folder / "participants.tsv").write_text("\n".join(rows) + "\n")


def main() -> int:
    """Make the study; gives 2 where the folder is not empty."""
    parser = argparse.ArgumentParser(prog="python docs/make_study.py", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder that is new or empty")
    parser.add_argument("--people", type=int, default=PEOPLE, metavar="N", help=f"default: {PEOPLE}")
    args = parser.parse_args()
    if args.folder.exists() and any(args.folder.iterdir()):
        print(f"{args.folder} is not empty: choose another folder", file=sys.stderr)
        return 2
    make(args.folder, args.people)
    print(f"python main.py --study {args.folder}\npython main.py --study {args.folder} --report")
    return 0


if __name__ == "__main__":
    sys.exit(main())
