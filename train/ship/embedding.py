"""The embedding network as an ONNX file in 8 bits, and the pictures as it reads them."""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from emotion_core import quiet
from emotion_core.faces.embedding import SIDE
from emotion_core.files import written_beside
from emotion_core.hashes import note
from train.data.augment import center, standardize
from train.fit.embed import EmbeddingNet

_RANGE_PICTURES = 256
_BATCH = 64


def shown(crops: np.ndarray, margin: float) -> Iterator[np.ndarray]:
    """Yield plain central crops, standardised (B, 1, 64, 64), of stored ones (N, S, S), a few at a time."""
    for start in range(0, len(crops), _BATCH):
        yield standardize(
            center(torch.from_numpy(crops[start : start + _BATCH]), margin, SIDE).round()
        ).numpy()


class _Ranges:
    """Hands pictures to the quantizer, as its `CalibrationDataReader` protocol wants."""

    def __init__(self, crops: np.ndarray, margin: float):
        self._batches, self._count, self._left = shown(crops, margin), -(-len(crops) // _BATCH), 0

    def get_next(self) -> dict[str, np.ndarray] | None:
        self._left -= 1
        batch = next(self._batches, None) if self._left >= 0 else None
        return None if batch is None else {"faces": batch}

    def __len__(self) -> int:
        return self._count

    def set_range(self, start_index: int, end_index: int) -> None:
        self._left = end_index - start_index


def export_embedding(net: EmbeddingNet, crops: np.ndarray, margin: float, out: Path) -> Path:
    """Write the network to `out`, convolutions in 8 bits with ranges measured on some of `crops`."""
    q = quiet.load("onnxruntime.quantization")
    prepare = quiet.load("onnxruntime.quantization.shape_inference").quant_pre_process
    some = crops[np.linspace(0, len(crops) - 1, min(len(crops), _RANGE_PICTURES)).astype(int)]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        whole, ready = Path(scratch) / "whole.onnx", Path(scratch) / "ready.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                net.eval(), (torch.zeros(2, 1, SIDE, SIDE),), str(whole), dynamo=False, opset_version=17,
                input_names=["faces"], output_names=["vectors"],
                dynamic_axes={"faces": {0: "n"}, "vectors": {0: "n"}},
            )  # fmt: skip
        prepare(str(whole), str(ready), skip_symbolic_shape=True)
        with written_beside(out) as part:
            q.quantize_static(
                str(ready),
                str(part),
                _Ranges(some, margin),
                quant_format=q.QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "Relu"],
                activation_type=q.QuantType.QUInt8,
                weight_type=q.QuantType.QInt8,
                per_channel=True,
                reduce_range=True,  # processors without VNNI add pairs of products in 16 bits
                calibrate_method=q.CalibrationMethod.Percentile,
                extra_options={"CalibPercentile": 99.99, "CalibStridedMinMax": 1},
            )
    note(out)
    return out
