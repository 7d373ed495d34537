"""Starts the web app: the live view and video studio at /, the analytics dashboard at /dashboard."""

import sys


def main(argv: list[str] | None = None) -> int:
    """Read the flags, serve until interrupted; gives 0, 1 for a failure or 2 for wrong use."""
    from webapp.command import serve

    return serve(argv, "app.py")


if __name__ == "__main__":
    sys.exit(main())
