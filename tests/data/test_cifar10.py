"""The reader of CIFAR-10's batches: pickles from elsewhere, of which nothing may be executed."""

import os
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradalign.data import InputSpec, open_source
from gradalign.data._unpickle import byte_array, read_plain_pickle
from gradalign.errors import InputError

SPEC = InputSpec(num_classes=10)


def pixels(seed, count=10):
    return np.random.default_rng(seed).integers(0, 256, (count, 3072), dtype=np.uint8)


def batch_content(data, labels):
    return {b"batch_label": b"training", b"labels": labels, b"data": data, b"filenames": [b"a.png"]}


def python2_batch(data, labels):
    """A batch in the form of the published files: Python 2's strings, protocol 2, numpy.core."""

    def string(raw):
        return b"T" + struct.pack("<i", len(raw)) + raw

    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    rows, columns = (b"M" + struct.pack("<H", length) for length in data.shape)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
        + string(b"b")
        + b"\x87R"
        b"(K\x01" + rows + columns + b"\x86"
        b"cnumpy\ndtype\n" + string(b"u1") + b"K\x00K\x01\x87R"
        b"(K\x03" + string(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89" + string(data.tobytes()) + b"tb"
    )
    return (
        b"\x80\x02}(" + string(b"labels") + b"](" + numbers + b"e" + string(b"data") + array + b"u."
    )


def write_batches(folder, dump):
    folder.mkdir(exist_ok=True)
    for number in range(1, 6):
        (folder / f"data_batch_{number}").write_bytes(dump(pixels(number), [*range(10)]))
    return open_source(f"cifar10:{folder}")


@pytest.fixture
def batches(tmp_path):
    def dump(data, labels):
        return pickle.dumps(batch_content(data, labels), protocol=2)

    return write_batches(tmp_path / "cifar", dump)


def stored_images():
    return np.concatenate([pixels(number) for number in range(1, 6)]).reshape(-1, 3, 32, 32)


@pytest.mark.parametrize(
    "dump",
    [
        python2_batch,
        *(
            lambda data, labels, p=p: pickle.dumps(batch_content(data, labels), protocol=p)
            for p in (2, 3, 4)
        ),
        lambda data, labels: pickle.dumps(batch_content(np.asfortranarray(data), labels), 2),
    ],
    ids=["python 2", "protocol 2", "protocol 3", "protocol 4", "fortran order"],
)
def test_every_image_and_label_is_read(tmp_path, dump):
    source = write_batches(tmp_path / "cifar", dump)
    assert source.num_classes == 10
    assert source.shape == (3, 32, 32)
    assert source.labels.tolist() == [*range(10)] * 5
    images = stored_images().astype(float) / 255
    mean, deviation = (f((0, 2, 3))[:, None, None] for f in (images.mean, images.std))
    found = torch.stack([source.image(index) for index in range(50)])
    np.testing.assert_allclose(found, (images - mean) / deviation, atol=1e-5)


def test_the_hand_made_batch_is_what_numpy_and_python_read_too():
    content = pickle.loads(python2_batch(pixels(0), [3, 7]), encoding="bytes")
    np.testing.assert_array_equal(content[b"data"], pixels(0))
    assert content[b"labels"] == [3, 7]


def test_the_folder_above_will_do(batches, tmp_path):
    (tmp_path / "cifar").rename(tmp_path / "cifar-10-batches-py")
    batch = open_source(f"cifar10:{tmp_path}").draw(20, 0, SPEC)
    assert batch.inputs.shape == (20, 3, 32, 32)
    assert batch.targets.bincount().tolist() == [2] * 10


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile(folder):
    """Pickles that do something on reading: each would make the folder `trap`, were it let."""
    trap = str(folder / "trap")
    array = folder / "array.npy"
    np.save(array, np.array([Calls(os.mkdir, trap)], dtype=object), allow_pickle=True)
    return {
        "system": pickle.dumps(Calls(os.system, f"mkdir {trap}")),
        "mkdir protocol 0": pickle.dumps(Calls(os.mkdir, trap), protocol=0),
        "mkdir protocol 4": pickle.dumps(Calls(os.mkdir, trap), protocol=4),
        "eval": pickle.dumps(Calls(eval, f"__import__('os').mkdir({trap!r})")),
        "getattr": b"cbuiltins\ngetattr\n(cos\nfspath\nS'__call__'\ntR.",
        "numpy.load": pickle.dumps(Calls(np.load, str(array), None, True)),
        "numpy attribute": b"cnumpy\nndarray.tofile\n.",
        "inside the data": pickle.dumps(batch_content(Calls(os.mkdir, trap), [0])),
        "inside the labels": pickle.dumps(batch_content(pixels(0), [Calls(os.mkdir, trap)] * 10)),
        "object array": pickle.dumps(
            batch_content(np.array([[Calls(os.mkdir, trap)]], dtype=object), [0])
        ),
        "nested pickle": pickle.dumps(Calls(pickle.loads, pickle.dumps(Calls(os.mkdir, trap)))),
        "codec": b"c_codecs\nencode\n(Vx\nVidna\ntR.",
        "ctypes array": b"cnumpy.ctypeslib\nas_array\n.",
    }


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("system", "posix.system"),
        ("mkdir protocol 0", "posix.mkdir"),
        ("mkdir protocol 4", "posix.mkdir"),
        ("eval", "builtins.eval"),
        ("getattr", "builtins.getattr"),
        ("numpy.load", "numpy.load"),
        ("numpy attribute", "numpy.ndarray.tofile"),
        ("inside the data", "posix.mkdir"),
        ("inside the labels", "posix.mkdir"),
        ("object array", "posix.mkdir"),
        ("nested pickle", "_pickle.loads"),
        ("codec", "_codecs.encode with"),
        ("ctypes array", "numpy.ctypeslib.as_array"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="the payloads name posix functions")
