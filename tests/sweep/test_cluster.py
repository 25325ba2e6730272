"""A cluster measures what this process does, and takes on no worker that would not."""

import socket
import sys
from dataclasses import replace

import pytest
from tests.sweep.clusters import add_node_with, changed_copy, cluster_of, pool_processes
from tests.sweep.nets import CONV, DEAD, OTHER, PLAN

from gradalign.errors import InputError
from gradalign.record import Scores
from gradalign.sweep import Limits, _cluster_address
from gradalign.sweep.cluster import RayCluster
from gradalign.sweep.worker import Task

MODELS = (CONV, OTHER, DEAD)
DEFINITIONS = "DEFINITIONS_VERSION = 1"
VERSION = '__version__ = _version("gradalign")'


def measured(scores: Scores) -> list[tuple[object, ...]]:
    return [(r.model, r.proxy, r.seed, r.protocol, r.value, r.stderr, r.status) for r in scores]


def here(task: Task) -> list[tuple[object, ...]]:
    scorer = PLAN.scorer(task.proxies)
    return measured(scorer.attempt(PLAN.candidate(task.model), task.seed))


def test_a_local_cluster_measures_what_this_process_does(capfd):
    tasks = [Task(model, seed) for seed in range(8) for model in MODELS]
    tasks.append(Task(CONV, 3, ("params",)))
    with RayCluster(PLAN) as cluster:
        for part in (tasks, [], tasks[:2]):
            found = dict(cluster.run(iter(part)))
            assert sorted(found) == list(range(len(part)))
            for place, task in enumerate(part):
                assert measured(found[place]) == here(task)
    cluster.close()
    assert capfd.readouterr().out == ""


@pytest.mark.slow
def test_tasks_are_pulled_as_workers_have_room_and_closing_ends_the_work():
    pulled = []

    def source():
        for seed in range(10_000):
            pulled.append(seed)
            yield Task(CONV, seed)

    with RayCluster(PLAN) as cluster:
        answers = cluster.run(source())
        next(answers)
        answers.close()
        assert len(pulled) <= 4 * cluster.workers + 2  # first chunks hold one task, the next two
        assert measured(dict(cluster.run([Task(OTHER)]))[0]) == here(Task(OTHER))


@pytest.mark.slow
def test_a_gpu_has_one_worker_with_several_processes():
    plan = replace(PLAN, device="auto")  # what Ray counts as a GPU here is none to torch
    tasks = [Task(CONV, seed) for seed in range(60)]
    with cluster_of(0) as nodes:
        nodes.add_node(num_cpus=4, num_gpus=1, object_store_memory=100 * 2**20)
        with RayCluster(plan, address=nodes.address, networks_in_flight=2) as cluster:
            assert cluster.workers == 1
            found = dict(cluster.run(tasks))
            assert len(pool_processes()) == 2
        with RayCluster(PLAN, address=nodes.address) as cluster:
            assert cluster.workers == 4  # for the CPU, by CPUs
    assert [measured(found[place]) for place in range(60)] == [here(task) for task in tasks]


@pytest.mark.slow
def test_what_a_network_does_to_its_process_is_a_record(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(
        "import os, time\n"
        "from torch import nn\n"
        "def fine(): return nn.Sequential(nn.Flatten(), nn.Linear(192, 10))\n"
        "def hangs(): time.sleep(600)\n"
        "def exits(): os._exit(3)\n"
        "def eats(): hoard = [bytes([1]) * 2**26 for _ in range(64)]; time.sleep(600)\n"
    )
    plan = replace(PLAN, build=(), input_size=(3, 8, 8))
    names = ("fine", "hangs", "exits", "eats", "fine")
    tasks = [Task(f"{path}:{name}", seed) for seed, name in enumerate(names)]
    with RayCluster(plan, limits=Limits(timeout=5, max_memory=10**9)) as cluster:
        found = dict(cluster.run(tasks))
    statuses = [found[place].records[0].status for place in range(len(tasks))]
    assert statuses == ["ok", "timeout", "error", "out_of_memory", "ok"]
    assert "exited with code 3" in str(found[2].records[0].reason)


def test_a_worker_of_another_version_is_refused(tmp_path):
    package = changed_copy(tmp_path, "__init__.py", VERSION, VERSION)
    installed = tmp_path / "gradalign-0.0.7.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: gradalign\nVersion: 0.0.7\n")
    with cluster_of(0) as nodes:
        add_node_with(nodes, package)
        with pytest.raises(InputError) as told:
            RayCluster(PLAN, address=nodes.address)
    assert "gradalign 0.0.7, here it is" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("probe.py", DEFINITIONS, "DEFINITIONS_VERSION = 2", "other protocol hashes for gradalign"),
        ("__init__.py", VERSION, "import no_such_module", "No module named 'no_such_module'"),
    ],
    ids=["protocol", "broken"],
)
def test_a_worker_that_would_measure_something_else_is_refused(tmp_path, file, old, new, message):
    package = changed_copy(tmp_path, file, old, new)
    with cluster_of(1) as nodes:  # the other worker would do
        add_node_with(nodes, package)
        with pytest.raises(InputError, match=message) as told:
            RayCluster(PLAN, address=nodes.address)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "host.invalid:6379", "nonsense", "ray://x:1"])
def test_an_address_without_a_cluster_is_one_line(address):
    with pytest.raises(InputError, match="no Ray cluster at") as told:
        RayCluster(PLAN, address=address)
    assert "\n" not in str(told.value)


def test_what_listens_and_is_no_cluster_is_not_waited_for_long(monkeypatch):
    monkeypatch.setattr(_cluster_address, "ANSWER_SECONDS", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(InputError, match="no answer within 3 s"):
            RayCluster(PLAN, address=f"127.0.0.1:{port}")


def test_without_ray_the_mend_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r'pip install "gradalign\[ray\]"'):
        RayCluster(PLAN)


def test_no_networks_in_flight_is_refused():
    with pytest.raises(InputError, match="at least 1"):
        RayCluster(PLAN, networks_in_flight=0)
