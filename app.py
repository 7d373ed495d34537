"""Starts the web app: the live view and video studio at /, the analytics dashboard at /dashboard."""

import argparse
import sys


def main(argv: list[str] | None = None) -> int:
    """Read the flags, serve until interrupted; gives 0, 1 for a failure or 2 for wrong use."""
    from emotion_core.ending import run

    return run("app.py", lambda: _main(argv))


def _main(argv: list[str] | None) -> int:
    from emotion_core.types import EmotionError
    from webapp.settings import add_flags, from_flags

    parser = argparse.ArgumentParser(
        prog="app.py",
        description="Facial expressions, live and in video, in the browser. Nothing leaves this machine.",
        epilog="Example: python app.py --port 8000 --auth-file password --max-minutes 10",
    )
    add_flags(parser)
    parser.add_argument(
        "--routes", action="store_true", help="print every route and who may call it, and end"
    )
    args = parser.parse_args(argv)
    try:
        settings = from_flags(args)
    except EmotionError as problem:
        print(f"app.py: {problem}", file=sys.stderr)
        return 2
    try:
        from webapp.server import print_routes, serve

        print_routes(settings) if args.routes else serve(settings)
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
