"""`python -m train embed`: teach the small network that tells people apart, and write it for the library."""

import json
import logging
from pathlib import Path

import numpy as np

from train.commands.options import DATA, common, data_of, parser_of

log = logging.getLogger("train")


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
        help="weights whose first layers it begins with (default: those that are shipped)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("checkpoints/face_embedding.onnx"),
        metavar="FILE",
        help="default: checkpoints/face_embedding.onnx",
    )
    parser.add_argument("--pictures", type=int, default=100_000, metavar="N", help="pictures shown (100000)")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    common(parser)
    given = parser.parse_args(words)
    if given.pictures < 1:
        parser.error(f"--pictures is 1 or more, not {given.pictures}")
    import torch

    from train.data.people import is_held_back, person_of
    from train.data.samples import load
    from train.fit.embed import answers, begin, teach
    from train.ship.embedding import export_embedding, judge_pairs, shown

    samples = load(data_of(given.data), sets=given.sets, cache=given.cache)
    samples = samples.take(samples.present)
    names = np.array([person_of(str(name)) for name in samples.id])
    held = np.array([is_held_back(name) for name in names])
    shown_rows = np.flatnonzero(~held)
    net = begin(given.teacher, given.init)
    wanted = answers(given.teacher, samples.crops[shown_rows], samples.margin)
    teach(net, samples.crops[shown_rows], wanted, samples.margin, pictures=given.pictures, seed=given.seed)
    export_embedding(net, samples.crops[shown_rows], samples.margin, given.out)
    from emotion_core.faces.embedding import Embedder
    from emotion_core.faces.identity import OTHER, SAME

    embedder = Embedder(given.out)
    rows = np.flatnonzero(held)[:4000]
    with torch.no_grad():
        vectors = np.concatenate([embedder.of_batch(b) for b in shown(samples.crops[rows], samples.margin)])
    for cosine in (OTHER, SAME):
        print(json.dumps(judge_pairs(vectors, names[rows], cosine).as_dict()))
    print(f"written: {given.out}")
    return 0
