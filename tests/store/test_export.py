"""A frame as a file, whole or not at all."""

import pandas as pd
import pytest
from tests.store.records import failure, many, record, scores, small_disk

from gradalign.errors import GradalignError, InputError
from gradalign.store import export

READERS = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".CSV": pd.read_csv}


@pytest.mark.parametrize("suffix", READERS)
def test_what_is_written_reads_back(tmp_path, suffix):
    frame = scores(
        record(value=0.1 + 0.2, stderr=5e-324), failure("n", reason='a "b", é')
    ).to_frame()
    path = tmp_path / f"a{suffix}"
    path.write_text("old")
    export(frame, path)
    back = READERS[suffix](path)
    pd.testing.assert_frame_equal(back, frame, check_exact=True, check_dtype=False)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.txt", "ends in neither .csv nor .parquet"),
        ("a", "ends in neither .csv nor .parquet"),
        ("nowhere/a.csv", "No such file or directory; choose another place"),
        ("folder.csv", "Is a directory; choose another place"),
    ],
)
def test_a_place_that_will_not_do(tmp_path, name, said):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match=said):
        export(many(1).to_frame(), tmp_path / name)
    assert [each.name for each in tmp_path.iterdir()] == ["folder.csv"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_full_disk_leaves_the_old_file_and_no_half_one(tmp_path, suffix):
    frame = pd.DataFrame({"a": pd.Series(range(100_000)).sample(frac=1, random_state=0)})
    with small_disk(tmp_path / "disk", "64k") as disk:
        path = disk / f"a{suffix}"
        path.write_text("old")
        with pytest.raises(GradalignError, match="No space left on device; free space") as caught:
            export(frame, path)
        assert "\n" not in str(caught.value)
        assert path.read_text() == "old"
        assert [each.name for each in disk.iterdir()] == [path.name]
