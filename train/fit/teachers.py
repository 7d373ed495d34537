"""Self-training: what trained weights answer becomes a part of the labels that others learn from."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emotion_core.files import sha256_of, written_beside
from emotion_core.network.checkpoint import load_network
from emotion_core.types import EmotionError
from train.data.samples import Samples, derived_valence_arousal
from train.fit.student import Student, predict

log = logging.getLogger("train")


def teach(
    samples: Samples,
    teachers: Sequence[str],
    weight: Mapping[str, float],
    size: int,
    *,
    device: torch.device,
    half: bool = False,
    keep: Path | None = None,
) -> Samples:
    """Return the samples, training labels moved towards the mean answer of the teachers.

    A teacher is a file of trained weights. `weight` is the share of a source's labels that the answer makes
    up (none where a source is not named). A picture without a label takes the answer whole, and its valence
    and arousal from it. Validation pictures keep the labels that people gave them. Where `keep` is a folder,
    the answers lie there for a run that goes on: they take minutes.

    Raises:
        EmotionError: where a teacher's file can't be used, or it knows other categories.
    """
    moved = np.isin(samples.source, [name for name, share in weight.items() if share > 0])
    rows = np.flatnonzero((samples.split == "train") & (moved | ~samples.labelled))
    pupils = samples.take(rows)
    log.info(
        "asking %d teachers about %d pictures, %d of them without a label",
        len(teachers), len(rows), int((~pupils.labelled).sum()),
    )  # fmt: skip
    given = {"size": size, "device": device, "half": half}
    answers = [kept_answers(Path(path), pupils, keep, **given) for path in teachers]
    answer = np.mean(answers, 0)
    share = np.array([weight.get(str(source), 0.0) for source in pupils.source], np.float32)
    share = np.where(pupils.labelled, share, 1.0)[:, None]
    target, valence, arousal = samples.target.copy(), samples.valence.copy(), samples.arousal.copy()
    target[rows] = pupils.target + share * (answer - pupils.target)
    derived = derived_valence_arousal(target[rows], samples.labels)
    valence[rows], arousal[rows] = (
        np.where(np.isfinite(own), own, new)
        for own, new in zip((pupils.valence, pupils.arousal), derived, strict=True)
    )
    return replace(samples, target=target, valence=valence, arousal=arousal)


def kept_answers(path: Path, pupils: Samples, folder: Path | None, **given: Any) -> np.ndarray:
    """Return `answers_of`, read from the folder where the same teacher was asked about the same pictures."""
    if folder is None:
        return answers_of(path, pupils, **given)
    asked = f"{sha256_of(path)} {pupils.digest()} {given}"
    file = folder / f"answers-{hashlib.sha256(asked.encode()).hexdigest()[:16]}.npy"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        answer = answers_of(path, pupils, **given)
        with written_beside(file) as beside, beside.open("wb") as out:
            np.save(out, answer)
    return np.load(file)


def answers_of(
    path: Path, pupils: Samples, size: int, *, device: torch.device, half: bool = False
) -> np.ndarray:
    """Return one teacher's probabilities (N, K), as trained: shares of votes, not a confidence.

    Raises:
        EmotionError: where the file can't be used, or knows other categories.
    """
    net, meta = load_network(path)
    if meta.labels != pupils.labels:
        raise EmotionError(
            f"the teacher {path} knows {', '.join(meta.labels)}, the data {', '.join(pupils.labels)}"
        )
    student = Student(net).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return predict(student, pupils, size, half=half)[0].softmax(1).numpy()
