"""The training loop.

Every step draws its own random numbers from (seed, step, rank), so a resumed run
continues exactly where it was cut without saving the state of any generator.
"""

import logging
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from emotion_core.checkpoint import save_network
from emotion_core.models import NetConfig, SpatioTemporalEmotionNet
from emotion_core.types import EmotionError
from train.augment import augment, center, mirror_blendshapes, mirror_landmarks, standardize
from train.config import TrainConfig
from train.data import Samples
from train.losses import blendshape_loss, category_loss, ccc_loss, loss_is_finite
from train.metrics import accuracy, balanced_accuracy, concordance_ccc, confusion
from train.start import start_from

log = logging.getLogger("train")


class Student(nn.Module):
    """The network with the head that pre-trains its eyes; only the network is shipped."""

    def __init__(self, net: SpatioTemporalEmotionNet):
        super().__init__()
        self.net = net
        self.blendshapes = nn.Linear(2 * net.config.widths[-1], 52)

    def forward(self, images: Tensor, landmarks: Tensor, present: Tensor) -> tuple[Tensor, ...]:
        """Read stills: each stands for a window of its own copies."""
        features = self.net.encode(images, landmarks, present)  # (B, F)
        window = features[:, None].expand(-1, STILL_WINDOW, -1)
        return *self.net.decide(window), self.blendshapes(features[:, : self.blendshapes.in_features])


EMA_EVERY = 4  # steps between updates of the average, which cost as much as a tenth of a step
STILL_WINDOW = 4  # copies that a still is shown as while training; the loop of copies settles by then


def sampling_weights(samples: Samples, rows: np.ndarray, config: TrainConfig) -> np.ndarray:
    """Give each training row's share of the draws: class balance to the power asked, then the source mix."""
    weight = np.ones(len(rows))
    labelled = samples.labelled[rows]
    dominant = samples.target[rows].argmax(1)
    sources = samples.source[rows]
    for source in np.unique(sources):
        here = (sources == source) & labelled
        counts = np.bincount(dominant[here], minlength=len(samples.labels))
        weight[here] = (1.0 / np.maximum(counts, 1) ** config.balance)[dominant[here]]
        mine = sources == source
        share = config.mix.get(str(source), 0.0) if config.mix else mine.mean()
        weight[mine] *= share / weight[mine].sum()
    return weight / weight.sum()


def batch_of(
    samples: Samples, picked: np.ndarray, size: int, config: TrainConfig, seed: int
) -> dict[str, Tensor]:
    """Draw one augmented batch; all randomness comes from `seed`."""
    g = torch.Generator().manual_seed(seed)
    b = len(picked)
    flip = torch.rand(b, generator=g) < 0.5
    images = augment(torch.from_numpy(samples.crops[picked]), samples.margin, size, flip, g)
    landmarks = mirror_landmarks(torch.from_numpy(samples.landmarks[picked]), flip)
    landmarks = landmarks + 0.01 * torch.rand(b, 1, 1, generator=g) * torch.randn(
        landmarks.shape, generator=g
    )
    present = torch.from_numpy(samples.present[picked]).float()
    present = present * (torch.rand(b, generator=g) >= config.landmark_dropout)
    target = torch.from_numpy(samples.target[picked])
    weight = torch.from_numpy(samples.weight[picked]) * (target.sum(1) > 0)
    certain = target.amax(1, keepdim=True) > 0.999  # one person's word, or all raters alike
    smoothed = target * (1 - config.smoothing) + config.smoothing / target.shape[1]
    target = torch.where(certain, smoothed, target)
    valence, arousal = (torch.from_numpy(a[picked]) for a in (samples.valence, samples.arousal))
    shapes = mirror_blendshapes(torch.from_numpy(samples.blendshapes[picked]).float(), flip)

    partner = torch.randperm(b, generator=g)  # mixing: pictures and labels, never key points
    share = torch.rand(b, generator=g) * 0.5
    share = share * (torch.rand(b, generator=g) < config.mixup) * (weight > 0) * (weight[partner] > 0)
    images = standardize(images)
    mixed = share > 0
    keep = (1 - share)[:, None, None, None]
    images = standardize_again(images * keep + images[partner] * (1 - keep), mixed)
    target = target * (1 - share)[:, None] + target[partner] * share[:, None]
    valence = torch.where(mixed, valence * (1 - share) + valence[partner] * share, valence)
    arousal = torch.where(mixed, arousal * (1 - share) + arousal[partner] * share, arousal)
    shapes = torch.where(mixed[:, None], torch.nan, shapes)
    return {
        "images": images.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last),
        "landmarks": landmarks,
        "present": present * ~mixed,
        "target": target,
        "weight": weight,
        "valence": valence,
        "arousal": arousal,
        "blendshapes": shapes,
    }


