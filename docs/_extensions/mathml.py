"""Mathematics as MathML, which browsers show themselves: no script, no font, no network."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError


def mathml(node: nodes.math | nodes.math_block) -> str:
    """A formula as a MathML element.

    Raises:
        ExtensionError: If latex2mathml does not know what stands in it.
    """
    latex = node.astext()
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    try:
        return convert(latex, display=display)
    except Exception as error:
        raise ExtensionError(f"no MathML for {latex!r}: {error!r}") from error


def visit_inline(writer: Any, node: nodes.math) -> None:
    """Write a formula in a line."""
    writer.body.append(mathml(node))
    raise nodes.SkipNode


def visit_block(writer: Any, node: nodes.math_block) -> None:
    """Write a formula of its own; a wide one scrolls in its box."""
    label = f' id="{node["ids"][0]}"' if node.get("ids") else ""
    writer.body.append(f'<div class="formula" tabindex="0"{label}>{mathml(node)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer as `mathml`."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
