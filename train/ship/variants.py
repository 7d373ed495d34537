"""`python -m train export`: the network as ONNX in FP32, FP16 and INT8, compared; the best one is shipped.

Each variant is a pair of files, `encode` (once per frame) and `decide` (once per window). FP16 stores half
precision where nothing is lost by it and computes in single, since CPUs gain nothing by half; INT8 (static)
quantizes the convolutions of `encode`, with ranges measured on pictures of `train`, and the large matrices of
both halves (`network.matrices`), and keeps the rest as FP16 does. The shipped default is the fastest variant
that loses less than 0.3 points of accuracy against FP32 and gives PyTorch's probabilities within 0.001, which
users of both backends rely on; PyTorch computes INT8 as ONNX Runtime does, in 8 bits (`network.quantized`).
"""

import contextlib
import copy
import logging
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core import quiet
from emotion_core.files import written_beside
from emotion_core.hashes import note
from emotion_core.network.checkpoint import Metadata, load_network, onnx_files
from emotion_core.network.matrices import shrink_matrices
from emotion_core.network.once import Once
from emotion_core.network.onnx_export import export_onnx, store_half
from emotion_core.network.quantized import make_exact
from emotion_core.network.runtime import Network, OnnxNetwork, TorchNetwork
from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet
from emotion_core.onnx_session import open_session
from emotion_core.types import EmotionError
from train.measure import metrics
from train.ship.inputs import BATCH, Inputs, noise, read_inputs

VARIANTS = ("fp32", "fp16", "int8-static")
MOST_LOST = 0.003  # accuracy that the shipped variant may lose against FP32
SAME = 1e-3  # difference of a probability from PyTorch's that still counts as the same answer
REACH = 99.999  # percentile of a layer's outputs where its INT8 range ends: rare, sure faces reach far
MOST_APART = 0.005  # share of pictures on which the shipped variant may differ by more than `SAME`
LIMITS = {"fp32": SAME, "fp16": SAME}  # without exception; in 8 bits a rounding may fall to the other side

_RANGE_PICTURES = 256  # pictures of train that the INT8 ranges are measured on

log = logging.getLogger("train")


@dataclass(frozen=True)
class Variant:
    """One exported pair of files and what was measured of it; times are of one thread."""

    name: str
    megabytes: float
    encode_ms: float = np.inf
    decide_ms: float = np.inf
    accuracy: float | None = None  # mean over the sets
    lost: float | None = None  # against FP32
    balanced_accuracy: float | None = None
    largest_difference: float | None = None  # of a probability, against PyTorch
    apart: float | None = None  # share of pictures with such a difference of more than `SAME`
    problem: str = ""

    @property
    def milliseconds(self) -> float:
        """The median time of one frame: one `encode` and one `decide`."""
        return self.encode_ms + self.decide_ms


def export(
    weights: Path,
    out: Path | None = None,
    *,
    data: Sequence[str] = (),
    sets: Sequence[str] | None = None,
    limit: int = 1000,
    cache: str | None = None,
    ship: str | None = None,
) -> dict:
    """Write every variant under `out`/variants and the chosen one beside the weights; return the comparison.

    Without data, only FP32 and FP16 can be compared (to PyTorch, on noise), and FP16 is chosen. Each is
    compared with PyTorch beside the same files.

    Raises:
        EmotionError: where the weights can't be read, or FP32 or FP16 differ from PyTorch beyond `LIMITS`.
    """
    net, metadata = load_network(weights)
    folder = out or weights.parent
    valid = read_inputs(data, "valid", metadata.labels, limit, sets, cache) if data else None
    train = read_inputs(data, "train", metadata.labels, _RANGE_PICTURES, sets, cache) if data else None
    measured: list[Variant] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in VARIANTS:
            base = Path(scratch) / name / weights.name
            try:
                if name in ("fp32", "fp16"):
                    export_onnx(net, metadata, base, half=name == "fp16")
                elif train is None:
                    continue
                else:
                    quantize_static(net, metadata, base, train)
            except (RuntimeError, ValueError, NotImplementedError) as error:
                if name in LIMITS:
                    raise
                measured.append(Variant(name, 0, problem=" ".join(str(error).split())[:120]))
                continue
            shutil.copyfile(weights, base)
            measured.append(_measure(name, base, metadata, valid, measured))
        for variant in measured:
            limit_here = LIMITS.get(variant.name)
            if limit_here and (variant.largest_difference or 0) > limit_here:
                raise EmotionError(
                    f"{variant.name} differs from PyTorch by {variant.largest_difference:.4f} in a "
                    f"probability, more than {limit_here}: nothing was written"
                )
        good = [i for i, v in enumerate(measured) if not v.problem]
        pairs = [open_pair(Path(scratch) / measured[i].name / weights.name, metadata, 1) for i in good]
        for i, (encode_ms, decide_ms) in zip(good, timings(pairs), strict=True):
            measured[i] = replace(measured[i], encode_ms=encode_ms, decide_ms=decide_ms)
        chosen = choose(measured, ship)
        folder.mkdir(parents=True, exist_ok=True)
        for source, target in zip(
            onnx_files(Path(scratch) / chosen / weights.name), onnx_files(folder / weights.name), strict=True
        ):
            _place(source, target)
        if out is not None:
            for variant in measured:
                (folder / "variants" / variant.name).mkdir(parents=True, exist_ok=True)
                for source in onnx_files(Path(scratch) / variant.name / weights.name):
                    if source.exists():
                        _place(source, folder / "variants" / variant.name / source.name)
    return {
        "chosen": chosen,
        "pictures": 0 if valid is None else len(valid.truth),
        "folder": str(folder),
        "variants": [asdict(v) | {"milliseconds": v.milliseconds} for v in measured],
    }


