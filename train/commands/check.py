"""Look through data sets: counts, sizes, unreadable files, duplicates."""

from pathlib import Path

from train.commands.options import DATA, common, data_of, parser_of


def run(words: list[str]) -> int:
    """Run the command; return the exit code."""
    parser = parser_of("check", "Look through data before training on them.", epilog=DATA)
    parser.add_argument("data", nargs="*", metavar="PATH", help="data folders or files")
    parser.add_argument(
        "--crops", action="store_true", help="compare the faces, not the whole pictures (slower)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write what was found")
    common(parser)
    given = parser.parse_args(words)
    from train.data.check import check, report
    from train.measure.provenance import write_json

    outcome = check(data_of(given.data), sets=given.sets, crops=given.crops, cache=given.cache)
    print(report(outcome))
    if given.json:
        write_json(outcome, given.json)
    return 0
