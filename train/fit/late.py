"""`python -m train --late N`: the later layers alone, taught on the maps that `train.fit.maps` kept."""

import copy
import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from emotion_core.network.checkpoint import load_network, save_network
from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet
from emotion_core.types import EmotionError
from train.config import TrainConfig
from train.data.batches import Draws
from train.data.samples import Samples
from train.fit.loop import EMA_EVERY, fast_bfloat16, moving_average, schedule, validate
from train.fit.losses import TRUTH, losses
from train.fit.maps import Maps, keep
from train.fit.student import STILL_WINDOW, Student
from train.fit.teachers import teach

HIDDEN = 0.15  # share of pictures of which a part of the map is left out
MIXED = 0.3  # share of pictures mixed with another, as maps

log = logging.getLogger("train")


class Gate(nn.Module):
    """Channel attention whose gate passes no gradient: that of its LSTM takes a tenth of a step."""

    def __init__(self, attention: nn.Module):
        super().__init__()
        self.attention = attention.requires_grad_(False)

    def forward(self, x: Tensor, average: Tensor, maximum: Tensor) -> Tensor:
        """Gate (B, T, C)."""
        with torch.no_grad():
            gate = self.attention(torch.ones_like(x), average, maximum)
        return x * gate


class Late(nn.Module):
    """Everything after the front of a network, and the head of the blendshapes."""

    def __init__(self, net: SpatioTemporalEmotionNet):
        super().__init__()
        self.net = net
        self.blendshapes = nn.Linear(2 * net.config.widths[-1], 52)

    def forward(self, maps: Tensor, landmarks: Tensor, present: Tensor) -> tuple[Tensor, ...]:
        """Read maps (B, C, h, w), key points and their presence: logits, valence, arousal, blendshapes."""
        spatial: Any = self.net.spatial
        x = spatial.late(maps)
        x = spatial.norm(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))
        x = x + spatial.mix(x)
        features = torch.cat([x, self.net.landmark(landmarks, present)], 1)
        window = features[:, None].expand(-1, STILL_WINDOW, -1)
        return *self.net.decide(window), self.blendshapes(x)


def varied(batch: dict[str, Tensor], g: torch.Generator) -> dict[str, Tensor]:
    """Mix some maps with others, and leave a part out of some; labels follow, key points do not."""
    b = len(batch["weight"])
    partner = torch.randperm(b, generator=g)
    both = (batch["weight"] > 0) & (batch["weight"][partner] > 0)
    share = torch.rand(b, generator=g) * 0.5 * (torch.rand(b, generator=g) < MIXED) * both
    mixed = share > 0

    def blend(value: Tensor) -> Tensor:
        s = share.view(-1, *[1] * (value.ndim - 1))
        return torch.where(s > 0, value * (1 - s) + value[partner] * s, value)

    images = blend(batch["images"])
    h, w = images.shape[2:]
    for row in (torch.rand(b, generator=g) < HIDDEN).nonzero()[:, 0].tolist():
        top, left = (int(torch.randint(0, n - 2, (1,), generator=g)) for n in (h, w))
        images[row, :, top : top + 3, left : left + 3] = 0
    return batch | {
        "images": images,
        "present": batch["present"] * ~mixed,
        **{name: blend(batch[name]) for name in ("target", "prior", "valence", "arousal")},
        "blendshapes": torch.where(mixed[:, None], torch.nan, batch["blendshapes"]),
        "measured": batch["measured"] & ~mixed,
    }


def fit_late(
    net: SpatioTemporalEmotionNet,
    maps: Maps,
    config: TrainConfig,
    each_epoch: Callable[[int, SpatioTemporalEmotionNet], None] | None = None,
) -> SpatioTemporalEmotionNet:
    """Return the network with its later layers trained for `config.epochs` passes, averaged over steps."""
    torch.manual_seed(config.seed)
    half = config.precision == "bf16" or (config.precision == "auto" and fast_bfloat16())
    late: Any = Late(copy.deepcopy(net)).train()
    late.net.channel = Gate(late.net.channel)
    late.to(memory_format=torch.channels_last)
    for part in (late.net.spatial.stem, late.net.spatial.early, late.net.spatial.middle):
        part.requires_grad_(False).eval()
    learning = [p for p in late.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in learning if p.ndim > 1], "weight_decay": config.weight_decay},
         {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0}],
        lr=config.learning_rate, fused=True,
    )  # fmt: skip
    average: Any = AveragedModel(late, multi_avg_fn=moving_average(config.ema**EMA_EVERY), use_buffers=True)
    rng, g = np.random.default_rng(config.seed), torch.Generator().manual_seed(config.seed)
    n, b = len(maps.maps), config.batch
    steps = config.epochs * (n // b)
    step = 0
    for epoch in range(config.epochs):
        order = rng.permutation(n)
        for start in tqdm(range(0, n - b + 1, b), unit="step", mininterval=10, leave=False):
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * schedule(step, steps, config.warmup)
            batch = varied(maps.batch(np.sort(order[start : start + b])), g)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                out = late(batch["images"], batch["landmarks"], batch["present"])
            parts = losses(config, [value.float() for value in out], {name: batch[name] for name in TRUTH})
            optimizer.zero_grad(set_to_none=True)
            torch.stack(list(parts.values())).sum().backward()
            nn.utils.clip_grad_norm_(learning, config.clip_norm)
            optimizer.step()
            step += 1
            if step % EMA_EVERY == 0:
                average.update_parameters(late)
        if each_epoch:
            each_epoch(epoch, whole(average.module.net))
    return whole(average.module.net)


def whole(trained: SpatioTemporalEmotionNet) -> SpatioTemporalEmotionNet:
    """Give a copy of a network in training as it is used: with its own channel attention, for evaluation."""
    net: Any = copy.deepcopy(trained)
    net.channel = net.channel.attention
    return net.eval()


def run_late(config: TrainConfig, samples: Samples) -> Path:
    """Keep maps of `config.late` drawn pictures, teach the later layers on them, and write the weights.

    Raises:
        EmotionError: where no weights to start from are named.
    """
    if not config.init:
        raise EmotionError("--late starts from trained weights: name their file with --init")
    net, meta = load_network(Path(config.init))
    if config.teachers:
        share, size = config.distillation_weight, net.config.resolution
        samples = teach(samples, config.teachers, share, size, device=torch.device("cpu"), keep=config.folder)
    rows = np.flatnonzero((samples.split == "train") & (samples.labelled | samples.measured))
    steps = max(1, config.late // config.batch)
    plain = dataclasses.replace(config, mixup=0.0, size=net.config.resolution)  # maps are mixed instead
    maps = keep(
        net, Draws(samples, rows, plain, steps, 0, 1), config.folder / "maps", torch.get_num_threads()
    )
    net = fit_late(net, maps, config)
    valid = samples.where("valid")
    valid = valid.take(valid.labelled | valid.measured)
    figures: dict[str, Any] = {}
    if len(valid):
        figures = validate(Student(net), valid, net.config.resolution)
        figures.pop("confusion")
        log.info("%s", "  ".join(f"{name} {value:.4f}" for name, value in figures.items()))
    facts = {"config": config.as_dict(), "data": samples.digest(), "init": meta.sha256, "figures": figures}
    save_network(net, config.folder / "best.safetensors", samples.labels, trained=True, facts=facts)
    return config.folder
