"""Results of studies, read from their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from gradalign.errors import InputError
from gradalign.studies._study import Document, Study


def read_documents(path: Path, studies: Mapping[str, Study]) -> list[tuple[Study, Document]]:
    """The same of a file, or of each study whose results lie in a folder.

    Raises:
        InputError: It cannot be read, or holds something else.
    """
    if not path.is_dir():
        return [read_document(path, studies)]
    found = [file for name in studies if (file := path / f"{name}.json").is_file()]
    if not found:
        raise InputError(
            f"the folder {str(path)!r} holds no results of a study: give one that gradalign study "
            "--out has written"
        )
    return [read_document(file, studies) for file in found]


def read_document(path: Path, studies: Mapping[str, Study]) -> tuple[Study, Document]:
    """A study's results, and how they become text and pictures.

    Args:
        path: The `.json` file that the study wrote.
        studies: Those that are known, by name.

    Raises:
        InputError: It cannot be read, or holds something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no JSON"
        raise InputError(f"cannot read the study {str(path)!r}: {reason}") from None
    name = document.get("study") if isinstance(document, dict) else None
    if not isinstance(name, str) or name not in studies:
        raise InputError(
            f"{str(path)!r} holds no results of a study: give a file that gradalign study wrote"
        )
    return studies[name], document
