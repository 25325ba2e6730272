"""A proxy and a search space for gradalign."""
