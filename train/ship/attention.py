"""Spatial attention of an 8-bit encoder in whole numbers, as far as that changes nothing.

The quantizer leaves attention in single precision. Its weights are rounded to steps all the same, and a
maximum is the same before and after it is turned to single precision; so both can stay in 8 bits, and ONNX
Runtime weighs places without turning every number to single precision and back.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from emotion_core.network.quantized import LARGE

if TYPE_CHECKING:
    import onnx

_ORDER = ("Transpose", "Reshape")  # change the place of numbers, and none of them


class _Graph:
    """What an ONNX graph's names stand for."""

    def __init__(self, model: "onnx.ModelProto"):
        from onnx import numpy_helper

        self.graph = model.graph
        self.values = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.graph.initializer}
        for node in self.graph.node:
            if node.op_type == "Constant":
                self.values[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        self.source = {name: node for node in self.graph.node for name in node.output}

    def made_by(self, name: str, kind: str) -> "onnx.NodeProto | None":
        """Return the node of that kind which gives `name`; None where another one does."""
        node = self.source.get(name)
        return node if node is not None and node.op_type == kind else None

    def constant(self, name: str, array: np.ndarray) -> str:
        """Add a constant and give its name."""
        from onnx import numpy_helper

        self.graph.initializer.append(numpy_helper.from_array(array, name))
        return name


def weigh_in_steps(model: "onnx.ModelProto") -> int:
    """Keep the weights of places in 8 bits, in place; returns how many layers do."""
    found = _Graph(model)
    rounded = dict(_roundings(found))
    new: dict[str, list[onnx.NodeProto]] = {}
    for node in found.graph.node:
        if node.op_type != "Mul" or not any(found.made_by(name, "DequantizeLinear") for name in node.input):
            continue
        for name in node.input:
            if name in rounded:
                new[name] = list(_in_steps(found, name, *rounded[name]))
    _replace(found, {found.source[name].name: nodes for name, nodes in new.items()})
    return len(new)


def _roundings(found: _Graph) -> Iterator[tuple[str, tuple[str, float]]]:
    """Yield what `quantized.Rounded` gives: its name, the name of what it rounds, and the step."""
    for node in found.graph.node:
        before = found.made_by(node.input[0], "Add") if node.op_type == "Sub" else None
        if before is None:
            continue
        for name, other in (before.input, reversed(before.input)):
            large = found.values.get(other)
            if large is not None and large.size == 1 and np.array_equal(large, found.values[node.input[1]]):
                yield node.output[0], (name, float(large) / LARGE)


def _in_steps(found: _Graph, name: str, source: str, step: float) -> Iterator["onnx.NodeProto"]:
    from onnx import helper

    scale = found.constant(f"{name}/step", np.array(step, np.float32))
    zero = found.constant(f"{name}/zero", np.array(0, np.uint8))
    yield helper.make_node("QuantizeLinear", [source, scale, zero], [f"{name}/levels"], f"{name}/to_steps")
    yield helper.make_node("DequantizeLinear", [f"{name}/levels", scale, zero], [name], f"{name}/from_steps")


def keep_whole(model: "onnx.ModelProto") -> int:
    """Take maxima of 8-bit numbers before these are turned to single precision; returns how many."""
    from onnx import helper

    found = _Graph(model)
    new: dict[str, list[onnx.NodeProto]] = {}
    for node in found.graph.node:
        if node.op_type != "ReduceMax":
            continue
        way = [node]
        while (before := found.source.get(way[-1].input[0])) is not None and before.op_type in _ORDER:
            way.append(before)
        turned = found.made_by(way[-1].input[0], "DequantizeLinear")
        if turned is None:
            continue
        name, nodes = turned.input[0], []
        for step in reversed(way):
            copy = type(step)()
            copy.CopyFrom(step)
            copy.name, copy.input[0], copy.output[0] = f"{step.name}/whole", name, f"{step.output[0]}/whole"
            name = copy.output[0]
            nodes.append(copy)
        nodes.append(
            helper.make_node(
                "DequantizeLinear", [name, *turned.input[1:]], list(node.output), f"{node.name}/turned"
            )
        )
        new[node.name] = nodes
    _replace(found, new)
    return len(new)


def _replace(found: _Graph, new: dict[str, list["onnx.NodeProto"]]) -> None:
    nodes = [made for node in found.graph.node for made in new.get(node.name, [node])]
    del found.graph.node[:]
    found.graph.node.extend(nodes)
