"""The temporal module against plain averaging, on synthetic clips."""

from pathlib import Path

from train.commands.options import common, data_of, parser_of


def run(words: list[str]) -> int:
    """Run the command; return the exit code."""
    parser = parser_of("temporal", "Sixteen-frame clips: the temporal module against plain averaging.")
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="safetensors (default: the shipped one)")
    parser.add_argument(
        "--fit", action="store_true", help="train the temporal module first (the encoder stays)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="weights that --fit writes (default: --weights)"
    )
    parser.add_argument("--limit", type=int, default=600, metavar="N", help="clips of each kind (600)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table")
    parser.add_argument(
        "--videos", nargs="+", type=Path, metavar="FILE", help="also count label changes in these videos"
    )
    common(parser)
    given = parser.parse_args(words)
    from emotion_core.network.checkpoint import WEIGHTS
    from train.fit.run import temporal, temporal_report
    from train.measure.provenance import write_json

    outcome = temporal(
        data_of(given.data), given.weights or WEIGHTS, out=given.out, fit=given.fit,
        sets=given.sets, cache=given.cache, limit=given.limit, videos=given.videos or (),
    )  # fmt: skip
    print(temporal_report(outcome))
    if given.json:
        write_json(outcome, given.json)
    return 0
