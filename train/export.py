"""`python -m train export`: the network as ONNX in FP32, FP16 and INT8, compared; the best one is shipped.

Each variant is a pair of files, `encode` (once per frame) and `decide` (once per window). FP16 stores
half precision where nothing is lost by it and computes in single, since CPUs gain nothing by half; INT8
dynamic quantizes matrix products, with the ranges of the batch it is given; INT8 static quantizes
convolutions and matrix products, with ranges measured on pictures of `train`. The shipped default is the
fastest variant that loses less than 0.3 points of accuracy against FP32 and gives PyTorch's probabilities
within 0.001, which users of both backends rely on: INT8 does not, and is shipped where it is asked for by
name. INT8 dynamic is bad even then: its answer for a face hangs on the other faces of the picture.
"""

import logging
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core.checkpoint import Metadata, load_network
from emotion_core.export import export_onnx
from emotion_core.onnx_session import open_session
from emotion_core.preprocess import SIZE, to_tensor
from emotion_core.runtime import Network, OnnxNetwork, onnx_files
from emotion_core.types import EmotionError
from train import metrics
from train.data import read_all
from train.extract import extract

VARIANTS = ("fp32", "fp16", "int8-dynamic", "int8-static")
MOST_LOST = 0.003  # accuracy that the shipped variant may lose against FP32
SAME = 1e-3  # difference of a probability from PyTorch's that still counts as the same answer
LIMITS = {"fp32": SAME, "fp16": SAME}  # INT8 has none
STATIC = (
    # Spatial attention multiplies in float: one such product in 8 bits moved a probability by 0.02 on
    # average, in float they cost 0.1 of 3.5 ms together. Key points, left out by name, cost next to nothing.
    ["Conv", "Add", "Relu", "AveragePool"],
    ["Gemm", "MatMul", "Conv"],
)
"""Operators that INT8 static quantizes in `encode` and in `decide`; the LSTM, which can't be, stays."""

_WINDOW = 16
_RANGE_PICTURES = 256  # pictures of train that the INT8 ranges are measured on
_BATCH = 32

log = logging.getLogger("train")


