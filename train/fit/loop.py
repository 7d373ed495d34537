"""The training loop.

Every step draws its own random numbers from (seed, step, rank), so a resumed run continues exactly where it
was cut without saving the state of any generator; on a CPU it ends with the same weights, bit for bit.

Several processes (`torchrun`) share each batch. Losses are those of the whole batch, since CCC and the
weighted mean are no sums over its pictures. On CUDA batch normalisation reads the whole batch too
(SyncBatchNorm); on CPUs, where PyTorch has none, each process normalises by its share, and the first one's
running figures are kept. Augmentation is drawn for each process apart. So a model of several processes
differs from that of one as does one of another augmentation.
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

from emotion_core.files import written_beside
from emotion_core.network.checkpoint import save_network
from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet, freeze_norms
from emotion_core.types import EmotionError
from train.config import TrainConfig
from train.data.augment import center
from train.data.batches import Draws
from train.data.samples import Samples
from train.fit.losses import TRUTH, category_loss, losses
from train.fit.sam import uphill
from train.fit.start import resume, shape_of, start_from
from train.fit.student import Student, predict
from train.fit.teachers import teach
from train.measure.metrics import accuracy, balanced_accuracy, concordance_ccc, confusion

log = logging.getLogger("train")


FEWEST = 10  # pictures of a category from which its recall counts
EMA_EVERY = 4  # steps between updates of the average, which cost as much as a tenth of a step


def validate(student: Student, samples: Samples, size: int, half: bool = False) -> dict[str, Any]:
    """Score every sample; figures by source where there are several.

    `score`, the mean that tells the best epoch, leaves out balanced accuracy where one picture of a rare
    category would move it by points.
    """
    scores, valence, arousal = predict(student, samples, size, half=half)
    v, a = valence.numpy(), arousal.numpy()
    predicted = scores.argmax(1).numpy()
    figures: dict[str, Any] = {}
    scored: list[float] = []
    k = len(samples.labels)
    for source in np.unique(samples.source):
        rows = (samples.source == source) & (samples.majority >= 0)
        if not rows.any():
            continue
        truth, guess = samples.majority[rows], predicted[rows]
        matrix = confusion(truth, guess, k)
        overall, balanced = accuracy(matrix), balanced_accuracy(matrix)
        figures[f"{source}/accuracy"], figures[f"{source}/balanced"] = overall, balanced
        scored += [overall, balanced] if matrix.sum(1).min() >= FEWEST else [overall]
        target = torch.from_numpy(samples.target[rows])
        figures[f"{source}/nll"] = float(category_loss(scores[rows], target, torch.ones(len(target))))
        for name, got, wanted in (("valence", v, samples.valence), ("arousal", a, samples.arousal)):
            known = rows & np.isfinite(wanted)
            if known.sum() > 1:
                figures[f"{source}/{name}_ccc"] = concordance_ccc(wanted[known], got[known])
    figures["score"] = float(np.mean(scored)) if scored else float("nan")
    rows = samples.majority >= 0
    figures["confusion"] = confusion(samples.majority[rows], predicted[rows], k)
    return figures


def of_all(value: Tensor, world: int) -> Tensor:
    """Return the rows (B, ...) of all processes; gradients flow into this process's own."""
    if world == 1:
        return value
    parts = [torch.empty_like(value) for _ in range(world)]
    dist.all_gather(parts, value.detach().contiguous())
    parts[dist.get_rank()] = value
    return torch.cat(parts)


