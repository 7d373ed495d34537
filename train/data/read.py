"""Data sets in any of the known forms -> `Raw`."""

from collections.abc import Callable, Sequence
from pathlib import Path

from emotion_core.types import EmotionError
from train.data.parquet import read_parquet
from train.data.readers import Raw


def read(path: Path, sets: Sequence[str] | None = None) -> list[Raw]:
    """Read the data sets at `path`: a file, or a folder in one of the known forms.

    Known are: Parquet files (`ferplus`, `expw`, `muxspace`, `utkface` and others with the same columns);
    the FER2013 CSV, with the FER+ CSV beside it or not; RAF-DB (`EmoLabel/list_patition_label.txt`);
    AffectNet (`train_set/images` and `annotations`); a `labels.csv` with `file,label[,split,valence,arousal,
    group]`; and a folder with one sub-folder of pictures or video clips per category, with `train`, `valid`
    and `test` folders above them or not. `sets` keeps only data sets of these names.

    Raises:
        EmotionError: where the path is missing or holds none of these.
    """
    from train.data import folders as folder

    if not path.exists():
        raise EmotionError(f"no such data: {path}; name a folder or file of labelled pictures")
    if path.is_file():
        found = {".parquet": read_parquet, ".csv": folder.read_csv}.get(path.suffix.lower())
        if found is None:
            raise EmotionError(f"{path} is no data set: wanted a folder, a .parquet or a .csv file")
        return [found(path)] if sets is None or path.stem in sets else []
    if parquet := sorted(path.glob("*.parquet")):
        return [read_parquet(p) for p in parquet if sets is None or p.stem in sets]
    forms: tuple[tuple[str, Callable[[Path], Raw]], ...] = (
        ("fer2013.csv", lambda p: folder.read_csv(p / "fer2013.csv")),
        ("icml_face_data.csv", lambda p: folder.read_csv(p / "icml_face_data.csv")),
        ("EmoLabel/list_patition_label.txt", folder.read_rafdb),
        ("list_patition_label.txt", folder.read_rafdb),
        ("train_set/annotations", folder.read_affectnet),
        ("val_set/annotations", folder.read_affectnet),
        ("labels.csv", lambda p: folder.read_csv(p / "labels.csv")),
    )
    reader = next((f for name, f in forms if (path / name).exists()), folder.read_folder)
    return [reader(path)] if sets is None or path.name in sets else []