@dataclass(frozen=True, eq=False)
class Inputs:
    """What the network reads of N labelled pictures: live crops (N, 224, 224), key points, truth, set."""

    crops: np.ndarray
    landmarks: np.ndarray
    present: np.ndarray
    truth: np.ndarray
    source: np.ndarray

    def batches(self) -> Iterator[dict[str, np.ndarray]]:
        """Give the inputs of `encode`, a few pictures at a time."""
        for start in range(0, len(self.crops), _BATCH):
            part = slice(start, start + _BATCH)
            yield {
                "images": to_tensor(list(self.crops[part])),
                "landmarks": self.landmarks[part],
                "present": self.present[part].astype(np.float32),
            }


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
    problem: str = ""

    @property
    def milliseconds(self) -> float:
        """Give the median time of one frame: one `encode` and one `decide`."""
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
    """Write every variant under `out`/variants and the chosen one beside the weights; give the comparison.

    Without data, only FP32 and FP16 can be compared (to PyTorch, on noise), and FP16 is chosen.

    Raises:
        EmotionError: where the weights can't be read, or FP32 or FP16 differ from PyTorch beyond `LIMITS`.
    """
    net, metadata = load_network(weights)
    folder = out or weights.parent
    valid = read_inputs(data, "valid", metadata.labels, limit, sets, cache) if data else None
    train = read_inputs(data, "train", metadata.labels, _RANGE_PICTURES, sets, cache) if data else None
    reference = _torch_answers(weights, valid)
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
                    quantize(onnx_files(Path(scratch) / "fp32" / weights.name), onnx_files(base), name, train)
            except (RuntimeError, ValueError, NotImplementedError) as error:
                if name in LIMITS:
                    raise
                measured.append(Variant(name, 0, problem=" ".join(str(error).split())[:120]))
                continue
            measured.append(_measure(name, base, metadata, valid, reference, measured))
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

    Little is less than `MOST_LOST`. Within 3 % of time, the smaller file is taken.

    Raises:
        EmotionError: where the one asked for could not be made.
    """
    good = [v for v in variants if not v.problem]
    if asked is not None:
        if asked not in [v.name for v in good]:
            raise EmotionError(f"{asked} could not be made: INT8 needs --data; nothing was written")
        return asked
    good = [v for v in good if (v.largest_difference or 0) <= SAME]
    good = [v for v in good if v.lost is None or v.lost < MOST_LOST]
    if all(v.lost is None for v in good):
        good = [v for v in good if v.name == "fp16"] or good
    fastest = min(v.milliseconds for v in good)
    near = [v for v in good if v.milliseconds <= fastest * 1.03]
    return min(near, key=lambda v: v.megabytes).name


def quantize(source: tuple[Path, Path], target: tuple[Path, Path], kind: str, train: Inputs) -> None:
    """Write INT8 files of the FP32 ones: `int8-dynamic` or `int8-static`."""
    import onnx
    from onnxruntime import quantization as q
    from onnxruntime.quantization.shape_inference import quant_pre_process

    target[0].parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger().setLevel(logging.WARNING)  # the quantizer advises at length
    # 7 bits: processors without VNNI add pairs of products in 16 bits, which 8 would overflow
    common: dict[str, Any] = {"per_channel": True, "reduce_range": True, "weight_type": q.QuantType.QInt8}
    try:
        for number, (file, made) in enumerate(zip(source, target, strict=True)):
            ready = made.with_suffix(".ready.onnx")
            quant_pre_process(str(file), str(ready), skip_symbolic_shape=True)
            if kind == "int8-static":
                q.quantize_static(
                    str(ready),
                    str(made),
                    _Ranges(windows(source[0], train) if number else train.batches()),
                    quant_format=q.QuantFormat.QDQ,
                    op_types_to_quantize=STATIC[number],
                    nodes_to_exclude=[
                        n.name for n in onnx.load(str(ready)).graph.node if "/landmark" in n.name
                    ],
                    activation_type=q.QuantType.QUInt8,
                    calibrate_method=q.CalibrationMethod.MinMax,
                    extra_options={"CalibMovingAverage": number == 0},  # rare, sure faces reach far
                    **common,
                )
            else:
                operators = ["Gemm", "MatMul", "LSTM"]
                q.quantize_dynamic(str(ready), str(made), op_types_to_quantize=operators, **common)
            ready.unlink()
            model = onnx.load(str(made))
            facts = {p.key: p.value for p in onnx.load(str(file), load_external_data=False).metadata_props}
            onnx.helper.set_model_props(model, facts)
            onnx.save(model, str(made))
    finally:
        logging.getLogger().setLevel(logging.INFO)


def windows(encode: Path, inputs: Inputs) -> Iterator[dict[str, np.ndarray]]:
    """Give inputs of `decide` to measure ranges on: faces that stay as they are, and faces that change."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(encode), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for batch in inputs.batches():
        features = session.run(None, batch)[0]  # (N, F)
        yield {"window": np.repeat(features[:, None], _WINDOW, 1)}
        yield {"window": features[rng.integers(0, len(features), (len(features), _WINDOW))]}


class _Ranges:
    """Hands batches of `train` to the quantizer, as its `CalibrationDataReader` protocol wants."""

    def __init__(self, batches: Iterator[dict[str, np.ndarray]]):
        self._batches = batches

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)

    def __len__(self) -> int:
        return _RANGE_PICTURES // _BATCH

    def set_range(self, start_index: int, end_index: int) -> None:
        raise NotImplementedError


def read_inputs(
    paths: Sequence[str],
    split: str,
    labels: tuple[str, ...],
    limit: int,
    sets: Sequence[str] | None,
    cache: str | None,
) -> Inputs:
    """Find faces and cut live crops of at most `limit` scored pictures a set, evenly spread.

    Raises:
        EmotionError: where no set has scored pictures with the model's categories in this split.
    """
    parts = []
    for raw in read_all(paths, sets=sets):
        rows = np.flatnonzero((raw.split == split) & (raw.majority >= 0))
        if not len(rows) or raw.labels != labels:
            continue
        raw = raw.take(rows[np.linspace(0, len(rows) - 1, min(limit, len(rows))).astype(int)])
        found = extract(raw, cache=cache, size=SIZE, margin=1.0)
        use = found["used"]
        parts.append(
            Inputs(
                found["crops"][use],
                found["landmarks"][use],
                found["present"][use],
                raw.majority[use],
                np.full(int(use.sum()), raw.source),
            )
        )
    if not parts:
        raise EmotionError(
            f"no labelled pictures of {', '.join(labels)} in the split {split!r} of {list(paths)}"
        )
    return Inputs(
        *(
            np.concatenate([getattr(p, f) for p in parts])
            for f in ("crops", "landmarks", "present", "truth", "source")
        )
    )


