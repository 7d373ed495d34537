"""Masked faces and their surroundings, class shares by part, faces at rest, measured valence and arousal."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from emotion_core.labels import EMOTIONS
from train.config import TrainConfig
from train.data.batches import Draws, batch_of
from train.data.held_back import LISTS, hold_back
from train.data.parquet import read_parquet
from train.data.rest import JAW_OPEN, SMILE_LEFT, SMILE_RIGHT, TENSE, taught_by_shapes
from train.data.samples import Samples
from train.data.shares import RAREST, drawn_shares, parts_of, sampling_weights
from train.data.surroundings import oval, surround
from train.fit.losses import category_loss, ccc_loss, losses, rated_loss

SIDE = 72


def face(masked: bool, grey: int = 150) -> np.ndarray:
    """An oval with dark eyes on black or on a room; the masked one drawn out upwards at its crop's rim."""
    crop = np.full((SIDE, SIDE), 0 if masked else 80, np.uint8)
    cv2.ellipse(crop, (36, 36), (18, 26), 0, 0, 360, grey, -1)
    for x in (29, 43):
        cv2.circle(crop, (x, 30), 3, 2, -1)
    if masked:
        crop[:12, 33:39] = grey
    return crop


def made(n: int = 60, **changes: Any) -> Samples:
    """Half of the rows are masked faces of three classes, the others whole faces, mostly neutral."""
    masked = np.arange(n) < n // 2
    label = np.where(masked, np.arange(n) % 3, np.where(np.arange(n) % 5 == 0, 3, 4))
    nan = np.full(n, np.nan, np.float32)
    samples = Samples(
        labels=EMOTIONS,
        crops=np.stack([face(m, 120 + i) for i, m in enumerate(masked)]),
        landmarks=np.zeros((n, 50, 2), np.float32), present=np.zeros(n, bool),
        target=np.eye(7, dtype=np.float32)[label], majority=label, valence=nan, arousal=nan,
        measured=np.zeros(n, bool), blendshapes=np.full((n, 52), np.nan, np.float16),
        weight=np.ones(n, np.float32), split=np.full(n, "train"), group=np.arange(n).astype(str),
        id=np.arange(n).astype(str), source=np.full(n, "made"), clip=np.full(n, -1),
        attributes={"masked": masked.astype(float)},
    )  # fmt: skip
    return replace(samples, **changes)


def test_the_oval_holds_the_face_with_its_eyes_and_no_streak() -> None:
    found = oval(face(masked=True))
    truth = cv2.ellipse(np.zeros((SIDE, SIDE), np.uint8), (36, 36), (18, 26), 0, 0, 360, 1, -1) > 0
    assert (found & truth).sum() > 0.85 * truth.sum()
    assert not found[:6].any()
    assert found[30, 29] and found[30, 43]
    assert not oval(np.zeros((SIDE, SIDE), np.uint8)).any()


def test_black_surroundings_are_filled_and_faces_stay() -> None:
    samples, rows = made(), np.arange(60)
    seen = surround(samples, rows, TrainConfig(behind=1.0, ovals=0.0), seed=1)
    inside = oval(face(masked=True))
    for row in range(30):
        own = samples.crops[row]
        assert np.array_equal(seen[row][inside], own[inside])
        assert (seen[row] != own)[~inside].mean() > 0.3
    assert np.array_equal(seen[30:], samples.crops[30:])
    assert np.array_equal(seen, surround(samples, rows, TrainConfig(behind=1.0, ovals=0.0), seed=1))


def test_other_faces_get_an_oval_as_often_as_told() -> None:
    samples, rows = made(), np.repeat(np.arange(30, 60), 20)
    seen = surround(samples, rows, TrainConfig(behind=0.0, ovals=0.4), seed=3)
    changed = (seen != samples.crops[rows]).any((1, 2))
    assert 0.3 < changed.mean() < 0.5
    assert (seen[changed][:, 0, 0] == 0).all()
    assert np.array_equal(surround(samples, np.arange(60), TrainConfig(behind=0, ovals=0), 3), samples.crops)


def test_each_part_is_balanced_for_itself_and_rated_pictures_are_drawn_oftener() -> None:
    rated = np.arange(60) >= 54
    samples = made(measured=rated)
    parts = parts_of(samples)
    assert [np.unique(parts[a:b]).size for a, b in ((0, 30), (30, 54), (54, 60))] == [1, 1, 1]
    assert np.unique(parts).size == 3
    config = TrainConfig(balance=1.0, rated=4.0)
    weight = sampling_weights(samples, np.arange(60), config)
    assert weight[54:].sum() / weight[:54].sum() == pytest.approx(4 * 6 / 54)
    in_part = weight[30:54]
    happy = samples.majority[30:54] == 3
    assert in_part[happy].sum() == pytest.approx(in_part[~happy].sum())


