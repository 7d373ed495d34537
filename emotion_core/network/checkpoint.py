"""The weights file: safetensors with the network's shape, its labels and a sha256, and nothing pickled."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emotion_core.files import weights_dir, written_beside
from emotion_core.hashes import note, verified
from emotion_core.labels import EMOTIONS
from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet

FORMAT = "spatiotemporal-emotion-1"
WEIGHTS = weights_dir() / "emotion.safetensors"
"""The weights that are shipped."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Metadata:
    """What a weights file says of itself.

    Scores are divided by `temperature` before the softmax, those of a colour picture by `temperature_color`.
    """

    labels: tuple[str, ...]
    config: Mapping[str, Any]
    trained: bool
    sha256: str
    temperature: float = 1.0
    temperature_color: float = 1.0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels) or len(self.labels) < 2:
            raise ValueError(f"labels are two or more different names, not {self.labels}")
        if set(self.labels) == set(EMOTIONS) and self.labels != EMOTIONS:
            raise ValueError(f"the labels stand in the order {self.labels}, not {EMOTIONS}")
        if self.config.get("classes") != len(self.labels):
            raise ValueError(f"{self.config.get('classes')} classes but {len(self.labels)} labels")
        if not (self.temperature > 0 and self.temperature_color > 0):
            raise ValueError(f"temperatures are positive, not {self.temperature}, {self.temperature_color}")


def pack(meta: Metadata) -> dict[str, str]:
    """Turn metadata into the strings that safetensors and ONNX files hold."""
    return {
        "format": FORMAT,
        "labels": json.dumps(list(meta.labels)),
        "config": json.dumps(dict(meta.config)),
        "trained": json.dumps(meta.trained),
        "sha256": meta.sha256,
        "temperature": json.dumps(meta.temperature),
        "temperature_color": json.dumps(meta.temperature_color),
        "facts": json.dumps(dict(meta.facts)),
    }


def unpack(strings: Mapping[str, str], path: Path) -> Metadata:
    """Read metadata back.

    Raises:
        EmotionError: where the strings are not of this project or contradict themselves.
    """
    if strings.get("format") != FORMAT:
        raise EmotionError(f"{path} is no weights file of this program: choose one written by its training")
    try:
        return Metadata(
            labels=tuple(json.loads(strings["labels"])),
            config=json.loads(strings["config"]),
            trained=bool(json.loads(strings["trained"])),
            sha256=strings["sha256"],
            temperature=float(json.loads(strings["temperature"])),
            temperature_color=float(json.loads(strings.get("temperature_color", strings["temperature"]))),
            facts=json.loads(strings["facts"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EmotionError(f"{path} cannot be used: {error}") from error


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the sha256 over names, shapes and bytes of all arrays, in the order of their names."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f"{name} {array.dtype} {array.shape}".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()


def read_metadata(path: Path) -> Metadata:
    """Read what a safetensors file says of itself, without its weights.

    Raises:
        EmotionError: where the file is missing, cut off or not of this project.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise EmotionError(f"there are no weights at {path}: run `python main.py` to create them")
    try:
        with safe_open(path, framework="np") as file:
            strings = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise EmotionError(f"{path} is damaged or no safetensors file: fetch it again ({error})") from error
    return unpack(strings, path)


def load_arrays(path: Path) -> tuple[Metadata, dict[str, np.ndarray]]:
    """Read metadata and weights and check the sha256.

    Raises:
        EmotionError: as `read_metadata` does, and where the weights do not match their sha256.
    """
    from safetensors.numpy import load_file

    meta = read_metadata(path)
    arrays = load_file(verified(path))
    if digest(arrays) != meta.sha256:
        raise EmotionError(f"{path} does not match its sha256: the file is damaged, fetch it again")
    return meta, arrays


def save_arrays(path: Path, meta: Metadata, arrays: dict[str, np.ndarray]) -> None:
    """Write metadata and weights beside and rename; the twin of `load_arrays`."""
    from safetensors.numpy import save_file

    with written_beside(path) as part:
        save_file(arrays, part, metadata=pack(meta))
        part.chmod(0o644)  # safetensors writes files that only their owner reads
    note(path, known_only=True)


def save_network(
    net: "SpatioTemporalEmotionNet",
    path: Path,
    labels: Sequence[str] = EMOTIONS,
    *,
    trained: bool,
    half: bool = True,
    temperature: float = 1.0,
    temperature_color: float | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Metadata:
    """Write a network's weights, in half precision unless told otherwise, beside and rename.

    Where no temperature of colour pictures is given, it is that of the others.
    """
    arrays = {}
    for name, tensor in net.state_dict().items():
        array = tensor.detach().cpu().contiguous().numpy()
        shrink = half and array.dtype == np.float32 and "running_" not in name
        arrays[name] = array.astype(np.float16) if shrink else array
    meta = Metadata(
        labels=tuple(labels),
        config=net.config.as_dict(),
        trained=trained,
        sha256=digest(arrays),
        temperature=temperature,
        temperature_color=temperature_color or temperature,
        facts=facts or {},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    save_arrays(path, meta, arrays)
    return meta


def load_network(path: Path) -> tuple["SpatioTemporalEmotionNet", Metadata]:
    """Build the PyTorch network of a weights file, in float32 and evaluation mode.

    Raises:
        EmotionError: where the file cannot be used.
    """
    import torch

    from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet

    meta, arrays = load_arrays(path)
    try:
        config: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in meta.config.items()}
        net = SpatioTemporalEmotionNet(NetConfig(**config))
        state = {name: torch.from_numpy(array) for name, array in arrays.items()}
        net.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in state.items()}, strict=True
        )
    except (TypeError, ValueError, RuntimeError) as error:
        raise EmotionError(f"{path} does not fit this network: {str(error).splitlines()[0]}") from error
    return net.eval(), meta


def ensure(path: Path = WEIGHTS) -> Metadata:
    """Verify the weights file, or create an initialised one that is marked untrained; say which."""
    if path.is_file():
        meta, _ = load_arrays(path)
        return meta
    from emotion_core.network.design import initialise
    from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet

    meta = save_network(initialise(SpatioTemporalEmotionNet()), path, trained=False)
    log.warning("%s did not exist: wrote an UNTRAINED network, whose answers mean nothing", path)
    return meta


def onnx_files(path: Path) -> tuple[Path, Path]:
    """Return the names of the two ONNX files that belong to a safetensors file."""
    return path.with_suffix(".encode.onnx"), path.with_suffix(".decide.onnx")
