"""`python -m train ablate`: what each part of the network is worth.

Every variant starts from the same weights, loses its part, and is trained on the same pictures in the same
order, with the recipe that the weights themselves were trained with; the full network too. It is then scored
on the stills of "valid". After that its temporal module is trained on synthetic clips, as `python -m train
temporal --fit` does, and scored on such clips of "valid": jitter, blur, occlusion, dropped frames and, in
half of them, another expression at the end. So every part is seen where it should help. The rest of the
network grew up with the part and has a short time to do without it: a part is worth no more than is found.
"""

import dataclasses
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core.network.checkpoint import load_network, read_metadata
from emotion_core.types import EmotionError
from train.config import PARTS, TrainConfig, renamed
from train.data.samples import Samples, load
from train.fit.run import SMALL_RATE, say
from train.measure.provenance import provenance

ATTENTION = tuple(part for part in PARTS if part.endswith("attention"))
VARIANTS: dict[str, tuple[str, ...]] = {
    "full": (),
    **{f"no {part.replace('_', ' ')}": (part,) for part in PARTS},
    "no attention at all": ATTENTION,
}
_TESTED = 300  # clips of "valid"

log = logging.getLogger("train")


def ablate(
    data: Sequence[str],
    weights: Path,
    *,
    pictures: int = 20_000,
    clips: int = 600,
    out: Path = Path("outputs/ablation"),
    sets: Sequence[str] | None = None,
    cache: str | None = None,
    settings: dict[str, Any] | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Train and score every variant of `VARIANTS`; return the table, ready for JSON; `report` prints it.

    Args:
        data: data folders or files.
        weights: safetensors that every variant starts from.
        pictures: pictures that each variant is trained on.
        clips: synthetic clips that its temporal module is trained on, 0 for none: then clips are not scored.
        out: folder of the variants' checkpoints.
        sets: names of the data sets to use, all by default.
        cache: folder of the crops, see `train.data.samples.load`.
        settings: fields of `TrainConfig` that differ from the recipe of `weights`.
        resume: keep the variants that `out` holds from a run with the same settings.

    Raises:
        EmotionError: for weights or data that can't be trained on.
    """
    from train.fit.loop import fit

    meta = read_metadata(weights)
    samples = load(data, sets=sets, cache=cache, drop_leaks=True)
    if samples.labels != meta.labels:
        raise EmotionError(f"{weights} knows {', '.join(meta.labels)}, the data {', '.join(samples.labels)}")
    say(samples)
    before = meta.facts.get("config") or meta.facts.get("recipe") or {}
    if not before:
        log.warning("%s does not say how it was trained: the default recipe is used", weights)
    base = recipe(before, int(meta.config["resolution"]), pictures, settings or {})
    base = dataclasses.replace(base, data=tuple(data), init=str(weights), resume=resume)
    rows = []
    for name, without in VARIANTS.items():
        folder = out / name.replace(" ", "-")
        log.info("%s:", name)
        fit(dataclasses.replace(base, without=without, out=str(folder), logs=str(folder / "log")), samples)
        rows.append({"variant": name, **score(folder / "best.safetensors", samples, base, clips)})
    for row, (encode, decide) in zip(
        rows, times([out / r["variant"].replace(" ", "-") for r in rows]), strict=True
    ):
        row["encode_ms"], row["decide_ms"] = encode, decide
    return {
        "kind": "ablation",
        "provenance": provenance({"sha256": meta.sha256}),
        "data": samples.digest(),
        "recipe": base.as_dict(),
        "clips": clips,
        "rows": rows,
    }


def recipe(before: dict[str, Any], size: int, pictures: int, settings: dict[str, Any]) -> TrainConfig:
    """Return the settings of every variant: those of the weights, for one short epoch at a gentle rate.

    Labels are those of people alone, as nothing tells where the weights' teachers lie.
    """
    known = {f.name for f in dataclasses.fields(TrainConfig)} - {"without", "teachers", "distillation_weight"}
    own = {name: value for name, value in renamed(before).items() if name in known}
    short = {"epochs": 1, "epoch_pictures": pictures, "learning_rate": SMALL_RATE, "ema": 0.98}
    try:
        return TrainConfig(**{**own, **short, "size": size, **settings})
    except (TypeError, ValueError) as error:
        raise EmotionError(f"the recipe of these weights can't be used again: {error}") from None


def score(weights: Path, samples: Samples, config: TrainConfig, clips: int) -> dict[str, Any]:
    """Return a variant's figures on stills and on clips, and the number of parameters that it uses."""
    net, meta = load_network(weights)
    figures = {k: v for k, v in meta.facts["figures"].items() if k.endswith(("/accuracy", "/balanced"))}
    row = {
        "parameters": parameters(net),
        "pictures": meta.facts["step"] * config.batch,
        "figures": figures,
        "mean": float(np.mean(list(figures.values()))) if figures else None,
    }
    return row | ({"clips": on_clips(net, samples, config, clips)} if clips else {})


def on_clips(net: Any, samples: Samples, config: TrainConfig, clips: int) -> float:
    """Train the temporal module on synthetic clips; return the accuracy at the last frame of "valid" ones."""
    import torch

    from train.fit.temporal import encode_clips, fit_temporal

    net = fit_temporal(net, samples, config, pictures=clips, steps=max(1, 6 * clips // config.batch))
    valid = np.flatnonzero((samples.split == "valid") & (samples.majority >= 0) & samples.present)
    picked = np.random.default_rng(1).permutation(valid)[:_TESTED]
    bank = encode_clips(net, samples, picked, "mixed", frames=net.config.window, size=config.size, seed=1)
    with torch.no_grad():
        predicted = net.decide(bank.features.float())[0].argmax(1)
    return float((predicted == bank.target[:, -1].argmax(1)).float().mean())


def parameters(net: Any) -> int:
    """Count the parameters that answers hang on: a part that is switched off has none."""
    off = {"temporal_attention": net.temporal, "channel_attention": net.channel, "landmarks": net.landmark}
    unused = [part for name, part in off.items() if not getattr(net.config, name)]
    counted = sum(p.numel() for p in net.parameters())
    counted -= sum(p.numel() for part in unused for p in part.parameters())
    return counted + (0 if net.config.landmarks else net.landmark.missing.numel())


def times(folders: Sequence[Path]) -> list[tuple[float, float]]:
    """Return the milliseconds of `encode` and `decide` of the variants in `folders`, on one thread."""
    from emotion_core.network.onnx_export import export_onnx
    from train.ship.variants import open_pair, timings

    with tempfile.TemporaryDirectory() as scratch:
        networks = []
        for folder in folders:
            net, meta = load_network(folder / "best.safetensors")
            base = Path(scratch) / f"{folder.name}.safetensors"
            export_onnx(net, meta, base)
            networks.append(open_pair(base, meta, threads=1))
        return timings(networks)


def report(outcome: dict[str, Any]) -> str:
    """Write the table in Markdown: per cent, and in brackets the points against the full network."""
    rows = outcome["rows"]
    names = list(rows[0]["figures"])
    head = ["variant", *(n.replace("/", " ") for n in names), "mean"]
    head += ["clips"] * ("clips" in rows[0]) + ["parameters", "encode + decide, ms"]

    def values(row: dict[str, Any]) -> list[float]:
        return [*row["figures"].values(), row["mean"]] + ([row["clips"]] if "clips" in row else [])

    lines = ["| " + " | ".join(head) + " |", "|---|" + "---|" * (len(head) - 1)]
    for number, row in enumerate(rows):
        cells = [row["variant"]]
        for value, full in zip(values(row), values(rows[0]), strict=True):
            cells.append(f"{100 * value:.1f}" + (f" ({100 * (value - full):+.1f})" if number else ""))
        cells += [f"{row['parameters']:,}", f"{row['encode_ms']:.1f} + {row['decide_ms']:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    same = f"{rows[0]['pictures']:,} pictures each, the same ones, seed {outcome['recipe']['seed']}"
    return "\n".join([*lines, "", same])
