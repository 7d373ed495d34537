"""The temporal module, trained on sixteen-frame clips that are made from stills, and what it is worth.

There is no labelled video to speak of, so a clip is a still that trembles, blurs, is covered for a while,
loses frames, talks, blinks, turns, or changes into another face of a similar pose with another expression,
wholly or in part. The label is that of the last frame. The encoder stays as it is, so features are computed
once.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from tqdm import tqdm

from emotion_core.faces.finder import FaceFinder
from emotion_core.network.runtime import Network, load_network
from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet
from emotion_core.recognizer import Recognizer
from emotion_core.session import Session
from emotion_core.types import EmotionError
from emotion_core.video.reader import frames
from train.config import TrainConfig
from train.data.augment import center, mirror_landmarks, standardize
from train.data.batches import sampling_weights
from train.data.motion import Motion, aligned, in_crop
from train.data.samples import Samples
from train.fit.loop import fast_bfloat16
from train.fit.losses import losses

log = logging.getLogger("train")
LATE_RATE = 1e-4  # highest learning rate of the temporal module, which starts from what stills taught it
NOSE_TIP, RIGHT_EYE, LEFT_EYE = 12, 18, 27  # rows of the 50 key points
CONDITIONS = (
    "steady",
    "jitter",
    "blur",
    "occlusion",
    "dropped",
    "talking",
    "blink",
    "turn",
    "change",
    "weak",
)


@dataclass(frozen=True)
class Clips:
    """Features (N, T, F), and per frame: target (N, T, K), valence and arousal (N, T)."""

    features: Tensor
    target: Tensor
    valence: Tensor
    arousal: Tensor


def partner_of(samples: Samples, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose for each row another one of a different category whose head is turned alike."""
    points = samples.landmarks
    yaw = points[:, NOSE_TIP, 0] - (points[:, RIGHT_EYE, 0] + points[:, LEFT_EYE, 0]) / 2
    dominant = samples.target.argmax(1)
    pool = rows[rng.integers(len(rows), size=(len(rows), 24))]  # (N, 24)
    far = np.abs(yaw[pool] - yaw[rows][:, None]) + 10.0 * (dominant[pool] == dominant[rows][:, None])
    return pool[np.arange(len(rows)), far.argmin(1)]


