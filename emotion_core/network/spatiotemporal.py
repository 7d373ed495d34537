"""`SpatioTemporalEmotionNet`: pictures and key points of a face over time -> category, valence, arousal.

The network is cut in two. `encode` turns one picture and its key points into a feature vector, once per
frame; `decide` reads the vectors of the last 16 frames. No state lives in the module.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from emotion_core.faces.crop import SIZE

KERNELS = (1, 3, 5)
RECENT = 8.0  # frames after which a frame counts a third as much
LIKENESS = 10.0  # how strongly frames unlike the newest are left out
ALIKE = 0.4  # cosine from which a frame is as good as the newest: blur and a moving head make 0.7 of 1


@dataclass(frozen=True)
class NetConfig:
    """What fixes the shape of the network; stored with the weights."""

    classes: int = 7
    window: int = 16
    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    depth: int = 5
    resolution: int = 80
    landmark_features: int = 128
    spatial_attention: bool = True
    temporal_attention: bool = True
    channel_attention: bool = True
    landmarks: bool = True
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise ValueError(f"a classifier needs two classes or more, not {self.classes}")
        if self.window < 1:
            raise ValueError(f"the window holds one frame or more, not {self.window}")
        if not 32 <= self.resolution <= SIZE:
            raise ValueError(f"the resolution lies between 32 and {SIZE}, not {self.resolution}")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for a file's metadata."""
        return asdict(self)


