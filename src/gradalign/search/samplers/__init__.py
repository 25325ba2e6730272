"""What proposes the next architecture: one sampler a file, looked up by name in `SAMPLERS`."""

from gradalign.search.samplers._base import SAMPLERS, SamplerKind, Setting, Values

__all__ = ["SAMPLERS", "SamplerKind", "Setting", "Values"]
