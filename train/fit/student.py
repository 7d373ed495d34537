"""What is trained: the network, and the head that pre-trains its eyes."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from emotion_core.network.spatiotemporal import SpatioTemporalEmotionNet
from train.data.augment import center, standardize
from train.data.samples import Samples

STILL_WINDOW = 4  # copies that a still is shown as while training; the loop of copies settles by then


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


def plain_batches(samples: Samples, size: int, batch: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield pictures (B, 3, size, size), key points (B, 50, 2) and presence (B,) of plain central crops."""
    for start in range(0, len(samples), batch):
        part = slice(start, start + batch)
        images = standardize(center(torch.from_numpy(samples.crops[part]), samples.margin, size).round())
        images = images.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        present = torch.from_numpy(samples.present[part]).float()
        yield images, torch.from_numpy(samples.landmarks[part]), present


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
    for shown in plain_batches(samples, size, batch):
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            out = student(*(part.to(device) for part in shown))
        for kept, value in zip((logits, valence, arousal), out, strict=False):
            kept.append(value.float().cpu())
    student.train()
    return torch.cat(logits), torch.cat(valence), torch.cat(arousal)
