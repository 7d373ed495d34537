"""`python -m train`: train, check, evaluate, calibrate, export, push."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from emotion_core.types import EmotionError
from train.config import PARTS, TrainConfig
from train.helptexts import HELP

PLACES = ("data", "../shared/data")  # where data are looked for when none are named

DESCRIPTION = """\
Train the network, and everything around it.

  python -m train --data FOLDER [--epochs 100]     train on a folder (the default command)
  python -m train distill --teacher FILE.onnx      what a face-recognition network knows, for --init
  python -m train tutor --teacher FILE.onnx        the same network taught expressions; its answers are labels
  python -m train check FOLDER...                  counts, unreadable files, duplicates across splits
  python -m train evaluate --data FOLDER           figures of a model as JSON and one HTML page
  python -m train calibrate --data FOLDER          one temperature, so that confidence means what it says
  python -m train temporal --data FOLDER           the temporal half against plain averaging, on made clips
  python -m train ablate --data FOLDER             what each part of the network is worth
  python -m train export                           ONNX in FP32, FP16 and INT8, compared
  python -m train push --repo NAME/MODEL           weights and model card to the Hugging Face hub

`python -m train COMMAND --help` tells more. Several GPUs: torchrun --nproc-per-node=4 -m train --data FOLDER
"""

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

FROM_FACES = {  # command: what it does, file written, option of `train` that takes it, pictures shown
    "distill": ("Teach a fresh network what a face-recognition network sees.",
                "checkpoints/faces.safetensors", "--init", 90_000),
    "tutor": ("Teach a face-recognition network expressions, and write what it answers.",
              "checkpoints/tutor.npz", "--teachers", 80_000),
}  # fmt: skip

log = logging.getLogger("train")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; give the exit code: 0, 1 for a failed job, 2 for wrong use."""
    words = list(sys.argv[1:] if argv is None else argv)
    commands: dict[str, Callable[[list[str]], int]] = {
        "train": _train,
        **{name: partial(_from_faces, name) for name in FROM_FACES},
        "check": _check,
        "evaluate": _evaluate,
        "calibrate": _calibrate,
        "export": _export,
        "temporal": _temporal,
        "ablate": _ablate,
        "push": _push,
    }
    first = os.environ.get("RANK", "0") == "0"  # under torchrun, one process speaks for all
    logging.basicConfig(level=logging.INFO if first else logging.ERROR, format="%(message)s")
    command = commands[words.pop(0)] if words and words[0] in commands else _train
    try:
        return command(words)
    except EmotionError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what was saved stays (training goes on with --resume)", file=sys.stderr)
        return 130


def train_parser() -> argparse.ArgumentParser:
    """Build the parser of the training command: an option for each field of `TrainConfig`."""
    parser = _parser("train", DESCRIPTION, epilog=DATA)
    for f in fields(TrainConfig):
        flag = f"--{f.name.replace('_', '-')}"
        default = TrainConfig.__dataclass_fields__[f.name].default
        text = HELP.get(f.name, f.name.replace("_", " "))
        if f.name == "data":
            parser.add_argument(
                flag, nargs="+", metavar="PATH", help=f"{text} (default: {' or '.join(PLACES)})"
            )
        elif f.name == "logs":  # torchrun would take --logs for an abbreviation of its own options
            text = f"{text} (default: {default})"
            parser.add_argument("--tensorboard", flag, dest="logs", metavar="FOLDER", help=text)
        elif f.name in ("mix", "doubt", "trust", "adjust"):
            parser.add_argument(flag, type=_shares, metavar="SET=SHARE,...", help=text)
        elif f.name == "teachers":
            parser.add_argument(flag, nargs="+", metavar="FILE", help=text)
        elif f.name == "without":
            parser.add_argument(flag, nargs="+", choices=PARTS, metavar="PART", help=text)
        elif f.type in (bool, "bool"):
            parser.add_argument(flag, action="store_true", default=None, help=text)
        else:
            shown = f"{text} (default: {default})" if default not in ("", None) else text
            parser.add_argument(flag, type=type(default), metavar=f.name.upper(), help=shown)
    _common(parser)
    parser.add_argument(
        "--workers-faces", type=int, metavar="N", help="processes that find faces in new pictures"
    )
    return parser


