"""The command line: live from a camera, a video, training, or the model itself."""

import argparse
import os
import sys
from collections.abc import Sequence

from emotion_core.command.options import (
    MISUSED,
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
)
from emotion_core.command.research import add_agreement_options, add_responses_options, add_step_option
from emotion_core.ending import run

DESCRIPTION = """\
Read the apparent expression of every face in a camera picture, a video or a photo.

  python main.py --realtime                 a window with your camera; q quits; --output DIR records results
  python main.py --video talk.mp4           an annotated video and results beside it
  python main.py --video a.mp4 day1 'b*.mov' --output out     many at once: files, folders, patterns
  python main.py --batch study --output out --workers 4       thousands on many cores or a cluster, one study
  python main.py --study FOLDER             participants, videos, events: analysed; --report writes them up
  python main.py --convert talk_results.json --to eaf,bids    results in the formats of other tools
  python main.py --agreement talk_results.json coder.eaf      how well readings of one recording agree
  python main.py --responses *_results.json --events stimuli.csv --output out   what faces show around events
  python main.py --train --epochs 100       train on your own data (see: python main.py --train --help)
  python main.py                            the model's parts and sizes; checks the weights file

The web app with the same and more starts with: python app.py
"""

EPILOG = """\
what --video writes for talk.mp4, beside it or where --output says:
  talk_emotions.mp4     the video with faces, emotions and scores drawn in, with its sound
  talk_results.json     one record per frame and face; other formats beside it with --format
  talk_summary.json     shares, means, longest runs and strongest moments of each face
and --batch in its folder: these in results/, dataset/ (Parquet), summary and manifest; the same call goes on

It shows the apparent expression, not what a person feels. Emotion recognition at work and in education is
prohibited in the EU (AI Act, Art. 5(1)(f)); people whose faces are analysed must be told (Art. 50(3)).
"""

BELONGS = {
    "--camera": ("realtime",),
    "--send": ("realtime",),
    "--output": ("realtime", "video", "batch", "convert", "agreement", "responses"),
    "--to": ("convert",),
    "--shift": ("convert",),
    "--overwrite": ("convert", "agreement", "responses"),
    "--people": ("agreement",),
    "--tolerance": ("agreement",),
    "--step": ("agreement", "responses"),
    **dict.fromkeys(("--events", "--measure", "--before", "--after", "--groups", "--method"), ("responses",)),
    "--format": ("realtime", "video", "batch", "study"),
    "--no-video": ("video",),
    "--with": ("realtime", "video", "batch", "study"),
    "--threshold": ("realtime", "video", "batch", "study"),
    "--language": ("realtime", "video", "batch", "study"),
    "--overlay": ("realtime", "video", "batch", "study"),
    "--detector": ("realtime", "video", "batch", "study"),
    "--every-frame": ("realtime", "video", "batch", "study"),
    "--no-reidentify": ("realtime", "video", "batch", "study"),
    "--smoothing": ("realtime", "video", "batch", "study"),
    "--objects": ("realtime", "video", "batch", "study"),
    "--fetch-objects": ("realtime", "video", "batch", "study"),
    "--stream": ("video",),
    "--workers": ("batch", "study"),
    "--cluster": ("batch", "study"),
    "--annotate": ("batch", "study"),
    "--tries": ("batch", "study"),
    "--retry": ("batch", "study"),
    "--start": ("video", "batch", "study"),
    "--end": ("video", "batch", "study"),
    "--every": ("video", "batch", "study"),
    "--rate": ("video", "batch", "study", "convert", "agreement", "responses"),
    "--max-megapixels": ("video", "batch", "study"),
    "--no-objects": ("realtime", "video", "batch", "study"),
    "--objects-model": ("realtime", "video", "batch", "study"),
    "--check": ("study",),
    "--report": ("study",),
}
"""Options that make sense in some modes only; elsewhere they are wrong use, not silently ignored."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit code: 0, 1 for a failed job, 2 for wrong use."""
    return run("main.py", lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if "--train" in words:
        words.remove("--train")
        others = ("--realtime", "--video", "--batch", "--study", "--agreement", "--responses")
        clash = [w for w in words if w in others]
        if clash:
            print(
                f"main.py: --train and {clash[0]} are two jobs: give one of them (try --help)",
                file=sys.stderr,
            )
            return MISUSED
        from train.__main__ import main as train

        return train(words)
    parser = build_parser()
    args = parser.parse_args(words)
    modes = ("realtime", "video", "batch", "study", "convert", "agreement", "responses")
    named = {name: getattr(args, name) for name in modes}
    mode = next((name for name, given in named.items() if given), "model")
    for option, theirs in BELONGS.items():
        if getattr(args, option[2:].replace("-", "_")) is not None and mode not in theirs:
            parser.error(f"{option} goes with {' or '.join('--' + m for m in theirs)}")
    if mode == "convert" and args.to is None:
        parser.error("--convert needs --to: the formats to write")
    if mode == "responses" and args.events is None:
        parser.error("--responses needs --events: a file of what happened when")
    from emotion_core.command import jobs

    return jobs.do(mode, args, "main.py")


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of everything but training, which has its own."""
    parser = Parser(
        prog="main.py",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    modes = parser.add_argument_group("what to do").add_mutually_exclusive_group()
    modes.add_argument("--realtime", action="store_true", help="show a camera live in a window; q quits")
    modes.add_argument(
        "--video", metavar="IN", nargs="+", help="analyse videos, photos, folders, 'patterns*' or addresses"
    )
    modes.add_argument(
        "--batch",
        metavar="IN",
        nargs="+",
        help="read folders, 'patterns*' or a LIST.csv of files into one study",
    )
    modes.add_argument(
        "--study", metavar="FOLDER", help="analyse a study: participants.tsv, videos/ and events/ in a folder"
    )
    modes.add_argument(
        "--convert", metavar="IN", nargs="+", help="write results files in other formats, those of --to"
    )
    modes.add_argument(
        "--agreement",
        metavar="IN",
        nargs="+",
        help="compare results, other tools' results or codings of one recording",
    )
    modes.add_argument(
        "--responses", metavar="IN", nargs="+", help="average what faces show around the events of --events"
    )
    modes.add_argument("--train", action="store_true", help="train; all other options go to the training")
    add_live_options(parser.add_argument_group("with --realtime"))
    add_file_options(parser.add_argument_group("with --video"))
    add_batch_options(parser.add_argument_group("with --batch and --study"))
    add_study_options(parser.add_argument_group("with --study"))
    add_part_options(parser.add_argument_group("with --video, --batch and --study"))
    add_convert_options(parser.add_argument_group("with --convert"))
    add_agreement_options(parser.add_argument_group("with --agreement"))
    add_responses_options(parser.add_argument_group("with --responses"))
    add_step_option(parser.add_argument_group("with --agreement and --responses"))
    both = parser.add_argument_group("with --realtime, --video, --batch and --study")
    add_result_options(both)
    add_reading_options(both)
    add_model_options(parser.add_argument_group("model"))
    return parser


if __name__ == "__main__":
    code = main()
    if "--realtime" in sys.argv:
        # Unloading the models takes a second: a window that the user has closed is to be gone at once.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
