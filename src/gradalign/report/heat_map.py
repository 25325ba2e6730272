"""A square of values from -1 to 1 as a table whose cells are coloured by their value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """How much any two of several things agree.

    The colours run from one that stands for -1 through the page's own at 0 to one for 1; they are
    mixed by the style sheet, in the reader's theme, and every cell says its value.

    Args:
        names: Of rows and columns.
        values: [names, names], from -1 to 1; None where there is no such number.
    """

    names: Sequence[str]
    values: Sequence[Sequence[float | None]]

    def to_html(self) -> str:
        """The `<table>` element."""
        head = "".join(f'<th scope="col"><span>{escape(name)}</span></th>' for name in self.names)
        rows = "\n".join(
            f'<tr><th scope="row">{escape(name)}</th>'
            f"{''.join(self._cell(row, column) for column in range(len(self.names)))}</tr>"
            for row, name in enumerate(self.names)
        )
        head = f"<thead><tr><td></td>{head}</tr></thead>"
        return f'<table class="heat">{head}\n<tbody>{rows}</tbody></table>'

    def _cell(self, row: int, column: int) -> str:
        value = self.values[row][column]
        title = escape(f"{self.names[row]}, {self.names[column]}")
        if row == column or value is None:
            return f'<td class="none" title="{title}">{"" if row == column else "-"}</td>'
        share = round(100 * abs(value))
        sign = "alike" if value >= 0 else "against"
        return f'<td class="{sign}" style="--share:{share}%" title="{title}">{short(value)}</td>'


def short(value: float) -> str:
    """Two decimals, without the zero before the point.

    Example:
        >>> short(0.834), short(-0.05), short(1.0), short(-0.001)
        ('.83', '-.05', '1', '0')
    """
    text = f"{value:.2f}"
    if text in {"0.00", "-0.00"}:
        return "0"
    return text.removesuffix(".00").replace("0.", ".", 1)