def choose(variants: Sequence[Variant], asked: str | None = None) -> str:
    """Name the variant to ship: the one asked for, or the fastest that is `SAME` and loses little.

    Little is less than `MOST_LOST`; the same but for `MOST_APART` of the pictures. Within 3 % of time, the
    smaller file is taken.

    Raises:
        EmotionError: where the one asked for could not be made.
    """
    good = [v for v in variants if not v.problem]
    if asked is not None:
        if asked not in [v.name for v in good]:
            raise EmotionError(f"{asked} could not be made: INT8 needs --data; nothing was written")
        return asked
    good = [v for v in good if (v.apart or 0) <= MOST_APART]
    good = [v for v in good if v.lost is None or v.lost < MOST_LOST]
    if all(v.lost is None for v in good):
        good = [v for v in good if v.name == "fp16"] or good
    fastest = min(v.milliseconds for v in good)
    near = [v for v in good if v.milliseconds <= fastest * 1.03]
    return min(near, key=lambda v: v.megabytes).name


def quantize_static(net: SpatioTemporalEmotionNet, metadata: Metadata, base: Path, train: Inputs) -> None:
    """Write `encode` with convolutions in INT8, and both halves with their large matrices in 8 bits.

    What lies between convolutions stays in single precision: spatial attention, whose product in 8 bits moved
    a probability by 0.02 on average, and key points, which cost next to nothing.
    """
    q = quiet.load("onnxruntime.quantization")

    whole = base.with_name("whole") / base.name
    export_onnx(make_exact(copy.deepcopy(net)), metadata, whole, half=False)
    export_onnx(net, metadata, base, eight=True)
    file, target = onnx_files(whole)[0], onnx_files(base)[0]
    with _prepared(file, target) as ready:
        q.quantize_static(
            ready,
            str(target),
            _Ranges(train),
            quant_format=q.QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Relu"],
            nodes_to_exclude=_attention(ready),
            activation_type=q.QuantType.QUInt8,
            calibrate_method=q.CalibrationMethod.Percentile,
            # batch by batch: what all layers give for all pictures is 13 GB
            extra_options={"CalibPercentile": REACH, "CalibStridedMinMax": 1},
            **_common(),
        )
    _finish(target, file, net)


def _attention(file: str) -> list[str]:
    """Name the convolutions that read an average and a maximum of channels."""
    import onnx

    graph = onnx.load(file).graph
    two = {tensor.name for tensor in graph.initializer if list(tensor.dims)[1:2] == [2]}
    return [node.name for node in graph.node if node.op_type == "Conv" and node.input[1] in two]


def _common() -> dict[str, Any]:
    # 7 bits: processors without VNNI add pairs of products in 16 bits, which 8 would overflow
    weight_type = quiet.load("onnxruntime.quantization").QuantType.QInt8
    return {"per_channel": True, "reduce_range": True, "weight_type": weight_type}


@contextlib.contextmanager
def _prepared(file: Path, target: Path) -> Iterator[str]:
    """Yield `file` as the quantizer wants it, and keep the quantizer from advising at length."""
    quant_pre_process = quiet.load("onnxruntime.quantization.shape_inference").quant_pre_process
    target.parent.mkdir(parents=True, exist_ok=True)
    ready = target.with_suffix(".ready.onnx")
    logging.getLogger().setLevel(logging.WARNING)
    try:
        quant_pre_process(str(file), str(ready), skip_symbolic_shape=True)
        yield str(ready)
    finally:
        logging.getLogger().setLevel(logging.INFO)
        ready.unlink(missing_ok=True)


def _finish(target: Path, source: Path, net: SpatioTemporalEmotionNet) -> None:
    """Store small what loses nothing by it, and take over what the source says of itself."""
    import onnx

    model = onnx.load(str(target))
    shrink_matrices(model, Once(net))
    store_half(model)
    onnx.helper.set_model_props(model, {p.key: p.value for p in onnx.load(str(source)).metadata_props})
    onnx.save(model, str(target))
    note(target)


