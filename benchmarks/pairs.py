"""`python -m benchmarks.pairs`: how often one person is split, and two are joined, by what they look like.

As the tracker compares: a glimpse (three good views in a row, their mean) with a memory (`identity.Looks` of
views that were seen at least a second before). Glimpses of one person: of a track of the shared clips, with
all that was seen of it before; and made ones, a picture of UTKFace that is dim, lit from a side and blurred,
with itself plain and tilted. Glimpses of two: tracks of one clip, and people of UTKFace, all with all.
Harder, and told apart: single views, and single photographs of one name in muxspace. Training saw nobody of
UTKFace and muxspace that is met here.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.conditions import ROOT, conditions
from benchmarks.identities import opened
from emotion_core.faces.crop import crop_face
from emotion_core.faces.embedding import SIDE, Embedder
from emotion_core.faces.finder import FaceFinder
from emotion_core.faces.identity import DOUBTED, OTHER, SAME, Looks, is_good_view
from emotion_core.faces.tracking import Search, Tracker
from emotion_core.types import same_place
from train.data.people import is_held_back, person_of

SHARED = ROOT.parent / "shared"
LOOKS = 3  # of a glimpse
APART = 1.0  # seconds between a glimpse and what is remembered, at least
_STEP = 0.24  # seconds between two views of a clip
_EDGE = 8  # pixels about the crop of a still, to tilt it
Views = list[tuple[str, float, np.ndarray]]  # whose, when, grey crop (64, 64) uint8
_THRESHOLDS = {"other": OTHER, "doubted": DOUBTED, "same": SAME}


def of_clip(path: Path, finder: FaceFinder) -> Views:
    """Return the good views of a clip's people, about four a second; who is who is told by place alone."""
    import av

    tracker, views, last = Tracker(), [], -1.0
    with av.open(str(path)) as video:
        for frame in video.decode(video=0):
            image, time = frame.to_ndarray(format="rgb24"), float(frame.time or 0)
            search = tracker.begin(time, image)
            followed = finder.follow(image, [t.face for t in tracker.present])
            seen = finder.candidates(image) if search is not Search.NONE or None in followed else []
            held = [face.box for face in followed if face is not None]
            fresh = [c for c in seen if not any(same_place(c.box, box) for box in held)]
            search = Search.QUICK if seen else search
            tracks = tracker.update(image, followed, search, seen, finder.read(image, fresh))
            if time - last < _STEP:
                continue
            last = time
            for track in tracks:
                if is_good_view(image, track.face):
                    crop = grey(crop_face(image, track.face.points, SIDE))
                    views.append((f"{path.stem}: {track.id}", time, crop))
    return views


def grey(crop: np.ndarray) -> np.ndarray:
    """Return an RGB crop (H, W, 3) in grey (H, W)."""
    return cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)


