"""To a Ray cluster and back: one that is there, or one that is started here for the purpose."""

from __future__ import annotations

import importlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from gradalign.errors import GradalignError, InputError
from gradalign.failure import one_line

CONNECT_SECONDS = 5.0
"""How long a machine may take to accept a connection."""

ANSWER_SECONDS = 40.0
"""How long a cluster may take to answer: by itself Ray goes on trying for minutes."""

_OBJECT_STORE = 100 * 2**20  # bytes on a machine; the records of a chunk are some hundred kilobytes

_KNOCK = "import ray, sys; ray.init(sys.argv[1], log_to_driver=False, logging_level='ERROR')"


def library() -> ModuleType:
    """Ray.

    Raises:
        InputError: It is not installed.
    """
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise InputError(
            f'the executor ray needs the library Ray ({error}): pip install "gradalign[ray]"'
        ) from None


@contextmanager
def connected(address: str | None) -> Iterator[ModuleType]:
    """Context in which Ray is connected to a cluster; one that was started for it is ended.

    Args:
        address: HOST:PORT, or `auto`: the cluster that this machine is part of. None: the one of
            RAY_ADDRESS, else a connection that is open already, else a cluster of this machine.

    Raises:
        InputError: Ray is not installed, or no cluster answers there.
        GradalignError: No cluster can be started here.
    """
    address = address or os.environ.get("RAY_ADDRESS") or None
    if address is None:
        # Before Ray is imported: the cluster is then found on loopback and nowhere else.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    ray = library()
    if address is None and ray.is_initialized():
        yield ray
        return
    logging.getLogger("ray").setLevel(logging.ERROR)  # its chatter about where it starts
    if address is None:
        _start(ray)
    else:
        _connect(ray, address)
    try:
        yield ray
    finally:
        ray.shutdown()


def _start(ray: ModuleType) -> None:
    try:
        ray.init(
            address="local",
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE,
            log_to_driver=False,
            configure_logging=False,
        )
    except Exception as error:  # whatever Ray raises
        raise GradalignError(f"no local Ray cluster can be started: {one_line(error)}") from error


def _connect(ray: ModuleType, address: str) -> None:
    _knock(address)
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except Exception as error:  # noqa: BLE001 - whatever Ray raises
        raise _unreachable(address, one_line(error)) from None


def _knock(address: str) -> None:
    """An error for an address at which no cluster answers; found out in a process of its own.

    Once it has begun to connect, Ray cannot be stopped in this one.
    """
    if address.startswith("ray://"):
        raise _unreachable(address, "Ray's client protocol is not supported")
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and host:
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise _unreachable(address, one_line(error)) from None
    command = [sys.executable, "-c", _KNOCK, address]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        raise _unreachable(address, f"no answer within {ANSWER_SECONDS:.0f} s") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
        raise _unreachable(address, lines[-1]) from None


def _unreachable(address: str, why: str) -> InputError:
    return InputError(
        f"no Ray cluster at {address!r} ({why}): start one with `ray start --head`, have this "
        "machine join it, and give HOST:PORT or auto"
    )