def answers(network: Network, inputs: Inputs) -> np.ndarray:
    """Give the probabilities (N, K) that a network gives for stills."""
    out = []
    for batch in inputs.batches():
        features = network.encode(batch["images"], batch["landmarks"], batch["present"])
        out.append(network.decide(np.repeat(features[:, None], network.window, 1))[0])
    return np.concatenate(out)


def noise(count: int = 8) -> Inputs:
    """Give made inputs for a comparison without data."""
    rng = np.random.default_rng(0)
    return Inputs(
        rng.integers(0, 256, (count, SIZE, SIZE), np.uint8),
        rng.normal(0, 0.5, (count, 50, 2)).astype(np.float32),
        np.arange(count) % 2 == 0,
        np.zeros(count, int),
        np.full(count, "noise"),
    )


def open_pair(base: Path, metadata: Metadata, threads: int = 0) -> OnnxNetwork:
    """Open the two files of a variant, as the library does."""
    encode, decide = (open_session(file, threads) for file in onnx_files(base))
    return OnnxNetwork(encode, decide, metadata)


def _torch_answers(weights: Path, valid: Inputs | None) -> np.ndarray:
    from emotion_core.runtime import TorchNetwork

    network = TorchNetwork(weights, "cpu")
    return answers(network, noise() if valid is None else valid)


def _measure(
    name: str,
    base: Path,
    metadata: Metadata,
    valid: Inputs | None,
    reference: np.ndarray,
    before: Sequence[Variant],
) -> Variant:
    inputs = noise() if valid is None else valid
    said = answers(open_pair(base, metadata), inputs)
    made = Variant(
        name,
        sum(f.stat().st_size for f in onnx_files(base)) / 1e6,
        largest_difference=float(np.abs(said - reference).max()),
    )
    if valid is None:
        return made
    matrices = [
        metrics.confusion(valid.truth[rows], said[rows].argmax(1), said.shape[1])
        for rows in (valid.source == s for s in np.unique(valid.source))
    ]
    accuracy = float(np.mean([metrics.accuracy(m) for m in matrices]))
    whole = before[0].accuracy if before else accuracy
    return replace(
        made,
        accuracy=accuracy,
        lost=(whole or 0) - accuracy,
        balanced_accuracy=float(np.mean([metrics.balanced_accuracy(m) for m in matrices])),
    )


def timings(networks: Sequence[OnnxNetwork], rounds: int = 60) -> list[tuple[float, float]]:
    """Give each network's median milliseconds of `encode` and `decide` for one face, of processor time.

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
    part = target.with_name(target.name + ".part")
    shutil.copyfile(source, part)
    part.replace(target)


def report(outcome: dict) -> str:
    """Write the comparison as text for a terminal."""
    lines = [
        f"compared on {outcome['pictures']} pictures" if outcome["pictures"] else "compared on noise only"
    ]
    lines.append("variant           MB   encode ms  decide ms  accuracy  lost (points)  largest difference")
    for v in outcome["variants"]:
        if v["problem"]:
            lines.append(f"{v['name']:14s} could not be made: {v['problem']}")
            continue
        accuracy = "-" if v["accuracy"] is None else f"{v['accuracy']:.4f}"
        lost = "-" if v["lost"] is None else f"{100 * v['lost']:.2f}"
        lines.append(
            f"{v['name']:14s}{v['megabytes']:6.1f}{v['encode_ms']:11.2f}{v['decide_ms']:11.2f}{accuracy:>10}"
            f"{lost:>15}{v['largest_difference']:20.5f}"
        )
    lines.append(f"shipped: {outcome['chosen']}, in {outcome['folder']}")
    return "\n".join(lines)
