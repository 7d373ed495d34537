"""The network as LiteRT files for phones: both halves, in FP32, FP16 and 8 bits.

Both take one face at a time. FP16 stores the weights of products in half precision; phones compute in either.
In 8 bits, products of matrices and the later pointwise convolutions have 8-bit weights, with a scale for each
channel, and round what comes in when it comes in. That needs no pictures to choose ranges, and answers stay
nearer to those of single precision than with fixed ranges. Depthwise convolutions, whose few weights differ
most, and the first pointwise ones, whose rounding all later layers see, are kept in half precision.
"""

import contextlib
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from emotion_core.faces.crop import SIZE
from emotion_core.faces.hush import quiet
from emotion_core.network.checkpoint import Metadata
from emotion_core.network.once import Once
from emotion_core.network.runtime import _answers
from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet
from emotion_core.types import EmotionError

if TYPE_CHECKING:
    from ai_edge_quantizer import Quantizer

PRECISIONS = ("fp32", "fp16", "int8")
HALVES = ("encode", "decide")
FILES = (*(f"{half}.tflite" for half in HALVES), "network.json")
"""What a folder of one precision holds."""

NEEDS = "litert-torch==0.10.0"


class Encode(nn.Module):
    """The half that runs once a frame, for one face: grey picture (1, 224, 224), key points, presence."""

    def __init__(self, once: Once):
        super().__init__()
        self.once = once

    def forward(self, images: Tensor, landmarks: Tensor, present: Tensor) -> dict[str, Tensor]:
        """Read (1, 224, 224), (1, 50, 2) and (1,): `features` (1, F)."""
        return {"features": self.once.encode(images[:, None], landmarks, present)}


class Decide(nn.Module):
    """The half that reads a window, for one face."""

    def __init__(self, once: Once):
        super().__init__()
        self.once = once

    def forward(self, window: Tensor) -> dict[str, Tensor]:
        """Read (1, T, F), newest last: `logits` (1, K), `valence` (1,) and `arousal` (1,)."""
        return dict(zip(("logits", "valence", "arousal"), self.once.decide(window), strict=True))