def _train(words: list[str]) -> int:
    parser = train_parser()
    given = vars(parser.parse_args(words))
    sets, cache, faces = given.pop("sets"), given.pop("cache"), given.pop("workers_faces")
    chosen = {k: v for k, v in given.items() if v is not None}
    chosen["data"] = tuple(_data(given["data"]))
    chosen |= {name: tuple(given[name]) for name in ("without", "teachers") if given[name]}
    from emotion_core.models import NetConfig

    try:
        config = TrainConfig(**chosen)
        NetConfig(resolution=config.size)
    except ValueError as error:
        parser.error(str(error))
    from train.run import run

    run(config, sets=sets, cache=cache, workers=faces, chosen=frozenset(chosen))
    return 0


def _from_faces(command: str, words: list[str]) -> int:
    """Run a command that starts from a face-recognition network."""
    purpose, out, option, pictures = FROM_FACES[command]
    parser = _parser(command, purpose, epilog=DATA)
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument(
        "--teacher", type=Path, required=True, metavar="FILE", help="ONNX file of SFace's shape"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(out), metavar="FILE", help=f"for `train {option}` (default: {out})"
    )
    parser.add_argument(
        "--pictures", type=int, default=pictures, metavar="N", help=f"pictures shown ({pictures})"
    )
    parser.add_argument("--mix", type=_shares, metavar="SET=SHARE,...", help=HELP["mix"])
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    _common(parser)
    given = parser.parse_args(words)
    if given.pictures < 1:
        parser.error(f"--pictures is 1 or more, not {given.pictures}")
    from train.data import load
    from train.distill import distill
    from train.tutor import tutor

    teach = {"distill": distill, "tutor": tutor}[command]
    samples = load(_data(given.data), sets=given.sets, cache=given.cache, drop_leaks=True)
    teach(given.teacher, samples, given.out, pictures=given.pictures, mix=given.mix, seed=given.seed)
    print(f"use it: python -m train {option} {given.out}")
    return 0


def _check(words: list[str]) -> int:
    parser = _parser("check", "Look through data before training on them.", epilog=DATA)
    parser.add_argument("data", nargs="*", metavar="PATH", help="data folders or files")
    parser.add_argument(
        "--crops", action="store_true", help="compare the faces, not the whole pictures (slower)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write what was found")
    _common(parser)
    given = parser.parse_args(words)
    from train.check import check, report
    from train.provenance import write_json

    found = check(_data(given.data), sets=given.sets, crops=given.crops, cache=given.cache)
    print(report(found))
    if given.json:
        write_json(found, given.json)
    return 0


