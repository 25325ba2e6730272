"""Search spaces: one file each, looked up by name in `SPACES`."""

from gradalign.spaces._base import SPACES, Space, get_space

__all__ = ["SPACES", "Space", "get_space"]
