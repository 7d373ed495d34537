"""`python -m train --data FOLDER`, from data to a model that the application takes: one screen."""

import contextlib
import dataclasses
import logging
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.contrib.logging import logging_redirect_tqdm

from emotion_core.network.checkpoint import WEIGHTS, read_metadata
from emotion_core.types import EmotionError
from train.config import TrainConfig
from train.data.rest import taught_by_shapes
from train.data.samples import Samples, load

SMALL = 5000  # labelled pictures below which training starts from the shipped weights
SMALL_RATE = 3e-4  # highest learning rate then: the network knows faces, only the answer is new

LATE = TrainConfig(category_weight=1.0, valence_weight=0.3, arousal_weight=0.3)
"""How the temporal module is trained when it is fitted alone."""

log = logging.getLogger("train")


def run(
    config: TrainConfig,
    *,
    sets: Sequence[str] | None = None,
    cache: str | None = None,
    workers: int | None = None,
    chosen: frozenset[str] = frozenset(),
) -> Path:
    """Read, train, calibrate and export; return the weights file.

    `chosen` names the settings that the user gave: only others are fitted to a small data set.

    Raises:
        EmotionError: for data that can't be trained on.
    """
    from train.fit.late import run_late
    from train.fit.loop import fit

    with first_in_line():  # the others then read the faces that the first has found
        samples = load(config.data, sets=sets, cache=cache, workers=workers, drop_leaks=True)
    if config.shapes:
        samples = taught_by_shapes(samples)
    say(samples)
    config = adapt(config, samples, chosen)
    with logging_redirect_tqdm():  # lines of their own, above the progress bar
        weights = (run_late if config.late else fit)(config, samples) / "best.safetensors"
    if int(os.environ.get("RANK", 0)) == 0:
        finish(config, weights, samples, sets)
    return weights


@contextlib.contextmanager
def first_in_line() -> Iterator[None]:
    """Under `torchrun`, let the first process go ahead and the others follow; alone, do nothing."""
    if int(os.environ.get("WORLD_SIZE", 1)) < 2:
        yield
        return
    import torch
    from torch import distributed as dist

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    if not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=timedelta(hours=2))
    if dist.get_rank() != 0:
        dist.barrier()
    yield
    if dist.get_rank() == 0:
        dist.barrier()


def say(samples: Samples) -> None:
    """Log what was read, and stop where it can't be learnt from.

    Raises:
        EmotionError: where fewer than two categories have training pictures.
    """
    counts = {split: samples.where(split).counts() for split in ("train", "valid")}
    log.info("%d pictures; scored pictures of each category (train, valid):", len(samples))
    for label in samples.labels:
        log.info("  %-16s %6d %6d", label, counts["train"][label], counts["valid"][label])
    there = [label for label, n in counts["train"].items() if n]
    if len(there) < 2:
        raise EmotionError(f"training needs two categories with pictures, not {', '.join(there) or 'none'}")
    if len(there) < len(samples.labels):
        absent = ", ".join(label for label in samples.labels if label not in there)
        log.warning("no training picture of %s: the model won't know what that looks like", absent)
    if not sum(counts["valid"].values()):
        log.warning("no picture is held back: the figures of this run will say nothing of new pictures")
    hidden = float((~samples.present).mean())
    if hidden > 0.2:
        log.warning("%.0f %% of the pictures show no face that landmarks are found on", 100 * hidden)


def adapt(config: TrainConfig, samples: Samples, chosen: frozenset[str]) -> TrainConfig:
    """Start a small data set from the shipped weights, at a gentle rate, unless the user said otherwise."""
    labelled = int((samples.labelled & (samples.split == "train")).sum())
    if labelled >= SMALL or "init" in chosen or not WEIGHTS.is_file():
        return config
    shipped = read_metadata(WEIGHTS)
    if not shipped.trained:
        return config
    log.info("%d labelled pictures are few: training starts from the shipped weights", labelled)
    size = int(shipped.config.get("resolution", config.size))  # what these weights read
    changes: dict[str, object] = {"init": str(WEIGHTS), "size": size}
    if "learning_rate" not in chosen:
        changes["learning_rate"] = SMALL_RATE
    for name, value in (("balance", 1.0), ("ema", 0.98)):  # a short run needs a short memory
        if name not in chosen:
            changes[name] = value
    return dataclasses.replace(config, **changes)  # type: ignore[arg-type]


def finish(config: TrainConfig, weights: Path, samples: Samples, sets: Sequence[str] | None) -> None:
    """Calibrate where enough pictures are held back, write ONNX, and say how the model is used."""
    from emotion_core.network.checkpoint import load_network
    from emotion_core.network.onnx_export import export_onnx
    from train.measure.calibrate import FEWEST, calibrate
    from train.measure.calibrate import report as calibration_report

    if not weights.is_file():
        raise EmotionError(f"no epoch was finished, so {weights} was not written: raise --epochs")
    held_out = int(np.sum((samples.split == "valid") & (samples.majority >= 0)))
    if held_out >= FEWEST:
        print(calibration_report(calibrate(config.data, weights, sets=sets)))
    else:
        log.info("%d pictures are held back, too few to calibrate on: confidence may be too high", held_out)
    net, metadata = load_network(weights)
    export_onnx(net, metadata, weights)
    print(f"the model: {weights}")
    print(f"use it:    python main.py --video VIDEO --weights {weights}")
    print(f"           python app.py --weights {weights}")


def temporal(
    data: Sequence[str],
    weights: Path,
    *,
    out: Path | None = None,
    fit: bool = False,
    sets: Sequence[str] | None = None,
    cache: str | None = None,
    limit: int = 600,
    videos: Sequence[Path] = (),
) -> dict[str, Any]:
    """Compare the temporal module with plain averaging on synthetic clips; with `fit`, train it first.

    With `fit`, the weights are written to `out`, with the temperature they had: calibrate them next.
    """
    from emotion_core.network.checkpoint import load_network, save_network
    from train.fit.temporal import compare, compare_video, fit_temporal
    from train.measure.provenance import provenance

    net, meta = load_network(weights)
    samples = load(data, sets=sets, cache=cache, drop_leaks=fit, split=None if fit else "valid")
    if samples.labels != meta.labels:
        raise EmotionError(f"{weights} knows {', '.join(meta.labels)}, the data {', '.join(samples.labels)}")
    outcome: dict[str, Any] = {"before": compare(net, samples, limit=limit)}
    facts = dict(meta.facts)
    if fit:
        net = fit_temporal(net, samples, LATE)
        outcome["after"] = compare(net, samples, limit=limit)
        facts["temporal"] = samples.digest()
        meta = save_network(
            net,
            out or weights,
            meta.labels,
            trained=True,
            temperature=meta.temperature,
            temperature_color=meta.temperature_color,
            facts=facts,
        )
    if videos:
        outcome["videos"] = compare_video((out or weights) if fit else weights, videos)
    return outcome | {"provenance": provenance({"sha256": meta.sha256}), "split": "valid"}


def temporal_report(outcome: dict[str, Any]) -> str:
    """Write the comparison as text for a terminal."""
    lines = []
    for stage in ("before", "after", "videos"):
        for number, row in enumerate(outcome.get(stage, ())):
            if not number:
                lines += [
                    "now" if stage == "before" and "after" not in outcome else stage,
                    "  ".join(f"{k:>22s}" for k in row),
                ]
            values = (f"{v:.4f}" if isinstance(v, float) else str(v) for v in row.values())
            lines.append("  ".join(f"{v:>22s}" for v in values))
    return "\n".join(lines)
