"""What a face-recognition network knows of faces, handed down before any expression is taught.

The teacher is an ONNX file of a chain of convolutions, batch normalisations and PReLUs, as SFace of the
OpenCV Zoo is (Apache-2.0; Zhong et al. 2021). Its separable layers of the student's width are copied into the
student, and everything before them learns to feed them: both networks read the same augmented picture, and
the student is pulled towards what the teacher makes of it just before and just after those layers. Labels are
not looked at.
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

from emotion_core.checkpoint import save_network
from emotion_core.models import NetConfig, SpatioTemporalEmotionNet
from emotion_core.types import EmotionError
from train.config import TrainConfig
from train.data import Samples
from train.draws import Draws
from train.loop import fast_bfloat16, schedule

GREY_SPREAD = 0.4  # spread of a face in the teacher's units of half the grey range: the student sees it as 1
_SHIFT = 3  # pixels by which the middle of the student's first place lies further in than the teacher's

RECIPE = TrainConfig(epochs=1, batch=64, learning_rate=2e-3, warmup=0.02, balance=0.0, mixup=0.0)

log = logging.getLogger("train")


class Teacher(nn.Module):
    """A face-recognition network from its first convolution to the last layer that the student inherits.

    The first layer as wide as the student's last stage is matched by its `widen`; the separable layers after
    it are inherited.
    """

    def __init__(self, path: Path, width: int, separable: int):
        super().__init__()
        units = units_of(path)
        first = next((i for i, u in enumerate(units) if u[0].out_channels == width), len(units))
        last = first + 2 * separable
        tail = units[first + 1 : last + 1]
        if len(tail) < 2 * separable or any(conv.out_channels != width for conv, _, _ in tail):
            raise EmotionError(
                f"{path.name} can't teach this network: no {separable} separable layers of {width} channels"
            )
        self.units = units[: last + 1]
        self.layers = nn.ModuleList(layer for unit in self.units for layer in unit)
        self.taps = (first, last)

    def inherited(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Give convolution and normalisation of the layers that the student copies, in order."""
        first, last = self.taps
        return [(conv, norm) for conv, norm, _ in self.units[first + 1 : last + 1]]

    @torch.no_grad()
    def forward(self, images: Tensor) -> list[Tensor]:
        """Read standardised grey pictures (B, 3, H, W): taps before their activation, (B, C, h, w) each."""
        # its strided layers look from the top left corner of each step, the student's from the middle
        x, out = images[:, :, _SHIFT:, _SHIFT:] * GREY_SPREAD, []
        for number, (conv, norm, act) in enumerate(self.units):
            x = norm(conv(x))
            if number in self.taps:
                out.append(x)
            x = act(x)
        return out


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


def hand_down(teacher: Teacher, spatial: Any) -> None:
    """Copy the teacher's separable layers into those of a `SpatialCNN`."""
    own = [unit for layer in spatial.separable for unit in layer]
    for (conv, norm), unit in zip(teacher.inherited(), own, strict=True):
        unit[0].load_state_dict(conv.state_dict())
        state = norm.state_dict()
        state["running_var"] = state["running_var"] + norm.eps - unit[1].eps
        unit[1].load_state_dict(state)


def distill(
    teacher_file: Path,
    samples: Samples,
    out: Path,
    *,
    pictures: int = 90_000,
    mix: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Path:
    """Teach the picture half of a fresh network what the teacher sees in the training pictures.

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
    teacher: Any = Teacher(teacher_file, net.config.widths[-1], net.config.separable).eval()
    teacher.to(memory_format=torch.channels_last)
    spatial: Any = net.spatial
    spatial.to(memory_format=torch.channels_last)
    hand_down(teacher, spatial)
    seen: list[Tensor] = []
    hooks = [
        # a copy: the activation that follows works in place
        unit[1].register_forward_hook(lambda module, given, result: seen.append(result.clone()))
        for unit in (spatial.widen, spatial.separable[-1][-1])
    ]

    rows = np.flatnonzero(samples.split == "train")
    if not len(rows):
        raise EmotionError("there is no training picture to show to teacher and student")
    steps = max(1, pictures // config.batch)
    draws = Draws(samples, rows, config, steps, 0, 1)
    optimizer = torch.optim.AdamW(
        spatial.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    half = fast_bfloat16()
    scale: list[Tensor] = []
    bar = tqdm(range(steps), unit="step", mininterval=5)
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * schedule(step, steps, config.warmup)
        images = draws[step]["images"]
        seen.clear()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            wanted = teacher(images)
            spatial(images)
        if not scale:  # per-channel spread of the teacher's answers
            scale = [w.float().std((0, 2, 3), keepdim=True).clamp_min(1e-3) for w in wanted]
        parts = [
            F.mse_loss(s.float() / d, w.float() / d) for s, w, d in zip(seen, wanted, scale, strict=True)
        ]
        loss = torch.stack(parts).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(spatial.parameters(), config.clip_norm)
        optimizer.step()
        if step % 20 == 0:
            bar.set_postfix(before=f"{parts[0].item():.3f}", after=f"{parts[1].item():.3f}")
    log.info("left unexplained: %.3f of the teacher's variance before the inherited layers, %.3f after them",
             parts[0].item(), parts[1].item())  # fmt: skip
    for hook in hooks:
        hook.remove()
    facts = {"teacher": teacher_file.name, "config": config.as_dict(), "data": samples.digest()}
    save_network(net, out, samples.labels, trained=False, facts=facts)
    return out