class Conv(nn.Conv2d):
    """Convolution; one that strides by channel is trained at every place, of which every other is taken.

    PyTorch's CPU gradient of a strided depthwise convolution takes ten times that of a plain one four times
    as large (69 against 6 ms at 256 x 20 x 20, batch 64).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (B, C, H, W)."""
        return self.convolve(input, self.weight, self.bias)

    def convolve(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Convolve (B, C, H, W) with weights (C, C / groups, k, k) and a bias (C,) in place of its own."""
        if not self.training or self.groups == 1 or self.stride == (1, 1):
            return self._conv_forward(input, weight, bias)
        whole = F.conv2d(input, weight, bias, 1, self.padding, self.dilation, self.groups)
        return whole[:, :, :: self.stride[0], :: self.stride[1]].contiguous(memory_format=torch.channels_last)


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation and ReLU.

    With `frozen` statistics the normalisation is part of the convolution's weights, in training too, where it
    would take a quarter of a step. Its scale and shift are still learnt.
    """

    frozen = False

    def __init__(self, inside: int, out: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(
            Conv(inside, out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        )

    def forward(self, input: Tensor) -> Tensor:
        """Read (B, C, H, W)."""
        if not self.frozen:
            return super().forward(input)
        conv: Any = self[0]
        norm: Any = self[1]
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)  # (C,)
        weight = conv.weight * scale[:, None, None, None]
        return self[2](conv.convolve(input, weight, norm.bias - norm.running_mean * scale))


def freeze_norms(part: nn.Module) -> None:
    """Keep the statistics of every batch normalisation behind a convolution as they are."""
    for module in part.modules():
        if isinstance(module, ConvNorm):
            module.frozen = True


class SpatialAttention(nn.Module):
    """Weigh each place by its channel-wise average and maximum: 7x7 convolution, sigmoid (CBAM, Woo 2018).

    The weights lie in (0, 2) and start at 1, so that layers handed down see what they are used to.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)
        nn.init.zeros_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]
        self.rounding: nn.Module = nn.Identity()  # in 8 bits, `network.quantized` puts another here

    def forward(self, x: Tensor) -> Tensor:
        """Weigh (B, C, H, W) by place."""
        count, height, width = (int(length) for length in x.shape[1:])
        # last, where 8-bit convolutions keep them: there a reduction takes a fifth of the time
        channels = x.permute(0, 2, 3, 1).reshape(-1, height * width, count)  # (B, H * W, C)
        pooled = torch.cat([channels.mean(2), channels.amax(2)], 1).reshape(-1, 2, height, width)
        return x * self.rounding(2 * torch.sigmoid(self.conv(pooled)))


class Separable(nn.Sequential):
    """Depthwise 3x3, then pointwise (MobileNet, Howard 2017): the shape of most face-recognition networks."""

    def __init__(self, inside: int, out: int, stride: int = 1):
        super().__init__(ConvNorm(inside, inside, 3, stride, groups=inside), ConvNorm(inside, out, 1))


class Shrink(nn.Module):
    """Bring a picture down to `resolution`, first by whole pixels, so that no detail is skipped."""

    def __init__(self, resolution: int):
        super().__init__()
        self.size = (resolution, resolution)

    @staticmethod
    def factor(resolution: int) -> int:
        """Return how many pixels a side are averaged into one."""
        return max(1, SIZE // (resolution * 5 // 4))

    def forward(self, x: Tensor) -> Tensor:
        """Shrink (B, 1, 224, 224) to (B, 1, R, R)."""
        return F.interpolate(F.avg_pool2d(x, self.factor(self.size[0])), self.size, mode="bilinear")


class SpatialCNN(nn.Module):
    """Four stages, 64 -> 512 channels; return average- and max-pooled features (B, 2 * 512).

    Pictures of 224 px are brought down to `resolution` first: most labelled faces are 48 px wide, so finer
    steps would read detail that the network was never taught. Training feeds that size as it is. At 94 px a
    face is as large as face-recognition networks of 112 px see it, whose view is wider; 80 px take a quarter
    less time.

    Everything after the stem has the shape of such a network (SFace, Zhong et al. 2021), so that
    `train.fit.distill` can hand its layers down; the stem stands for its first four, and looks at grey.
    """

    def __init__(self, config: NetConfig):
        super().__init__()
        self.shrink: nn.Module = Shrink(config.resolution)
        w = config.widths

        def attention() -> nn.Module:
            return SpatialAttention() if config.spatial_attention else nn.Identity()

        self.stem = ConvNorm(1, w[0], 7, 2)
        self.early = nn.Sequential(
            ConvNorm(w[0], w[1], 1),
            Separable(w[1], w[1]),
            Separable(w[1], w[2], 2),
            Separable(w[2], w[2]),
            Separable(w[2], w[3], 2),
        )
        self.middle = nn.Sequential(
            attention(), *(Separable(w[3], w[3]) for _ in range(config.depth)), attention()
        )
        self.late = nn.Sequential(Separable(w[3], 2 * w[3], 2), Separable(2 * w[3], w[3]))
        # pooled features are all positive; without their mean taken off, later layers see little else
        self.norm = nn.BatchNorm1d(2 * w[3], affine=False)
        self.mix = nn.Sequential(nn.Linear(2 * w[3], w[3] // 2), nn.SiLU(), nn.Linear(w[3] // 2, 2 * w[3]))
        nn.init.zeros_(self.mix[2].weight)  # type: ignore[arg-type]  # starts as the identity
        nn.init.zeros_(self.mix[2].bias)  # type: ignore[arg-type]
        self.kept: tuple[nn.Module, ...] = ()

    def fix(self, count: int) -> None:
        """Keep the first `count` of the stem and the early layers as they are, while the rest is trained."""
        self.kept = (self.stem, *self.early)[:count]
        for part in self.kept:
            part.requires_grad_(False).eval()
            freeze_norms(part)

    def train(self, mode: bool = True) -> "SpatialCNN":
        """Switch to training or back; layers that are kept as they are keep their statistics too."""
        super().train(mode)
        for part in self.kept:
            part.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Read (B, 3, 224, 224), or another size as it is, into (B, 1024)."""
        if x.shape[1] != 1:
            x = x[:, :1]  # grey, as `crop.to_tensor` gives it three times
        if x.shape[-1] == SIZE:
            x = self.shrink(x)  # (B, 1, R, R)
        x = self.early(self.stem(x))  # (B, 512, R/8, R/8)
        x = self.late(self.middle(x))  # (B, 512, R/16, R/16)
        x = self.norm(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))  # (B, 1024)
        return x + self.mix(x)


class LandmarkProcessor(nn.Module):
    """50 key points -> 256 -> 128. A face without key points gets a learnt vector, not zeros."""

    def __init__(self, config: NetConfig):
        super().__init__()
        self.norm = nn.BatchNorm1d(100, affine=False)  # expressions move points by a few hundredths
        self.read = nn.Sequential(nn.Linear(100, 256), nn.LayerNorm(256), nn.SiLU())
        self.mix = nn.Sequential(nn.Linear(256, 440), nn.SiLU(), nn.Linear(440, 256))
        self.out = nn.Linear(256, config.landmark_features)
        self.missing = nn.Parameter(torch.zeros(config.landmark_features))

    def forward(self, points: Tensor, present: Tensor) -> Tensor:
        """Read (B, 50, 2) and (B,) into (B, 128)."""
        present = present[:, None]  # (B, 1)
        x = self.read(self.norm(points.flatten(1)))  # (B, 256)
        x = self.out(x + self.mix(x))  # (B, 128)
        return x * present + self.missing * (1 - present)


class MultiScaleTemporalAttention(nn.Module):
    """Three parallel temporal convolutions (1, 3, 5 frames), mixed by softmax weights over the scales."""

    def __init__(self, width: int, inner: int = 256):
        super().__init__()
        self.reduce = nn.Linear(width, inner)
        self.scales = nn.ModuleList(nn.Conv1d(inner, inner, k) for k in KERNELS)
        self.weigh = nn.Linear(inner, 3)
        self.expand = nn.Linear(inner, width)
        nn.init.zeros_(self.expand.weight)
        nn.init.zeros_(self.expand.bias)
        self.rounding: nn.Module = nn.Identity()  # in 8 bits, `network.matrices` puts another here

    def forward(self, x: Tensor) -> Tensor:
        """Refine (B, T, C) over time."""
        z = F.silu(self.reduce(x))
        read = rearrange(self.rounding(z), "b t c -> b c t")
        # the past is repeated at the border, as a window that is not yet full repeats its first frame
        views = [
            conv(F.pad(read, (k - 1, 0), mode="replicate"))
            for k, conv in zip(KERNELS, self.scales, strict=True)
        ]
        weights = self.weigh(z.mean(1)).softmax(1)  # (B, 3)
        mixed = sum(weights[:, i, None, None] * view for i, view in enumerate(views))
        return x + self.expand(F.silu(rearrange(mixed, "b c t -> b t c")))  # (B, T, C)


class DynamicChannelAttention(nn.Module):
    """Average- and max-pooled features -> bidirectional LSTM over time -> a sigmoid gate per channel."""

    def __init__(self, width: int, inner: int = 128):
        super().__init__()
        self.squeeze = nn.Linear(width, inner)
        self.lstm = nn.LSTM(inner, inner, batch_first=True, bidirectional=True)
        self.gate = nn.Linear(2 * inner, width)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, 2.0)

    def forward(self, x: Tensor, average: Tensor, maximum: Tensor) -> Tensor:
        """Gate (B, T, C) by its pooled features, both (B, T, C)."""
        z, _ = self.lstm(self.squeeze(average) + self.squeeze(maximum))  # (B, T, 2 * inner)
        return x * torch.sigmoid(self.gate(z))


