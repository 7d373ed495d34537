"""`emotion-recognition COMMAND`, or `python -m emotion_core COMMAND`: the installed package's commands.

Those of the library are here; the web app and training bring theirs as entry points of the group `GROUP`, so
that the library knows nothing of either.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any

from emotion_core.command.options import (
    Parser,
    add_batch_options,
    add_convert_options,
    add_file_options,
    add_live_options,
    add_model_options,
    add_part_options,
    add_reading_options,
    add_result_options,
    add_study_options,
    rate,
)
from emotion_core.command.research import add_agreement_options, add_responses_options, add_step_option
from emotion_core.ending import fail, run
from emotion_core.version import VERSION

PROGRAM = "emotion-recognition"
GROUP = "emotion_recognition.commands"

ELSEWHERE = {
    "serve": ("the web app and the dashboard, in a browser", "web", "python app.py"),
    "dashboard": ("the dashboard alone", "dashboard", "streamlit run webapp/dashboard/app.py"),
    "train": ("train, check, evaluate, export", "train", "python -m train"),
}
"""The commands that other rooms bring: what they do, the extra that they need, how the source runs them."""

DESCRIPTION = """\
Read the apparent expression of every face in a video, a photo or a camera picture.

  emotion-recognition analyze talk.mp4     an annotated video and results beside it
  emotion-recognition batch study --output out     thousands of files, on many cores or a cluster
  emotion-recognition study FOLDER         a folder of participants, videos and events; --report writes it up
  emotion-recognition live                 a window with your camera; q quits
  emotion-recognition convert talk_results.json --to eaf,bids     results in the formats of other tools
  emotion-recognition agreement talk_results.json coder.eaf      how well readings of one recording agree
  emotion-recognition responses *_results.json --events stimuli.csv     what faces show around events
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code: 0, 1 for a failed job, 2 for wrong use."""
    return run(PROGRAM, lambda: _main(list(sys.argv[1:] if argv is None else argv)))


def _main(words: list[str]) -> int:
    if words and words[0] in ELSEWHERE:
        return _elsewhere(words[0], words[1:])
    args = build_parser().parse_args(words)
    from emotion_core.command import jobs

    return jobs.do(args.job, args, PROGRAM)


def _elsewhere(name: str, words: list[str]) -> int:
    _, extra, source = ELSEWHERE[name]
    found = next(iter(entry_points(group=GROUP, name=name)), None)
    try:
        command = found.load() if found is not None else None
    except ModuleNotFoundError:
        command = None
    if command is None:
        return fail(
            PROGRAM,
            f"{name} needs more: pip install 'emotion-recognition[{extra}]' (in the source: {source})",
        )
    return command(words)


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of the library's commands, which names the others."""
    others = "\n".join(f"  {name:12}{what}" for name, (what, _, _) in ELSEWHERE.items())
    parser = Parser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=f"with an extra installed (COMMAND --help tells more):\n{others}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    analyze = commands.add_parser(
        "analyze", help="analyse videos, photos, folders or addresses", allow_abbrev=False
    )
    analyze.add_argument(
        "video", metavar="IN", nargs="+", help="videos, photos, folders, 'patterns*' or addresses"
    )
    add_result_options(analyze)
    add_file_options(analyze)
    add_part_options(analyze)
    batch = commands.add_parser(
        "batch", help="read folders, 'patterns*' or a LIST.csv of files into one study", allow_abbrev=False
    )
    batch.add_argument("batch", metavar="IN", nargs="+", help="folders, files, 'patterns*' or a LIST.csv")
    add_result_options(batch)
    add_batch_options(batch)
    add_part_options(batch)
    study = commands.add_parser(
        "study", help="analyse a study: participants.tsv, videos/ and events/ in a folder", allow_abbrev=False
    )
    study.add_argument("study", metavar="FOLDER", help="its folder, which gets analysis/ and report/")
    add_study_options(study)
    add_result_options(study)
    add_batch_options(study)
    add_part_options(study)
    live = commands.add_parser("live", help="show a camera live in a window; q quits")
    add_live_options(live)
    add_result_options(live)
    convert = commands.add_parser(
        "convert", help="write results files in the formats of other tools", allow_abbrev=False
    )
    convert.add_argument("convert", metavar="IN", nargs="+", help="results files, of any format that is read")
    convert.add_argument("--output", metavar="DIR", help="the folder to write to (default: beside each file)")
    convert.add_argument("--rate", metavar="R", type=rate, help="frames a second of a file without times")
    add_convert_options(convert, required=True)
    convert.set_defaults(job="convert")
    _add_research(commands)
    model = commands.add_parser(
        "model", help="the model's parts and sizes; checks the weights", allow_abbrev=False
    )
    jobs = (
        *((analyze, "video"), (batch, "batch"), (study, "study"), (live, "realtime")),
        (model, "model"),
    )
    for command, job in jobs:
        if command is not model:
            add_reading_options(command)
        add_model_options(command)
        command.set_defaults(job=job)
    return parser


def _add_research(commands: Any) -> None:
    agreement = commands.add_parser(
        "agreement", help="compare results and codings of one recording", allow_abbrev=False
    )
    agreement.add_argument("agreement", metavar="IN", nargs="+", help="results of ours or others, or codings")
    add_agreement_options(agreement)
    responses = commands.add_parser(
        "responses", help="average what faces show around events", allow_abbrev=False
    )
    responses.add_argument("responses", metavar="IN", nargs="+", help="results, of ours or others")
    add_responses_options(responses, required=True)
    for command, job in ((agreement, "agreement"), (responses, "responses")):
        add_step_option(command)
        command.add_argument("--output", metavar="DIR", help="a folder for tables as CSV and JSON")
        command.add_argument(
            "--overwrite", action="store_true", default=None, help="replace those that are there"
        )
        command.add_argument("--rate", metavar="R", type=rate, help="frames a second of a file without times")
        command.set_defaults(job=job)


if __name__ == "__main__":
    sys.exit(main())
