"""The commands of the web app: `serve` and `dashboard`."""

import argparse
import sys
from collections.abc import Sequence

from webapp.dashboard import SCRIPT


def serve(argv: Sequence[str] | None = None, program: str = "emotion-recognition serve") -> int:
    """Read the flags, serve until interrupted; gives 0, 1 for a failure or 2 for wrong use."""
    from emotion_core.ending import run

    return run(program, lambda: _serve(argv, program))


def _serve(argv: Sequence[str] | None, program: str) -> int:
    from emotion_core.types import EmotionError
    from webapp.settings import add_flags, from_flags

    parser = argparse.ArgumentParser(
        prog=program,
        description="Facial expressions, live and in video, in the browser. Nothing leaves this machine.",
        epilog=f"Example: {program} --port 8000 --auth-file password --max-minutes 10",
    )
    add_flags(parser)
    parser.add_argument(
        "--routes", action="store_true", help="print every route and who may call it, and end"
    )
    args = parser.parse_args(argv)
    try:
        settings = from_flags(args)
    except EmotionError as problem:
        print(f"{program}: {problem}", file=sys.stderr)
        return 2
    try:
        from webapp.server import print_routes, serve

        print_routes(settings) if args.routes else serve(settings)
    except KeyboardInterrupt:
        return 0
    return 0


def dashboard(argv: Sequence[str]) -> int:
    """Run the dashboard alone, until interrupted; `--results DIR` names a folder of results."""
    from streamlit.web import cli

    words = list(argv)
    if "--help" in words or "-h" in words:
        print("usage: emotion-recognition dashboard [--results DIR]")
        return 0
    try:
        cli.main(["run", str(SCRIPT), "--", *words], prog_name="streamlit", standalone_mode=False)
    except KeyboardInterrupt:
        return 0
    return 0
