"""Where training starts: from weights that are named, or from the checkpoint of a run that was cut short."""

import logging
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.types import EmotionError
from train.config import TrainConfig, renamed

if TYPE_CHECKING:
    from torch import nn

    from emotion_core.network.spatiotemporal import NetConfig

log = logging.getLogger("train")


def shape_of(config: TrainConfig, classes: int) -> "NetConfig":
    """Give the shape of the network to train: the default one, or that of the weights file it starts from."""
    from emotion_core.network.checkpoint import read_metadata
    from emotion_core.network.spatiotemporal import NetConfig

    init = Path(config.init)
    shape: dict[str, Any] = {}
    if init.suffix == ".safetensors" and init.is_file():
        shape = {k: tuple(v) if isinstance(v, list) else v for k, v in read_metadata(init).config.items()}
    shape |= {"classes": classes, "resolution": config.size, **dict.fromkeys(config.without, False)}
    return NetConfig(**shape)


def start_from(student: "nn.Module", path: Path) -> None:
    """Copy weights into a `train.fit.student.Student`: a checkpoint (.pt), or a weights file (.safetensors).

    From a weights file, layers of another shape stay as they are; that is the last layer alone where the
    categories are others. Layers that the student lacks are left out, as where a part is switched off.
    Both are logged.

    Raises:
        EmotionError: where the file is missing, foreign, or shares less than nine tenths of the weights.
    """
    import torch

    if not path.is_file():
        raise EmotionError(f"no weights to start from at {path}: name a .safetensors or .pt file with --init")
    state = student.state_dict()
    if path.suffix == ".pt":
        arrays = _read(path).get("average", {})
        other = [n for n, v in state.items() if n not in arrays or arrays[n].shape != v.shape]
        if other:
            raise EmotionError(f"{path} is no checkpoint of this network: it has no {other[0]} of this shape")
        fits = {name: arrays[name] for name in state}
    else:
        from emotion_core.network.checkpoint import load_arrays

        meta, stored = load_arrays(path)
        if not (meta.trained or "teacher" in meta.facts):  # what `distill` wrote knows faces
            raise EmotionError(f"{path} is untrained: there is nothing to start from")
        arrays = {f"net.{name}": torch.from_numpy(array) for name, array in stored.items()}
        fits = {
            name: array.to(state[name].dtype)
            for name, array in arrays.items()
            if name in state and state[name].shape == array.shape
        }
        own = {name: value for name, value in state.items() if name.startswith("net.")}
        shared = sum(own[name].numel() for name in fits) / sum(v.numel() for v in own.values())
        if shared < 0.9:
            raise EmotionError(f"{path} is of another network: only {shared:.0%} of its weights fit this one")
    student.load_state_dict({**state, **fits}, strict=True)
    fresh = sorted(n for n in set(state) - set(fits) if n.startswith("net."))
    unused = sorted(set(arrays) - set(state))
    said = [f"{word}: {', '.join(names)}" for word, names in (("new", fresh), ("left out", unused)) if names]
    log.info("started from %s (%s)", path.name, "; ".join(said) or "every layer")


def resume(
    path: Path, facts: dict[str, Any], student: "nn.Module", average: "nn.Module", optimizer: Any
) -> tuple[int, float, int]:
    """Load the checkpoint of a run; return its next step, best score and number of epochs without gain.

    Raises:
        EmotionError: where it is damaged, or of other data or another network.
    """
    state = _read(path)
    try:
        if state["data"] != facts["data"]:
            raise EmotionError(f"{path} was trained on other data: start afresh without --resume")
        student.load_state_dict(state["student"])
        average.load_state_dict(state["ema"])
        optimizer.load_state_dict(state["optimizer"])
        place = int(state["step"]), float(state["best"]), int(state["stale"])
    except (RuntimeError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise EmotionError(f"{path} does not fit this run, start afresh without --resume: {reason}") from None
    before = renamed(state["config"])
    changed = [f"{k} {before[k]} -> {v}" for k, v in facts["config"].items() if before.get(k, v) != v]
    if changed:
        log.warning("settings differ from those of %s: %s", path.name, ", ".join(changed))
    return place


def _read(path: Path) -> dict[str, Any]:
    import torch

    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except (RuntimeError, ValueError, OSError, EOFError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:120]
        raise EmotionError(f"{path} is damaged or no checkpoint: {reason}") from None
    if not isinstance(state, dict):
        raise EmotionError(f"{path} is no checkpoint of training")
    return state