def standardize_again(images: Tensor, mixed: Tensor) -> Tensor:
    """Bring mixed pictures, whose spread shrank, back to a spread of one."""
    spread = images.var((1, 2, 3), keepdim=True, correction=0).sqrt().clamp_min(0.1)
    return torch.where(mixed[:, None, None, None], images / spread, images)


class Draws(torch.utils.data.Dataset):
    """Batch number -> batch; stateless, so that any step can be drawn again."""

    def __init__(
        self, samples: Samples, rows: np.ndarray, config: TrainConfig, steps: int, rank: int, world: int
    ):
        self.samples, self.rows, self.config, self.steps = samples, rows, config, steps
        self.rank, self.world = rank, world
        self.chances = np.cumsum(sampling_weights(samples, rows, config))

    def __len__(self) -> int:
        return self.steps

    def size(self, step: int) -> int:
        """Give the side in pixels of the pictures of a step."""
        return self.config.small_size if step < self.config.full_from * self.steps else self.config.size

    def __getitem__(self, step: int) -> dict[str, Tensor]:
        c = self.config
        draw = np.random.default_rng((c.seed, step)).random(c.batch)
        picked = self.rows[np.searchsorted(self.chances, draw * self.chances[-1])]
        picked = picked[self.rank :: self.world]
        return batch_of(
            self.samples, picked, self.size(step), c, (c.seed * 1_000_003 + step) * 64 + self.rank
        )


@torch.no_grad()
def predict(
    student: Student, samples: Samples, size: int, *, half: bool = False, batch: int = 128
) -> tuple[Tensor, Tensor, Tensor]:
    """Read the plain central crop of every sample: logits (N, K), valence (N,), arousal (N,), on the CPU."""
    device = next(student.parameters()).device
    student.eval()
    logits: list[Tensor] = []
    valence: list[Tensor] = []
    arousal: list[Tensor] = []
    for start in range(0, len(samples), batch):
        part = slice(start, start + batch)
        images = standardize(center(torch.from_numpy(samples.crops[part]), samples.margin, size).round())
        images = images.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        landmarks = torch.from_numpy(samples.landmarks[part])
        present = torch.from_numpy(samples.present[part]).float()
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            out = student(images.to(device), landmarks.to(device), present.to(device))
        for kept, value in zip((logits, valence, arousal), out, strict=False):
            kept.append(value.float().cpu())
    student.train()
    return torch.cat(logits), torch.cat(valence), torch.cat(arousal)


def validate(student: Student, samples: Samples, size: int, half: bool = False) -> dict[str, Any]:
    """Score every sample; figures by source where there are several."""
    scores, valence, arousal = predict(student, samples, size, half=half)
    v, a = valence.numpy(), arousal.numpy()
    predicted = scores.argmax(1).numpy()
    figures: dict[str, Any] = {}
    k = len(samples.labels)
    for source in np.unique(samples.source):
        rows = (samples.source == source) & (samples.majority >= 0)
        if not rows.any():
            continue
        truth, guess = samples.majority[rows], predicted[rows]
        matrix = confusion(truth, guess, k)
        figures[f"{source}/accuracy"], figures[f"{source}/balanced"] = (
            accuracy(matrix),
            balanced_accuracy(matrix),
        )
        target = torch.from_numpy(samples.target[rows])
        figures[f"{source}/nll"] = float(category_loss(scores[rows], target, torch.ones(len(target))))
        for name, got, wanted in (("valence", v, samples.valence), ("arousal", a, samples.arousal)):
            known = rows & np.isfinite(wanted)
            if known.sum() > 1:
                figures[f"{source}/{name}_ccc"] = concordance_ccc(wanted[known], got[known])
    accuracies = [value for name, value in figures.items() if name.endswith(("/accuracy", "/balanced"))]
    figures["score"] = float(np.mean(accuracies)) if accuracies else float("nan")
    rows = samples.majority >= 0
    figures["confusion"] = confusion(samples.majority[rows], predicted[rows], k)
    return figures


