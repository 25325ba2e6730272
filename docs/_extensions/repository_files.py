"""A link to a file of the repository outside `docs` lets the reader have that file."""

from __future__ import annotations

import os.path
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import download_reference, pending_xref
from sphinx.application import Sphinx


def as_downloads(app: Sphinx, doctree: nodes.document) -> None:
    """Turn links to Markdown outside the site, which MyST takes for pages of it, into downloads."""
    page = Path(app.env.doc2path(app.env.docname)).parent
    for node in [*doctree.findall(pending_xref)]:
        target = Path(f"{node['reftarget']}.md")
        if node.get("refdomain") == "doc" and target.is_absolute() and target.is_file():
            file = download_reference(
                reftarget=os.path.relpath(target, page), refdoc=app.env.docname, reftype="myst"
            )
            file += node.children
            node.replace_self(file)


def setup(app: Sphinx) -> dict[str, bool]:
    """Do it before Sphinx collects what can be downloaded."""
    app.connect("doctree-read", as_downloads, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
