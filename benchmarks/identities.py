"""`python -m benchmarks.identities`: made videos of eleven kinds, and whether everybody has one id in each.

People are stills that sway (UTKFace where `../shared/data` is there, scikit-image's astronaut, Ultralytics'
zidane) and the shared clips. A video is right where each person keeps one id, no id is shared, and none is
left over. Frames half a second after a change in a picture that fades, and whoever is on the way in or out,
are not counted.
"""

import argparse
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.conditions import ROOT, conditions

if TYPE_CHECKING:
    from emotion_core import Recognizer

SHARED = ROOT.parent / "shared"
WIDTH, HEIGHT = 640, 360
Rect = tuple[int, int, int, int]
Picture = Callable[[float], np.ndarray]
Shown = tuple[float, np.ndarray, dict[str, Rect] | None]


@dataclass(frozen=True)
class Someone:
    """A person by name, and the picture (H, W, 3) of them at a time in seconds."""

    name: str
    at: Picture


def still(name: str, picture: np.ndarray) -> Someone:
    """Make somebody of one picture: it sways, nears and tilts a little, so that no two frames are alike."""
    phase = sum(map(ord, name))

    def at(time: float) -> np.ndarray:
        side, t = picture.shape[0], time + phase
        zoom, tilt = 1 + 0.06 * math.sin(1.1 * t), 5 * math.sin(0.7 * t)
        matrix = cv2.getRotationMatrix2D((side / 2, side / 2), tilt, zoom)
        matrix[:, 2] += (0.03 * side * math.sin(0.9 * t), 0.02 * side * math.sin(1.7 * t))
        moved = cv2.warpAffine(picture, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE)
        light = 1 + 0.06 * math.sin(2.3 * t)
        return (moved * np.float32(light)).clip(0, 255).astype(np.uint8)

    return Someone(name, at)


def moving(name: str, path: Path, start: float, seconds: float) -> Someone:
    """Make somebody of a clip: the square in the middle of it, there and back again."""
    import av

    frames = []
    with av.open(str(path)) as video:
        for frame in video.decode(video=0):
            if frame.time is not None and start <= frame.time < start + seconds:
                image = frame.to_ndarray(format="rgb24")
                height, width = image.shape[:2]
                side = min(height, width)
                top, left = (height - side) // 2, (width - side) // 2
                frames.append(
                    cv2.resize(image[top : top + side, left : left + side], (300, 300), interpolation=3)
                )

    def at(time: float) -> np.ndarray:
        place = int(time * 25) % (2 * len(frames))
        return frames[min(place, 2 * len(frames) - 1 - place)]

    return Someone(name, at)


def cast() -> list[Someone]:
    """Return everybody who can be had here, those who move first."""
    people = []
    clips = {
        "crema_1001_neutral": (0, 2),
        "neutral_to_happy": (0, 3),
        "webcam_near_far": (2, 6),
        "many_emotions": (0, 3),
    }
    for name, (start, seconds) in clips.items():
        path = SHARED / "clips" / f"{name}.mp4"
        if path.is_file():
            people.append(moving(name, path, start, seconds))
    data = __import__("skimage.data").data
    people.append(still("astronaut", data.astronaut()[0:260, 95:355]))
    table = SHARED / "data" / "utkface.parquet"
    if table.is_file():
        import pyarrow.parquet as pq

        rows = pq.read_table(table, columns=["image", "age", "gender"]).to_pylist()
        grown = [row for row in rows if 20 <= row["age"] <= 60]
        for i in np.random.default_rng(5).permutation(len(grown))[:80]:
            people.append(still(f"utk{i}", opened(grown[i]["image"], 260)))
    return people


def opened(content: bytes, side: int) -> np.ndarray:
    """Open a picture of a data set as RGB uint8 (side, side, 3)."""
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a picture of the data set can't be read")
    large = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
    return cv2.cvtColor(large, cv2.COLOR_BGR2RGB)


