"""Large matrices in 8 bits, and the vectors that they are multiplied by: on PyTorch and in ONNX files alike.

One face is one row, so that a product takes as long as its matrix takes to be read from memory: in a quarter
of the bytes it takes a third of the time. A few weights in a row share one step (ONNX Runtime's MatMulNBits),
and so do as many numbers of the vector, which is rounded for each face by itself.

Blocks are the smaller the more an answer hangs on them. The layer before the heads stays as it
is. Together they move no answer of the shared clips by more than 0.002.
"""

from collections import defaultdict
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emotion_core.network.once import Once, heads_of, taps_of

if TYPE_CHECKING:
    import onnx

BLOCKS = {
    "spatial.mix.0": 64,
    "spatial.mix.2": 16,
    "landmark.mix.0": 64,
    "landmark.mix.2": 64,
    "temporal.reduce": 64,
    "temporal.expand": 64,
    "channel.gate": 64,
    "fusion.mix.1": 64,
    "fusion.mix.3": 64,
}
"""Linear layers of the network in 8 bits, and how many weights in a row share a step."""

MERGED = {"question": 64, "joined": 32}
"""The same for the layers of `once.Once` that stand for several of the network's."""

TAPS, HEADS = 64, 16
"""The same for the temporal convolutions and for the hidden layers of the heads: one product each."""

_LEVELS = 127
_NOTHING = 1e-36  # numbers so small count as zero: the reciprocal of their step would be infinite
_OPERATOR = "MatMulNBits"
_DOMAIN = "com.microsoft"


def to_steps(weight: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Round a matrix (N, K): levels uint8 (N, blocks, block), 128 for zero, and steps float32 (N, blocks)."""
    rows, columns = weight.shape
    blocks = -(-columns // block)
    padded = np.zeros((rows, blocks * block), np.float32)
    padded[:, :columns] = weight
    parts = padded.reshape(rows, blocks, block)
    steps = np.abs(parts).max(2) / np.float32(_LEVELS)
    levels = np.round(parts / np.where(steps > 0, steps, 1)[:, :, None]) + 128
    return levels.astype(np.uint8), steps.astype(np.float32)


def rounded(weight: np.ndarray, block: int) -> np.ndarray:
    """Return a matrix (N, K) float32 as `to_steps` leaves it."""
    levels, steps = to_steps(weight, block)
    parts = (levels.astype(np.float32) - 128) * steps[:, :, None]
    return parts.reshape(len(weight), -1)[:, : weight.shape[1]]


class InSteps(nn.Module):
    """Round vectors (..., K) as ONNX Runtime does before it multiplies them by a matrix in 8 bits."""

    def __init__(self, block: int):
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """Round to whole steps of each block's own."""
        length = x.shape[-1]
        parts = F.pad(x, (0, -length % self.block)).unflatten(-1, (-1, self.block))
        most = parts.abs().amax(-1, keepdim=True)
        levels = torch.round(parts * torch.where(most > _NOTHING, _LEVELS / most, 0))
        return (levels * (most / _LEVELS)).flatten(-2)[..., :length]


class SteppedLinear(nn.Linear):
    """A linear layer in 8 bits."""

    def __init__(self, layer: nn.Linear, block: int):
        super().__init__(layer.in_features, layer.out_features)
        self.load_state_dict(layer.state_dict())
        _round_in_place(self.weight, block)
        self.rounding = InSteps(block)

    def forward(self, input: Tensor) -> Tensor:
        """Read (..., K)."""
        return super().forward(self.rounding(input))


def round_matrices(once: Once) -> Once:
    """Compute in 8 bits, in place, what `shrink_matrices` stores in 8 bits."""
    net = once.net
    for whole, blocks in ((net, BLOCKS), (once, MERGED)):
        for name, block in blocks.items():
            parent, _, last = name.rpartition(".")
            layer = cast(nn.Linear, whole.get_submodule(name))
            setattr(whole.get_submodule(parent), last, SteppedLinear(layer, block))
    for scale in net.temporal.scales:
        weight = cast(Tensor, scale.weight)
        for place in range(weight.shape[2]):
            _round_in_place(weight[:, :, place], TAPS)
    net.temporal.rounding = InSteps(TAPS)
    for head in heads_of(net.heads):
        _round_in_place(head.weight, HEADS)
    net.heads.rounding = InSteps(HEADS)
    return once


def shrink_matrices(model: "onnx.ModelProto", once: Once) -> None:
    """Store in 8 bits, in place, the matrices of an exported half of `once`, which is as it was trained."""
    import onnx
    from onnx import helper, numpy_helper

    net = once.net
    wanted = [
        (_array(whole.get_submodule(name).weight), block)
        for whole, blocks in ((net, BLOCKS), (once, MERGED))
        for name, block in blocks.items()
    ]
    wanted.append((_array(taps_of(net.temporal)), TAPS))
    wanted.append((_array(torch.cat([head.weight for head in heads_of(net.heads)])), HEADS))
    graph = model.graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node)
    nodes: list[onnx.NodeProto] = []
    added: set[str] = set()  # what is added up by the product before it
    for node in graph.node:
        if node.name in added:
            continue
        known = stored.get(node.input[1]) if node.op_type in ("Gemm", "MatMul") else None
        turned = known is not None and any(a.name == "transB" and a.i for a in node.attribute)
        matrix = known if known is None or turned else known.T  # (N, K)
        block = 0 if matrix is None else next((b for w, b in wanted if np.array_equal(w, matrix)), 0)
        if matrix is None or not block:
            nodes.append(node)
            continue
        levels, steps = to_steps(matrix, block)
        names = [f"{node.name}/levels", f"{node.name}/steps"]
        graph.initializer.extend(
            numpy_helper.from_array(array, name) for array, name in zip((levels, steps), names, strict=True)
        )
        bias, output = list(node.input[2:]), node.output[0]
        after = readers[output]
        if not bias and len(after) == 1 and after[0].op_type == "Add":
            bias = [name for name in after[0].input if name in stored and stored[name].ndim == 1]
            if bias:
                added.add(after[0].name)
                output = after[0].output[0]
        nodes.append(
            helper.make_node(
                _OPERATOR, [node.input[0], *names, *(["", "", *bias] if bias else [])], [output], node.name,
                domain=_DOMAIN, K=matrix.shape[1], N=matrix.shape[0], bits=8, block_size=block,
                accuracy_level=4,
            )
        )  # fmt: skip
    read = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    if all(entry.domain != _DOMAIN for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))


def has_steps(graph: "onnx.GraphProto") -> bool:
    """Tell whether an exported half holds matrices in 8 bits."""
    return any(node.op_type == _OPERATOR for node in graph.node)


def _round_in_place(weight: Tensor, block: int) -> None:
    with torch.no_grad():
        weight.copy_(torch.from_numpy(rounded(_array(weight), block)))


def _array(weight: object) -> np.ndarray:
    return np.ascontiguousarray(cast(Tensor, weight).detach().cpu().numpy(), np.float32)