class CrossModalFusion(nn.Module):
    """The face as it looks now asks the key points of the whole window; both are then mixed."""

    def __init__(self, width: int, landmark_features: int, heads: int = 4):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(landmark_features, width)
        self.value = nn.Linear(landmark_features, width)
        self.join = nn.Linear(width + landmark_features, width)
        self.norm = nn.LayerNorm(width)
        self.attended = nn.Linear(width, width)
        self.mix = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 1088), nn.SiLU(), nn.Linear(1088, width)
        )

    def forward(self, visual: Tensor, landmarks: Tensor, bias: Tensor) -> Tensor:
        """Join (B, C) and (B, T, L) into (B, C); `bias` (B, T) is what each frame is worth."""
        q = rearrange(self.query(visual), "b (h d) -> b h 1 d", h=self.heads)
        k = rearrange(self.key(landmarks), "b t (h d) -> b h d t", h=self.heads)
        v = rearrange(self.value(landmarks), "b t (h d) -> b h t d", h=self.heads)
        weights = (q @ k * q.shape[-1] ** -0.5 + bias[:, None, None]).softmax(-1)  # (B, H, 1, T)
        asked = self.attended(rearrange(weights @ v, "b h 1 d -> b (h d)"))
        x = self.norm(self.join(torch.cat([visual, landmarks[:, -1]], 1)) + asked)  # (B, C)
        return x + self.mix(x)


