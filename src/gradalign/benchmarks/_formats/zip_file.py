"""Members of a ZIP archive, in memory: nothing is unpacked to a folder, nothing grows unseen."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from gradalign.benchmarks._formats.files import LARGEST_IN_MEMORY, damaged, opened
from gradalign.errors import InputError

LARGEST_TOTAL = 16 << 30
"""Bytes of all members together."""

LARGEST_RATIO = 100
"""Of a member's size to its size in the archive; lists of numbers reach about 10."""

MOST_MEMBERS = 10_000


def members(path: Path, suffix: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Name and content of each member whose name ends so, one at a time.

    Raises:
        InputError: No ZIP archive, a damaged one, one that would fill the memory, or one with a
            name that leads out of its folder.
    """
    with opened(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                chosen = _checked(archive.infolist(), path)
                for info in chosen:
                    name = PurePosixPath(info.filename)
                    # what macOS adds beside each file
                    if name.suffix == suffix and "__MACOSX" not in name.parts:
                        yield name, archive.read(info)
        except InputError:
            raise
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            LookupError,
            RuntimeError,  # an encrypted member, or a compression that is not known
        ) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
            raise damaged(path, f"is a damaged ZIP archive ({reason})") from None


def _checked(infos: list[zipfile.ZipInfo], path: Path) -> list[zipfile.ZipInfo]:
    """The members, of harmless sizes and names; zipfile reads no more of one than is stated."""
    if len(infos) > MOST_MEMBERS:
        raise damaged(path, f"has {len(infos):,} members")
    total = 0
    for info in infos:
        name = PurePosixPath(info.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts:
            raise damaged(path, f"has a member that leads out of it, {info.filename[:80]!r}")
        total += info.file_size
        if (
            info.file_size > LARGEST_IN_MEMORY
            or total > LARGEST_TOTAL
            or info.file_size > LARGEST_RATIO * max(info.compress_size, 100)
        ):
            raise damaged(path, f"would grow to {info.file_size:,} bytes at {info.filename[:80]!r}")
    return infos