def test_nothing_a_batch_asks_for_is_executed(batches, tmp_path, name, asked):
    (tmp_path / "cifar" / "data_batch_3").write_bytes(hostile(tmp_path)[name])
    with pytest.raises(InputError, match="data_batch_3' asks for") as caught:
        batches.draw(4, 0, SPEC)
    assert asked in str(caught.value)
    assert "was not executed" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "trap").exists()


def test_the_traps_are_real(tmp_path):
    """An ordinary unpickler does what they ask for, so their silence above means something."""
    for name in ("system", "mkdir protocol 0", "eval", "numpy.load", "object array"):
        pickle.loads(hostile(tmp_path)[name])
        assert (tmp_path / "trap").exists(), name
        (tmp_path / "trap").rmdir()


def test_an_array_of_pointers_is_refused():
    # numpy itself would take such bytes for the addresses of Python objects
    fields = {b"labels": [0], b"data": np.zeros((1, 384), dtype=np.int64)}
    content = read_plain_pickle(pickle.dumps(fields, protocol=2), "x")
    with pytest.raises(InputError, match="no array of uint8"):
        byte_array(content[b"data"], "x")


def test_what_a_pickle_sets_on_a_stand_in_is_gone_with_it():
    # BUILD with (None, {...}) sets attributes, here on what stands for `_reconstruct`
    setting = b"cnumpy.core.multiarray\n_reconstruct\n(N}X\x04\x00\x00\x00markK\x01stb."
    assert read_plain_pickle(setting, "x").mark == 1
    again = read_plain_pickle(b"cnumpy.core.multiarray\n_reconstruct\n.", "x")
    assert not hasattr(again, "mark")


def test_a_damaged_memo_index_takes_no_memory():
    # LONG_BINPUT: "remember the 5 as number 2^24", for which the C unpickler reserves 256 MB
    content = b"\x80\x02K\x05r" + struct.pack("<I", 2**24) + b"."
    tracemalloc.start()
    assert read_plain_pickle(content, "x") == 5
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def dumped(**fields):
    content = {b"data": pixels(0), b"labels": [*range(10)]}
    content |= {key.encode(): value for key, value in fields.items()}
    return pickle.dumps({k: v for k, v in content.items() if v is not None}, protocol=2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"not a pickle", "damaged pickle"),
        (dumped()[:2000], "damaged pickle"),
        (pickle.dumps([1, 2]), "no dictionary"),
        (pickle.dumps(pixels(0), protocol=2), "no dictionary"),
        (dumped(data=None), "`data` of .* is no array"),
        (dumped(data=[1, 2]), "`data` of .* is no array"),
        (dumped(data=pixels(0).astype(np.int8)), "no array of uint8"),
        (dumped(data=pixels(0)[:, :3000]), r"images \[10, 3000\]: \[n, 3072\]"),
        (dumped(data=pixels(0).reshape(10, 3, 32, 32)), r"images \[10, 3, 32, 32\]"),
        (python2_batch(pixels(0)[:0], []), "one label for each image"),
        (dumped(labels=None), "one label for each image"),
        (dumped(labels=[1]), "one label for each image"),
        (dumped(labels=np.arange(10)), "one label for each image"),
        (dumped(labels=[10] * 10), "labels other than whole numbers 0 to 9"),
        (dumped(labels=[-1] * 10), "labels other than"),
        (dumped(labels=[0.5] * 10), "labels other than"),
        (dumped(labels=[float("nan")] * 10), "labels other than"),
        (dumped(labels=[True] * 10), "labels other than"),
        (dumped(labels=[[0]] * 10), "labels other than"),
    ],
)
def test_wrong_batches_are_refused(batches, tmp_path, content, message):
    (tmp_path / "cifar" / "data_batch_2").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        batches.draw(4, 0, SPEC)
    assert "data_batch_2" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folders_and_batches_are_named(batches, tmp_path):
    with pytest.raises(InputError, match=r"no folder .*nowhere"):
        open_source(f"cifar10:{tmp_path / 'nowhere'}").draw(4, 0, SPEC)
    with pytest.raises(InputError, match=r"no folder .*data_batch_1"):
        open_source(f"cifar10:{tmp_path / 'cifar' / 'data_batch_1'}").draw(4, 0, SPEC)
    (tmp_path / "cifar" / "data_batch_4").unlink()
    with pytest.raises(InputError, match=r"no file .*data_batch_4"):
        batches.draw(4, 0, SPEC)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=3),
    length=st.integers(1, 10**6),
    python2=st.booleans(),
)
def test_a_damaged_pickle_is_an_input_error_or_reads(changes, length, python2):
    data = np.arange(12, dtype=np.uint8).reshape(2, 6)
    content = python2_batch(data, [1, 2]) if python2 else dumped(data=data, labels=[1, 2])
    damaged = bytearray(content)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    message = ""
    try:
        read = read_plain_pickle(bytes(damaged[:length]), "x")
        byte_array(read.get(b"data") if isinstance(read, dict) else read, "x")
    except InputError as error:
        message = str(error)
    assert "\n" not in message
