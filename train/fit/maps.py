"""The first layers read once: what they make of augmented pictures is kept, and the later ones learn from it.

Where a processor is all there is, most of a training step goes into layers that hardly change when training
starts from good weights. `keep` draws a training run's batches, reads them up to where the late layers begin
and writes the maps in 8 bits; `train.fit.late` then passes over them many times for a tenth of the price.
"""

import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet
from emotion_core.onnx_session import open_session
from train.data.batches import Draws

COLUMNS = (
    "landmarks",
    "present",
    "target",
    "weight",
    "valence",
    "arousal",
    "blendshapes",
    "measured",
    "prior",
)

log = logging.getLogger("train")


class Front(nn.Module):
    """Standardised grey pictures (B, 1, R, R) -> maps (B, C, R / 8, R / 8) before the late layers."""

    def __init__(self, net: SpatioTemporalEmotionNet):
        super().__init__()
        self.layers = nn.Sequential(net.spatial.stem, net.spatial.early, net.spatial.middle)

    def forward(self, images: Tensor) -> Tensor:
        """Read pictures."""
        return self.layers(images)


@dataclass(frozen=True, eq=False)
class Maps:
    """N augmented pictures as the late layers see them.

    maps: uint8 (N, C, h, w), a memory map; `scale` (C,) makes values of them. columns: what a batch of
    `train.data.batches` holds besides, by name, N rows each.
    """

    maps: np.ndarray
    scale: np.ndarray
    columns: dict[str, np.ndarray]

    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Return rows as tensors, `images` being maps (B, C, h, w) of float32."""
        maps = torch.from_numpy(self.maps[rows]).float() * torch.from_numpy(self.scale)[:, None, None]
        columns = {name: torch.from_numpy(column[rows]) for name, column in self.columns.items()}
        return columns | {"images": maps.contiguous(memory_format=torch.channels_last)}


def keep(net: SpatioTemporalEmotionNet, draws: Draws, folder: Path, threads: int = 0) -> Maps:
    """Draw every batch, read it and keep the maps under `folder`; what is there is gone on with.

    Sizes: 51 KB a picture at 80 px.
    """
    folder.mkdir(parents=True, exist_ok=True)
    read = _reader(net, draws.config.size, threads)
    batch, steps = draws.config.batch, len(draws)
    scale = np.zeros(0, np.float32)
    parts: list[dict[str, np.ndarray]] = []
    for step in tqdm(range(steps), unit="batch", mininterval=5):
        file = folder / f"{step:05d}.npz"
        if file.exists():
            with np.load(file) as stored:
                parts.append({name: stored[name] for name in stored if name != "maps"})
            scale = np.load(folder / "scale.npy")
            continue
        drawn = draws[step]
        maps = read(drawn["images"][:, :1].contiguous().numpy())
        if not len(scale):
            scale = (np.quantile(maps, 0.9995, axis=(0, 2, 3)) / 255).clip(1e-5).astype(np.float32)
            np.save(folder / "scale.npy", scale)
        small = (maps / scale[:, None, None]).round().clip(0, 255).astype(np.uint8)
        columns = {name: drawn[name].numpy() for name in COLUMNS}
        part = file.with_suffix(".part.npz")
        np.savez(part, maps=small, **columns)  # type: ignore[arg-type]
        part.replace(file)
        parts.append(columns)
    return gather(folder, steps, batch, scale, parts)


def gather(
    folder: Path, steps: int, batch: int, scale: np.ndarray, parts: list[dict[str, np.ndarray]]
) -> Maps:
    """Join the files of `keep` into one array on disk, which is read by rows."""
    first = np.load(folder / "00000.npz")["maps"]
    whole = np.memmap(folder / "maps.bin", np.uint8, "w+", shape=(steps * batch, *first.shape[1:]))
    for step in range(steps):
        with np.load(folder / f"{step:05d}.npz") as stored:
            whole[step * batch : (step + 1) * batch] = stored["maps"]
    return Maps(whole, scale, {name: np.concatenate([p[name] for p in parts]) for name in COLUMNS})


def _reader(net: SpatioTemporalEmotionNet, size: int, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from pictures to maps; ONNX Runtime reads them in half of PyTorch's time."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "front.onnx"
        torch.onnx.export(
            Front(net).eval(), (torch.zeros(2, 1, size, size),), str(file), dynamo=False,
            input_names=["images"], output_names=["maps"],
            dynamic_axes={"images": {0: "n"}, "maps": {0: "n"}},
        )  # fmt: skip
        session = open_session(file, threads)
    return lambda images: session.run(None, {"images": images})[0]
