"""Writes the two ONNX files that belong to a weights file."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from emotion_core.faces.crop import SIZE
from emotion_core.files import written_beside
from emotion_core.hashes import note
from emotion_core.network.checkpoint import Metadata, onnx_files
from emotion_core.network.matrices import shrink_matrices
from emotion_core.network.once import Once
from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet

if TYPE_CHECKING:
    import onnx


class _Encode(nn.Module):
    def __init__(self, once: Once):
        super().__init__()
        self.once = once

    def forward(self, images: Tensor, landmarks: Tensor, present: Tensor) -> Tensor:
        return self.once.encode(images, landmarks, present)


class _Decide(nn.Module):
    def __init__(self, once: Once):
        super().__init__()
        self.once = once

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.once.decide(window)


def export_onnx(
    net: SpatioTemporalEmotionNet, metadata: Metadata, path: Path, *, half: bool = True, eight: bool = False
) -> tuple[Path, Path]:
    """Write `encode` and `decide` beside `path`; `half` stores in half precision what loses nothing by it.

    `eight` stores the matrices of `network.matrices` in 8 bits.

    ONNX Runtime turns the stored weights to single precision when it loads them. `encode` takes one of the
    three equal channels, and `once` says what it gives.
    """
    import onnx  # noqa: F811

    once = Once(net.eval())
    encode, decide = files = onnx_files(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    jobs = [
        (
            _Encode(once),
            (torch.zeros(2, 1, SIZE, SIZE), torch.zeros(2, 50, 2), torch.ones(2)),
            ["images", "landmarks", "present"],
            ["features"],
            encode,
        ),
        (
            _Decide(once),
            (torch.zeros(2, net.config.window, once.feature_size),),
            ["window"],
            ["logits", "valence", "arousal"],
            decide,
        ),
    ]
    for module, example, inputs, outputs, file in jobs:
        with written_beside(file) as part:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.onnx.export(
                    module.eval(), example, str(part), dynamo=False, opset_version=17, input_names=inputs,
                    output_names=outputs, dynamic_axes={name: {0: "n"} for name in inputs + outputs},
                )  # fmt: skip
            model = onnx.load(str(part))
            start_at_zero(model)
            drop_unread(model)
            if eight:
                shrink_matrices(model, once)
            if half:
                store_half(model)
            onnx.helper.set_model_props(model, {"format": "onnx", "sha256": metadata.sha256})
            onnx.save(model, str(part))
    note(*files)
    return files


def start_at_zero(model: "onnx.ModelProto") -> None:
    """Leave out an LSTM's first state where it is what it is without being given: zeros.

    To make them as many as there are faces takes ten steps, each as long as a small product.
    """
    for node in model.graph.node:
        if node.op_type == "LSTM":
            del node.input[5:]


def drop_unread(model: "onnx.ModelProto") -> None:
    """Leave out nodes whose outputs nothing reads: ONNX Runtime would compute them all the same."""
    graph = model.graph
    wanted, kept = {output.name for output in graph.output}, []
    for node in reversed(graph.node):  # each stands after those it reads
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))


def store_half(model: "onnx.ModelProto") -> None:
    """Store large float32 initialisers as float16 behind a Cast back; a session folds it when it loads.

    Only those that lose nothing: weights files hold half precision, but convolutions have taken in the
    normalisation that follows them, and rounding them again moved probabilities by up to 0.004.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts, kept = [], []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        exact = array.dtype == np.float32 and np.array_equal(
            array, array.astype(np.float16).astype(np.float32)
        )
        if array.size < 256 or not exact:
            kept.append(tensor)
            continue
        stored = numpy_helper.from_array(array.astype(np.float16), tensor.name + "_half")
        kept.append(stored)
        casts.append(helper.make_node("Cast", [stored.name], [tensor.name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(casts + nodes)
