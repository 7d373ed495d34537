"""The network on ONNX Runtime or on PyTorch: the same two calls, the same answers.

`encode` runs once per frame; `decide` reads the last 16 feature vectors.
"""

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from emotion_core.files import cache_dir
from emotion_core.hashes import verified
from emotion_core.network import checkpoint
from emotion_core.network.checkpoint import Metadata, onnx_files
from emotion_core.onnx_session import open_session
from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from torch import Tensor

log = logging.getLogger(__name__)

UNTRAINED = "the weights are UNTRAINED: every emotion it names is a guess; train them first, or name others"


class Network(Protocol):
    """What a Recognizer needs of a network, whatever runs it."""

    metadata: Metadata

    @property
    def feature_size(self) -> int:
        """Length F of the vector that a window holds of each frame."""

    @property
    def window(self) -> int:
        """Number of frames that `decide` reads."""

    def encode(self, images: np.ndarray, landmarks: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Turn (N, 3, 224, 224), (N, 50, 2) and (N,) float32 into features (N, F) float32."""

    def decide(
        self, window: np.ndarray, color: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read (N, T, F), newest last: probabilities (N, K), valence (N,) and arousal (N,).

        `color`, bool (N,), says whose newest picture has colours, which is calibrated apart; None: nobody's.
        """


def _answers(
    outputs: Sequence[np.ndarray], metadata: Metadata, color: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Calibrate logits (N, K) into probabilities that sum to 1, and keep valence and arousal in range."""
    logits, valence, arousal = outputs
    color = np.zeros(len(logits), bool) if color is None else color
    temperature = np.where(color, metadata.temperature_color, metadata.temperature)[:, None]
    scaled = logits.astype(np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(1, keepdims=True))
    probabilities = (scaled / scaled.sum(1, keepdims=True)).astype(np.float32)
    return probabilities, np.clip(valence, -1, 1), np.clip(arousal, 0, 1)


_AT_ONCE = 8  # faces: what lies between the layers of more of them leaves the processor's cache


class OnnxNetwork:
    """The network on ONNX Runtime."""

    def __init__(self, encode: "InferenceSession", decide: "InferenceSession", metadata: Metadata):
        self._encode, self._decide, self.metadata = encode, decide, metadata
        self.window = int(metadata.config["window"])
        self.feature_size = int(decide.get_inputs()[0].shape[2])
        self._channels = int(encode.get_inputs()[0].shape[1])  # files made before 0.2 take all three

    def encode(self, images: np.ndarray, landmarks: np.ndarray, present: np.ndarray) -> np.ndarray:
        """See `Network.encode`."""
        if not len(images):
            return np.zeros((0, self.feature_size), np.float32)
        feed = {"images": images[:, : self._channels], "landmarks": landmarks, "present": present}
        return _run(self._encode, feed)[0]

    def decide(
        self, window: np.ndarray, color: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `Network.decide`."""
        return _answers(_run(self._decide, {"window": window}), self.metadata, color)


def _run(session: "InferenceSession", feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Run a model on N faces, a few of them after another; its inputs, and what it gives, begin with N."""
    feed = {name: np.ascontiguousarray(values, np.float32) for name, values in feed.items()}
    count = len(next(iter(feed.values())))
    if count <= _AT_ONCE:
        return list(session.run(None, feed))
    parts = [
        session.run(None, {name: values[start : start + _AT_ONCE] for name, values in feed.items()})
        for start in range(0, count, _AT_ONCE)
    ]
    return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]


class TorchNetwork:
    """The network on PyTorch, on the CPU or on CUDA; in 8 bits where the ONNX file beside it is."""

    def __init__(self, path: Path, device: str):
        import torch

        net, self.metadata = checkpoint.load_network(path)
        encode, _ = onnx_files(path)
        if belongs(encode, self.metadata):
            verified(encode)
            from emotion_core.network.quantized import as_exported

            once = as_exported(net, encode)
        else:
            from emotion_core.network.once import Once

            once = Once(net)
        self._torch, self._device = torch, torch.device(device)
        self._once = once.to(self._device)
        self.net = once.net
        self.window, self.feature_size = net.config.window, self._once.feature_size

    def _tensor(self, array: np.ndarray) -> "Tensor":
        return self._torch.tensor(np.ascontiguousarray(array, np.float32), device=self._device)

    def encode(self, images: np.ndarray, landmarks: np.ndarray, present: np.ndarray) -> np.ndarray:
        """See `Network.encode`."""
        if not len(images):
            return np.zeros((0, self.feature_size), np.float32)
        with self._torch.inference_mode():
            out = self._once.encode(
                self._tensor(images[:, :1]), self._tensor(landmarks), self._tensor(present)
            )
        return out.float().cpu().numpy()

    def decide(
        self, window: np.ndarray, color: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `Network.decide`."""
        with self._torch.inference_mode():
            outputs = self._once.decide(self._tensor(window))
        return _answers([out.float().cpu().numpy() for out in outputs], self.metadata, color)


def load_network(
    path: str | Path | None = None, *, backend: str = "auto", device: str = "auto", threads: int | None = None
) -> Network:
    """Load weights on a backend ("auto", "onnx" or "torch") and a device ("auto", "cpu" or "cuda").

    "auto" is PyTorch where "cuda" is asked for, and ONNX Runtime on the CPU otherwise. ONNX files beside the
    weights are used when they were exported from these very weights; else they are exported into the cache.

    Raises:
        EmotionError: for weights, a backend or a device that cannot be used.
    """
    if backend not in ("auto", "onnx", "torch"):
        raise EmotionError(f"backend is auto, onnx or torch, not {backend!r}")
    if device not in ("auto", "cpu", "cuda"):
        raise EmotionError(f"device is auto, cpu or cuda, not {device!r}")
    path = Path(path) if path else checkpoint.WEIGHTS
    if path == checkpoint.WEIGHTS and not path.is_file():
        checkpoint.ensure(path)
    if backend == "torch" or (backend == "auto" and device == "cuda"):
        network: Network = TorchNetwork(path, _torch_device(device))
    else:
        if device == "cuda":
            raise EmotionError("ONNX Runtime is used on the CPU here: choose backend torch for device cuda")
        network = _load_onnx(path, threads)
    if not network.metadata.trained:
        log.warning(UNTRAINED)
    return network


def _torch_device(device: str) -> str:
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise EmotionError("no CUDA device answers here: choose device cpu")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def _load_onnx(path: Path, threads: int | None) -> OnnxNetwork:
    metadata = checkpoint.read_metadata(path)
    files = onnx_files(path)
    for file in filter(Path.is_file, files):
        verified(file)
    if not all(belongs(file, metadata) for file in files):
        files = _export_into_cache(path, metadata)
    try:
        encode = open_session(files[0], threads or min(2, os.cpu_count() or 1))
        decide = open_session(files[1])  # a millisecond of small products, which two threads only slow down
    except Exception as error:  # onnxruntime raises many kinds, none of them public
        raise EmotionError(f"{files[0].name} cannot be run: {str(error).splitlines()[0]}") from error
    return OnnxNetwork(encode, decide, metadata)


def belongs(file: Path, metadata: Metadata) -> bool:
    """Tell whether an ONNX file was exported from the weights with this sha256; read from its tail."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - 4096))
        return metadata.sha256.encode() in stream.read()


def _export_into_cache(path: Path, metadata: Metadata) -> tuple[Path, Path]:
    key = hashlib.sha256(metadata.sha256.encode()).hexdigest()[:16]
    target = cache_dir() / f"{key}.safetensors"
    files = onnx_files(target)
    if not all(belongs(file, metadata) and verified(file) for file in files):
        from emotion_core.network.onnx_export import (
            export_onnx,  # torch, which a run from the cache does not need
        )

        log.info("exporting %s for ONNX Runtime, once", path.name)
        net, _ = checkpoint.load_network(path)
        export_onnx(net, metadata, target)
    return files
