"""`python -m train distill` and `tutor`: what begins with a face-recognition network."""

import logging
from pathlib import Path

from train.commands.options import DATA, HELP, common, data_of, parser_of, shares

FROM_FACES = {  # command: what it does, file written, option of `train` that takes it, pictures shown
    "distill": ("Teach a fresh network what a face-recognition network sees.",
                "checkpoints/faces.safetensors", "--init", 90_000),
    "tutor": ("Teach a face-recognition network expressions, and write what it answers.",
              "checkpoints/tutor.npz", "--teachers", 80_000),
}  # fmt: skip  # fmt: skip


log = logging.getLogger("train")


def from_faces(command: str, words: list[str]) -> int:
    """Run a command that starts from a face-recognition network."""
    purpose, out, option, pictures = FROM_FACES[command]
    parser = parser_of(command, purpose, epilog=DATA)
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument(
        "--teacher", type=Path, required=True, metavar="FILE", help="ONNX file of SFace's shape"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(out), metavar="FILE", help=f"for `train {option}` (default: {out})"
    )
    parser.add_argument(
        "--pictures", type=int, default=pictures, metavar="N", help=f"pictures shown ({pictures})"
    )
    parser.add_argument("--mix", type=shares, metavar="SET=SHARE,...", help=HELP["mix"])
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    common(parser)
    given = parser.parse_args(words)
    if given.pictures < 1:
        parser.error(f"--pictures is 1 or more, not {given.pictures}")
    from train.data.samples import load
    from train.fit.distill import distill
    from train.fit.tutor import tutor

    teach = {"distill": distill, "tutor": tutor}[command]
    samples = load(data_of(given.data), sets=given.sets, cache=given.cache, drop_leaks=True)
    teach(given.teacher, samples, given.out, pictures=given.pictures, mix=given.mix, seed=given.seed)
    print(f"use it: python -m train {option} {given.out}")
    return 0
