"""Every choice of a training run: one dataclass, a line per field; the command line mirrors it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RENAMED = {
    "doubt": "label_smoothing",
    "sharpness": "sam",
    "smoothing": "label_smoothing",
    "spoilt": "augmentation",
    "trust": "distillation_weight",
}
"""Former names of settings, which the command line and the files of earlier runs may still have."""

OTHERS = "*"
"""What stands for all sets that are not named where a setting is given by set."""

PARTS = ("landmarks", "spatial_attention", "temporal_attention", "channel_attention")


def renamed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an earlier run under their present names."""
    present: dict[str, Any] = {}
    for former, value in settings.items():
        name = RENAMED.get(former, former)
        if former == "smoothing":
            value = {OTHERS: value}
        present[name] = {**present[name], **value} if isinstance(present.get(name), dict) else value
    return present


@dataclass(frozen=True)
class TrainConfig:
    """Settings of `train.fit.loop.fit`. Sizes are pixels, times are steps or epochs as named."""

    data: tuple[str, ...] = ()
    out: str = "checkpoints/emotion"
    logs: str = "runs/emotion_recognition"
    epochs: int = 20
    epoch_pictures: int = 40_000  # pictures an epoch draws; a small set is seen whole instead
    batch: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.05  # share of all steps
    clip_norm: float = 1.0
    ema: float = 0.998
    sam: float = 0.0  # radius of sharpness-aware minimisation (SAM); a step takes twice as long
    category_weight: float = 0.5
    valence_weight: float = 1.0
    arousal_weight: float = 1.0
    blendshape_weight: float = 1.0
    label_smoothing: dict[str, float] = field(default_factory=dict)  # by source, of one person's word
    teachers: tuple[str, ...] = ()  # weights whose mean answer makes up a part of the training labels ...
    distillation_weight: dict[str, float] = field(default_factory=dict)  # ... this share, by source
    balance: float = 0.5  # 0: as the data lie; 1: every class drawn equally often
    mix: dict[str, float] = field(default_factory=dict)  # share of each source in a batch; empty: as they lie
    rated: float = 1.0  # how much oftener a picture with measured valence and arousal is drawn
    adjust: dict[str, float] = field(default_factory=dict)  # strength of balanced softmax by source
    behind: float = 0.85  # share of painted-out surroundings that something is put behind
    ovals: float = 0.4  # share of other pictures that get the oval of a masked one
    shapes: bool = False  # teach faces without a label by blendshapes: at rest Neutral, smiling Happy
    size: int = 80  # side of the pictures, which is what the network will read
    augmentation: float = 0.5  # share of pictures blurred, darkened or covered besides being moved
    mixup: float = 0.1  # share of pictures mixed with another
    landmark_dropout: float = 0.2
    patience: int = 10
    fix_early: int = 0  # leave this many of the layers that `distill` taught as they are: 6 is all of them
    frozen_norms: bool = False  # leave the statistics of batch normalisation as they are: a fifth faster
    late: int = 0  # teach the layers after the first ones alone, on maps of this many pictures; 0: all layers
    without: tuple[str, ...] = ()  # parts of the network that are left out, of PARTS
    save_minutes: float = 5.0  # most time between two checkpoints; one also closes every epoch
    seed: int = 0
    workers: int = 2
    precision: str = "auto"  # auto, fp32 or bf16
    init: str = ""  # weights to start from
    resume: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "epoch_pictures", "batch", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is 1 or more, not {getattr(self, name)}")
        if self.late < 0:
            raise ValueError(f"late is 0 or more, not {self.late}")
        for name in ("warmup", "balance", "augmentation", "mixup", "landmark_dropout",
                     "behind", "ovals"):  # fmt: skip
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} lies in [0, 1], not {getattr(self, name)}")
        for name, share in self.label_smoothing.items():
            if not 0 <= share < 1:
                raise ValueError(f"label smoothing of {name} lies in [0, 1), not {share}")
        for name, share in self.distillation_weight.items():
            if not 0 <= share <= 1:
                raise ValueError(f"distillation weight of {name} lies in [0, 1], not {share}")
        if self.distillation_weight and not self.teachers:
            raise ValueError("a distillation weight without teachers: name their weights")
        for name, power in self.adjust.items():
            if not 0 <= power <= 1:
                raise ValueError(f"adjust of {name} lies in [0, 1], not {power}")
        if not self.rated > 0:
            raise ValueError(f"rated is above 0, not {self.rated}")
        if not 0 < self.learning_rate < 1:
            raise ValueError(f"learning_rate lies in (0, 1), not {self.learning_rate}")
        if self.sam < 0:
            raise ValueError(f"sam is 0 or more, not {self.sam}")
        if not 0 <= self.fix_early <= 6:
            raise ValueError(f"fix_early lies between 0 and 6, not {self.fix_early}")
        if self.size < 32:
            raise ValueError(f"size is 32 or more, not {self.size}")
        for part in self.without:
            if part not in PARTS:
                raise ValueError(f"without names parts of {', '.join(PARTS)}, not {part!r}")
        if self.precision not in ("auto", "fp32", "bf16"):
            raise ValueError(f"precision is auto, fp32 or bf16, not {self.precision!r}")

    def smoothing_of(self, source: str) -> float:
        """Return the label smoothing of a source, in [0, 1): its own, else that of `OTHERS`, else 0.05."""
        return self.label_smoothing.get(source, self.label_smoothing.get(OTHERS, 0.05))

    @property
    def folder(self) -> Path:
        """Where checkpoints go."""
        return Path(self.out)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for a checkpoint; where things lie on this machine stays out."""
        places = ("data", "out", "logs", "init", "teachers", "resume", "workers", "save_minutes")
        return {name: value for name, value in asdict(self).items() if name not in places}
