"""The site: `make docs`."""

import sys
from pathlib import Path

import gradalign

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "gradalign"
author = "the gradalign maintainers"
project_copyright = "2026, the gradalign maintainers"
version = release = gradalign.__version__

extensions = [
    "mathml",
    "repository_files",
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
smartquotes = False  # `--option` keeps its two hyphens

myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # scripts/run_notebook.py stores what the cells print

default_role = "code"  # what stands in single backticks in docstrings
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False

copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "gradalign"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
