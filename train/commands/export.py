"""ONNX in FP32, FP16 and INT8, or LiteRT files for phones, compared."""

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
    parser.add_argument(
        "--litert",
        type=Path,
        metavar="FOLDER",
        help="write LiteRT files for phones into this folder, in FP32, FP16 and 8 bits; the ONNX files stay",
    )
    common(parser)
    given = parser.parse_args(words)
    if given.litert is not None and (given.out or given.ship):
        parser.error("--litert names its own folder and ships nothing: leave out --out and --ship")
    from emotion_core.network.checkpoint import WEIGHTS

    data = [] if given.no_compare else data_of(given.data)
    if given.litert is not None:
        from train.ship.litert_check import export_litert
        from train.ship.litert_check import report as lines

        outcome = export_litert(
            given.weights or WEIGHTS, given.litert, data=data, sets=given.sets, limit=given.limit,
            cache=given.cache,
        )  # fmt: skip
        print(lines(outcome))
        return 0
    outcome = export(
        given.weights or WEIGHTS, given.out, data=data, sets=given.sets, limit=given.limit, cache=given.cache,
        ship=given.ship,
    )  # fmt: skip
    print(report(outcome))
    return 0
