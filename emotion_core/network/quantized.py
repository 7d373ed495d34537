"""The encoder in 8 bits, on PyTorch as ONNX Runtime computes it: its convolutions to the last bit.

Sums of 8-bit products stay below 2 ** 24, where single precision holds every whole number, so convolutions
are exact on both. What lies between them is not, and a difference in the last place may round to another of
256 steps and spread from there; so pictures are shrunk in exact steps, and attention is rounded before it
weighs a place.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emotion_core.faces.crop import SIZE
from emotion_core.network.matrices import has_steps, round_matrices
from emotion_core.network.once import Once
from emotion_core.network.spatiotemporal import Conv, Shrink, SpatialAttention, SpatioTemporalEmotionNet

if TYPE_CHECKING:
    import onnx

LEVELS = 255  # the highest 8-bit activation
PICTURE_STEPS = 32  # of 1, the standard deviation of a picture
MIXING_STEPS = 64  # of 1, in the weights of two neighbouring pixels
ATTENTION_STEPS = 64  # of 1


class Rounded(nn.Module):
    """Round to the nearest of `steps` values between two whole numbers, `steps` being a power of two.

    Single precision has no finer steps at `far`, so going there and back rounds as `torch.round` does, up to
    a quarter of `far`: two sums in place of a product, a rounding and a quotient, in half the time.
    """

    def __init__(self, steps: int):
        super().__init__()
        self.far = 1.5 * 2.0**23 / steps

    def forward(self, x: Tensor) -> Tensor:
        """Round a tensor of any shape."""
        return (x + self.far) - self.far


class ExactShrink(nn.Module):
    """`Shrink` with weights of few bits: a picture rounded first is then shrunk without any rounding."""

    def __init__(self, resolution: int):
        super().__init__()
        self.factor = Shrink.factor(resolution)
        self.round = Rounded(PICTURE_STEPS)
        size = SIZE // self.factor
        place = ((torch.arange(resolution) + 0.5) * size / resolution - 0.5).clamp(0, size - 1)
        left = place.floor().long()
        right = torch.round((place - left) * MIXING_STEPS) / MIXING_STEPS
        mixing = torch.zeros(resolution, size)
        rows = torch.arange(resolution)
        mixing[rows, left] += 1 - right
        mixing[rows, (left + 1).clamp_max(size - 1)] += right
        self.register_buffer("mixing", mixing, persistent=False)
        self.mixing: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Shrink (B, 1, 224, 224) to (B, 1, R, R)."""
        x = F.avg_pool2d(self.round(x), self.factor)
        return self.mixing @ x @ self.mixing.T