def spoilt(crop: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a grey crop (80, 80) as a camera might see it, (64, 64): plain, tilted, dim, lit, blurred."""
    side = crop.shape[0]
    inner = slice(_EDGE, side - _EDGE)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), 12, 1.12)
    ramp = np.linspace(0.5, 1.4, side, dtype=np.float32)[None]
    yield crop[inner, inner]
    yield cv2.warpAffine(crop, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)[inner, inner]
    yield (crop[inner, inner] * np.float32(0.4)).astype(np.uint8)
    yield (crop * ramp).clip(0, 255).astype(np.uint8)[inner, inner]
    yield cv2.GaussianBlur(crop, (0, 0), side / 50)[inner, inner]


def of_table(name: str, count: int, finder: FaceFinder) -> Views:
    """Return the views of a data set's people whom training was not shown; those of UTKFace are spoilt."""
    import pyarrow.parquet as pq

    table = SHARED / "data" / f"{name}.parquet"
    if not table.is_file():
        return []
    rows = pq.read_table(table, columns=["image", "id"]).to_pylist()
    rows = [row for row in rows if is_held_back(person_of(row["id"]))]
    if name == "utkface":
        rows = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    views: Views = []
    for row in rows[:count]:
        framed = cv2.copyMakeBorder(opened(row["image"], 224), 112, 112, 112, 112, cv2.BORDER_REPLICATE)
        who = f"{name}: {person_of(row['id'])}"
        for face in [f for f in finder.detect(framed) if is_good_view(framed, f)][:1]:
            wide = SIDE + 2 * _EDGE
            crop = grey(crop_face(framed, face.points, wide, wide / SIDE))
            shown = list(spoilt(crop))
            times = (0.0, 0.0, 10.0, 10.0, 10.0) if name == "utkface" else (0.0,)
            views += [(who, time, look) for time, look in zip(times, shown, strict=False)]
    return views


@dataclass(frozen=True)
class Seen:
    """What was seen of one person: when, and unit vectors (N, 128)."""

    times: np.ndarray
    vectors: np.ndarray

    def glimpses(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield the beginning of each glimpse and its unit vector; what is left over at the start is none."""
        for at in range(len(self.times) % LOOKS, len(self.times), LOOKS):
            mean = self.vectors[at : at + LOOKS].mean(0)
            yield float(self.times[at]), mean / np.linalg.norm(mean)

    def memory(self, until: float = np.inf) -> Looks:
        """Return what is remembered of the views up to a time in seconds."""
        looks = Looks()
        for vector in self.vectors[self.times <= until]:
            looks.learn(vector)
        return looks


def same_person(people: Sequence[Seen]) -> np.ndarray:
    """Return the cosine of each glimpse with what was remembered of the same person a second before."""
    pairs = [(one.memory(time - APART), vector) for one in people for time, vector in one.glimpses()]
    return np.array([memory.like(vector) for memory, vector in pairs if len(memory)])


def two_people(people: Sequence[Seen]) -> np.ndarray:
    """Return the cosines of each one's glimpses with the memories of all others."""
    memories, glimpses = [one.memory() for one in people], [list(one.glimpses()) for one in people]
    return np.array(
        [
            memory.like(vector)
            for i, memory in enumerate(memories)
            for j, seen in enumerate(glimpses)
            if i != j
            for _, vector in seen
        ]
    )


def single(people: Sequence[Seen]) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosines of all pairs of single views: of one person at least a second apart, and of two."""
    vectors = np.concatenate([one.vectors for one in people])
    times = np.concatenate([one.times for one in people])
    names = np.repeat(np.arange(len(people)), [len(one.times) for one in people])
    first, second = np.triu_indices(len(vectors), 1)
    alike, same = (vectors @ vectors.T)[first, second], names[first] == names[second]
    return alike[same & (np.abs(times[first] - times[second]) >= APART)], alike[~same]


def row_of(kind: str, people: int, same: np.ndarray, other: np.ndarray) -> dict[str, object]:
    """Return the rates at the tracker's thresholds: split below, joined from them on."""
    row: dict[str, object] = {"kind": kind, "people": people, "same": len(same), "different": len(other)}
    for name, cosine in _THRESHOLDS.items():
        if len(same):
            row[f"split_at_{name}"] = round(float((same < cosine).mean()), 4)
        if len(other):
            row[f"joined_at_{name}"] = round(float((other >= cosine).mean()), 4)
    if len(same):
        row["same_1_percent"] = round(float(np.quantile(same, 0.01)), 3)
    if len(other):
        row["other_99_percent"] = round(float(np.quantile(other, 0.99)), 3)
    return row


def rows_of(views: Views, embedder: Embedder) -> list[dict[str, object]]:
    """Return the rates of every kind of pair among the views."""
    vectors = embedder.of_crops([crop for _, _, crop in views])
    names, times = np.array([name for name, _, _ in views]), np.array([time for _, time, _ in views])
    groups: dict[str, list[Seen]] = defaultdict(list)  # by clip or data set
    for name, count in Counter(names.tolist()).items():
        if count == 1 and not name.startswith("muxspace"):
            continue
        own = names == name
        groups[name.split(": ")[0]].append(Seen(times[own], vectors[own]))
    stills, photographs = groups.pop("utkface", []), groups.pop("muxspace", [])
    clips = [one for people in groups.values() for one in people]
    within = [two_people(people) for people in groups.values()]
    kinds = [
        ("clips", clips, same_person(clips), np.concatenate([np.zeros(0), *within])),
        ("UTKFace", stills, same_person(stills), two_people(stills)),
    ]
    rows = [row_of(kind, len(people), same, other) for kind, people, same, other in kinds]
    everybody = sum(len(people) for _, people, _, _ in kinds)
    rows.append(row_of("all", everybody, *(np.concatenate([kind[k] for kind in kinds]) for k in (2, 3))))
    if clips:
        rows.append(row_of("single views of the clips", len(clips), single(clips)[0], np.zeros(0)))
    if stills:
        rows.append(row_of("single views of UTKFace", len(stills), *single(stills)))
    if photographs:
        apart = [Seen(APART * np.arange(len(one.times)), one.vectors) for one in photographs]
        rows.append(row_of("single photographs of muxspace", len(apart), *single(apart)))
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Print the rates of each kind of pair; gives 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pairs", description=__doc__)
    parser.add_argument("--count", type=int, default=400, metavar="N", help="pictures of each set (400)")
    parser.add_argument("--embedding", type=Path, metavar="FILE", help="another face_embedding.onnx")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument(
        "--views", type=Path, metavar="FILE", help="keep what was cut out there (.npz), or read it from there"
    )
    args = parser.parse_args(argv)
    if args.views is not None and args.views.is_file():
        held = np.load(args.views)
        views = list(zip(held["names"].tolist(), held["times"].tolist(), held["crops"], strict=True))
    else:
        finder = FaceFinder()
        views = [v for path in sorted((SHARED / "clips").glob("*.m[po][4v]")) for v in of_clip(path, finder)]
        views += [v for name in ("utkface", "muxspace") for v in of_table(name, args.count, finder)]
    if args.views is not None and not args.views.is_file():
        names, times, crops = (np.array(column) for column in zip(*views, strict=True))
        np.savez(args.views, names=names, times=times, crops=crops)
    rows = rows_of(views, Embedder(args.embedding))
    for row in rows:
        print(json.dumps(row))
    if args.json:
        args.json.write_text(json.dumps({"conditions": conditions(), "pairs": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
