"""Where training starts: from the weights of another run or of a shipped model, as far as they fit."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from train.loop import Student

log = logging.getLogger("train")


def start_from(student: "Student", path: Path) -> None:
    """Copy weights into `student`: a checkpoint of training (.pt), or a weights file (.safetensors).

    From a weights file, layers of another shape stay as they are; that is the last layer alone where the
    categories are others. Which ones is logged.

    Raises:
        EmotionError: where the file is missing, foreign, or shares less than nine tenths of the weights.
    """
    import torch

    if not path.is_file():
        raise EmotionError(f"no weights to start from at {path}: name a .safetensors or .pt file with --init")
    if path.suffix == ".pt":
        try:
            student.load_state_dict(torch.load(path, weights_only=True, map_location="cpu")["average"])
        except (RuntimeError, KeyError, ValueError, EOFError) as error:
            reason = " ".join(str(error).split())[:160]
            raise EmotionError(f"{path} is no checkpoint of this network: {reason}") from None
        return
    from emotion_core.checkpoint import load_arrays

    meta, arrays = load_arrays(path)
    if not meta.trained:
        raise EmotionError(f"{path} is untrained: there is nothing to start from")
    state = student.net.state_dict()
    fits = {
        name: torch.from_numpy(array).to(state[name].dtype)
        for name, array in arrays.items()
        if name in state and tuple(state[name].shape) == array.shape
    }
    fresh = sorted(set(state) - set(fits))
    shared = sum(state[name].numel() for name in fits) / sum(v.numel() for v in state.values())
    if shared < 0.9:
        raise EmotionError(f"{path} is of another network: only {shared:.0%} of its weights fit this one")
    student.net.load_state_dict({**state, **fits}, strict=True)
    log.info("started from %s (%s)", path.name, f"new: {', '.join(fresh)}" if fresh else "every layer")