class _Ranges:
    """Hands batches of `train` to the quantizer, as its `CalibrationDataReader` protocol wants."""

    def __init__(self, inputs: Inputs):
        self._count = -(-len(inputs.crops) // BATCH)
        self._batches, self._left = inputs.batches(), 0

    def get_next(self) -> dict[str, np.ndarray] | None:
        self._left -= 1
        return next(self._batches, None) if self._left >= 0 else None

    def __len__(self) -> int:
        return self._count

    def set_range(self, start_index: int, end_index: int) -> None:
        self._left = end_index - start_index


def answers(network: Network, inputs: Inputs) -> np.ndarray:
    """Return the probabilities (N, K) that a network gives for stills."""
    out = []
    for batch in inputs.batches():
        features = network.encode(batch["images"], batch["landmarks"], batch["present"])
        out.append(network.decide(np.repeat(features[:, None], network.window, 1))[0])
    return np.concatenate(out)


def open_pair(base: Path, metadata: Metadata, threads: int = 0) -> OnnxNetwork:
    """Open the two files of a variant, as the library does."""
    encode, decide = (open_session(file, threads) for file in onnx_files(base))
    return OnnxNetwork(encode, decide, metadata)


def _measure(
    name: str, base: Path, metadata: Metadata, valid: Inputs | None, before: Sequence[Variant]
) -> Variant:
    inputs = noise() if valid is None else valid
    probabilities = answers(open_pair(base, metadata), inputs)
    apart = np.abs(probabilities - answers(TorchNetwork(base, "cpu"), inputs)).max(1)
    variant = Variant(
        name,
        sum(f.stat().st_size for f in onnx_files(base)) / 1e6,
        largest_difference=float(apart.max()),
        apart=float((apart > SAME).mean()),
    )
    if valid is None:
        return variant
    matrices = [
        metrics.confusion(valid.truth[rows], probabilities[rows].argmax(1), probabilities.shape[1])
        for rows in (valid.source == s for s in np.unique(valid.source))
    ]
    accuracy = float(np.mean([metrics.accuracy(m) for m in matrices]))
    whole = before[0].accuracy if before else accuracy
    return replace(
        variant,
        accuracy=accuracy,
        lost=(whole or 0) - accuracy,
        balanced_accuracy=float(np.mean([metrics.balanced_accuracy(m) for m in matrices])),
    )


def timings(networks: Sequence[Network], rounds: int = 60) -> list[tuple[float, float]]:
    """Return each network's median milliseconds of `encode` and `decide` for one face, of processor time.

    For networks of one thread, as the library runs them; what else the machine does hardly counts.
    """
    batch = next(noise(1).batches())
    times: list[tuple[list[float], list[float]]] = [([], []) for _ in networks]
    for _ in range(rounds):
        for network, (encode, decide) in zip(networks, times, strict=True):
            start = time.thread_time()
            features = network.encode(batch["images"], batch["landmarks"], batch["present"])
            middle = time.thread_time()
            network.decide(np.repeat(features[:, None], network.window, 1))
            encode.append(middle - start)
            decide.append(time.thread_time() - middle)
    return [(statistics.median(e) * 1e3, statistics.median(d) * 1e3) for e, d in times]


def _place(source: Path, target: Path) -> None:
    with written_beside(target) as part:
        shutil.copyfile(source, part)
    note(target)


def cells(v: Mapping[str, Any]) -> str:
    """Write a row's size, times, accuracy, lost points and largest difference."""
    accuracy = "-" if v["accuracy"] is None else f"{v['accuracy']:.4f}"
    lost = "-" if v["lost"] is None else f"{100 * v['lost']:.2f}"
    times = f"{v['encode_ms']:11.2f}{v['decide_ms']:11.2f}"
    return f"{v['megabytes']:6.1f}{times}{accuracy:>10}{lost:>15}{v['largest_difference']:20.5f}"


def report(outcome: dict) -> str:
    """Write the comparison as text for a terminal."""
    lines = [
        f"compared on {outcome['pictures']} pictures" if outcome["pictures"] else "compared on noise only"
    ]
    lines.append(
        "variant           MB   encode ms  decide ms  accuracy  lost (points)  largest difference  apart (%)"
    )
    for v in outcome["variants"]:
        if v["problem"]:
            lines.append(f"{v['name']:14s} could not be made: {v['problem']}")
            continue
        lines.append(f"{v['name']:14s}{cells(v)}{100 * v['apart']:11.2f}")
    lines.append(f"shipped: {outcome['chosen']}, in {outcome['folder']}")
    return "\n".join(lines)
