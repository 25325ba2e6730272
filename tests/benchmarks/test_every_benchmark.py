"""What holds for every benchmark and every published file."""

import re
from urllib.parse import urlsplit

import pytest

from gradalign.benchmarks import BENCHMARKS
from gradalign.benchmarks._published import PUBLISHED
from gradalign.errors import InputError
from gradalign.spaces import SPACES


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_says_what_it_is(name):
    benchmark = BENCHMARKS[name]
    assert benchmark.name == name
    assert benchmark.space in SPACES or all(
        arch.partition(":")[0] in SPACES for arch in benchmark.frame["arch"]
    )
    assert benchmark.description
    assert benchmark.source
    assert benchmark.licence
    for metric_name, metric in benchmark.metrics.items():
        assert metric.name == metric_name
        assert metric.description
        assert metric.split
    for metric_name, short in benchmark.early_stopped.items():
        assert {metric_name, short.metric} <= set(benchmark.metrics)
    if benchmark.published is None:
        assert benchmark.embedded
    else:
        assert name in PUBLISHED[benchmark.published].benchmarks


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_table_that_is_not_at_hand_says_how_to_get_it(name):
    benchmark = BENCHMARKS[name]
    assert benchmark.at_hand == benchmark.embedded
    if not benchmark.embedded:
        with pytest.raises(InputError, match=r"not at hand: .*gradalign data import"):
            benchmark.load()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_file_says_what_it_is(name):
    published = PUBLISHED[name]
    assert published.name == name
    assert published.benchmarks
    assert set(published.benchmarks) <= set(BENCHMARKS)
    assert published.description
    assert published.source
    assert published.licence
    assert published.megabytes > 0
    for url in published.urls:
        assert urlsplit(url).scheme == "https"
    if published.sha256 is not None:
        assert re.fullmatch("[0-9a-f]{64}", published.sha256)
