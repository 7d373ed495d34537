"""Attention in whole numbers: the same answers to the last bit, from an encoder of one attention layer."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from emotion_core.network.quantized import ATTENTION_STEPS, LARGE  # noqa: E402
from emotion_core.onnx_session import open_session  # noqa: E402
from train.ship.attention import keep_whole, weigh_in_steps  # noqa: E402

NAMES = {"scale": 0.03, "out": 0.05, "large": LARGE / ATTENTION_STEPS, "two": 2.0}


def attention(*, rounded: bool = True) -> "onnx.ModelProto":
    """8-bit numbers (1, 4, 3, 3) that are weighed by place: by a sigmoid of the maximum over channels."""
    nodes = [
        ("DequantizeLinear", ["x", "scale", "zero"], "real"),
        ("Transpose", ["real"], "turned"),
        ("ReduceMax", ["turned"], "most"),
        ("Sigmoid", ["most"], "share"),
        ("Mul", ["share", "two"], "weight"),
        ("Add", ["weight", "large"], "above"),
        ("Sub", ["above", "large"], "steps"),
        ("Mul", ["real", "steps" if rounded else "weight"], "weighed"),
        ("QuantizeLinear", ["weighed", "out", "zero"], "y"),
    ]
    options = {"Transpose": {"perm": [0, 1, 2, 3]}, "ReduceMax": {"axes": [1], "keepdims": 1}}
    made = [helper.make_node(kind, i, [o], o, **options.get(kind, {})) for kind, i, o in nodes]
    constants = [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in NAMES.items()]
    constants.append(numpy_helper.from_array(np.array(3, np.uint8), "zero"))
    ends = [helper.make_tensor_value_info(name, TensorProto.UINT8, [1, 4, 3, 3]) for name in "xy"]
    graph = helper.make_graph(made, "one", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_the_answer_stays_the_same_to_the_last_bit():
    before, after = attention(), attention()
    assert weigh_in_steps(after) == 1 and keep_whole(after) == 1
    onnx.checker.check_model(after)
    kinds = [node.op_type for node in after.graph.node]
    assert "Sub" not in kinds and kinds.count("DequantizeLinear") == 3
    # every 8-bit number among the largest and below it, and what neither side may saturate
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (1, 4, 3, 3), np.uint8) for _ in range(200)]
    old, new = (open_session(model.SerializeToString()) for model in (before, after))
    answers = [[net.run(None, {"x": picture})[0] for picture in pictures] for net in (old, new)]
    assert np.array_equal(*answers) and len(np.unique(answers)) > 50


def test_what_is_not_rounded_stays_in_single_precision():
    model = attention(rounded=False)
    assert weigh_in_steps(model) == 0
    for node in model.graph.node:  # nor is there a maximum to keep where the numbers are single already
        if node.op_type == "Transpose":
            node.input[0] = "weighed"
    assert keep_whole(model) == 0
