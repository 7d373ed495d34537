"""The commands of a study: how readings agree, and what faces show around events."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.command.options import seconds, words
from emotion_core.ending import warn

if TYPE_CHECKING:
    import pandas as pd


def add_agreement_options(group: Any) -> None:
    """Add what `agreement` alone takes."""
    group.add_argument(
        "--people",
        metavar="LIST",
        type=pairs,
        help="who is who in the files, as 1=2,2=1 (default: equal numbers)",
    )
    group.add_argument(
        "--tolerance",
        metavar="S",
        type=seconds,
        help="seconds by which ends of events may differ (default 0.5)",
    )


def add_responses_options(group: Any, *, required: bool = False) -> None:
    """Add what `responses` alone takes."""
    group.add_argument(
        "--events",
        metavar="FILE",
        required=required,
        help="onset, duration, name, and person, source (the recording), group where there are any: CSV, "
        "BIDS events, BORIS, ELAN, Praat",
    )
    group.add_argument(
        "--measure",
        metavar="LIST",
        type=words,
        help="valence, arousal, Happy or another column (default: the first two)",
    )
    group.add_argument(
        "--before", metavar="S", type=seconds, help="seconds of baseline (default 1, 0 for none)"
    )
    group.add_argument("--after", metavar="S", type=seconds, help="seconds that are looked at (default 4)")
    group.add_argument(
        "--groups",
        metavar="FILE",
        help="a table with the group of each file or participant, as participants.tsv",
    )
    group.add_argument(
        "--method", choices=("permutation", "mixed"), help="how responses are compared (default: permutation)"
    )


def add_step_option(group: Any) -> None:
    """Add what `agreement` and `responses` take."""
    group.add_argument(
        "--step",
        metavar="S",
        type=seconds,
        help="seconds between compared moments (default 0.5), or of a bin of a response (default 0.1)",
    )


def pairs(text: str) -> tuple[tuple[int, ...], ...]:
    """Read who is who: numbers of one person joined by =, people by commas."""
    try:
        found = tuple(tuple(int(number) for number in part.split("=")) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or len({len(pair) for pair in found}) != 1 or len(found[0]) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} does not say who is who: write 1=2,2=1")
    return found


def agreement(args: argparse.Namespace) -> int:
    """Say how well results and codings of one recording agree; return the exit code."""
    from emotion_core.analytics.agreeing import agree, as_table
    from emotion_core.analytics.study_responses import write_texts
    from emotion_core.types import EmotionError

    tables = _tables(args, args.agreement)
    if args.people and len(args.people[0]) != len(tables):
        raise EmotionError(f"there are {len(tables)} files: name a person's number in each", ("people",))
    found = agree(
        tables,
        args.people,
        step=0.5 if args.step is None else args.step,
        tolerance=0.5 if args.tolerance is None else args.tolerance,
    )
    table = as_table(found)
    for person, rows in table.groupby("person", sort=False):
        print(f"Person {person}")
        print("\n".join(f"  {row.measure:9} {row.sentence}" for row in rows.itertuples()), flush=True)
    if args.output is not None:
        plain = table.astype(object).where(table.notna(), None).to_dict("records")
        texts = {
            "agreement.csv": str(table.to_csv(index=False)),
            "agreement.json": json.dumps({"files": list(tables), "agreement": plain}, indent=1, default=float)
            + "\n",
        }
        _show(write_texts(Path(args.output).expanduser(), texts, overwrite=bool(args.overwrite)))
    return 0


def responses(args: argparse.Namespace) -> int:
    """Average what faces show around events; return the exit code."""
    from emotion_core.analytics.events import read_events, read_participants
    from emotion_core.analytics.marks import read_marks
    from emotion_core.analytics.responses import Window
    from emotion_core.analytics.study_responses import study_responses
    from emotion_core.results.names import marks_path

    events = read_events(Path(args.events).expanduser())
    usual = Window()
    window = Window(
        usual.before if args.before is None else args.before,
        usual.after if args.after is None else args.after,
        usual.step if args.step is None else args.step,
    )
    tables = _tables(args, args.responses)
    excluded = {
        name: read_marks(marks_path(Path(path).expanduser())).exclusions
        for name, path in zip(tables, args.responses, strict=True)
    }
    whose, groups = (
        read_participants(Path(args.groups).expanduser(), list(tables)) if args.groups else (None, None)
    )
    found = study_responses(
        tables,
        events,
        args.measure,
        window,
        groups=groups,
        whose=whose,
        exclude=excluded,
        method=args.method or "permutation",
    )
    for name, spans in excluded.items():
        if spans:
            warn(args.program, f"{name}: {len(spans)} spans that were marked as exclusions are left out")
    for note in found.notes:
        warn(args.program, note)
    print("\n".join(found.sentences), flush=True)
    if args.output is not None:
        _show(found.write(Path(args.output).expanduser(), overwrite=bool(args.overwrite)))
    return 0


def _tables(args: argparse.Namespace, paths: list[str]) -> "dict[str, pd.DataFrame]":
    """Read results, other tools' results and codings by names that differ, and tell what is to beware of."""
    from emotion_core.analytics.loading import unique_names
    from emotion_core.results.converting import read_any

    files = [Path(text).expanduser() for text in paths]
    tables = []
    for path in files:
        tables.append(read_any(path, rate=args.rate))
        for note in tables[-1].attrs["notes"]:
            warn(args.program, f"{path.name}: {note}")
    return dict(zip(unique_names([path.name for path in files]), tables, strict=True))


def _show(paths: list[Path]) -> None:
    print("\n".join(f"  {path}" for path in paths), flush=True)
