"""A face-recognition network that is taught expressions itself: too slow to ship, and worth asking.

`distill` hands the first knowledge of a face-recognition network down. Here that network is kept whole: its
first layers stay as they are, the later ones are trained on the labelled pictures. What it answers for each
training picture is written to a file that `train --teachers` reads, beside the answers of trained weights.
"""

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from emotion_core.files import written_beside
from emotion_core.types import EmotionError
from train.config import TrainConfig
from train.data.batches import Draws
from train.data.samples import Samples
from train.fit.distill import GREY_SPREAD, units_of
from train.fit.loop import fast_bfloat16, moving_average, schedule
from train.fit.losses import category_loss
from train.fit.student import plain_batches

SIDE = 112  # of the pictures that SFace was made for
_FIELD = 1.185  # SFace's field of view in units of ours: its eyes lie 0.3125 of the picture apart, ours 0.37
_MIDDLE = 10  # trained layer whose features are read besides the last: expressions fade in the deepest layers

RECIPE = TrainConfig(
    epochs=1, batch=64, size=SIDE, learning_rate=5e-4, warmup=0.08, balance=0.4,
    smoothing=0.0, spoilt=0.1, mixup=0.15, landmark_dropout=0.1, ema=0.996, clip_norm=2.0,
)  # fmt: skip

log = logging.getLogger("train")


class Tutor(nn.Module):
    """The chain of a face-recognition network and the key points -> logits (B, K).

    Layers before the last halving but one stay as they are; PReLU of those after it is replaced by ReLU,
    which trains almost twice as fast and whose slope below zero is 0.02 to 0.2 in SFace.
    """

    def __init__(self, path: Path, classes: int):
        super().__init__()
        units = units_of(path)
        strided = [i for i, (conv, _, _) in enumerate(units) if conv.stride[0] > 1]
        if len(strided) < 2 or strided[-2] + 1 == len(units):
            raise EmotionError(f"{path.name} can't be a tutor: wanted two layers of stride 2 or more")
        cut = strided[-2] + 1
        self.fixed = nn.Sequential(*(layer for unit in units[:cut] for layer in unit)).eval()
        self.fixed.requires_grad_(False)
        self.trained = nn.ModuleList(nn.Sequential(conv, norm, nn.ReLU()) for conv, norm, _ in units[cut:])
        last = len(self.trained) - 1
        self.read = {min(_MIDDLE, last), last}
        width = 2 * sum(units[cut + i][0].out_channels for i in self.read)
        self.norm = nn.BatchNorm1d(width, affine=False)
        self.norm_points = nn.BatchNorm1d(100, affine=False)
        self.points = nn.Sequential(nn.Linear(100, 256), nn.SiLU(), nn.Linear(256, 256))
        self.head = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(width + 256, 512), nn.SiLU(), nn.Dropout(0.3), nn.Linear(512, classes)
        )

    def train(self, mode: bool = True) -> "Tutor":
        """Switch to training or back; the layers that stay as they are keep their statistics."""
        super().train(mode)
        self.fixed.eval()
        return self

    def forward(self, images: Tensor, landmarks: Tensor, present: Tensor) -> Tensor:
        """Read standardised grey pictures (B, 3, H, W), key points (B, 50, 2) and their presence (B,)."""
        with torch.no_grad():
            x = self.fixed(images * GREY_SPREAD)
        seen = []
        for number, unit in enumerate(self.trained):
            x = unit(x)
            if number in self.read:
                seen += [x.mean((2, 3)), x.amax((2, 3))]
        points = self.points(self.norm_points(landmarks.flatten(1))) * present[:, None]
        return self.head(torch.cat([self.norm(torch.cat(seen, 1).float()), points], 1))


def as_seen(samples: Samples) -> Samples:
    """Give the samples with the wider view of a face that the tutor is used to."""
    return dataclasses.replace(samples, margin=max(1.0, samples.margin / _FIELD))


@torch.no_grad()
def ask(tutor: Tutor, samples: Samples, half: bool, batch: int = 128) -> Tensor:
    """Give the tutor's probabilities (N, K) for the plain central crops of what `as_seen` gives."""
    tutor.eval()
    answers = []
    for shown in plain_batches(samples, SIDE, batch):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            answers.append(tutor(*shown).float().softmax(1))
    tutor.train()
    return torch.cat(answers)


def tutor(
    teacher_file: Path,
    samples: Samples,
    out: Path,
    *,
    pictures: int = 80_000,
    mix: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Path:
    """Teach a face-recognition network expressions and write what it answers for the training pictures.

    `out` (npz) holds `labels` (K,), `source` (N,), `id` (N,) and `answer` (N, K).

    Args:
        teacher_file: ONNX file of SFace's shape.
        samples: pictures of faces; those of the "train" split with a label are shown.
        out: the file to write.
        pictures: how many augmented pictures are shown.
        mix: share of each data set in a batch; as they lie where None.
        seed: of the start and of every draw.

    Raises:
        EmotionError: where the network has another shape, or no picture carries a label.
    """
    config = dataclasses.replace(RECIPE, epoch_pictures=pictures, mix=dict(mix or {}), seed=seed)
    torch.manual_seed(seed)
    network = Tutor(teacher_file, len(samples.labels))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    samples = as_seen(samples)
    rows = np.flatnonzero((samples.split == "train") & samples.labelled)
    if not len(rows):
        raise EmotionError("no training picture carries a label: check the data with `python -m train check`")
    steps = max(1, pictures // config.batch)
    draws = Draws(samples, rows, config, steps, 0, 1)
    average: Any = AveragedModel(network, multi_avg_fn=moving_average(config.ema), use_buffers=True)
    fresh = [p for name, p in network.named_parameters() if not name.startswith(("fixed", "trained"))]
    optimizer = torch.optim.AdamW(
        [{"params": network.trained.parameters(), "base": config.learning_rate},
         {"params": fresh, "base": 2 * config.learning_rate}],
        weight_decay=config.weight_decay, fused=True,
    )  # fmt: skip
    half = fast_bfloat16()
    bar = tqdm(range(steps), unit="step", mininterval=5)
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = group["base"] * schedule(step, steps, config.warmup)
        batch = draws[step]
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = network(batch["images"], batch["landmarks"], batch["present"])
        loss = category_loss(logits.float(), batch["target"], batch["weight"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
        if not bool((loss.detach() + norm).isfinite()):
            raise EmotionError(f"the tutor's loss is no longer a number at step {step}")
        optimizer.step()
        average.update_parameters(network)
        if step % 20 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}")

    best: Tutor = average.module
    valid = samples.where("valid")
    if len(valid):
        guess = ask(best, valid, half).argmax(1).numpy()
        for source in np.unique(valid.source):
            scored = (valid.source == source) & (valid.majority >= 0)
            if scored.any():
                right = 100 * np.mean(guess[scored] == valid.majority[scored])
                log.info(
                    "%s valid: the tutor is right in %.1f %% of %d pictures", source, right, scored.sum()
                )
    pupils = samples.where("train")
    answer = ask(best, pupils, half).numpy()
    out.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(out) as part, part.open("wb") as file:
        np.savez_compressed(file, labels=np.array(samples.labels), source=pupils.source.astype(str),
                            id=pupils.id.astype(str), answer=answer)  # fmt: skip
    return out
