"""`python -m benchmarks`: measure speed and memory, print a table and JSON."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.conditions import ROOT, conditions
from benchmarks.measurement import Measurement, table

README = ("network", "live", "faces", "video", "memory", "start", "visit")
"""The parts of README's table: a quarter of an hour. The others have tables in the guides they belong to."""


def main(argv: list[str] | None = None) -> int:
    """Measure the parts that are asked for; gives 0, or 1 where one could not be measured."""
    from benchmarks.parts import PARTS

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure speed and memory. Figures mean something on a machine that does nothing else.",
        epilog="parts: "
        + "; ".join(f"{name}: {(part.__doc__ or '').strip()}" for name, part in PARTS.items()),
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--readme", action="store_true", help=f"for README.md's table: {', '.join(README)}")
    parser.add_argument("--against", metavar="REV", help="measure this tree and that revision in turns")
    parser.add_argument("--turns", type=int, default=5, metavar="N", help="with --against (default: 5)")
    args = parser.parse_args(argv)
    if args.against:
        return against(parser, args)
    unknown = [name for name in args.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part {unknown[0]!r}: choose from {', '.join(PARTS)}")
    measurements: list[Measurement] = []
    failed: dict[str, str] = {}
    for name in args.parts or (README if args.readme else PARTS):
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            measurements += PARTS[name]()
        except (RuntimeError, OSError) as error:
            failed[name] = str(error)
            print(f"{name} could not be measured: {error}", file=sys.stderr)
    facts = conditions()
    report = {"conditions": facts, "figures": [one.as_dict() for one in measurements], "failed": failed}
    text = json.dumps(report, indent=1)
    print(text)
    print()
    print(table(measurements))
    if args.json:
        args.json.write_text(text + "\n")
    if args.readme:
        if failed or args.parts:
            parser.exit(1, "README.md stays as it is: it takes all of its parts, and all of them measured\n")
        write_readme(ROOT / "README.md", facts, measurements)
    return 1 if failed else 0


def against(parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
    """Compare with another revision: what both read of the shared clips, or how long they take."""
    from benchmarks.against import pairs, records

    if args.parts not in ([], ["records"]):
        parser.error("--against goes with no part, for the times, or with records, for the answers")
    try:
        found = records(args.against) if args.parts else pairs(args.against, args.turns)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        figures = found if isinstance(found, dict) else [asdict(pair) for pair in found]
        args.json.write_text(json.dumps({"conditions": conditions(), "figures": figures}, indent=1) + "\n")
    return 0


def write_readme(path: Path, facts: dict[str, object], measurements: Sequence[Measurement]) -> None:
    """Replace what stands between the two marks of the README by a table and its conditions."""
    head, begin, rest = path.read_text("utf-8").partition("<!-- bench -->\n")
    _, end, tail = rest.partition("<!-- /bench -->")
    if not begin or not end:
        raise SystemExit(f"{path.name} lacks the marks <!-- bench --> and <!-- /bench -->")
    note = f"{facts['cpu']}, {facts['cores']} cores, Python {facts['python']}, commit `{facts['commit']}`."
    path.write_text(f"{head}{begin}{table(measurements)}\n\n{note}\n{end}{tail}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
