"""Models that other libraries make: from a name or a configuration, always without weights.

The libraries are extras; each is imported when one of its models is asked for.
"""

from __future__ import annotations

import copy
import difflib
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from gradalign.candidate import SEQUENCE_LENGTH, Candidate
from gradalign.data import InputSpec
from gradalign.errors import InputError
from gradalign.failure import one_line

Configuration = Any
"""A configuration object of transformers, whose fields differ from model to model."""


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"{name}: models need the library {name!r} ({error}): pip install 'gradalign[{name}]'"
        ) from None


def _from_timm(text: str, name: str, spec: InputSpec) -> Candidate:
    timm = _library("timm")
    if not timm.is_model(name):
        raise _unknown_name("timm", name, timm.list_models())
    published = timm.models.get_pretrained_cfg(name)
    shape = spec.shape or (tuple(published.input_size) if published else (3, 224, 224))

    def make(_seed: int) -> object:
        return timm.create_model(name, num_classes=spec.num_classes)

    return Candidate(name=text, make=make, spec=replace(spec, shape=shape))


def _from_torchvision(text: str, name: str, spec: InputSpec) -> Candidate:
    models = _library("torchvision").models
    if name not in models.list_models(module=models):
        raise _unknown_name("torchvision", name, models.list_models(module=models))

    def make(_seed: int) -> object:
        return models.get_model(name, weights=None, num_classes=spec.num_classes)

    return Candidate(name=text, make=make, spec=replace(spec, shape=spec.shape or (3, 224, 224)))


def _unknown_name(library: str, name: str, known: list[str]) -> InputError:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}" if near else "see its documentation"
    return InputError(f"{library} has no model {name!r}: {hint}")


def _from_transformers(text: str, name: str, spec: InputSpec) -> Candidate:
    """A model built from its configuration, without weights and without the network."""
    transformers = _library("transformers")
    config = _configuration(transformers, name)
    config.num_labels = spec.num_classes
    images = type(config) in transformers.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING
    if type(config) in transformers.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        auto = transformers.AutoModelForSequenceClassification
        _ensure_pad_token(config)
    elif images:
        auto = transformers.AutoModelForImageClassification
    else:
        auto = transformers.AutoModel

    def make(_seed: int) -> object:
        return auto.from_config(copy.deepcopy(config))

    adapted = _image_spec(config, spec) if images else _token_spec(config, spec)
    return Candidate(name=text, make=make, spec=adapted)


def _configuration(transformers: ModuleType, name: str) -> Configuration:
    path = Path(name)
    values: dict[str, Any] = {}
    if path.suffix == ".json":
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            kind = values["model_type"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{name!r} is no model configuration with a 'model_type': "
                f"{type(error).__name__} {error}"
            ) from None
    else:
        kind = name
    if kind not in transformers.CONFIG_MAPPING:
        raise _unknown_name("transformers", str(kind), list(transformers.CONFIG_MAPPING))
    try:
        return transformers.CONFIG_MAPPING[kind].from_dict(values)
    except Exception as error:
        raise InputError(f"the configuration {name!r} does not hold: {one_line(error)}") from error


def _ensure_pad_token(config: Configuration) -> None:
    """Decoders classify by the last token before padding, and ask for a padding token."""
    if getattr(config, "pad_token_id", None) is None:
        end = getattr(config, "eos_token_id", None)
        config.pad_token_id = end if isinstance(end, int) and end < config.vocab_size else 0


def _image_spec(config: Configuration, spec: InputSpec) -> InputSpec:
    size = getattr(config, "image_size", None) or 224
    height, width = size if isinstance(size, (list, tuple)) else (size, size)
    own = (getattr(config, "num_channels", 3), height, width)
    return replace(spec, shape=spec.shape or own)


def _token_spec(config: Configuration, spec: InputSpec) -> InputSpec:
    vocabulary = getattr(config, "vocab_size", None)
    if vocabulary is None:
        return spec
    positions = getattr(config, "max_position_embeddings", None) or SEQUENCE_LENGTH
    length = spec.shape[0] if spec.shape else min(SEQUENCE_LENGTH, positions)
    return InputSpec(num_classes=spec.num_classes, tokens=(vocabulary, length))


LIBRARIES: Mapping[str, Callable[[str, str, InputSpec], Candidate]] = {
    "transformers": _from_transformers,
    "timm": _from_timm,
    "torchvision": _from_torchvision,
}