def fit(config: TrainConfig, samples: Samples) -> Path:
    """Train on the "train" split, watch the "valid" split, keep the best average; return the folder written.

    `last.pt` closes every epoch and is written every `save_minutes` besides; `best.pt` and
    `best.safetensors` hold the average that scored best. Under `torchrun` every process takes its share of
    each batch.

    Raises:
        EmotionError: for data that cannot be trained on, or a loss that is no longer a number.
    """
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if config.batch % world:
        raise EmotionError(f"{world} processes can't share a batch of {config.batch} evenly: change --batch")
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if cuda else "gloo")
    torch.manual_seed(config.seed)

    rows = np.flatnonzero(samples.split == "train")
    valid = samples.where("valid")
    valid = valid.take(valid.labelled | valid.measured)  # nothing else is scored
    if not samples.labelled[rows].any():
        raise EmotionError("no training picture carries a label: check the data with `python -m train check`")
    pictures = min(config.epoch_pictures, max(len(rows), 16 * config.batch))  # a small folder is seen often
    epoch_steps = max(1, pictures // config.batch)
    steps = config.epochs * epoch_steps
    student: Any = Student(SpatioTemporalEmotionNet(shape_of(config, len(samples.labels)))).to(device)
    student.to(memory_format=torch.channels_last)
    if config.init:
        start_from(student, Path(config.init))
    student.net.spatial.fix(config.fix_early)
    if config.frozen_norms:
        freeze_norms(student.net.spatial)
    if world > 1 and cuda:
        student = nn.SyncBatchNorm.convert_sync_batchnorm(student)
    unused = bool(config.without)  # parts that are switched off have no gradient
    model = DistributedDataParallel(student, find_unused_parameters=unused) if world > 1 else student
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
        start, best, stale = resume(last, facts, student, average, optimizer)
        log.info("going on from step %d of %d", start, steps)
    elif config.resume:
        log.warning("there is no %s to go on from: starting afresh", last)
    end = start if stale >= config.patience else steps  # a run that has stopped early stays stopped

    half = config.precision == "bf16" or (config.precision == "auto" and (cuda or fast_bfloat16()))
    if config.teachers:
        samples = teach(
            samples, config.teachers, config.distillation_weight, config.size,
            device=device, half=half, keep=config.folder if world == 1 else None,
        )  # fmt: skip
    draws = Draws(samples, rows, config, steps, rank, world)

    def slope(batch: dict[str, Tensor], seed: int) -> tuple[dict[str, Tensor], Tensor]:
        """Leave the gradient of the batch's loss at the weights; return the loss by parts and their sum."""
        torch.manual_seed(~seed)  # dropout's, of which the batch has used another
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            out = model(batch["images"], batch["landmarks"], batch["present"])
        answers = [of_all(value.float(), world) for value in out]
        parts = losses(config, answers, {name: of_all(batch[name], world) for name in TRUTH})
        loss = torch.stack(list(parts.values())).sum()
        optimizer.zero_grad(set_to_none=True)
        (loss * world).backward()  # each process has the gradient of its rows, and their mean is taken
        return parts, loss

    loader = torch.utils.data.DataLoader(
        torch.utils.data.Subset(draws, range(start, end)), batch_size=None, num_workers=config.workers
    )
    writer = SummaryWriter(config.logs, purge_step=start or None) if rank == 0 else None
    config.folder.mkdir(parents=True, exist_ok=True)
    bar = tqdm(loader, total=steps, initial=start, unit="step", disable=rank > 0, mininterval=5)
    began = saved = time.monotonic()
    for step, batch in enumerate(bar, start):
        rate = config.learning_rate * schedule(step, steps, config.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
        parts, loss = slope(batch, draws.seed(step))
        if config.sam:
            with uphill(student, config.sam):
                slope(batch, draws.seed(step))
        norm = nn.utils.clip_grad_norm_(student.parameters(), config.clip_norm)
        if not bool((loss.detach() + norm).isfinite()):
            bar.close()
            advice = (
                f"the last good checkpoint is {last}" if last.exists() else "no checkpoint was written yet"
            )
            raise EmotionError(
                f"the loss is no longer a number at step {step}: lower --learning-rate; {advice}"
            )
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
        epoch, left = divmod(step + 1, epoch_steps)
        if not left:
            figures: dict[str, Any] = {"score": math.nan}
            if rank == 0 and len(valid):
                figures = validate(average.module, valid, config.size, half)
            matrix = figures.pop("confusion", None)
            if math.isnan(figures["score"]):  # nothing to score: the loss must do
                figures["score"] = -loss.item()
            if world > 1:  # all processes must agree on when to stop
                agreed = torch.tensor([figures["score"]], dtype=torch.float64, device=device)
                dist.broadcast(agreed, 0)
                figures["score"] = float(agreed)
            improved = figures["score"] > best
            best, stale = (figures["score"], 0) if improved else (best, stale + 1)
            if writer:
                for name, value in figures.items():
                    writer.add_scalar(f"valid/{name}", value, step)
                if matrix is not None:
                    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
                    writer.add_image("valid/confusion", share[None], step)
                    show_samples(writer, average.module, valid, config.size, step)
            line = "  ".join(f"{name} {value:.4f}" for name, value in figures.items() if "ccc" not in name)
            mark = "  best" if improved else ""
            log.info("epoch %d  %.0f s  %s%s", epoch, time.monotonic() - began, line, mark)
            if rank == 0 and improved:
                kept_net = average.module.net
                save_beside({"average": average.module.state_dict(), **facts}, config.folder / "best.pt")
                save_network(kept_net, config.folder / "best.safetensors", samples.labels,
                             trained=True, facts={**facts, "step": step + 1, "figures": figures})  # fmt: skip
        if rank == 0 and (not left or time.monotonic() - saved >= 60 * config.save_minutes):
            state = {
                "student": student.state_dict(), "ema": average.state_dict(),
                "average": average.module.state_dict(),
                "optimizer": optimizer.state_dict(), "step": step + 1, "best": best, "stale": stale, **facts,
            }  # fmt: skip
            save_beside(state, last)  # after the best: a run cut between the two writes the best again
            saved = time.monotonic()
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
        raters = few.labels[int(truth)] if truth >= 0 else "unscored"
        lines.append(f"{number}. {few.labels[int(row.argmax())]} {row.max():.0%} (raters: {raters})")
    writer.add_images("valid/pictures", images / 255, step)
    writer.add_text("valid/predictions", "\n".join(lines), step)


def moving_average(decay: float) -> Callable[..., None]:
    """Return the update of an exponential average that forgets its first, random weights quickly."""

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
    """Tell whether this CPU multiplies bfloat16 in hardware; others only lose by it."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
        return not flags.isdisjoint(("amx_bf16", "avx512_bf16"))
    except OSError:
        return False


def save_beside(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint beside and rename it, so that a killed run leaves the former one whole."""
    with written_beside(path) as part:
        torch.save(state, part)
