"""What a face-recognition network knows of faces, handed down before any expression is taught.

The teacher is an ONNX file of a chain of convolutions, batch normalisations and PReLUs, as SFace of the
OpenCV Zoo is (Apache-2.0; Zhong et al. 2021). All of its layers but the first few are copied into the
student. PReLU becomes ReLU on the way, which ONNX Runtime reads twice as fast, so stem and early stages then
learn to give what the teacher gave: both networks read the same augmented picture, and the student is pulled
towards what the teacher makes of it. Labels are not looked at.
"""

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from emotion_core.network.checkpoint import save_network
from emotion_core.network.spatiotemporal import ConvNorm, NetConfig, SpatialCNN, SpatioTemporalEmotionNet
from emotion_core.types import EmotionError
from train.config import TrainConfig
from train.data.batches import Draws
from train.data.samples import Samples
from train.fit.loop import fast_bfloat16, schedule

GREY_SPREAD = 0.4  # spread of a face in the teacher's units of half the grey range: the student sees it as 1

RECIPE = TrainConfig(epochs=1, batch=64, learning_rate=2e-3, warmup=0.02, balance=0.0, mixup=0.0)

log = logging.getLogger("train")


class Teacher(nn.Module):
    """The first layers of a face-recognition network, up to where the student's early stages end.

    The last layers of both networks are counted off against each other: `inherited` are those that the
    student copies. The ones before them are what the student's stem stands for.
    """

    def __init__(self, path: Path, spatial: SpatialCNN):
        super().__init__()
        units, own = units_of(path), chain(spatial)
        skipped = len(units) - len(own)
        self.inherited = units[max(skipped, 0) :]
        fits = [fits_in(unit, conv) for (conv, _, _), unit in zip(self.inherited, own, strict=False)]
        if skipped < 0 or not all(fits):
            raise EmotionError(
                f"{path.name} can't teach this network: wanted the {len(own)} layers after SFace's first four"
            )
        early = [skipped + number for number, unit in enumerate(own) if unit in chain(spatial.early)]
        self.taps = (early[len(early) // 4], early[-1])
        self.units = units[: early[-1] + 1]
        self.layers = nn.ModuleList(layer for unit in units for layer in unit)
        self.matched = [own[tap - skipped] for tap in self.taps]  # the student's layers at the taps

    @torch.no_grad()
    def forward(self, images: Tensor) -> list[Tensor]:
        """Read standardised grey pictures (B, 3, H, W): taps before their activation, (B, C, h, w) each."""
        x, out = images * GREY_SPREAD, []
        for number, (conv, norm, act) in enumerate(self.units):
            x = norm(conv(x))
            if number in self.taps:
                out.append(x)
            x = act(x)
        return out


def fits_in(unit: Any, conv: nn.Conv2d) -> bool:
    """Tell whether a layer of the student can take over a teacher's convolution, or its first rows."""
    mine = unit[0]
    same = conv.kernel_size == mine.kernel_size and conv.stride == mine.stride
    return same and conv.weight.shape[1] == mine.weight.shape[1] and conv.out_channels >= mine.out_channels


def chain(part: nn.Module) -> list[ConvNorm]:
    """Return the layers of a part of the student in order, without its stem."""
    return [m for name, m in part.named_modules() if isinstance(m, ConvNorm) and name != "stem"]


def units_of(path: Path) -> list[tuple[nn.Conv2d, nn.BatchNorm2d, nn.PReLU]]:
    """Read convolution, normalisation and activation of a chain, up to the first layer of another kind."""
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(path).graph
    except Exception as error:  # protobuf's own, of many kinds
        raise EmotionError(f"{path} is no ONNX file: {' '.join(str(error).split())[:120]}") from None
    values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    nodes = [n for n in graph.node if n.op_type not in ("Sub", "Mul")]
    units = []
    for conv, norm, act in zip(nodes[::3], nodes[1::3], nodes[2::3], strict=False):
        if (conv.op_type, norm.op_type, act.op_type) != ("Conv", "BatchNormalization", "PRelu"):
            break
        options: dict[str, Any] = {a.name: list(a.ints) or a.i or a.f for a in conv.attribute}
        weight, groups = values[conv.input[1]], options.get("group") or 1
        layer = nn.Conv2d(
            weight.shape[1] * groups, len(weight), weight.shape[2], options["strides"][0],
            weight.shape[2] // 2, groups=groups, bias=False,
        )  # fmt: skip
        layer.weight.data = weight
        epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
        statistics = nn.BatchNorm2d(len(weight), eps=epsilon)
        scale, shift, mean, variance = (values[name] for name in norm.input[1:5])
        statistics.load_state_dict(
            {"weight": scale, "bias": shift, "running_mean": mean, "running_var": variance}, strict=False
        )
        slope = nn.PReLU(len(weight))
        slope.weight.data = values[act.input[1]].flatten()
        units.append((layer, statistics, slope))
    if not units:
        raise EmotionError(
            f"{path.name} is no chain of convolution, normalisation and PReLU: wanted SFace's shape"
        )
    return units


def hand_down(teacher: Teacher, spatial: SpatialCNN) -> None:
    """Copy the teacher's layers into a `SpatialCNN`; of a layer that is wider than ours, the first rows."""
    for (conv, norm, _), unit in zip(teacher.inherited, chain(spatial), strict=True):
        own: Any = unit
        rows = own[0].out_channels
        own[0].load_state_dict({"weight": conv.weight[:rows]})
        state = {k: v[:rows] if v.ndim else v for k, v in norm.state_dict().items()}
        state["running_var"] = state["running_var"] + norm.eps - own[1].eps
        own[1].load_state_dict(state)


def distill(
    teacher_file: Path,
    samples: Samples,
    out: Path,
    *,
    pictures: int = 90_000,
    mix: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Path:
    """Teach the encoder of a fresh network what the teacher sees in the training pictures.

    Writes `out` (safetensors), marked untrained: it knows faces, and no expression yet.

    Args:
        teacher_file: ONNX file of SFace's shape.
        samples: pictures of faces; those of the "train" split are shown.
        out: the safetensors file to write.
        pictures: how many augmented pictures are shown.
        mix: share of each data set in a batch; as they lie where None.
        seed: of the start and of every draw.

    Raises:
        EmotionError: where the teacher has another shape, or there is no picture to show.
    """
    config = dataclasses.replace(RECIPE, epoch_pictures=pictures, mix=dict(mix or {}), seed=seed)
    torch.manual_seed(seed)
    net = SpatioTemporalEmotionNet(NetConfig(classes=len(samples.labels), resolution=config.size))
    spatial: Any = net.spatial
    teacher: Any = Teacher(teacher_file, spatial).eval()
    teacher.to(memory_format=torch.channels_last)
    hand_down(teacher, spatial)
    learner: Any = nn.Sequential(spatial.stem, spatial.early)
    learner.to(memory_format=torch.channels_last)
    outputs: list[Tensor] = []
    hooks = [
        # a copy: the activation that follows works in place
        unit[1].register_forward_hook(lambda module, given, result: outputs.append(result.clone()))
        for unit in teacher.matched
    ]

    rows = np.flatnonzero(samples.split == "train")
    if not len(rows):
        raise EmotionError("there is no training picture to show to teacher and student")
    steps = max(1, pictures // config.batch)
    draws = Draws(samples, rows, config, steps, 0, 1)
    optimizer = torch.optim.AdamW(
        learner.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    half = fast_bfloat16()
    scale: list[Tensor] = []
    bar = tqdm(range(steps), unit="step", mininterval=5)
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * schedule(step, steps, config.warmup)
        images = draws[step]["images"]
        outputs.clear()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            targets = teacher(images)
            learner(images[:, :1])
        if not scale:  # per-channel spread of the teacher's answers
            scale = [w.float().std((0, 2, 3), keepdim=True).clamp_min(1e-3) for w in targets]
        parts = [
            F.mse_loss(s.float() / d, w.float() / d) for s, w, d in zip(outputs, targets, scale, strict=True)
        ]
        loss = torch.stack(parts).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(learner.parameters(), config.clip_norm)
        optimizer.step()
        if step % 20 == 0:
            bar.set_postfix(first=f"{parts[0].item():.3f}", last=f"{parts[1].item():.3f}")
    log.info("left unexplained: %.3f of the teacher's variance after its first stages, %.3f where the early"
             " stages end", parts[0].item(), parts[1].item())  # fmt: skip
    for hook in hooks:
        hook.remove()
    facts = {"teacher": teacher_file.name, "config": config.as_dict(), "data": samples.digest()}
    save_network(net, out, samples.labels, trained=False, facts=facts)
    return out
