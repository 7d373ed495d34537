"""Fixtures that every test may use: real pictures, the shared clips, and small videos made on the spot."""

import importlib.util
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Postgres
    from webapp.shared.engine import Engine
    from webapp.shared.store import Workspace

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
WEIGHTS = ROOT / "assets" / "weights"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what the machine lacks, by marker, so that a bare machine still runs the rest."""
    if not any(WEIGHTS.glob("*.safetensors")):
        _skip(items, "weights", "no trained weights in assets/weights")
    if find_chromium() is None:
        _skip(items, "browser", "no Chromium: apt-get install chromium")


def _skip(items: list[pytest.Item], marker: str, reason: str) -> None:
    for item in items:
        if item.get_closest_marker(marker):
            item.add_marker(pytest.mark.skip(reason=reason))


def find_chromium() -> str | None:
    """Give the path of an installed Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder of shared test clips; skips where it is absent."""
    return _shared("clips")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of shared data sets (Parquet); skips where it is absent."""
    return _shared("data")


def _shared(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium; skips where there is none."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium")
    return path


@pytest.fixture(scope="session")
def _astronaut() -> np.ndarray:
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut())


@pytest.fixture
def astronaut(_astronaut: np.ndarray) -> np.ndarray:
    """RGB uint8 (512, 512, 3) with one smiling face (NASA, public domain); a copy for each test."""
    return _astronaut.copy()


@pytest.fixture(scope="session")
def astronaut_path(_astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same picture as a PNG file."""
    from PIL import Image

    path = tmp_path_factory.mktemp("pictures") / "astronaut.png"
    Image.fromarray(_astronaut).save(path)
    return path


def _ultralytics_picture(name: str) -> Path:
    # find_spec looks the package up without importing it, which would load torchvision.
    spec = importlib.util.find_spec("ultralytics")
    if spec is None or spec.origin is None:
        pytest.skip("the ultralytics package, which carries the picture, is not installed")
    return Path(spec.origin).parent / "assets" / name


@pytest.fixture(scope="session")
def bus_path() -> Path:
    """A street picture with a bus and people, from the ultralytics package."""
    return _ultralytics_picture("bus.jpg")


@pytest.fixture(scope="session")
def zidane_path() -> Path:
    """A 1280x720 picture with two faces, from the ultralytics package."""
    return _ultralytics_picture("zidane.jpg")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of three categories whose parts all do something, written as a weights file."""
    import torch

    from emotion_core.network.checkpoint import save_network
    from emotion_core.network.spatiotemporal import NetConfig, SpatioTemporalEmotionNet

    torch.manual_seed(0)
    net = SpatioTemporalEmotionNet(NetConfig(classes=3))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_network(net, path, ("bored", "confused", "focused"), trained=True, temperature=1.3)
    return path


@pytest.fixture(scope="session")
def talking_clip(_astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made clip: H.264 320x240, 25 frames a second, 2 s, one drifting face, with a 440 Hz tone (AAC)."""
    from benchmarks.clip import write_clip

    path = tmp_path_factory.mktemp("clips") / "talking.mp4"
    write_clip(path, _astronaut, width=320, height=240, seconds=2.0, rate=25, tone=True)
    return path


@pytest.fixture(scope="module")
def engine() -> "Engine":
    """The web app's engine with the shipped weights, as without flags."""
    from webapp.settings import Settings
    from webapp.shared.engine import Engine

    return Engine(Settings())


@pytest.fixture
def workspace() -> "Iterator[Workspace]":
    """The web app's folder of uploads and results, removed after the test."""
    from webapp.shared.store import Workspace

    space = Workspace(keep_minutes=5)
    yield space
    space.close()


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Postgres]":
    """A PostgreSQL for the tests that need one; they are skipped where it is not installed."""
    from tests.postgres import running

    with running() as server:
        yield server
