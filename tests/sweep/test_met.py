"""The networks that a sweep has met."""

from contextlib import closing

import pytest

from gradalign.errors import GradalignError
from gradalign.sweep.met import Met


def test_the_first_model_of_a_network_is_known_again():
    with closing(Met()) as met:
        assert met.first("network", "a \udcff") is None
        assert met.first("network", "b") == "a \udcff"
        assert met.first("network", "a \udcff") == "a \udcff"
        assert met.first("other", "b") is None


def test_other_models_are_new_once():
    with closing(Met()) as met:
        assert met.is_new("a")
        assert met.is_new("\udcff")
        assert not met.is_new("a")


def test_a_full_disk_is_one_line():
    with closing(Met()) as met:
        met._connection.execute("PRAGMA max_page_count = 4")
        with pytest.raises(GradalignError, match="free space there, or name another folder"):
            all(met.first(str(number), "model") is None for number in range(10_000))
