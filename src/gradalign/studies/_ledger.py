"""Results of finished tasks in a file, so that an interrupted study goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from gradalign.errors import InputError

Json = dict[str, object]


class Ledger:
    """A text file with a line of JSON for each finished task.

    A line is on the disk before `put` returns. What a killed program left of a last line is cut off
    when the file is opened: the task is done again.

    Args:
        path: The file; made, with its folder, where there is none.

    Raises:
        InputError: It cannot be read or written, or is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, Json] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            whole = content[: content.rfind(b"\n") + 1]
            if len(whole) < len(content):
                os.truncate(path, len(whole))
        except OSError as error:
            raise InputError(
                f"cannot keep results in {str(path)!r}: {error.strerror or error}; choose another "
                "folder"
            ) from None
        for number, line in enumerate(whole.decode("utf-8", "replace").splitlines(), start=1):
            try:
                entry = json.loads(line)
                self._found[entry["task"]] = entry["result"]
            except (ValueError, KeyError, TypeError):
                raise InputError(
                    f"line {number} of {str(path)!r} is no result of a study: move the file away"
                ) from None

    def get(self, task: Mapping[str, object]) -> Json | None:
        """What was found for a task; None: it is not done."""
        return self._found.get(_key(task))

    def put(self, task: Mapping[str, object], result: Json) -> None:
        """Keep what was found for a task."""
        line = json.dumps({"task": _key(task), "result": result}, allow_nan=False) + "\n"
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        self._found[_key(task)] = json.loads(line)["result"]


def _key(task: Mapping[str, object]) -> str:
    return json.dumps(task, sort_keys=True)
