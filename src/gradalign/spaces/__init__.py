"""Search spaces: one file each, looked up by name in `SPACES`."""

from gradalign.spaces._base import SPACES, Space, Task, get_space

__all__ = ["SPACES", "Space", "Task", "get_space"]
