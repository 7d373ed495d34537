"""`python -m train embed`: teach the small network that tells people apart, and write it for the library."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core.files import written_beside
from emotion_core.types import EmotionError
from train.commands.options import DATA, common, data_of, parser_of, shares


def run(words: list[str]) -> int:
    """Run the command; gives 0."""
    purpose = "Teach a small network to tell people apart as a face-recognition network does."
    parser = parser_of("embed", purpose, epilog=DATA)
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument("--teacher", type=Path, required=True, metavar="FILE", help="ONNX file of SFace")
    parser.add_argument(
        "--init",
        type=Path,
        default=Path("assets/weights/emotion.safetensors"),
        metavar="FILE",
        help="emotion weights whose first layers it begins with (default: those that are shipped), or a "
        "face_embedding.onnx to go on from",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("checkpoints/face_embedding.onnx"),
        metavar="FILE",
        help="default: checkpoints/face_embedding.onnx",
    )
    parser.add_argument("--pictures", type=int, default=100_000, metavar="N", help="pictures shown (100000)")
    parser.add_argument(
        "--most",
        type=shares,
        default={},
        metavar="SET=N,...",
        help="most pictures of a set, drawn at random: the teacher takes its time over each (default: all)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the state that a run which was cut left beside --out",
    )
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    common(parser)
    given = parser.parse_args(words)
    if given.pictures < 1:
        parser.error(f"--pictures is 1 or more, not {given.pictures}")
    if any(most < 1 for most in given.most.values()):
        parser.error("--most wants 1 or more of each set that it names")
    from train.data.people import is_held_back, person_of
    from train.data.samples import load

    samples = load(data_of(given.data), sets=given.sets, cache=given.cache)
    samples = samples.take(samples.present)
    names = np.array([person_of(str(name)) for name in samples.id])
    held = np.array([is_held_back(name) for name in names])
    rows = _some(np.flatnonzero(~held), samples.source, given.most, given.seed)
    crops, held_crops, held_names = samples.crops[rows], samples.crops[held], names[held]
    margin = samples.margin
    del samples  # all crops of five sets would be 2 GB
    _teach(given, crops, margin)
    _judge(given.out, held_crops[:4000], held_names[:4000], margin)
    print(f"written: {given.out}")
    return 0


def _some(rows: np.ndarray, source: np.ndarray, most: dict[str, float], seed: int) -> np.ndarray:
    """Give (M,) of the rows (N,): of each set as many as `most` allows, drawn at random, in their order."""
    draws, kept = np.random.default_rng(seed), []
    for name in dict.fromkeys(source[rows].tolist()):
        own = rows[source[rows] == name]
        kept.append(np.sort(draws.permutation(own)[: int(most.get(name, len(own)))]))
    return np.concatenate([rows[:0], *kept])


def _teach(given: argparse.Namespace, crops: np.ndarray, margin: float) -> None:
    """Ask the teacher, teach the student and write it; what a run that is cut needs lies beside `--out`."""
    from train.fit.embed import answers, begin, taken_up, teach
    from train.ship.embedding import export_embedding

    given.out.parent.mkdir(parents=True, exist_ok=True)
    asked, state = given.out.with_suffix(".answers.npy"), given.out.with_suffix(".state")
    if not given.resume:
        asked.unlink(missing_ok=True)
        state.unlink(missing_ok=True)
    if given.init.suffix == ".onnx":
        net, rate = taken_up(given.init), 1e-3
        fixed: list[Any] = [net.stem, net.early]
    else:  # the first ones are as `distill` taught them, and half of the time would go into them
        net, rate = begin(given.teacher, given.init), 2e-3
        fixed = [net.stem, net.early[0], net.early[1]]
    if asked.is_file():
        wanted = np.load(asked, allow_pickle=False)
        if len(wanted) != len(crops):
            raise EmotionError(
                f"{asked} answers for other pictures: go on with the same data, or without --resume"
            )
    else:
        wanted = answers(given.teacher, crops, margin)
        with written_beside(asked) as part, part.open("wb") as file:
            np.save(file, wanted)
    some = {"pictures": given.pictures, "learning_rate": rate, "seed": given.seed}
    teach(net, crops, wanted, margin, **some, keep=state, fixed=fixed)
    export_embedding(net, crops, margin, given.out)
    asked.unlink()
    state.unlink(missing_ok=True)


def _judge(path: Path, crops: np.ndarray, names: np.ndarray, margin: float) -> None:
    """Print how often pairs of those who were never shown are misjudged at the tracker's thresholds."""
    from emotion_core.faces.embedding import Embedder
    from emotion_core.faces.identity import OTHER, SAME
    from train.measure.pairs import judge_pairs
    from train.ship.embedding import shown

    embedder = Embedder(path)
    vectors = [np.zeros((0, 128), np.float32)] + [embedder.of_batch(b) for b in shown(crops, margin)]
    for cosine in (OTHER, SAME):
        print(json.dumps(judge_pairs(np.concatenate(vectors), names, cosine).as_dict()))
