"""A small network that tells people apart, taught by a face-recognition network's answers.

The teacher is SFace of the OpenCV Zoo (Apache-2.0; Zhong et al. 2021). It reads each picture once, as it is;
the student is shown the picture moved, spoilt and mirrored, and learns how much like each picture of the set
the teacher finds it, and the teacher's direction. Nobody's name is asked for. The student begins with layers
that are there already: stem and early stages of the emotion network, and what follows them in the teacher.
"""

import logging
import pickle
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from emotion_core.faces.embedding import SIDE
from emotion_core.files import written_beside
from emotion_core.network.checkpoint import load_network
from emotion_core.network.spatiotemporal import ConvNorm, NetConfig, Separable, SpatialCNN, freeze_norms
from emotion_core.types import EmotionError
from train.data.augment import augment, standardize
from train.fit.distill import Teacher, hand_down, units_of
from train.fit.loop import fast_bfloat16, schedule

VALUES = 128
DEPTH = 2  # layers of the teacher's middle that the student takes over
BATCH = 64
TEMPERATURE = 0.07  # of the likeness to all pictures of the set
_SAVE = 240.0  # seconds between two states that are kept
_TEACHER_SIDE = 112
# Eyes and mouth corners in the picture of 112 px that the teacher learnt on.
_EYES, _MOUTH = (55.9, 51.6), (56.1, 92.3)
_EYE_DISTANCE = 35.2

log = logging.getLogger("train")


class EmbeddingNet(nn.Module):
    """Grey standardised faces (B, 1, 64, 64) -> unit vectors (B, 128); one person's point the same way."""

    def __init__(self) -> None:
        super().__init__()
        whole = SpatialCNN(NetConfig())
        self.stem, self.early = whole.stem, whole.early
        width = NetConfig().widths[-1]
        self.middle = nn.Sequential(
            *(Separable(width, width) for _ in range(DEPTH)), Separable(width, width, 2)
        )
        side = SIDE // 16
        self.places = ConvNorm(width, width, side, groups=width)  # each channel weighs its places
        self.places[0].padding = (0, 0)  # type: ignore[assignment]
        self.places[2] = nn.Identity()
        self.out = nn.Linear(width, VALUES)

    def forward(self, images: Tensor) -> Tensor:
        """Read (B, 1, 64, 64) into (B, 128), of length 1."""
        x = self.middle(self.early(self.stem(images)))  # (B, 512, 4, 4)
        return F.normalize(self.out(self.places(x).flatten(1)), dim=1)


class FaceRecognition(nn.Module):
    """All of the teacher: grey crops of ours (B, 1, S, S) in 0..255 with `margin` -> (B, 128)."""

    def __init__(self, path: Path):
        super().__init__()
        import onnx
        from onnx import numpy_helper

        self.units = nn.ModuleList(layer for unit in units_of(path) for layer in unit)
        held = {
            i.name: torch.from_numpy(numpy_helper.to_array(i).copy())
            for i in onnx.load(path).graph.initializer
        }
        try:
            self.before = _norm(held, "bn1", nn.BatchNorm2d)
            self.linear = nn.Linear(*held["pre_fc1_weight"].shape[::-1])
            self.linear.load_state_dict({"weight": held["pre_fc1_weight"], "bias": held["pre_fc1_bias"]})
            self.after = _norm(held, "fc1", nn.BatchNorm1d)
        except KeyError as error:
            raise EmotionError(
                f"{path.name} can't teach faces apart: it has no {error}; wanted SFace"
            ) from None
        self.eval()

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        """Read (B, 1, 112, 112), in 0..255, laid as the teacher learnt it."""
        x = ((pictures - 127.5) / 128).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16()):
            for unit in self.units:
                x = unit(x)
        answer: Tensor = self.after(self.linear(self.before(x.float()).flatten(1)))
        return F.normalize(answer, dim=1)