def test_scores_are_shifted_by_the_shares_of_their_own_part() -> None:
    samples, rows = made(), np.arange(60)
    config = TrainConfig(balance=0.0, adjust={"made": 1.0})
    weight = sampling_weights(samples, rows, config)
    shares = drawn_shares(samples, rows, weight, config)
    assert shares[0][:3] == pytest.approx([1 / 3] * 3, abs=1e-3)
    assert shares[59][3:5] == pytest.approx([0.2, 0.8], abs=1e-3)
    assert shares[59][:3] == pytest.approx([RAREST] * 3, rel=0.01)
    even = drawn_shares(samples, rows, weight, replace(config, adjust={}))
    assert even == pytest.approx(np.full((60, 7), 1 / 7))
    batch = Draws(samples, rows, replace(config, batch=8, size=32, mixup=0.0), 2, 0, 1)[0]
    truth = dict(batch) | {"measured": torch.zeros(8, dtype=torch.bool)}
    logits = torch.zeros(8, 7)
    told = losses(TrainConfig(category_weight=1.0), (logits, torch.zeros(8), torch.zeros(8)), truth)
    assert float(told["category"]) == pytest.approx(
        float(category_loss(batch["prior"].log(), batch["target"], batch["weight"])), rel=1e-5
    )


def test_label_smoothing_gives_nothing_to_classes_that_a_part_lacks() -> None:
    samples, rows = made(), np.arange(60)
    config = TrainConfig(balance=0.0, adjust={"made": 1.0}, size=32, label_smoothing={"*": 0.2}, mixup=0.0)
    shares = drawn_shares(samples, rows, sampling_weights(samples, rows, config), config)
    target = batch_of(samples, np.arange(8), config, 1, shares)["target"]
    assert float(target[:, 3:].max()) < 1e-3
    assert target[0, 0] == pytest.approx(0.8 + 0.2 / 3, abs=1e-3)


def test_measured_values_are_taken_by_concordance_and_derived_ones_by_distance() -> None:
    g = torch.Generator().manual_seed(0)
    predicted, target = torch.rand(20, generator=g), torch.rand(20, generator=g)
    measured = torch.arange(20) < 10
    wanted = ccc_loss(predicted[:10], target[:10]) + ((predicted - target)[10:] ** 2).mean()
    assert float(rated_loss(predicted, target, measured)) == pytest.approx(float(wanted), rel=1e-5)
    few = torch.arange(20) < 3
    assert float(rated_loss(predicted, target, few)) == pytest.approx(float(ccc_loss(predicted, target)))


def test_unlabelled_faces_are_taught_by_their_blendshapes() -> None:
    shapes = np.full((60, 52), 0.05, np.float16)
    shapes[10, [SMILE_LEFT, SMILE_RIGHT]] = 0.6
    shapes[11], shapes[12, JAW_OPEN], shapes[13, TENSE[-1]] = np.nan, 0.4, 0.2
    samples = made(blendshapes=shapes)
    bare = samples.target.copy()
    bare[:20] = 0
    split = np.where(np.arange(60) < 5, "valid", "train")
    taught = taught_by_shapes(replace(samples, target=bare, split=split))
    assert taught.id.tolist() == [str(i) for i in range(60) if i not in (11, 12, 13)]
    said = {int(i): row for i, row in zip(taught.id, taught.target, strict=True)}
    assert [EMOTIONS[said[i].argmax()] for i in (5, 9, 14, 19)] == ["Neutral"] * 4
    assert EMOTIONS[said[10].argmax()] == "Happy"
    assert not said[0].any() and not said[4].any()
    assert np.array_equal(taught.target[-40:], samples.target[20:])


def test_masked_is_read_and_contempt_keeps_its_ratings(tmp_path: Path) -> None:
    picture = cv2.imencode(".png", face(masked=True))[1].tobytes()
    rows = {
        "image": [picture] * 3, "id": ["a", "b", "c"], "split": ["train", "valid", "train"],
        "label": ["angry", "contempt", "happy"], "masked": [True, False, False],
        "valence": [np.nan, -0.5, 0.7], "arousal": [np.nan, 0.8, 0.4],
    }  # fmt: skip
    pd.DataFrame(rows).to_parquet(tmp_path / "affect.parquet")
    raw = read_parquet(tmp_path / "affect.parquet")
    assert raw.labels == EMOTIONS
    assert raw.attributes["masked"].tolist() == [1, 0, 0]
    assert raw.majority.tolist() == [0, -1, 3]
    assert raw.valence[1:] == pytest.approx([-0.5, 0.7])


def test_pictures_kept_for_evaluation_never_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept.txt").write_text("b\nc\n")
    monkeypatch.setitem(LISTS, "some", tmp_path / "kept.txt")
    ids, split = np.array(["a", "b", "c"]), np.full(3, "train")
    assert hold_back("some", ids, split).tolist() == ["train", "valid", "valid"]
    assert hold_back("another", ids, split).tolist() == ["train"] * 3
