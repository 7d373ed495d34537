"""`python -m benchmarks`: measure speed and memory, print a table and JSON."""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.conditions import conditions
from benchmarks.measurement import Measurement, table


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
    args = parser.parse_args(argv)
    unknown = [name for name in args.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part {unknown[0]!r}: choose from {', '.join(PARTS)}")
    found: list[Measurement] = []
    failed: dict[str, str] = {}
    for name in args.parts or PARTS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            found += PARTS[name]()
        except (RuntimeError, OSError) as error:
            failed[name] = str(error)
            print(f"{name} could not be measured: {error}", file=sys.stderr)
    report = {"conditions": conditions(), "figures": [one.as_dict() for one in found], "failed": failed}
    text = json.dumps(report, indent=1)
    print(text)
    print()
    print(table(found))
    if args.json:
        args.json.write_text(text + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