def _norm(held: dict[str, Tensor], name: str, kind: Any) -> nn.Module:
    parts = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_var"}
    layer: nn.Module = kind(len(held[f"{name}_gamma"]), eps=2e-5)
    layer.load_state_dict({k: held[f"{name}_{v}"] for k, v in parts.items()}, strict=False)
    return layer


def teacher_matrix(margin: float, size: int) -> np.ndarray:
    """Return the (2, 3) similarity from our stored crop to the picture that the teacher learnt on."""
    from emotion_core.faces.crop import crop_matrix

    half = _EYE_DISTANCE / 2
    corner = half * 0.81  # the mouth's half width beside the eyes'
    five = np.array([
        [_EYES[0] - half, _EYES[1]], [_EYES[0] + half, _EYES[1]], [_EYES[0], 72.0],
        [_MOUTH[0] - corner, _MOUTH[1]], [_MOUTH[0] + corner, _MOUTH[1]],
    ])  # fmt: skip
    return cv2.invertAffineTransform(crop_matrix(five, size, margin))


def answers(teacher: Path, crops: np.ndarray, margin: float) -> np.ndarray:
    """Ask the teacher about grey crops (N, S, S) of ours: unit vectors (N, 128), float32."""
    net = FaceRecognition(teacher)
    matrix = teacher_matrix(margin, crops.shape[1])
    out = [np.zeros((0, VALUES), np.float32)]
    for start in tqdm(range(0, len(crops), BATCH), unit="batch", mininterval=5):
        side = (_TEACHER_SIDE, _TEACHER_SIDE)
        laid = [
            cv2.warpAffine(c, matrix, side, borderMode=cv2.BORDER_REPLICATE)
            for c in crops[start : start + BATCH]
        ]
        out.append(net(torch.from_numpy(np.stack(laid))[:, None].float()).numpy())
    return np.concatenate(out)


def begin(teacher: Path, init: Path) -> EmbeddingNet:
    """Make a student out of layers that know faces: the emotion network's first, then the teacher's."""
    net, (own, _) = EmbeddingNet(), load_network(init)
    donor: Any = SpatialCNN(own.config)
    hand_down(Teacher(teacher, donor), donor)
    layers = [m for m in donor.middle if isinstance(m, Separable)]
    try:
        net.stem.load_state_dict(own.spatial.stem.state_dict())
        net.early.load_state_dict(own.spatial.early.state_dict())
        for mine, theirs in zip(net.middle, [*layers[:DEPTH], layers[-1]], strict=True):
            mine.load_state_dict(theirs.state_dict())
    except RuntimeError:
        raise EmotionError(
            f"{init.name} is of another shape: wanted the layers of the shipped network"
        ) from None
    return net