def _evaluate(words: list[str]) -> int:
    parser = _parser("evaluate", "Figures of a model on labelled data: JSON, and one HTML page.", epilog=DATA)
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument(
        "--set", "--sets", dest="sets", nargs="+", metavar="NAME", help="only these data sets (ferplus ...)"
    )
    parser.add_argument("--split", default="valid", help="train, valid or test (default: valid)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="the model (default: the shipped one)")
    parser.add_argument("--backend", default="auto", choices=("auto", "onnx", "torch"), help="default: auto")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N pictures of a set, evenly spread")
    parser.add_argument(
        "--no-slices", action="store_true", help="leave out the slices by size, pose and light"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("outputs/evaluation"), help="folder of JSON and page"
    )
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="fail where figures fall below these")
    parser.add_argument("--accept", type=Path, metavar="FILE", help="write the figures as a new baseline")
    parser.add_argument("--cache", metavar="FOLDER", help="folder of found faces (default: .cache/crops)")
    given = parser.parse_args(words)
    from emotion_core.recognizer import Recognizer
    from train import evaluate as job
    from train.page import write_page
    from train.provenance import write_json

    recognizer = Recognizer.from_pretrained(given.weights, backend=given.backend)
    outcome = job.evaluate(
        _data(given.data),
        recognizer,
        sets=given.sets,
        split=given.split,
        limit=given.limit,
        slices=not given.no_slices,
        cache=given.cache,
    )
    name = "-".join([*outcome["sets"], *{figures["split"]: 0 for figures in outcome["sets"].values()}])
    write_json(outcome, given.out / f"{name}.json")
    write_page(outcome, given.out / f"{name}.html")
    print(job.report(outcome))
    print(f"written: {given.out / name}.json and .html")
    if given.accept:
        write_json(job.baseline_of(outcome), given.accept)
    if given.baseline:
        lines = job.check_baseline(outcome, given.baseline)
        print("\n".join(lines) or f"no figure fell below {given.baseline}")
        return 1 if lines else 0
    return 0


def _calibrate(words: list[str]) -> int:
    parser = _parser("calibrate", "Fit one temperature on held-out data and store it in the weights file.")
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="safetensors (default: the shipped one)")
    parser.add_argument("--split", default="valid", help="default: valid, which training does not learn from")
    parser.add_argument("--dry-run", action="store_true", help="print only, store nothing")
    parser.add_argument(
        "--together", action="store_true", help="one for all sets, grey or in colour, each counting alike"
    )
    parser.add_argument(
        "--prior", type=_shares, metavar="CLASS=SHARE,...", help="first make the file assume these shares"
    )
    _common(parser)
    given = parser.parse_args(words)
    from emotion_core.checkpoint import WEIGHTS
    from train.calibrate import calibrate, report
    from train.prior import assume

    if given.prior:
        if given.dry_run:
            parser.error("--prior changes the weights file, --dry-run forbids it: leave out one of them")
        assume(given.weights or WEIGHTS, given.prior)
    outcome = calibrate(
        _data(given.data),
        given.weights or WEIGHTS,
        sets=given.sets,
        split=given.split,
        store=not given.dry_run,
        together=given.together,
    )
    print(report(outcome))
    if not given.dry_run:
        print("stored in the weights file, where every backend reads it")
    return 0


def _export(words: list[str]) -> int:
    from train.export import VARIANTS, export, report

    parser = _parser("export", "Write the network as ONNX in FP32, FP16 and INT8, and compare them.")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="safetensors (default: the shipped one)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="default: beside the weights")
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data for accuracy and INT8 ranges")
    parser.add_argument("--limit", type=int, default=1000, metavar="N", help="pictures to compare on (1000)")
    parser.add_argument("--no-compare", action="store_true", help="write FP32 alone, compare nothing")
    parser.add_argument(
        "--ship",
        choices=VARIANTS,
        help="write this one beside the weights (default: the fastest that answers as PyTorch does)",
    )
    _common(parser)
    given = parser.parse_args(words)
    from emotion_core.checkpoint import WEIGHTS

    data = [] if given.no_compare else _data(given.data)
    outcome = export(
        given.weights or WEIGHTS, given.out, data=data, sets=given.sets, limit=given.limit, cache=given.cache,
        ship=given.ship,
    )  # fmt: skip
    print(report(outcome))
    return 0


