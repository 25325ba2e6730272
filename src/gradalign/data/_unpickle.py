"""Arrays and plain containers from pickles that are not trusted, executing nothing of theirs.

An unpickler calls what a file names. This one admits the few names with which NumPy arrays are
written, and not even those are NumPy's own: stand-ins only note what they are given, since NumPy's
constructors can be led to take bytes for object pointers. The array is made from checked bytes.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradalign.errors import InputError

# What a damaged stream makes the unpickler raise.
_BROKEN = (
    pickle.UnpicklingError,
    struct.error,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ImportError,
    OverflowError,
    MemoryError,
    RuntimeError,
)


class _Refused(Exception):  # noqa: N818 - carries the name, never leaves this module
    """The pickle asks for something other than an array."""


def read_plain_pickle(content: bytes, what: str) -> object:
    """The object in a pickle of arrays of bytes, lists, dicts and numbers.

    Args:
        content: The pickle; strings of Python 2 become bytes.
        what: Name of the file, for messages.

    Returns:
        The object; arrays in it as read by `byte_array`.

    Raises:
        InputError: A damaged pickle, or one that asks for anything else, which is not executed.
    """
    try:
        return _PlainUnpickler(io.BytesIO(content), encoding="bytes").load()
    except _Refused as refused:
        raise InputError(
            f"{what} asks for {refused.args[0]!r}, which is no array: it was not executed, "
            "get the file from its source again"
        ) from None
    except _BROKEN as error:
        raise InputError(
            f"{what} is a damaged pickle ({type(error).__name__}): get it from its source again"
        ) from error


def byte_array(value: object, what: str) -> NDArray[np.uint8]:
    """The uint8 array that `value`, out of `read_plain_pickle`, describes.

    Raises:
        InputError: No array, one of another type, or one whose bytes do not fit its shape.
    """
    state = getattr(value, "state", None)
    if not (isinstance(state, tuple) and len(state) == 5):
        raise InputError(f"{what} is no array")
    _, shape, dtype, fortran, content = state
    if getattr(dtype, "code", None) not in ("u1", b"u1"):
        raise InputError(f"{what} is no array of uint8")
    if not (
        isinstance(content, bytes)
        and isinstance(shape, tuple)
        and all(type(length) is int and length >= 0 for length in shape)
        and math.prod(shape) == len(content)
    ):
        raise InputError(f"{what} is an array whose bytes do not fit its shape")
    return np.frombuffer(content, np.uint8).reshape(shape, order="F" if fortran is True else "C")


class _PlainUnpickler(pickle._Unpickler):
    """Admits the names of an array's pickle, each as a stand-in made for this one file.

    The unpickler written in Python: the one in C reserves memory for whatever index in its memo a
    damaged file names, tens of gigabytes for one changed byte.
    """

    def __init__(self, file: io.BytesIO, *, encoding: str) -> None:
        super().__init__(file, encoding=encoding)
        self._admitted = _stand_ins()

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name; anything but an array's is refused before it is imported."""
        if (module, name) not in self._admitted:
            raise _Refused(f"{module}.{name}")
        return self._admitted[module, name]


def _stand_ins() -> dict[tuple[str, str], object]:
    """Made anew for every file: a pickle can set attributes of what it is given."""

    class Dtype:
        def __init__(self, code: object, *_: object) -> None:
            self.code = code

        def __setstate__(self, _: object) -> None:
            """Byte order and alignment: without meaning for single bytes."""

    class Array:
        def __setstate__(self, state: object) -> None:
            self.state = state

    def reconstruct(*_: object) -> Array:
        return Array()

    def encode(text: str, encoding: str) -> bytes:
        if encoding != "latin1":  # the only one by which Python 3 writes bytes in protocol 2
            raise _Refused(f"_codecs.encode with {encoding!r}")
        return text.encode("latin-1")

    return {
        ("numpy.core.multiarray", "_reconstruct"): reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): reconstruct,
        ("numpy", "ndarray"): Array,
        ("numpy", "dtype"): Dtype,
        ("_codecs", "encode"): encode,
    }