def taken_up(path: Path) -> EmbeddingNet:
    """Read a network that `train.ship.embedding` wrote in 8 bits, to teach it further.

    Its normalisations are part of its convolutions, so they stay frozen: only scale and shift are learnt.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    held = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    made = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}

    def values(name: str) -> Tensor:
        whole, scale, zero = (held[i].astype(np.float32) for i in made[name].input)
        shape = (-1, *[1] * (whole.ndim - 1))
        return torch.from_numpy((whole - zero.reshape(shape)) * scale.reshape(shape))

    net: Any = EmbeddingNet()
    layers = [m for m in net.modules() if isinstance(m, ConvNorm)]
    try:
        convolutions = [node for node in graph.node if node.op_type == "Conv"]
        for layer, node in zip(layers, convolutions, strict=True):
            norm: Any = layer[1]
            layer[0].load_state_dict({"weight": values(node.input[1])})
            norm.bias.data.copy_(values(node.input[2]))
            norm.running_var.fill_(1 - norm.eps)
        net.out.load_state_dict({k: torch.from_numpy(held[f"out.{k}"].copy()) for k in ("weight", "bias")})
    except (KeyError, ValueError, RuntimeError):
        raise EmotionError(
            f"{path.name} is no embedding network of ours: wanted face_embedding.onnx"
        ) from None
    freeze_norms(net)
    return net


def teach(
    net: EmbeddingNet,
    crops: np.ndarray,
    wanted: np.ndarray,
    margin: float,
    *,
    pictures: int = 100_000,
    learning_rate: float = 2e-3,
    seed: int = 0,
    keep: Path | None = None,
    fixed: Sequence[nn.Module] = (),
) -> float:
    """Teach the student in place; gives the mean cosine to the teacher over the last hundred steps.

    What all faces have in common is taken off the teacher's answers first, or little else would be learnt.

    Args:
        net: where to begin.
        crops: uint8 (N, S, S), grey, with `margin`.
        wanted: what the teacher said of each, unit vectors (N, 128).
        margin: field of view of the crops, in units of the live crop.
        pictures: how many augmented pictures are shown.
        learning_rate: the highest.
        seed: of every draw.
        fixed: parts of `net` that stay as they are.
        keep: where the state is written every few minutes; where the file is there, it goes on from it.
    """
    if not len(crops):
        raise EmotionError("there is no training picture to show to teacher and student")
    generator, draws = torch.Generator(), np.random.default_rng(seed)
    learner: Any = net
    learner.to(memory_format=torch.channels_last).train()
    for part in fixed:
        part.requires_grad_(False).eval()
    taught = [p for p in learner.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(taught, lr=learning_rate, weight_decay=0.02, fused=True)
    steps, close = max(1, pictures // BATCH), [0.0]
    begun = 0 if keep is None else _go_on(keep, net, optimizer, (seed, steps))
    all_wanted = F.normalize(torch.from_numpy(wanted - wanted.mean(0)), dim=1)  # (N, 128)
    order = np.concatenate([draws.permutation(len(crops)) for _ in range(-(-steps * BATCH // len(crops)))])
    bar, saved = tqdm(range(begun, steps), unit="step", mininterval=10), time.monotonic()
    for step in bar:
        if keep is not None and time.monotonic() - saved > _SAVE:
            _keep(keep, net, optimizer, step, (seed, steps))
            saved = time.monotonic()
        generator.manual_seed(seed * 1_000_003 + step)  # a run that goes on draws as one left alone
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * schedule(step, steps, 0.03)
        rows = order[step * BATCH : (step + 1) * BATCH]
        flip = torch.rand(len(rows), generator=generator) < 0.5
        shown = standardize(augment(torch.from_numpy(crops[rows]), margin, SIDE, flip, generator, 0.4))
        given = learner(shown.contiguous(memory_format=torch.channels_last))
        target = all_wanted[rows]  # (B, 128)
        alike = (given * target).sum(1)
        soft = (target @ all_wanted.T / TEMPERATURE).softmax(
            1
        )  # (B, N): how much like each, says the teacher
        among_all = F.cross_entropy(given @ all_wanted.T / TEMPERATURE, soft)
        loss = among_all + (1 - alike).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(taught, 1.0)
        optimizer.step()
        close = [*close[-99:], alike.mean().item()]
        if step % 20 == 0:
            bar.set_postfix(cosine=f"{np.mean(close):.3f}")
    net.eval()
    return float(np.mean(close))


def _keep(path: Path, net: nn.Module, optimizer: Any, step: int, run: tuple[int, int]) -> None:
    state = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "run": run}
    with written_beside(path) as part:
        torch.save(state, part)


def _go_on(path: Path, net: nn.Module, optimizer: Any, run: tuple[int, int]) -> int:
    """Load the state of a run that was cut, and give the step it was at; 0 where there is none."""
    if not path.is_file():
        return 0
    try:
        state = torch.load(path, weights_only=True)
        same = tuple(state["run"]) == run
    except (OSError, pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError):
        raise EmotionError(f"{path} is damaged or of something else: remove it to begin anew") from None
    if not same:
        raise EmotionError(f"{path} is of a run of another seed or length: remove it to begin anew")
    net.load_state_dict(state["net"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])
