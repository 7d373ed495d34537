"""One temperature, so that confidence means what it says."""

from pathlib import Path

from train.commands.options import common, data_of, parser_of, shares


def run(words: list[str]) -> int:
    """Run the command; return the exit code."""
    parser = parser_of("calibrate", "Fit one temperature on held-out data and store it in the weights file.")
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="safetensors (default: the shipped one)")
    parser.add_argument("--split", default="valid", help="default: valid, which training does not learn from")
    parser.add_argument("--dry-run", action="store_true", help="print only, store nothing")
    parser.add_argument(
        "--together", action="store_true", help="one for all sets, grey or in colour, each counting alike"
    )
    parser.add_argument(
        "--prior", type=shares, metavar="CLASS=SHARE,...", help="first make the file assume these shares"
    )
    common(parser)
    given = parser.parse_args(words)
    from emotion_core.network.checkpoint import WEIGHTS
    from train.measure.calibrate import calibrate, report
    from train.measure.prior import assume

    if given.prior:
        if given.dry_run:
            parser.error("--prior changes the weights file, --dry-run forbids it: leave out one of them")
        assume(given.weights or WEIGHTS, given.prior)
    outcome = calibrate(
        data_of(given.data),
        given.weights or WEIGHTS,
        sets=given.sets,
        split=given.split,
        store=not given.dry_run,
        together=given.together,
    )
    print(report(outcome))
    if not given.dry_run:
        print("stored in the weights file, where every backend reads it")
    return 0
