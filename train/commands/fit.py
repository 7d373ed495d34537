"""Train on a folder: the command that runs where none is named."""

import argparse
import logging
from dataclasses import fields
from typing import Any

from train.commands.options import (
    DATA,
    HELP,
    PLACES,
    Merge,
    common,
    data_of,
    parser_of,
    shares,
    shares_or_one,
)
from train.config import PARTS, RENAMED, TrainConfig

DESCRIPTION = """\
Train the network, and everything around it.

  python -m train --data FOLDER [--epochs 100]     train on a folder (the default command)
  python -m train distill --teacher FILE.onnx      what a face-recognition network knows, for --init
  python -m train check FOLDER...                  counts, unreadable files, duplicates across splits
  python -m train evaluate --data FOLDER           figures of a model as JSON and one HTML page
  python -m train calibrate --data FOLDER          one temperature, so that confidence means what it says
  python -m train temporal --data FOLDER           the temporal module against plain averaging
  python -m train ablate --data FOLDER             what each part of the network is worth
  python -m train export                           ONNX in FP32, FP16 and INT8, compared
  python -m train push --repo NAME/MODEL           weights and model card to the Hugging Face hub

`python -m train COMMAND --help` tells more. Several GPUs: torchrun --nproc-per-node=4 -m train --data FOLDER
"""


log = logging.getLogger("train")


def train_parser() -> argparse.ArgumentParser:
    """Build the parser of the training command: an option for each field of `TrainConfig`."""
    parser = parser_of("train", DESCRIPTION, epilog=DATA)
    for f in fields(TrainConfig):
        flags = [f"--{f.name.replace('_', '-')}"]
        default = TrainConfig.__dataclass_fields__[f.name].default
        text = HELP.get(f.name, f.name.replace("_", " "))
        kind: dict[str, Any] = {"dest": f.name}
        if f.name == "data":
            kind |= {"nargs": "+", "metavar": "PATH"}
            text += f" (default: {' or '.join(PLACES)})"
        elif f.name == "label_smoothing":
            kind |= {"type": shares_or_one, "action": Merge, "metavar": "SHARE,SET=SHARE,..."}
        elif f.name in ("mix", "distillation_weight", "adjust"):
            kind |= {"type": shares, "metavar": "SET=SHARE,..."}
        elif f.name == "teachers":
            kind |= {"nargs": "+", "metavar": "FILE"}
        elif f.name == "without":
            kind |= {"nargs": "+", "choices": PARTS, "metavar": "PART"}
        elif f.type in (bool, "bool"):
            kind |= {"action": "store_true", "default": None}
        else:
            kind |= {"type": type(default), "metavar": f.name.upper()}
            text += f" (default: {default})" if default not in ("", None) else ""
        if f.name == "logs":  # torchrun would take --logs for an abbreviation of its own options
            flags.insert(0, "--tensorboard")
            kind["metavar"] = "FOLDER"
        parser.add_argument(*flags, **kind, help=text)
        for former in (old for old, new in RENAMED.items() if new == f.name):
            parser.add_argument(f"--{former}", **kind, help=argparse.SUPPRESS)
    common(parser)
    parser.add_argument(
        "--workers-faces", type=int, metavar="N", help="processes that find faces in new pictures"
    )
    return parser


def run(words: list[str]) -> int:
    """Run the command; return the exit code."""
    parser = train_parser()
    given = vars(parser.parse_args(words))
    sets, cache, faces = given.pop("sets"), given.pop("cache"), given.pop("workers_faces")
    chosen = {k: v for k, v in given.items() if v is not None}
    chosen["data"] = tuple(data_of(given["data"]))
    chosen |= {name: tuple(given[name]) for name in ("without", "teachers") if given[name]}
    from emotion_core.network.spatiotemporal import NetConfig

    try:
        config = TrainConfig(**chosen)
        NetConfig(resolution=config.size)
    except ValueError as error:
        parser.error(str(error))
    from train.fit.run import run

    run(config, sets=sets, cache=cache, workers=faces, chosen=frozenset(chosen))
    return 0