def _temporal(words: list[str]) -> int:
    parser = _parser("temporal", "Sixteen-frame clips: the temporal half against plain averaging.")
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="safetensors (default: the shipped one)")
    parser.add_argument(
        "--fit", action="store_true", help="train the temporal half first (the picture half stays)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="weights that --fit writes (default: --weights)"
    )
    parser.add_argument("--limit", type=int, default=600, metavar="N", help="clips of each kind (600)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table")
    parser.add_argument(
        "--videos", nargs="+", type=Path, metavar="FILE", help="also count label changes in these videos"
    )
    _common(parser)
    given = parser.parse_args(words)
    from emotion_core.checkpoint import WEIGHTS
    from train.provenance import write_json
    from train.run import temporal, temporal_report

    outcome = temporal(
        _data(given.data), given.weights or WEIGHTS, out=given.out, fit=given.fit,
        sets=given.sets, cache=given.cache, limit=given.limit, videos=given.videos or (),
    )  # fmt: skip
    print(temporal_report(outcome))
    if given.json:
        write_json(outcome, given.json)
    return 0


def _ablate(words: list[str]) -> int:
    parser = _parser("ablate", "What each part of the network is worth: trained on without it, and scored.")
    parser.add_argument("--data", nargs="+", metavar="PATH", help="data folders or files")
    parser.add_argument(
        "--init", type=Path, metavar="FILE", help="safetensors that all start from (default: the shipped one)"
    )
    parser.add_argument("--pictures", type=int, default=20_000, metavar="N", help="for each variant (20000)")
    parser.add_argument(
        "--clips", type=int, default=600, metavar="N", help="made clips for each temporal half (600; 0: none)"
    )
    parser.add_argument("--out", type=Path, default=Path("outputs/ablation"), help="folder of the variants")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="the table (default: ablation.json in --out)"
    )
    parser.add_argument("--resume", action="store_true", help="keep the variants that are done")
    for name, kind in (("batch", int), ("learning-rate", float), ("seed", int), ("workers", int)):
        parser.add_argument(f"--{name}", type=kind, help="as for training")
    _common(parser)
    given = vars(parser.parse_args(words))
    settings = {k: given[k] for k in ("batch", "learning_rate", "seed", "workers") if given[k] is not None}
    from emotion_core.checkpoint import WEIGHTS
    from train.ablate import ablate, report
    from train.provenance import write_json

    outcome = ablate(
        _data(given["data"]), given["init"] or WEIGHTS, pictures=given["pictures"], clips=given["clips"],
        out=given["out"], sets=given["sets"], cache=given["cache"], settings=settings, resume=given["resume"],
    )  # fmt: skip
    print(report(outcome))
    file = given["json"] or given["out"] / "ablation.json"
    write_json(outcome, file)
    print(f"written: {file}")
    return 0


def _push(words: list[str]) -> int:
    parser = _parser(
        "push", "Send weights and model card to the Hugging Face hub (log in with `hf auth login`)."
    )
    parser.add_argument("--repo", required=True, metavar="NAME/MODEL", help="the hub's repository")
    parser.add_argument(
        "--weights", type=Path, metavar="FOLDER", help="folder of weights (default: the shipped)"
    )
    parser.add_argument(
        "--public", action="store_true", help="make a new repository public (private by default)"
    )
    parser.add_argument("--dry-run", action="store_true", help="name the files and send nothing")
    given = parser.parse_args(words)
    from train.push import push

    for line in push(given.repo, given.weights, public=given.public, dry_run=given.dry_run):
        print(line)
    return 0


def _parser(command: str, text: str, epilog: str | None = None) -> argparse.ArgumentParser:
    name = "python -m train" if command == "train" else f"python -m train {command}"
    return argparse.ArgumentParser(
        prog=name,
        description=text,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sets", "--set", dest="sets", nargs="+", metavar="NAME", help="only the data sets of these names"
    )
    parser.add_argument("--cache", metavar="FOLDER", help="folder of found faces (default: .cache/crops)")


def _data(given: Sequence[str] | None) -> list[str]:
    """Give the data that were named, or else the first usual place that is there."""
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


def _shares(text: str) -> dict[str, Any]:
    try:
        pairs = [part.split("=") for part in text.split(",") if part]
        return {name.strip(): float(share) for name, share in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(f"wanted SET=SHARE,SET=SHARE, not {text!r}") from None


if __name__ == "__main__":
    sys.exit(main())