class Heads(nn.Module):
    """Category logits, valence by tanh and arousal by sigmoid, each behind a hidden layer."""

    def __init__(self, width: int, classes: int, dropout: float):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Dropout(dropout))

        def head(out: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Linear(width, width), nn.SiLU(), nn.Dropout(dropout), nn.Linear(width, out)
            )

        self.category, self.valence, self.arousal = head(classes), head(1), head(1)
        self.rounding: nn.Module = nn.Identity()  # in 8 bits, `network.matrices` puts another here

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Read (B, C): logits (B, K), valence (B,), arousal (B,)."""
        x = self.rounding(self.shared(x))
        return self.category(x), self.valence(x)[:, 0].tanh(), self.arousal(x)[:, 0].sigmoid()


class SpatioTemporalEmotionNet(nn.Module):
    """16 frames of 224x224x3 and 50 key points each -> logits (B, K), valence (B,), arousal (B,)."""

    def __init__(self, config: NetConfig | None = None):
        super().__init__()
        self.config = config = config or NetConfig()
        width = config.widths[-1]
        self.spatial = SpatialCNN(config)
        self.landmark = LandmarkProcessor(config)
        self.temporal = MultiScaleTemporalAttention(width)
        self.channel = DynamicChannelAttention(width)
        # how frames are weighed: stills, whose window is one frame repeated, leave both as they start
        self.likeness = nn.Parameter(torch.tensor([LIKENESS]))
        self.frame_bias = nn.Parameter((torch.arange(config.window) - config.window + 1) / RECENT)
        self.fusion = CrossModalFusion(width, config.landmark_features)
        self.heads = Heads(width, config.classes, config.dropout)

    @property
    def feature_size(self) -> int:
        """Length of the feature vector of one frame."""
        return 2 * self.config.widths[-1] + self.config.landmark_features

    def encode(self, images: Tensor, landmarks: Tensor, present: Tensor) -> Tensor:
        """Turn (B, 3, 224, 224) pictures, (B, 50, 2) key points and (B,) presence into (B, F) features."""
        if not self.config.landmarks:
            present = torch.zeros_like(present)
        return torch.cat([self.spatial(images), self.landmark(landmarks, present)], 1)

    def decide(self, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Read (B, T, F) features, newest last: logits (B, K), valence (B,), arousal (B,) of the newest."""
        width = self.config.widths[-1]
        average, maximum, landmarks = window.split([width, width, self.config.landmark_features], 2)
        x = average + maximum  # (B, T, C)
        if self.config.temporal_attention:
            x = self.temporal(x)
        if self.config.channel_attention:
            x = self.channel(x, average, maximum)
        unit = F.normalize(average + maximum, dim=2)
        alike = (unit * unit[:, -1:]).sum(2).clamp_max(ALIKE)  # (B, T)
        scores = self.likeness * alike + self.frame_bias[-x.shape[1] :]  # (B, T)
        visual = (scores.softmax(1)[:, :, None] * x).sum(1)  # (B, C)
        return self.heads(self.fusion(visual, landmarks, scores))

    def forward(self, images: Tensor, landmarks: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Run both halves on (B, T, 3, 224, 224), (B, T, 50, 2) and (B, T)."""
        b = len(images)
        features = self.encode(images.flatten(0, 1), landmarks.flatten(0, 1), present.flatten(0, 1))
        return self.decide(rearrange(features, "(b t) f -> b t f", b=b))

    def parts(self) -> dict[str, nn.Module]:
        """Return the parts of the design's table by name, in its order."""
        return {
            "spatial CNN": self.spatial,
            "multi-scale temporal attention": self.temporal,
            "dynamic channel attention": self.channel,
            "landmark processor": self.landmark,
            "cross-modal fusion": self.fusion,
            "heads": self.heads,
        }