def fit(config: TrainConfig, samples: Samples) -> Path:
    """Train on the "train" split, watch the "valid" split, keep the best average; give the folder written.

    Under `torchrun` every process takes its share of each batch.

    Raises:
        EmotionError: for data that cannot be trained on, or a loss that is no longer a number.
    """
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if cuda else "gloo")
    torch.manual_seed(config.seed)

    rows = np.flatnonzero(samples.split == "train")
    valid = samples.where("valid")
    if not samples.labelled[rows].any():
        raise EmotionError("no training picture carries a label: check the data with `python -m train check`")
    pictures = min(config.epoch_pictures, max(len(rows), 16 * config.batch))  # a small folder is seen often
    epoch_steps = max(1, pictures // config.batch)
    steps = config.epochs * epoch_steps
    net = SpatioTemporalEmotionNet(NetConfig(classes=len(samples.labels), resolution=config.size))
    student = Student(net).to(device)
    student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if config.init:
        start_from(student, Path(config.init))
    model = DistributedDataParallel(student) if world > 1 else student
    average: Any = AveragedModel(
        student, multi_avg_fn=moving_average(config.ema**EMA_EVERY), use_buffers=True
    )
    decayed = [p for p in student.parameters() if p.ndim > 1]
    plain = [p for p in student.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=config.learning_rate,
        fused=True,
    )
    start, best, stale = 0, -math.inf, 0
    last = config.folder / "last.pt"
    facts = {"config": config.as_dict(), "data": samples.digest(), "labels": list(samples.labels)}
    if config.resume and last.exists():
        state = torch.load(last, weights_only=True, map_location=device)
        if state["data"] != facts["data"]:
            raise EmotionError(f"{last} was trained on other data: start afresh without --resume")
        student.load_state_dict(state["student"])
        average.load_state_dict(state["ema"])
        optimizer.load_state_dict(state["optimizer"])
        start, best, stale = state["step"], state["best"], state["stale"]

    draws = Draws(samples, rows, config, steps, rank, world)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.Subset(draws, range(start, steps)), batch_size=None, num_workers=config.workers
    )
    half = config.precision == "bf16" or (config.precision == "auto" and (cuda or fast_bfloat16()))
    writer = SummaryWriter(config.logs) if rank == 0 else None
    config.folder.mkdir(parents=True, exist_ok=True)
    bar = tqdm(loader, total=steps, initial=start, unit="step", disable=rank > 0, mininterval=5)
    began = time.monotonic()
    for step, batch in enumerate(bar, start):
        rate = config.learning_rate * schedule(step, steps, config.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            logits, valence, arousal, shapes = model(batch["images"], batch["landmarks"], batch["present"])
        parts = {
            "category": config.category_weight
            * category_loss(logits.float(), batch["target"], batch["weight"]),
            "valence": config.valence_weight * ccc_loss(valence.float(), batch["valence"]),
            "arousal": config.arousal_weight * ccc_loss(arousal.float(), batch["arousal"]),
            "blendshapes": config.blendshape_weight * blendshape_loss(shapes.float(), batch["blendshapes"]),
        }
        loss = torch.stack(list(parts.values())).sum()
        if not loss_is_finite(loss):
            raise EmotionError(
                f"the loss is no longer a number at step {step}: lower --learning-rate; "
                f"the last good checkpoint is {last}"
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(student.parameters(), config.clip_norm)
        optimizer.step()
        if step % EMA_EVERY == 0:
            average.update_parameters(student)
        if writer and step % 20 == 0:
            writer.add_scalar("loss/all", loss.item(), step)
            for name, part in parts.items():
                writer.add_scalar(f"loss/{name}", part.item(), step)
            writer.add_scalar("learning_rate", rate, step)
            writer.add_scalar("gradient_norm", norm.item(), step)
            bar.set_postfix(loss=f"{loss.item():.3f}", rate=f"{rate:.1e}")
        if (step + 1) % epoch_steps:
            continue
        epoch = (step + 1) // epoch_steps
        figures: dict[str, Any] = {"score": -loss.item()}
        if len(valid):
            figures = validate(average.module, valid, draws.size(step), half)
        matrix = figures.pop("confusion", None)
        if world > 1:  # all processes must agree on when to stop
            agreed = torch.tensor([figures["score"]], device=device)
            dist.broadcast(agreed, 0)
            figures["score"] = float(agreed)
        improved = figures["score"] > best
        best, stale = (figures["score"], 0) if improved else (best, stale + 1)
        if rank == 0 and writer:
            for name, value in figures.items():
                writer.add_scalar(f"valid/{name}", value, step)
            if matrix is not None:
                share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
                writer.add_image("valid/confusion", share[None], step)
                show_samples(writer, average.module, valid, config.size, step)
            shown = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if "ccc" not in name)
            log.info(
                "epoch %d  %.0f s  %s%s", epoch, time.monotonic() - began, shown, "  best" if improved else ""
            )
            state = {
                "student": student.state_dict(), "ema": average.state_dict(),
                "average": average.module.state_dict(),
                "optimizer": optimizer.state_dict(), "step": step + 1, "best": best, "stale": stale, **facts,
            }  # fmt: skip
            save_beside(state, last)
            if improved:
                save_beside({"average": state["average"], **facts}, config.folder / "best.pt")
                save_network(average.module.net, config.folder / "best.safetensors", samples.labels,
                             trained=True, facts={**facts, "step": step + 1, "figures": figures})  # fmt: skip
        if stale >= config.patience:
            log.info("no gain for %d epochs: stopped early", stale)
            break
    if world > 1:
        dist.destroy_process_group()
    return config.folder


def show_samples(writer: SummaryWriter, student: Student, valid: Samples, size: int, step: int) -> None:
    """Log twelve valid pictures, spread over the split, with what the network reads in them."""
    rows = np.linspace(0, len(valid) - 1, min(12, len(valid))).astype(int)
    few = valid.take(rows)
    images = center(torch.from_numpy(few.crops), few.margin, size)
    scores = predict(student, few, size)[0].softmax(1)
    lines = []
    for number, (row, truth) in enumerate(zip(scores, few.majority, strict=True)):
        said = few.labels[int(truth)] if truth >= 0 else "unscored"
        lines.append(f"{number}. {few.labels[int(row.argmax())]} {row.max():.0%} (raters: {said})")
    writer.add_images("valid/pictures", images / 255, step)
    writer.add_text("valid/predictions", "\n".join(lines), step)


def moving_average(decay: float) -> Callable[..., None]:
    """Give the update of an exponential average that forgets its first, random weights quickly."""

    @torch.no_grad()
    def update(averages: list[Tensor], currents: list[Tensor], updates: Tensor | int) -> None:
        n = int(updates)
        share = max(1 - decay, 9 / (10 + n))
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, currents, share)
        else:
            torch._foreach_copy_(averages, currents)

    return update


def schedule(step: int, steps: int, warmup: float) -> float:
    """Linear warm-up, then a cosine down to a hundredth."""
    ramp = max(1, int(steps * warmup))
    if step < ramp:
        return (step + 1) / ramp
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - ramp) / max(1, steps - ramp)))


def fast_bfloat16() -> bool:
    """Tell whether this CPU multiplies bfloat16 matrices in hardware; others only lose by it."""
    try:
        return "amx_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def save_beside(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint beside and rename it, so that a killed run leaves the former one whole."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)
