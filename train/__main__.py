"""`python -m train`: train, check, evaluate, calibrate, export, push."""

import logging
import os
import sys
from collections.abc import Sequence

from emotion_core.ending import fail, run
from train.commands import COMMANDS


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code: 0, 1 for a failed job, 2 for wrong use."""
    return run("error", lambda: _main(list(sys.argv[1:] if argv is None else argv)))


def _main(words: list[str]) -> int:
    first = os.environ.get("RANK", "0") == "0"  # under torchrun, one process speaks for all
    logging.basicConfig(level=logging.INFO if first else logging.ERROR, format="%(message)s")
    name = words.pop(0) if words and (words[0] in COMMANDS or words[0] == "train") else "train"
    command = COMMANDS["fit" if name == "train" else name]
    try:
        return command(words)
    except ModuleNotFoundError as absent:
        if (absent.name or "").partition(".")[0] in ("emotion_core", "train"):
            raise  # ours: a fault, not a package that was left out
        return fail(
            "train",
            f"training needs more packages ({absent.name} is absent): make setup, "
            "or pip install 'emotion-recognition[train]'",
        )
    except KeyboardInterrupt:
        print("stopped; what was saved stays (training goes on with --resume)", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
