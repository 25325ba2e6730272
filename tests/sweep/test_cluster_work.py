"""Every task is given out until it is answered, and none twice at once."""

from gradalign.sweep._cluster_work import LARGEST, Work
from gradalign.sweep.process import ATTEMPTS
from gradalign.sweep.worker import Task

TASKS = [Task(str(k)) for k in range(10)]


def places(chunk) -> list[int]:
    return [place for place, _ in chunk]


def drained(work: Work) -> list[list[int]]:
    return [places(chunk) for chunk in iter(work.chunk, ())]


def test_chunks_are_pulled_when_asked_for():
    pulled = []
    work = Work((pulled.append(task) or task for task in TASKS), smallest=2)
    assert pulled == []
    assert places(work.chunk()) == [0, 1]
    assert len(pulled) == 2
    assert work.left
    assert drained(work) == [[2, 3], [4, 5], [6, 7], [8, 9]]
    assert not work.left


def test_chunks_grow_by_doubling_to_a_second_and_to_a_bound():
    work = Work((Task(str(k)) for k in range(10_000)), smallest=1)
    sizes = []
    for _ in range(12):
        chunk = work.chunk()
        sizes.append(len(chunk))
        work.took(chunk, seconds=len(chunk) * 1e-6)
    assert sizes == [1, 2, 4, 8, 16, 32, 64, 128, LARGEST, LARGEST, LARGEST, LARGEST]
    work.took(work.chunk(), seconds=LARGEST * 0.1)  # a tenth of a second each
    assert len(work.chunk()) == 10
    work.took(work.chunk(), seconds=1000.0)
    assert len(work.chunk()) == 1


def test_what_a_lost_worker_was_at_is_given_out_one_by_one_and_what_it_had_waiting_as_it_was():
    work = Work(TASKS, smallest=3)
    first, second = work.chunk(), work.chunk()
    assert work.give_back(first, begun=True) == ()
    assert work.give_back(second, begun=False) == ()
    assert drained(work) == [[0], [1], [2], [3, 4, 5], [6, 7, 8], [9]]


def test_a_task_that_loses_its_worker_every_time_is_given_up_alone():
    work = Work(TASKS[:3], smallest=3)
    assert work.give_back(work.chunk(), begun=True) == ()
    for _ in range(ATTEMPTS - 2):
        assert work.give_back(work.chunk(), begun=True) == ()
        assert drained(work)[-1] == [0]
        assert work.give_back(((0, TASKS[0]),), begun=False) == ()
    given_up = work.give_back(work.chunk(), begun=True)
    assert places(given_up) == [0]
    assert not work.left
