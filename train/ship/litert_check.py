"""`python -m train export --litert FOLDER`: LiteRT files for phones, written once they answer as they should.

Each is compared with ONNX Runtime and PyTorch in single precision, not with the shipped ONNX files: those
compute in 8 bits, and two different roundings would add up.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from emotion_core.files import written_beside
from emotion_core.hashes import note
from emotion_core.network.checkpoint import load_network, onnx_files
from emotion_core.network.onnx_export import export_onnx
from emotion_core.network.runtime import Network, TorchNetwork, belongs
from emotion_core.types import EmotionError
from train.ship.inputs import Inputs, noise, read_inputs
from train.ship.litert import FILES, LiteNetwork, needed, write_all
from train.ship.variants import MOST_LOST, answers, cells, open_pair, timings

LIMITS = {"fp32": 0.002, "fp16": 0.01, "int8": 0.03}
"""How far a probability may lie from ONNX Runtime's in single precision, on any picture, by precision."""

WHOLE, SHIPPED = "onnx fp32", "onnx beside the weights"


@dataclass(frozen=True)
class Measured:
    """A pair of files and what was measured of it; times are of one thread of this machine."""

    name: str
    megabytes: float
    encode_ms: float
    decide_ms: float
    largest_difference: float  # of a probability, against ONNX Runtime in single precision
    usual_difference: float  # the largest of a picture, below which 95 % of the pictures stay
    from_pytorch: float  # the largest against PyTorch in single precision
    accuracy: float | None = None  # mean over the sets
    lost: float | None = None  # against ONNX Runtime in single precision


def export_litert(
    weights: Path,
    folder: Path,
    *,
    data: Sequence[str] = (),
    sets: Sequence[str] | None = None,
    limit: int = 1000,
    cache: str | None = None,
) -> dict:
    """Write `encode.tflite`, `decide.tflite` and `network.json` of each precision below `folder`.

    They are compared on at most `limit` scored `valid` pictures a set, or on noise without data.

    Raises:
        EmotionError: where the weights can't be read, a package is missing, an answer lies further from ONNX
            Runtime's than `LIMITS` allows, or `MOST_LOST` of accuracy is lost.
    """
    needed()
    net, metadata = load_network(weights)
    valid = read_inputs(data, "valid", metadata.labels, limit, sets, cache) if data else None
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch) / "onnx" / weights.name
        export_onnx(net, metadata, base, half=False)
        shutil.copyfile(weights, base)
        made = write_all(net, metadata, Path(scratch))
        networks: dict[str, Network] = {WHOLE: open_pair(base, metadata, 1)}
        files = {WHOLE: onnx_files(base)}
        if all(belongs(file, metadata) for file in onnx_files(weights)):
            networks[SHIPPED], files[SHIPPED] = open_pair(weights, metadata, 1), onnx_files(weights)
        for name, place in made.items():
            networks[name] = LiteNetwork(place, metadata)
            files[name] = (place / FILES[0], place / FILES[1])
        megabytes = {name: sum(f.stat().st_size for f in pair) / 1e6 for name, pair in files.items()}
        measured = _measured(networks, TorchNetwork(base, "cpu"), valid, megabytes)
        check(measured)
        for name, place in made.items():
            _place(place, folder / name)
    return {
        "folder": str(folder),
        "pictures": 0 if valid is None else len(valid.truth),
        "variants": [asdict(one) for one in measured],
    }


def check(measured: Sequence[Measured]) -> None:
    """Raise EmotionError where a pair answers otherwise than it may."""
    for one in measured:
        if one.name in LIMITS and one.largest_difference > LIMITS[one.name]:
            raise EmotionError(
                f"{one.name} differs from ONNX Runtime by {one.largest_difference:.4f} in a probability, "
                f"more than {LIMITS[one.name]}: nothing was written"
            )
        if one.name in LIMITS and (one.lost or 0) > MOST_LOST:
            raise EmotionError(
                f"{one.name} loses {100 * (one.lost or 0):.2f} points of accuracy, more than "
                f"{100 * MOST_LOST:.1f}: nothing was written"
            )


def _measured(
    networks: Mapping[str, Network], torch: Network, valid: Inputs | None, megabytes: Mapping[str, float]
) -> list[Measured]:
    inputs = noise() if valid is None else valid
    by_torch, by_onnx = answers(torch, inputs), answers(networks[WHOLE], inputs)
    whole = None if valid is None else _accuracy(by_onnx, valid)
    times = timings([*networks.values()])
    measured = []
    for (name, network), (encode_ms, decide_ms) in zip(networks.items(), times, strict=True):
        said = by_onnx if name == WHOLE else answers(network, inputs)
        apart = np.abs(said - by_onnx).max(1)
        accuracy = None if valid is None else _accuracy(said, valid)
        measured.append(
            Measured(
                name,
                megabytes[name],
                encode_ms,
                decide_ms,
                float(apart.max()),
                float(np.quantile(apart, 0.95)),
                float(np.abs(said - by_torch).max()),
                accuracy,
                None if accuracy is None or whole is None else whole - accuracy,
            )
        )
    return measured


def _accuracy(probabilities: np.ndarray, valid: Inputs) -> float:
    """Compute the mean accuracy over the sets."""
    rows = [valid.source == one for one in np.unique(valid.source)]
    return float(np.mean([(probabilities[r].argmax(1) == valid.truth[r]).mean() for r in rows]))


def _place(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        with written_beside(target / name) as part:
            shutil.copyfile(source / name, part)
    note(*(target / name for name in FILES))


def report(outcome: dict) -> str:
    """Write the comparison as text for a terminal."""
    lines = [
        f"compared on {outcome['pictures']} pictures" if outcome["pictures"] else "compared on noise only",
        "files                        MB  encode ms  decide ms  accuracy  lost (points)  "
        "largest difference  95 % below  from PyTorch",
    ]
    for v in outcome["variants"]:
        lines.append(f"{v['name']:25s}{cells(v)}{v['usual_difference']:12.5f}{v['from_pytorch']:14.5f}")
    lines.append(f"differences of a probability, from {WHOLE}; written to {outcome['folder']}")
    return "\n".join(lines)
