"""ONNX in FP32, FP16 and INT8, compared."""

from pathlib import Path

from train.commands.options import common, data_of, parser_of


def run(words: list[str]) -> int:
    """Run the command; return the exit code."""
    from train.ship.variants import VARIANTS, export, report

    parser = parser_of("export", "Write the network as ONNX in FP32, FP16 and INT8, and compare them.")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="safetensors (default: the shipped one)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="default: beside the weights")
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data for accuracy and INT8 ranges")
    parser.add_argument("--limit", type=int, default=1000, metavar="N", help="pictures to compare on (1000)")
    parser.add_argument("--no-compare", action="store_true", help="write FP32 alone, compare nothing")
    parser.add_argument(
        "--ship",
        choices=VARIANTS,
        help="write this one beside the weights (default: the fastest that answers as PyTorch does)",
    )
    common(parser)
    given = parser.parse_args(words)
    from emotion_core.network.checkpoint import WEIGHTS

    data = [] if given.no_compare else data_of(given.data)
    outcome = export(
        given.weights or WEIGHTS, given.out, data=data, sets=given.sets, limit=given.limit, cache=given.cache,
        ship=given.ship,
    )  # fmt: skip
    print(report(outcome))
    return 0
