"""What a face-recognition network knows, for `--init`."""

from pathlib import Path

from train.commands.options import DATA, HELP, common, data_of, parser_of, shares


def run(words: list[str]) -> int:
    """Run the command; return the exit code."""
    out, pictures = "checkpoints/faces.safetensors", 90_000
    parser = parser_of("distill", "Teach a fresh network what a face-recognition network sees.", epilog=DATA)
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument(
        "--teacher", type=Path, required=True, metavar="FILE", help="ONNX file of SFace's shape"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(out), metavar="FILE", help=f"for `train --init` (default: {out})"
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

    samples = load(data_of(given.data), sets=given.sets, cache=given.cache, drop_leaks=True)
    distill(given.teacher, samples, given.out, pictures=given.pictures, mix=given.mix, seed=given.seed)
    print(f"use it: python -m train --init {given.out}")
    return 0