def make_clips(
    samples: Samples,
    first: np.ndarray,
    second: np.ndarray,
    condition: str,
    frames: int,
    size: int,
    g: Generator,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Make clips: pictures (N, T, 1, S, S), key points (N, T, 50, 2), presence and share of `second` (N, T).

    `condition` is one of CONDITIONS, "mixed" for a bit of everything, or "augmented" for that without change.
    "weak" is a change that stops at a share of 0.55 to 0.75 of the second expression.
    """
    n, t = len(first), frames

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(shape, generator=g) * (high - low) + low

    def applies(name: str, share: float) -> Tensor:
        all_kinds = condition in ("mixed", "augmented")
        return torch.rand(n, generator=g) < (share if all_kinds else float(condition == name))

    changes = applies("change", 0.0 if condition == "augmented" else 0.5)
    at, fade = uniform(1, t, n, 1), uniform(0.5, 5, n, 1)
    weak = applies("weak", 0.0)[:, None]
    most = torch.where(weak, uniform(0.55, 0.75, n, 1), 1.0)
    share = (
        ((torch.arange(t)[None] - at) / fade + 0.5).clamp(0, 1) * most * (changes[:, None] | weak)
    )  # (N, T)

    shaken = applies("jitter", 0.6)[:, None].float()
    still = 0.15 + 0.85 * shaken  # even a steady face trembles a little
    angle = uniform(-0.12, 0.12, n, 1) + still * 0.05 * torch.randn(n, t, generator=g)
    zoom = (uniform(0.93, 1.07, n, 1) + still * 0.03 * torch.randn(n, t, generator=g)) / samples.margin
    shift = uniform(-0.04, 0.04, n, 1, 2) + still[..., None] * 0.03 * torch.randn(n, t, 2, generator=g)
    flip = torch.rand(n, generator=g) < 0.5
    side = torch.where(flip, -1.0, 1.0)[:, None]
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    rows = [
        torch.stack([side * cos, -sin, shift[..., 0]], 2),
        torch.stack([side * sin, cos, shift[..., 1]], 2),
    ]
    theta = torch.stack(rows, 2).flatten(0, 1)  # (N * T, 2, 3)
    grid = F.affine_grid(theta, [n * t, 1, size, size], align_corners=False)
    placed, unit = in_crop(samples.landmarks[first], samples.margin)
    motion = Motion(placed, applies("talking", 0.3), applies("blink", 0.15), applies("turn", 0.2), t, g)
    gap = motion.gap(grid) if motion.any else None
    if motion.any:
        grid = motion.fetch(grid)

    def view(picked: np.ndarray) -> Tensor:
        source = torch.from_numpy(samples.crops[picked])[:, None, None].float()
        dark = source.amin((1, 2, 3, 4)).repeat_interleave(t)[:, None, None, None]
        source = source.expand(-1, t, -1, -1, -1).flatten(0, 1)
        seen = F.grid_sample(source, grid, padding_mode="border", align_corners=False)
        return (seen if gap is None else seen + gap * (dark - seen)).unflatten(0, (n, t))

    m = share[..., None, None, None]
    x = view(first) * (1 - m)
    if share.any():
        x = x + view(second) * m

    gain = uniform(0.5, 1.1, n, 1) * (1 + 0.05 * torch.randn(n, t, generator=g))
    noise = uniform(0, 8, n, 1, 1, 1, 1)
    x = (x * gain[..., None, None, None] + noise * torch.randn(x.shape, generator=g)).clamp(0, 255)
    blurred = applies("blur", 0.4)[:, None] & (torch.rand(n, t, generator=g) < 0.4)
    if blurred.any():
        low = F.interpolate(x[blurred], size=(20, 20), mode="area")
        x[blurred] = F.interpolate(low, size=(size, size), mode="bilinear", align_corners=False)
    present = torch.from_numpy(samples.present[first]).float()[:, None].repeat(1, t)
    for row in applies("occlusion", 0.3).nonzero()[:, 0].tolist():
        begin, length = int(uniform(0, t, 1)), int(uniform(3, 9, 1))
        h, w = (uniform(0.3, 0.6, 2) * size).int().tolist()
        top, left = (uniform(0, 1, 2) * torch.tensor([size - h, size - w])).int().tolist()
        x[row, begin : begin + length, :, top : top + h, left : left + w] = uniform(0, 255, 1)
        if torch.rand(1, generator=g) < 0.5:
            present[row, begin : begin + length] = 0
    for row in applies("dropped", 0.3).nonzero()[:, 0].tolist():
        for frame in range(1, t):
            if torch.rand(1, generator=g) < 0.4:
                x[row, frame] = x[row, frame - 1]
                share[row, frame] = share[row, frame - 1]

    points = [torch.from_numpy(samples.landmarks[picked])[:, None] for picked in (first, second)]
    if motion.any:
        moved = placed[:, None].expand(-1, t, -1, -1)
        points[0] = aligned(points[0] + motion.shift(moved) / unit[:, None, None, None])
    landmarks = points[0] * (1 - share[..., None, None]) + points[1] * share[..., None, None]
    landmarks = mirror_landmarks(landmarks.flatten(0, 1), flip.repeat_interleave(t)).unflatten(0, (n, t))
    landmarks = landmarks + 0.012 * still[..., None, None] * torch.randn(landmarks.shape, generator=g)
    return standardize(x.flatten(0, 1)).unflatten(0, (n, t)), landmarks, present, share


@torch.no_grad()
def encode_clips(
    net: SpatioTemporalEmotionNet,
    samples: Samples,
    rows: np.ndarray,
    condition: str,
    *,
    frames: int,
    size: int,
    seed: int,
    batch: int = 32,
) -> Clips:
    """Make one clip of each row and run the encoder over its frames."""
    rng, g = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    usable = rows[samples.present[rows] & samples.labelled[rows]]
    if not len(usable):
        raise EmotionError("clips need labelled pictures with key points: there are none")
    second = partner_of(samples, usable, rng)
    parts: list[tuple[Tensor, ...]] = []
    for start in tqdm(range(0, len(usable), batch), desc=f"clips: {condition}", unit="batch", mininterval=5):
        a, b = usable[start : start + batch], second[start : start + batch]
        images, landmarks, present, share = make_clips(samples, a, b, condition, frames, size, g)
        flat = images.flatten(0, 1).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16()):
            features = net.encode(flat, landmarks.flatten(0, 1), present.flatten())
        m = share[..., None]
        target = [torch.from_numpy(samples.target[p])[:, None] for p in (a, b)]
        values = [
            torch.from_numpy(v[a])[:, None] * (1 - share) + torch.from_numpy(v[b])[:, None] * share
            for v in (samples.valence, samples.arousal)
        ]
        labels = target[0] * (1 - m) + target[1] * m
        parts.append((features.unflatten(0, (len(a), frames)).half(), labels, *values))
    return Clips(*(torch.cat(column) for column in zip(*parts, strict=True)))


def real_clips(net: SpatioTemporalEmotionNet, samples: Samples, rows: np.ndarray, size: int) -> Clips | None:
    """Cut labelled video, where there is any, into windows; None where there is none."""
    windows = []
    for number in np.unique(samples.clip[rows]):
        members = rows[samples.clip[rows] == number]
        if number < 0 or len(members) < 2:
            continue
        t = net.config.window
        members = np.concatenate([np.repeat(members[:1], max(0, t - len(members))), members])
        windows += [members[i : i + t] for i in range(0, len(members) - t + 1, t // 2)]
    if not windows:
        return None
    index = np.stack(windows)  # (N, T)
    features = []
    with torch.no_grad():
        for picked in index:
            images = standardize(center(torch.from_numpy(samples.crops[picked]), samples.margin, size))
            present = torch.from_numpy(samples.present[picked]).float()
            landmarks = torch.from_numpy(samples.landmarks[picked])
            features.append(net.encode(images.expand(-1, 3, -1, -1), landmarks, present).half())
    columns = (torch.from_numpy(a[index]) for a in (samples.target, samples.valence, samples.arousal))
    return Clips(torch.stack(features), *columns)


VIEWS = 4  # frames that each picture gives to windows

Draw = Callable[[int], tuple[Clips, Tensor, Tensor]]
"""Number of windows -> clips to draw from, and which clip (B, T) and which of its frames (B, T) come when."""


def windows_of_stills(
    net: SpatioTemporalEmotionNet, samples: Samples, rows: np.ndarray, config: TrainConfig, g: Generator
) -> Draw:
    """Shake, blur and cover each picture `VIEWS` times; half of the windows begin as another expression."""
    t = net.config.window
    bank = encode_clips(
        net, samples, rows, "augmented", frames=VIEWS, size=net.config.resolution, seed=config.seed
    )
    chances = torch.from_numpy(sampling_weights(samples, rows, config))
    place = np.full(len(samples), -1)
    place[rows] = np.arange(len(rows))
    other = torch.from_numpy(place[partner_of(samples, rows, np.random.default_rng(config.seed))])

    def draw(n: int) -> tuple[Clips, Tensor, Tensor]:
        newest = torch.multinomial(chances, n, True, generator=g)[:, None]
        since = torch.randint(-t, t, (n, 1), generator=g)
        pick = torch.where(torch.arange(t) < since, other[newest], newest)
        return bank, pick, torch.randint(VIEWS, (n, t), generator=g)

    return draw


def windows_of_video(clips: Clips, g: Generator) -> Draw:
    """Take the windows that labelled video was cut into."""

    def draw(n: int) -> tuple[Clips, Tensor, Tensor]:
        count, t = clips.features.shape[:2]
        return clips, torch.randint(count, (n, 1), generator=g).expand(-1, t), torch.arange(t).expand(n, -1)

    return draw


def fit_temporal(
    net: SpatioTemporalEmotionNet,
    samples: Samples,
    config: TrainConfig,
    *,
    pictures: int | None = None,
    steps: int = 3000,
) -> SpatioTemporalEmotionNet:
    """Train what sees more than one frame: both attentions over time and how frames are weighed.

    The encoder, fusion and heads stay as stills taught them, which keeps stills as they are read.

    Windows are drawn from `pictures` training pictures (all where None) and from labelled video where there
    is any. A part of them is not yet full, and a part is one frame repeated, as a still is.

    Raises:
        EmotionError: where there is nothing to make windows of.
    """
    net.eval().requires_grad_(False)
    t = net.config.window
    g = torch.Generator().manual_seed(config.seed)
    train = samples.split == "train"
    rows = np.flatnonzero(train & samples.labelled & samples.present & (samples.clip < 0))
    if pictures is not None:
        rows = np.random.default_rng(config.seed).permutation(rows)[:pictures]
    draws = [windows_of_stills(net, samples, rows, config, g)] if len(rows) else []
    real = real_clips(net, samples, np.flatnonzero(train), net.config.resolution)
    draws += [windows_of_video(real, g)] if real else []
    if not draws:
        raise EmotionError("no clip could be made: there is no labelled picture with key points")

    for part in (net.temporal, net.channel, net.likeness, net.frame_bias):
        part.requires_grad_(True)
    learnt = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=LATE_RATE, weight_decay=config.weight_decay, fused=True)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    for step in tqdm(range(steps), desc="temporal module", unit="step", mininterval=5):
        source, pick, frame = draws[step % len(draws)](config.batch)
        end = torch.randint(1, t + 1, (config.batch, 1), generator=g)  # a window that is not yet full
        still = torch.rand(config.batch, 1, generator=g) < 0.3
        index = (torch.arange(t) - t + end).clamp_min(0)  # (B, T): repeats the first frame
        index = torch.where(still, end - 1, index)
        pick, frame = pick.gather(1, index), frame.gather(1, index)
        last = pick[:, -1], frame[:, -1]
        with torch.autocast("cpu", torch.bfloat16, enabled=fast_bfloat16()):
            out = net.decide(source.features[pick, frame].float())
        truth = {
            "target": source.target[last],
            "weight": torch.ones(config.batch),
            "valence": source.valence[last],
            "arousal": source.arousal[last],
        }
        loss = torch.stack(list(losses(config, [value.float() for value in out], truth).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learnt, config.clip_norm)
        optimizer.step()
        decay.step()
        if step % 100 == 0:
            log.info("temporal step %d  loss %.4f", step, loss.item())
    return net.eval().requires_grad_(True)


@torch.no_grad()
def compare(
    net: SpatioTemporalEmotionNet,
    samples: Samples,
    *,
    average: int = 5,
    limit: int = 600,
    seed: int = 1,
) -> list[dict[str, float | str]]:
    """Compare the temporal module with plain averaging of the last `average` scores, on synthetic clips.

    Gives a row per condition: accuracy of both at every frame from the window's middle on against the
    dominant label of that frame, and restlessness, the mean change of the probabilities from frame to frame
    (half the sum of absolute differences). Clips come from the "valid" split.
    """
    net.eval()
    size = net.config.resolution
    valid = np.flatnonzero((samples.split == "valid") & (samples.majority >= 0) & samples.present)
    valid = np.random.default_rng(seed).permutation(valid)[:limit]
    t = net.config.window
    table: list[dict[str, float | str]] = []
    for condition in CONDITIONS:
        clips = encode_clips(net, samples, valid, condition, frames=t + t // 2, size=size, seed=seed)
        n, frames = clips.features.shape[:2]
        single, window = [], []
        for frame in range(frames):
            index = torch.arange(frame - t + 1, frame + 1).clamp_min(0)
            window.append(net.decide(clips.features[:, index].float())[0].softmax(1))
            alone = clips.features[:, frame : frame + 1].float().expand(-1, t, -1)
            single.append(net.decide(alone)[0].softmax(1))
        ours = torch.stack(window, 1)  # (N, T, K)
        per_frame = torch.stack(single, 1)
        plain = torch.stack([per_frame[:, max(0, f - average + 1) : f + 1].mean(1) for f in range(frames)], 1)
        truth = clips.target.argmax(2)[:, t // 2 :]
        row: dict[str, float | str] = {"condition": condition, "clips": n}
        for name, scores in (("per frame", per_frame), ("averaged", plain), ("temporal", ours)):
            scores = scores[:, t // 2 :]
            row[f"{name} accuracy"] = float((scores.argmax(2) == truth).float().mean())
            row[f"{name} restlessness"] = float((scores[:, 1:] - scores[:, :-1]).abs().sum(2).mean() / 2)
        table.append(row)
    return table


class NewestOnly:
    """A network that is shown the newest frame of each window alone, so that only averaging is left."""

    def __init__(self, network: Network):
        self.encode, self.metadata = network.encode, network.metadata
        self.window, self.feature_size = network.window, network.feature_size
        self._decide = network.decide

    def decide(
        self, window: np.ndarray, color: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `Network.decide`."""
        return self._decide(np.repeat(window[:, -1:], window.shape[1], axis=1), color)


def compare_video(weights: Path, videos: Sequence[Path]) -> list[dict[str, float | str]]:
    """Count how often the shown label changes in real video, a minute of face time, both ways.

    Both run as the application does, with its smoothing of five frames; one with the temporal module, one
    with the newest frame alone.
    """
    network, finder = load_network(weights), FaceFinder()
    ways = {
        "averaged": Recognizer(NewestOnly(network), finder),
        "temporal": Recognizer(network, finder),
    }
    table: list[dict[str, float | str]] = []
    for video in videos:
        row: dict[str, float | str] = {"video": video.name}
        for name, recognizer in ways.items():
            session, changes = Session(), 0
            last: dict[int, str | None] = {}
            times: list[float] = []
            for frame in frames(video):
                times.append(frame.time)
                for face in recognizer(frame, session):
                    changes += last.get(face.id, face.emotion) != face.emotion
                    last[face.id] = face.emotion
            row[f"{name}, label changes a minute"] = 60 * changes / max(times[-1] - times[0], 1e-9)
        table.append(row)
    return table
