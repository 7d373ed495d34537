"""`python -m benchmarks.pairs`: how often two views of one person, and of two people, are misjudged by look.

Views of one person: good views of a track of the shared clips, no two of them from one second; a still under
other light, tilted, nearer and blurred; and, harder than anything in one video, other photographs of one name
in muxspace, of names that training was not shown. Views of two people: tracks of one clip, and faces of
UTKFace and muxspace, each with all others.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.conditions import ROOT, conditions
from benchmarks.identities import opened
from emotion_core.faces.embedding import Embedder
from emotion_core.faces.finder import FaceFinder
from emotion_core.faces.identity import DOUBTED, OTHER, SAME, is_good_view
from emotion_core.faces.tracking import Tracker
from train.data.people import is_held_back, person_of

SHARED = ROOT.parent / "shared"
Views = list[tuple[str, float, np.ndarray]]  # whose, when, unit vector (128,)


def of_clip(path: Path, finder: FaceFinder, embedder: Embedder) -> Views:
    """Return the good views of a clip's people, about two a second; who is who is told by place alone."""
    import av

    from emotion_core.faces.tracking import Search
    from emotion_core.types import same_place

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
            if time - last < 0.5:
                continue
            last = time
            good = [t for t in tracks if is_good_view(image, t.face)]
            vectors = embedder(image, [t.face for t in good])
            views += [(f"{path.stem} {t.id}", time, v) for t, v in zip(good, vectors, strict=True)]
    return views


def spoilt(picture: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a picture as a camera might see it: itself, dim, lit from a side, tilted, nearer, blurred."""
    side = picture.shape[0]
    ramp = np.linspace(0.5, 1.4, side, dtype=np.float32)[None, :, None]
    yield picture
    yield (picture * np.float32(0.4)).astype(np.uint8)
    yield (picture * ramp).clip(0, 255).astype(np.uint8)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), 12, 1.12)
    yield cv2.warpAffine(picture, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    yield cv2.GaussianBlur(picture, (0, 0), side / 90)


def of_table(name: str, count: int, finder: FaceFinder, embedder: Embedder) -> Views:
    """Return the views of a data set's people; those of UTKFace are spoilt in five ways."""
    import pyarrow.parquet as pq

    table = SHARED / "data" / f"{name}.parquet"
    if not table.is_file():
        return []
    rows = pq.read_table(table, columns=["image", "id"]).to_pylist()
    if name == "utkface":
        rows = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))[:count]]
    else:
        rows = [row for row in rows if is_held_back(person_of(row["id"]))][:count]  # in the order of names
    views = []
    for row in rows:
        image = opened(row["image"], 224)
        framed = cv2.copyMakeBorder(image, 112, 112, 112, 112, cv2.BORDER_REPLICATE)
        who = person_of(row["id"])
        for i, shown in enumerate(spoilt(framed) if name == "utkface" else [framed]):
            faces = [f for f in finder.detect(shown) if is_good_view(shown, f)][:1]
            views += [(f"{name} {who}", 10.0 * i, v) for v in embedder(shown, faces)]
    return views


def cosines(views: Views) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosines of all pairs of one person's views, not of one second, and of two people's."""
    vectors = np.stack([vector for _, _, vector in views])
    names, times = np.array([name for name, _, _ in views]), np.array([time for _, time, _ in views])
    first, second = np.triu_indices(len(views), 1)
    alike = (vectors @ vectors.T)[first, second]
    same = names[first] == names[second]
    return alike[same & (np.abs(times[first] - times[second]) >= 1)], alike[~same]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the rates of each kind of pair; gives 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pairs", description=__doc__)
    parser.add_argument("--count", type=int, default=400, metavar="N", help="pictures of each set (400)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    args = parser.parse_args(argv)
    finder, embedder = FaceFinder(), Embedder()
    kinds: dict[str, Views] = {}
    for path in sorted((SHARED / "clips").glob("*.m[po][4v]")):
        views = of_clip(path, finder, embedder)
        if views:
            kinds[f"clip {path.stem}"] = views
    for name in ("utkface", "muxspace"):
        kinds[name] = of_table(name, args.count, finder, embedder)
    rows = []
    same_track: list[np.ndarray] = []
    different: list[np.ndarray] = []
    for kind, views in kinds.items():
        if len(views) < 2:
            continue
        same, other = cosines(views)
        if kind != "muxspace":
            same_track.append(same)
        different.append(other)
        rows.append(row_of(kind, len({name for name, _, _ in views}), same, other))
    people = len({name for views in kinds.values() for name, _, _ in views})
    rows.append(row_of("all in one video", people, np.concatenate(same_track), np.concatenate(different)))
    for row in rows:
        print(json.dumps(row))
    if args.json:
        args.json.write_text(json.dumps({"conditions": conditions(), "pairs": rows}, indent=1) + "\n")
    return 0


def row_of(kind: str, people: int, same: np.ndarray, other: np.ndarray) -> dict[str, object]:
    """Return the rates at the tracker's thresholds: split below, joined from them on."""
    row: dict[str, object] = {"kind": kind, "people": people, "same": len(same), "different": len(other)}
    for name, cosine in (("other", OTHER), ("doubted", DOUBTED), ("same", SAME)):
        if len(same):
            row[f"split_at_{name}"] = round(float((same < cosine).mean()), 4)
        if len(other):
            row[f"joined_at_{name}"] = round(float((other >= cosine).mean()), 4)
    if len(same):
        row["same_1_percent"] = round(float(np.quantile(same, 0.01)), 3)
    if len(other):
        row["other_99_percent"] = round(float(np.quantile(other, 0.99)), 3)
    return row


if __name__ == "__main__":
    sys.exit(main())
