"""Self-training: what trained weights answer becomes a part of the labels that others learn from."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch

from emotion_core.network.checkpoint import load_network
from emotion_core.types import EmotionError
from train.data.samples import Samples, derived_valence_arousal
from train.fit.student import Student, predict

log = logging.getLogger("train")


def teach(
    samples: Samples,
    teachers: Sequence[str],
    trust: Mapping[str, float],
    size: int,
    *,
    device: torch.device,
    half: bool = False,
) -> Samples:
    """Give the samples with the labels of the training rows moved towards the mean answer of the teachers.

    A teacher is a file of trained weights, or of answers that `tutor` wrote; the latter has a say on the
    pictures that it names. `trust` is the share of a source's labels that the answer makes up (none where a
    source is not named). A picture without a label takes the answer whole, and its valence and arousal from
    it. Validation pictures keep the labels that people gave them.

    Raises:
        EmotionError: where a teacher's file can't be used, or it knows other categories.
    """
    trusted = np.isin(samples.source, [name for name, share in trust.items() if share > 0])
    rows = np.flatnonzero((samples.split == "train") & (trusted | ~samples.labelled))
    pupils = samples.take(rows)
    log.info(
        "asking %d teachers about %d pictures, %d of them without a label",
        len(teachers), len(rows), int((~pupils.labelled).sum()),
    )  # fmt: skip
    total, asked = np.zeros_like(pupils.target), np.zeros((len(rows), 1), np.float32)
    for path in teachers:
        answer = answers_of(Path(path), pupils, size, device=device, half=half)
        known = np.isfinite(answer).all(1)
        total[known] += answer[known]
        asked[known] += 1
    share = np.array([trust.get(str(source), 0.0) for source in pupils.source], np.float32)
    share = np.where(pupils.labelled, share, 1.0)[:, None] * (asked > 0)
    answer = total / np.maximum(asked, 1)
    target, valence, arousal = samples.target.copy(), samples.valence.copy(), samples.arousal.copy()
    target[rows] = pupils.target + share * (answer - pupils.target)
    derived = derived_valence_arousal(target[rows], samples.labels)
    valence[rows], arousal[rows] = (
        np.where(np.isfinite(own), own, new)
        for own, new in zip((pupils.valence, pupils.arousal), derived, strict=True)
    )
    return replace(samples, target=target, valence=valence, arousal=arousal)


def answers_of(
    path: Path, pupils: Samples, size: int, *, device: torch.device, half: bool = False
) -> np.ndarray:
    """Give one teacher's probabilities (N, K); NaN for pictures that a file of answers does not name.

    Raises:
        EmotionError: where the file can't be used, or knows other categories.
    """
    if path.suffix == ".npz":
        labels, answer = _written(path, pupils)
    else:
        net, meta = load_network(path)
        labels, answer = meta.labels, None
    if labels != pupils.labels:
        raise EmotionError(
            f"the teacher {path} knows {', '.join(labels)}, the data {', '.join(pupils.labels)}"
        )
    if answer is None:
        student = Student(net).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        # as trained: shares of votes, not a confidence
        answer = predict(student, pupils, size, half=half)[0].softmax(1).numpy()
    return answer


def _written(path: Path, pupils: Samples) -> tuple[tuple[str, ...], np.ndarray]:
    """Read labels, and the answer for each picture, from what `tutor` wrote."""
    try:
        with np.load(path) as file:
            labels, source, name, answer = (file[key] for key in ("labels", "source", "id", "answer"))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise EmotionError(f"{path} holds no answers of a tutor: {error}") from None
    place = {key: row for row, key in enumerate(zip(source.tolist(), name.tolist(), strict=True))}
    wanted = zip(pupils.source.astype(str).tolist(), pupils.id.astype(str).tolist(), strict=True)
    found = np.array([place.get(key, -1) for key in wanted])
    given = np.full((len(pupils), answer.shape[1]), np.nan, np.float32)
    given[found >= 0] = answer[found[found >= 0]]
    return tuple(labels.tolist()), given
