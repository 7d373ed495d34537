"""Data sets before a picture is opened: what tells one from another."""

import os
from pathlib import Path

from train.data.readers import file_key, table_key


def test_a_copy_of_a_data_set_has_the_key_of_the_original(tmp_path: Path) -> None:
    original, copy = tmp_path / "a" / "set.parquet", tmp_path / "b" / "set.parquet"
    for place, time in ((original, 1e9), (copy, 1.5e9)):
        place.parent.mkdir()
        place.write_bytes(b"pictures")
        os.utime(place, (time, time))
    assert table_key(original) == table_key(copy)
    copy.write_bytes(b"picturez")
    assert table_key(original) != table_key(copy)
    many = [tmp_path / f"{number}.png" for number in range(17)]
    for path in many:
        path.write_bytes(b"picture")
    before = file_key(*many)
    os.utime(many[0], (1e9, 1e9))
    assert file_key(*many) != before