def backdrop(seed: int) -> np.ndarray:
    """Return a room or a slide: soft blocks of colour."""
    coarse = np.random.default_rng(seed).integers(60, 200, (4, 6, 3), np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def put(image: np.ndarray, picture: np.ndarray, rect: Rect) -> None:
    """Put a picture at (x, y, width, height); what lies outside is cut off."""
    x, y, width, height = rect
    part = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    x0, y0, x1, y1 = max(0, x), max(0, y), min(WIDTH, x + width), min(HEIGHT, y + height)
    if x1 > x0 and y1 > y0:
        image[y0:y1, x0:x1] = part[y0 - y : y1 - y, x0 - x : x1 - x]


def shots(
    room: np.ndarray, plan: Sequence[tuple[float, dict[Rect, Someone]]], rate: float
) -> Iterator[Shown]:
    """Show people at places, one shot after another: (seconds, who is where)."""
    time, end = 0.0, 0.0
    for seconds, who in plan:
        end += seconds
        while time < end - 1e-9:
            image = room.copy()
            for rect, someone in who.items():
                put(image, someone.at(time), rect)
            yield time, image, {someone.name: rect for rect, someone in who.items()}
            time += 1 / rate


TILE = (200, 40, 260, 260)
CORNER = (500, 220, 130, 130)


def hard(p: list[Someone], seed: int) -> Iterator[Shown]:
    """The picture at one place changes from one person to another and back."""
    yield from shots(backdrop(seed), [(1.6, {TILE: p[0]}), (1.6, {TILE: p[1]}), (1.6, {TILE: p[0]})], 25)


def soft(p: list[Someone], seed: int) -> Iterator[Shown]:
    """A cross-fade of 0.4 to 2 s at one place."""
    room, fade = backdrop(seed), (0.4, 0.8, 1.3, 2.0)[seed % 4]
    for i in range(round((3.2 + fade) * 25)):
        time, image = i / 25, room.copy()
        share = min(max((time - 1.6) / fade, 0), 1)
        put(
            image,
            cv2.addWeighted(
                cv2.resize(p[0].at(time), (260, 260)),
                1 - share,
                cv2.resize(p[1].at(time), (260, 260)),
                share,
                0,
            ),
            TILE,
        )
        clear = share == 0 or time > 1.6 + fade + 0.5
        yield time, image, {p[0 if share == 0 else 1].name: TILE} if clear else None


def speaker(p: list[Someone], seed: int) -> Iterator[Shown]:
    """A speaker view: whoever talks fills the picture, and the first talks again."""
    turns = [p[0], p[1], p[2], p[0]]
    yield from shots(backdrop(seed), [(1.2, {(160, 0, 350, 350): one}) for one in turns], 25)


def gallery(p: list[Someone], seed: int) -> Iterator[Shown]:
    """Four tiles, one of which changes its person."""
    tiles = [(20, 5, 170, 170), (330, 5, 170, 170), (20, 185, 170, 170), (330, 185, 170, 170)]
    first = dict(zip(tiles, p[:4], strict=True))
    yield from shots(backdrop(seed), [(1.6, first), (1.6, first | {tiles[seed % 4]: p[4]}), (1.2, first)], 12)


def corner(p: list[Someone], seed: int) -> Iterator[Shown]:
    """A small picture in the corner of a slide that stands still."""
    yield from shots(
        backdrop(seed), [(1.6, {CORNER: p[0]}), (1.6, {CORNER: p[1]}), (1.6, {CORNER: p[0]})], 25
    )


def slow(p: list[Someone], seed: int) -> Iterator[Shown]:
    """A picture every one to five seconds: two people in turn, or one."""
    rate = (1.0, 0.5, 0.2, 0.2)[seed % 4]
    turns = [p[0]] * 10 if seed % 2 else [p[0], p[0], p[1], p[1], p[0], p[1]]
    yield from shots(backdrop(seed), [(2 / rate, {TILE: one}) for one in turns], rate)


def returns(p: list[Someone], seed: int) -> Iterator[Shown]:
    """Somebody leaves and is back after 1, 5 or 60 s, elsewhere; in half of them another came meanwhile."""
    away = (1.0, 5.0, 60.0)[seed % 3]
    meanwhile = {(330, 60, 240, 240): p[1]} if seed % 2 else {}
    plan = [(1.6, {(40, 60, 240, 240): p[0]}), (away, meanwhile), (1.6, {(90, 40, 270, 270): p[0]})]
    yield from shots(backdrop(seed), plan, 25 if away < 60 else 5)


def walks(p: list[Someone], seed: int) -> Iterator[Shown]:
    """Somebody walks out of the picture and in again from the other side."""
    room = backdrop(seed)
    for i in range(25 * 8):
        time, image = i / 25, room.copy()
        x = round(200 + 190 * time) if time < 4 else round(-900 + 165 * time)
        put(image, p[0].at(time), (x, 60, 220, 220))
        yield time, image, {p[0].name: (x, 60, 220, 220)} if 0 <= x <= WIDTH - 220 else None


def crossing(p: list[Someone], seed: int) -> Iterator[Shown]:
    """Two people pass before each other."""
    room = backdrop(seed)
    for i in range(25 * 5):
        time, image = i / 25, room.copy()
        left, right = round(10 + 80 * time), round(430 - 80 * time)
        rects = [(right, 60, 180, 180), (left, 110, 190, 190)]
        for one, rect in zip(p[:2], rects, strict=True):
            put(image, one.at(time), rect)
        apart = abs(left - right) > 190
        yield time, image, {one.name: rect for one, rect in zip(p, rects, strict=False)} if apart else None


def flicker(p: list[Someone], seed: int) -> Iterator[Shown]:
    """One person under a light that flickers, goes off and comes from another side."""
    room, draws = backdrop(seed), np.random.default_rng(seed)
    ramp = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :, None]
    lights = draws.choice([0.35, 0.7, 1.0, 1.25], 30)
    for i, (time, image, truth) in enumerate(shots(room, [(5.0, {TILE: p[0]})], 25)):
        light = lights[i // 6]
        side = 0.5 * (1 if (i // 25) % 2 else -1)
        yield time, (image * (light * (1 + side * ramp))).clip(0, 255).astype(np.uint8), truth


def turning(p: list[Someone], seed: int) -> Iterator[Shown]:
    """One head turns far in the plane, or away as far as a still can, and back."""
    room = backdrop(seed)
    for i in range(25 * 5):
        time, image = i / 25, room.copy()
        swing = math.sin(math.pi * time / 5) ** 2
        picture = cv2.resize(p[0].at(time), (260, 260))
        if seed % 2:
            turn = cv2.getRotationMatrix2D((130, 130), 170 * swing, 1.0)
            picture = cv2.warpAffine(picture, turn, (260, 260), borderMode=cv2.BORDER_REPLICATE)
        else:  # as on a cylinder that turns
            across = np.linspace(-1, 1, 260, dtype=np.float32)
            seen = np.sin(np.arcsin(across * 0.95) - 0.9 * swing) / 0.95
            grid = np.repeat(((seen + 1) / 2 * 259)[None].astype(np.float32), 260, 0)
            picture = cv2.remap(
                picture, grid, np.repeat(np.arange(260, dtype=np.float32)[:, None], 260, 1), 1, borderMode=1
            )
        put(image, picture, TILE)
        yield time, image, {p[0].name: TILE}


KINDS: dict[str, tuple[Callable[[list[Someone], int], Iterator[Shown]], int]] = {
    one.__name__: (one, people)
    for one, people in (
        (hard, 2), (soft, 2), (speaker, 3), (gallery, 5), (corner, 2), (slow, 2), (returns, 2), (walks, 1),
        (crossing, 2), (flicker, 1), (turning, 1),
    )
}  # fmt: skip
"""The kinds of video, each with the number of people in it."""


def judge(
    frames: Iterator[Shown], find: Callable[[np.ndarray, int, float], dict[int, tuple[float, float]]]
) -> str:
    """Follow a video through; gives what is wrong with its ids, or nothing.

    Args:
        frames: time, picture and who is where.
        find: gives the middle of each face by id, for a picture, its number and its time.
    """
    ids: dict[str, Counter[int]] = defaultdict(Counter)
    seen: set[int] = set()
    shown: Counter[str] = Counter()
    for index, (time, image, truth) in enumerate(frames):
        found = find(image, index, time)
        seen |= set(found)
        for name, (x, y, width, height) in (truth or {}).items():
            shown[name] += 1
            for number, (at_x, at_y) in found.items():
                if x <= at_x <= x + width and y <= at_y <= y + height:
                    ids[name][number] += 1
    main = {name: counts.most_common(1)[0][0] for name, counts in ids.items()}
    wrong = []
    if missing := set(shown) - set(ids):
        wrong.append(f"never seen: {', '.join(sorted(missing))}")
    if len(set(main.values())) < len(main):
        wrong.append("one id for two people")
    if len(seen) > len(shown):
        wrong.append(f"{len(seen)} ids for {len(shown)} people")
    for name, counts in ids.items():
        share = counts[main[name]] / sum(counts.values())
        if share < 0.9:
            wrong.append(f"{name} has another id in {1 - share:.0%} of the frames")
    return "; ".join(wrong)


def finder(recognizer: "Recognizer") -> Callable[[np.ndarray, int, float], dict[int, tuple[float, float]]]:
    """Find what finds the faces of one video, each by its id."""
    from emotion_core import Session
    from emotion_core.types import Frame

    session = Session()

    def find(image: np.ndarray, index: int, time: float) -> dict[int, tuple[float, float]]:
        found = recognizer.find(Frame(image, index, time), session).found
        return {n: (f.box.x + f.box.width / 2, f.box.y + f.box.height / 2) for n, f in found.items()}

    return find


def main(argv: Sequence[str] | None = None) -> int:
    """Judge every video; gives 0 where at least 28 of 30 are right."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identities", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)} (default: all)")
    parser.add_argument("--each", type=int, default=4, metavar="N", help="videos of a kind (default: 4)")
    parser.add_argument("--by-place", action="store_true", help="without embeddings, for comparison")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there too")
    args = parser.parse_args(argv)
    from emotion_core import Recognizer

    recognizer, people = Recognizer.from_pretrained(reidentify=not args.by_place), cast()
    outcome: dict[str, list[str]] = {}
    for number, kind in enumerate(args.kinds or KINDS):
        make, count = KINDS[kind]
        for seed in range(args.each):
            draws = np.random.default_rng((seed, number))
            some = [people[i] for i in draws.permutation(len(people))[:count]]
            wrong = judge(make(some, seed), finder(recognizer))
            outcome.setdefault(kind, []).append(wrong)
            print(f"{kind} {seed} ({', '.join(s.name for s in some)}): {wrong or 'right'}", flush=True)
    right = sum(not wrong for kind in outcome.values() for wrong in kind)
    total = sum(map(len, outcome.values()))
    print(f"{right} of {total} right")
    if args.json:
        args.json.write_text(json.dumps({"conditions": conditions(), "outcome": outcome}, indent=1) + "\n")
    return 0 if right * 30 >= 28 * total else 1


if __name__ == "__main__":
    sys.exit(main())
