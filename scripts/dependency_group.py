"""Print the requirements of dependency groups of pyproject.toml, for a pip without `--group`."""

import sys
import tomllib
from pathlib import Path

groups = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())[
    "dependency-groups"
]
sys.stdout.write(" ".join(requirement for name in sys.argv[1:] for requirement in groups[name]))
