"""What the commands of training share."""

import argparse
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emotion_core.types import EmotionError
from train.config import OTHERS, PARTS

PLACES = ("data", "../shared/data")  # where data are looked for when none are named

log = logging.getLogger("train")

DATA = """\
data, each a folder or file (several may be named):
  a folder with one sub-folder of pictures or video clips per category, of any names
      (focused/ bored/ confused/); train/ and valid/ above them where you have your own split
  Parquet files: image, with the FER+ votes, or label, or age, gender and race
  fer2013.csv (emotion,pixels,Usage), with fer2013new.csv (FER+) beside it or not
  RAF-DB: EmoLabel/list_patition_label.txt and Image/
  AffectNet: train_set/images, train_set/annotations (valence and arousal are used), val_set/
  labels.csv: file,label[,split,valence,arousal,group]; files are pictures or video clips
"""

HELP = {
    "data": "data folders or files",
    "out": "folder of the checkpoints",
    "logs": "folder of the TensorBoard log",
    "epochs": "passes over the data",
    "epoch_pictures": "most pictures that an epoch draws",
    "batch": "pictures a step, over all processes together",
    "learning_rate": "highest learning rate",
    "warmup": "share of the steps in which the learning rate rises",
    "clip_norm": "longest gradient",
    "ema": "decay of the running average of the weights, which is what is kept",
    "balance": "0: classes as the data lie; 1: every class drawn equally often",
    "label_smoothing": "of one person's labels, for a set or all others: 0.05,expw=0.3 (default: 0.05)",
    "teachers": "weights whose mean answer becomes part of the labels, and the label of pictures without one",
    "distillation_weight": "share of a set's labels that the teachers' answer makes up, as expw=0.5",
    "mix": "share of each data set in a batch, as ferplus=0.6,expw=0.4; as they lie by default",
    "rated": "how much oftener a picture with measured valence and arousal is drawn",
    "adjust": "strength of balanced softmax by set, as affect=1,ferplus=0.3; none by default",
    "behind": "share of painted-out surroundings that something is put behind",
    "ovals": "share of other pictures that get the oval of a masked one",
    "shapes": "teach faces without a label by their blendshapes: at rest Neutral, smiling Happy",
    "augmentation": "share of pictures that are blurred, darkened or covered besides being moved",
    "patience": "epochs without gain after which training stops",
    "sam": "radius of sharpness-aware minimisation (SAM), say 0.1; a step takes twice as long",
    "frozen_norms": "leave the statistics of batch normalisation as they are: a fifth faster",
    "fix_early": "layers that stay as `distill` taught them: 3 spare an eighth of the time, 6 a third",
    "late": "teach only the later layers, on what the first make of this many pictures: a tenth of the time",
    "without": f"leave parts of the network out: {', '.join(PARTS)}",
    "save_minutes": "most minutes between two checkpoints; one also closes every epoch",
    "workers": "processes that prepare pictures",
    "precision": "auto, fp32 or bf16",
    "init": "weights to start from",
    "resume": "go on from the last checkpoint in --out, exactly to the step",
}


def parser_of(command: str, text: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """Build the parser of a command."""
    name = "python -m train" if command == "train" else f"python -m train {command}"
    return argparse.ArgumentParser(
        prog=name,
        description=text,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def common(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes that reads data."""
    parser.add_argument(
        "--sets", "--set", dest="sets", nargs="+", metavar="NAME", help="only the data sets of these names"
    )
    parser.add_argument("--cache", metavar="FOLDER", help="folder of found faces (default: .cache/crops)")


def data_of(given: Sequence[str] | None) -> list[str]:
    """Return the data that were named, or else the first usual place that is there."""
    if given:
        return list(given)
    places = [os.environ["EMOTION_DATA"]] if "EMOTION_DATA" in os.environ else [*PLACES]
    for place in places:
        if Path(place).is_dir():
            log.info("data: %s", place)
            return [place]
    raise EmotionError(
        f"no data: name a folder with --data (looked for {' and '.join(places)}); "
        f"python -m train --help tells what it may hold"
    )


def shares(text: str) -> dict[str, float]:
    """Read SET=SHARE,SET=SHARE."""
    try:
        pairs = [part.split("=") for part in text.split(",") if part]
        return {name.strip(): float(share) for name, share in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(f"wanted SET=SHARE,SET=SHARE, not {text!r}") from None


def shares_or_one(text: str) -> dict[str, float]:
    """Read SHARE,SET=SHARE, in any order: a share without a set is that of all others."""
    parts = [part if "=" in part else f"{OTHERS}={part}" for part in text.split(",") if part.strip()]
    return shares(",".join(parts))


class Merge(argparse.Action):
    """Adds what is given by set to what an earlier option of the same setting gave."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """See `argparse.Action`."""
        setattr(namespace, self.dest, {**(getattr(namespace, self.dest) or {}), **values})