class Folded(nn.Module):
    """Shrink, and lay each square of 2x2 pixels into four channels, in the border that `fold_stem` needs."""

    def __init__(self, shrink: ExactShrink):
        super().__init__()
        self.factor, self.round = shrink.factor, shrink.round
        rows = F.pad(shrink.mixing, (0, 0, 4, 2 + len(shrink.mixing) % 2))
        rows = torch.stack([rows[0::2], rows[1::2]])  # (2, R/2 + 3, 224 / factor)
        self.register_buffer("rows", rows[:, None], persistent=False)
        self.register_buffer("columns", rows.transpose(1, 2).contiguous(), persistent=False)
        self.rows: Tensor
        self.columns: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Turn (B, 1, 224, 224) into (B, 4, R/2 + 3, R/2 + 3)."""
        x = F.avg_pool2d(self.round(x), self.factor)
        x = self.rows @ x[:, None] @ self.columns  # (B, 2, 2, R/2 + 3, R/2 + 3)
        return x.reshape(-1, 4, self.rows.shape[2], self.rows.shape[2])


def fold_stem(net: SpatioTemporalEmotionNet) -> None:
    """Have the first convolution, 7x7 at every other pixel, read the four channels of `Folded` instead.

    Its sums are the same; ONNX Runtime gathers their pixels sixteen at a time instead of one by one, in a
    third of the time.
    """
    whole = cast(nn.Conv2d, net.spatial.stem[0])
    folded = Conv(4, whole.out_channels, 4, 1, 0, bias=False)
    spread = F.pad(whole.weight.detach(), (1, 0, 1, 0))  # (C, 1, 8, 8)
    with torch.no_grad():
        folded.weight.copy_(F.pixel_unshuffle(spread, 2))
    net.spatial.stem[0] = folded
    net.spatial.shrink = Folded(cast(ExactShrink, net.spatial.shrink))


class QuantizedConv(nn.Module):
    """Convolution of 8-bit inputs, weights and outputs, and the ReLU after it.

    Inputs and outputs are real numbers, each a whole number of steps: those of ONNX's QuantizeLinear and
    QLinearConv.
    """

    def __init__(self, conv: nn.Conv2d, values: dict[str, np.ndarray]):
        super().__init__()
        self.shape = (conv.stride, conv.padding, conv.dilation, conv.groups)
        multiplier = values["x_scale"] * values["w_scale"] / values["y_scale"]
        for name, array in (values | {"multiplier": multiplier}).items():
            shaped = array.reshape(1, -1, 1, 1) if name in ("bias", "multiplier") else array
            self.register_buffer(name, torch.tensor(shaped, dtype=torch.float32), persistent=False)
        self.weight: Tensor
        self.bias: Tensor
        self.multiplier: Tensor
        self.x_scale: Tensor
        self.x_zero: Tensor
        self.y_scale: Tensor
        self.y_zero: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        x = (torch.round(x / self.x_scale) + self.x_zero).clamp(0, LEVELS) - self.x_zero
        stride, padding, dilation, groups = self.shape
        x = F.conv2d(x, self.weight, None, stride, padding, dilation, groups) + self.bias
        x = (torch.round(x * self.multiplier) + self.y_zero).clamp(0, LEVELS)
        return (x - self.y_zero) * self.y_scale


def make_exact(net: SpatioTemporalEmotionNet, *, folded: bool = True) -> SpatioTemporalEmotionNet:
    """Round, in place, what lies between the convolutions; the network is then ready for 8 bits.

    Files made before 0.3 are not `folded`.
    """
    net.spatial.shrink = ExactShrink(net.config.resolution)
    if folded:
        fold_stem(net)
    for part in net.spatial.modules():
        if isinstance(part, SpatialAttention):
            part.rounding = Rounded(ATTENTION_STEPS)
    return net


def as_exported(net: SpatioTemporalEmotionNet, encode: Path) -> Once:
    """Give both halves of a network, in 8 bits where the exported `encode` is; changes `net` itself."""
    import onnx

    graph = onnx.load(str(encode)).graph
    found = dict(_convolutions(graph))
    once = Once(net)
    if has_steps(graph):
        round_matrices(once)
    if found:
        make_exact(net, folded=found["stem.0"]["weight"].shape[1] == 4)
    for name, values in found.items():
        block = cast(nn.Sequential, net.spatial.get_submodule(name.rpartition(".")[0]))
        block[0] = QuantizedConv(cast(nn.Conv2d, block[0]), values)
        block[1] = block[2] = nn.Identity()  # normalisation lies in the weights, ReLU in the lowest output
    return once


def _convolutions(graph: "onnx.GraphProto") -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield each 8-bit convolution's place in the encoder, and its numbers."""
    from onnx import numpy_helper

    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    source = {name: node for node in graph.node for name in node.output}
    reader = {name: node for node in graph.node for name in node.input}
    for node in graph.node:
        before = [source.get(name) for name in node.input]
        if node.op_type != "Conv" or any(n is None or n.op_type != "DequantizeLinear" for n in before):
            continue
        x, w, bias = (list(n.input) for n in before if n is not None)
        after = reader[node.output[0]]
        after = reader[after.output[0]] if after.op_type == "Relu" else after
        yield (
            node.name.split("/")[-2],
            {
                "weight": constants[w[0]],
                "bias": constants[bias[0]],
                "w_scale": constants[w[1]],
                "x_scale": constants[x[1]],
                "x_zero": constants[x[2]],
                "y_scale": constants[after.input[1]],
                "y_zero": constants[after.input[2]],
            },
        )
