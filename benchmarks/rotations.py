"""`python -m benchmarks.rotations`: ten faces at eight angles, and whether each is read as when upright."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.conditions import conditions
from benchmarks.identities import cast

ANGLES = tuple(range(0, 360, 45))
SIDE = 640


def laid(picture: np.ndarray, degrees: float) -> np.ndarray:
    """Put a picture of a face into the middle of a larger one, turned about its middle."""
    half = picture.shape[0] / 2
    turn = cv2.getRotationMatrix2D((half, half), -degrees, 1.0)
    turn[:, 2] += SIDE / 2 - half
    return cv2.warpAffine(picture, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


def main(argv: Sequence[str] | None = None) -> int:
    """Print how many answers are as upright, others and none; gives 0 where 60 of 80 are and 5 are others."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rotations", description=__doc__)
    parser.add_argument("--faces", type=int, default=10, metavar="N", help="how many faces (default: 10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there too")
    args = parser.parse_args(argv)
    from emotion_core import Recognizer, Session

    recognizer = Recognizer.from_pretrained(reidentify=False)
    counts: dict[int, Counter[str]] = {angle: Counter() for angle in ANGLES}
    for someone in [one for one in cast() if one.name.startswith(("astronaut", "utk"))][: args.faces]:
        upright = recognizer(laid(someone.at(0), 0), Session())
        if not upright:
            continue
        for angle in ANGLES:
            faces = recognizer(laid(someone.at(0), angle), Session())
            same = bool(faces) and faces[0].emotion == upright[0].emotion
            counts[angle]["as upright" if same else "another" if faces else "none"] += 1
    total = sum(counts.values(), Counter())
    for angle, count in counts.items():
        print(f"{angle:3d} degrees: {dict(count)}")
    print(f"together: {dict(total)}")
    if args.json:
        outcome = {str(angle): dict(count) for angle, count in counts.items()}
        args.json.write_text(json.dumps({"conditions": conditions(), "outcome": outcome}, indent=1) + "\n")
    enough = total["as upright"] >= 0.75 * total.total() and total["another"] <= 5 / 80 * total.total()
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