class LiteNetwork:
    """A folder of LiteRT files as the library calls a network; see `runtime.Network`."""

    def __init__(self, folder: Path, metadata: Metadata):
        self.metadata = metadata
        self._encode, self._decide = (_runner(folder / f"{half}.tflite") for half in HALVES)
        settings = json.loads((folder / FILES[-1]).read_text("utf-8"))
        self.window, self.feature_size = int(settings["window"]), int(settings["features"])

    def encode(self, images: np.ndarray, landmarks: np.ndarray, present: np.ndarray) -> np.ndarray:
        """See `Network.encode`."""
        rows = zip(*(np.asarray(a, np.float32) for a in (images[:, 0], landmarks, present)), strict=True)
        found = [
            self._encode(images=i[None], landmarks=p[None], present=there[None])["features"]
            for i, p, there in rows
        ]
        return np.concatenate(found) if found else np.zeros((0, self.feature_size), np.float32)

    def decide(
        self, window: np.ndarray, color: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `Network.decide`."""
        rows = [self._decide(window=one[None]) for one in np.asarray(window, np.float32)]
        outputs = [np.concatenate([row[name] for row in rows]) for name in ("logits", "valence", "arousal")]
        return _answers(outputs, self.metadata, color)


def write_all(net: SpatioTemporalEmotionNet, metadata: Metadata, folder: Path) -> dict[str, Path]:
    """Write every precision into a folder of its own below `folder`; gives these folders by precision.

    Raises:
        EmotionError: where a package is missing.
    """
    litert_torch, quantizers = needed()
    once = Once(net.eval())
    size, window = once.feature_size, int(net.config.window)
    examples: list[tuple[nn.Module, dict[str, Tensor]]] = [
        (
            Encode(once),
            {
                "images": torch.zeros(1, SIZE, SIZE),
                "landmarks": torch.zeros(1, 50, 2),
                "present": torch.ones(1),
            },
        ),
        (Decide(once), {"window": torch.zeros(1, window, size)}),
    ]
    folders = {name: folder / name for name in PRECISIONS}
    for place in folders.values():
        place.mkdir(parents=True)
        (place / FILES[-1]).write_text(json.dumps(_settings(metadata, place.name, window, size), indent=1))
    early = len(net.spatial.early)  # each ends in a pointwise convolution
    with _silent():
        for half, (module, example) in zip(HALVES, examples, strict=True):
            file = folders["fp32"] / f"{half}.tflite"
            litert_torch.convert(module.eval(), sample_kwargs=example).export(str(file))
            for name, store in (("fp16", _store_half), ("int8", _store_bytes)):
                kept = early if half == "encode" else 0
                quantizer = quantizers.Quantizer(str(file))
                store(quantizer, _convolutions(file)[:kept])
                quantized = quantizer.quantize().quantized_model
                (folders[name] / f"{half}.tflite").write_bytes(quantized)
    return folders


def _settings(metadata: Metadata, precision: str, window: int, size: int) -> dict[str, Any]:
    """Say what an app has to know of the files that it runs."""
    return {
        "labels": list(metadata.labels),
        "temperature": metadata.temperature,
        "temperature_color": metadata.temperature_color,
        "window": window,
        "features": size,
        "precision": precision,
        "trained": metadata.trained,
        "sha256": metadata.sha256,
    }


def needed() -> tuple[Any, Any]:
    """Load the converter and the quantizer, `litert_torch` and `ai_edge_quantizer`.

    Raises:
        EmotionError: where one of them is missing.
    """
    try:
        with _silent():
            import ai_edge_quantizer
            import litert_torch
    except ImportError as error:
        raise EmotionError(
            f"LiteRT files are made by litert-torch, which can't be loaded ({error}): pip install {NEEDS}"
        ) from None
    return litert_torch, ai_edge_quantizer


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Hold back the progress of converter and quantizer, dozens of lines a file; errors are raised."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)  # torchao says what of CUDA is missing
    try:
        with quiet(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _store_half(quantizer: "Quantizer", _: list[str]) -> None:
    from ai_edge_quantizer.qtyping import TFLOperationName as Kind

    for kind in (Kind.FULLY_CONNECTED, Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D):
        _half(quantizer, ".*", kind)


def _store_bytes(quantizer: "Quantizer", kept: list[str]) -> None:
    from ai_edge_quantizer.qtyping import TFLOperationName as Kind

    for kind in (Kind.FULLY_CONNECTED, Kind.CONV_2D):
        quantizer.add_dynamic_config(".*", kind, 8)
    _half(quantizer, ".*", Kind.DEPTHWISE_CONV_2D)
    for name in kept:  # what is said last holds
        _half(quantizer, re.escape(name), Kind.CONV_2D)


def _half(quantizer: "Quantizer", pattern: str, kind: Any) -> None:
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    quantizer.add_weight_only_config(pattern, kind, 16, algorithm_key=AlgorithmName.FLOAT_CASTING)


def _convolutions(file: Path) -> list[str]:
    """Name what each convolution but the depthwise ones writes, in the order in which they run."""
    from ai_edge_litert.tools import flatbuffer_utils as flatbuffers

    model = flatbuffers.read_model(str(file))
    graph = model.subgraphs[0]
    kind = flatbuffers.BuiltinOperator.CONV_2D
    is_one = [flatbuffers.get_builtin_code_from_operator_code(c) == kind for c in model.operatorCodes]
    return [graph.tensors[op.outputs[0]].name.decode() for op in graph.operators if is_one[op.opcodeIndex]]


def _runner(path: Path) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    with quiet():
        net = Interpreter(model_path=str(path), num_threads=1)
        net.allocate_tensors()
        return net.get_signature_runner()
