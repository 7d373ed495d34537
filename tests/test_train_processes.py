"""`torchrun` with two processes on the CPU: the same gradient, and a model like that of one process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from emotion_core.network.checkpoint import load_arrays, read_metadata
from emotion_core.types import EmotionError
from tests.gratings import write_gratings
from train.__main__ import main
from train.config import TrainConfig
from train.data.samples import load
from train.fit.loop import fit

ROOT = Path(__file__).resolve().parent.parent

GRADIENT = '''
"""Compare the gradient of a batch shared by all processes with that of the whole batch in one."""
import json, sys
import pytest
import torch
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel
from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet
from train.config import TrainConfig
from train.fit.loop import of_all
from train.fit.student import Student
from train.fit.losses import TRUTH, losses

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
torch.manual_seed(0)
# without dropout, and without batch statistics, in which processes differ by design
student = Student(SpatioTemporalEmotionNet(NetConfig(resolution=32))).eval()
with torch.no_grad():
    for parameter in student.parameters():
        parameter.add_(0.02 * torch.randn_like(parameter))
n = 8
weight = torch.linspace(0.1, 1, n)  # uneven, so that a mean of means is wrong
valence = torch.rand(n) * 2 - 1
valence[[0, 2, 4]] = torch.nan  # most of those that are not known are the first process's
batch = {
    "images": torch.randn(n, 3, 32, 32), "landmarks": torch.randn(n, 50, 2) * 0.5, "present": torch.ones(n),
    "target": torch.rand(n, 7).softmax(1), "weight": weight, "valence": valence, "arousal": torch.rand(n),
    "blendshapes": torch.rand(n, 52), "measured": torch.arange(n) != 1, "prior": torch.rand(n, 7).softmax(1),
}
config = TrainConfig()

def answers(model, part):
    return model(*(batch[name][part] for name in ("images", "landmarks", "present")))

def gradient():
    return torch.cat([p.grad.flatten() for p in student.parameters() if p.requires_grad])

sum(losses(config, answers(student, slice(None)), batch).values()).backward()
whole = gradient()
own = slice(rank, None, world)
found = {}
for name, count in (("shared", world), ("apart", 1)):
    student.zero_grad()
    truth = {k: of_all(batch[k][own], count) for k in TRUTH}
    model = DistributedDataParallel(student)
    out = [of_all(v, count) for v in answers(model, own)]
    (sum(losses(config, out, truth).values()) * count).backward()
    del model
    found[name] = float((gradient() - whole).norm() / whole.norm())
if rank == 0:
    open(sys.argv[1], "w").write(json.dumps(found))
dist.destroy_process_group()
'''


def torchrun(*words: str) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=560, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]


def test_two_processes_have_the_gradient_of_the_whole_batch(tmp_path: Path) -> None:
    script, answer = tmp_path / "gradient.py", tmp_path / "answer.json"
    script.write_text(GRADIENT)
    torchrun(str(script), str(answer))
    found = json.loads(answer.read_text())
    assert found["shared"] < 1e-4  # float32 sums in another order
    assert found["apart"] > 0.02  # the mean of each process's own loss is another loss


@pytest.mark.timeout(600)
def test_two_processes_give_a_model_like_that_of_one(tmp_path: Path) -> None:
    write_gratings(tmp_path / "data", train=64, valid=32)
    settings: dict[str, Any] = {
        "data": tmp_path / "data", "cache": tmp_path / "cache", "init": "", "epochs": 6, "batch": 16,
        "epoch-pictures": 256, "size": 32, "ema": 0.5, "mixup": 0, "workers": 0,
    }  # fmt: skip
    options = [word for k, v in settings.items() for word in (f"--{k}", str(v))]

    def places(name: str) -> list[str]:
        return ["--out", str(tmp_path / name), "--tensorboard", str(tmp_path / f"{name}-logs")]

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert main([*options, *places("one")]) == 0
    finally:
        torch.set_num_threads(threads)
    torchrun("-m", "train", *options, *places("two"))

    one, two = (read_metadata(tmp_path / name / "best.safetensors") for name in ("one", "two"))
    assert one.facts["data"] == two.facts["data"]
    for facts in (one.facts, two.facts):
        assert facts["figures"]["fer2013/accuracy"] >= 0.9  # a guess is right in a quarter
    # Both start from the same weights and draw the same pictures. Augmentation, dropout and batch statistics
    # differ, which moves the weights apart by about 0.15 of their length; those of two seeds are 1.4 apart.
    left, right = (load_arrays(tmp_path / name / "best.safetensors")[1] for name in ("one", "two"))
    matrices = [name for name, value in left.items() if value.ndim > 1]
    apart = sum(float(((left[n].astype(float) - right[n]) ** 2).sum()) for n in matrices)
    length = sum(float((left[n].astype(float) ** 2).sum()) for n in matrices)
    assert (apart / length) ** 0.5 < 0.3


def test_a_batch_that_cannot_be_shared_evenly_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = load(write_gratings(tmp_path / "data", train=8, valid=4), cache=tmp_path / "cache")
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(EmotionError, match="3 processes can't share a batch of 16 evenly"):
        fit(TrainConfig(batch=16), samples)
