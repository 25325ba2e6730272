"""A table in HTML that is sorted by a click on a column's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    Args:
        title: Its name.
        meaning: What it says, shown where the pointer rests on the name.
        numeric: Whether its cells are numbers: set flush right, sorted by falling value first.
        folded: Whether its texts are long, and go on in a second line.
    """

    title: str
    meaning: str = ""
    numeric: bool = True
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a table.

    Args:
        text: What it shows.
        key: What it is sorted by; None: always last.
        detail: Shown smaller below it, such as an interval.
    """

    text: str
    key: float | str | None
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class SortableTable:
    """Columns, and rows of as many cells.

    Args:
        columns: The columns; cells of the first one name their rows.
        rows: The cells.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def to_html(self) -> str:
        """The `<table>` element."""
        head = "".join(map(_head, self.columns))
        body = "\n".join(self._row(row) for row in self.rows)
        return (
            f'<table class="sortable"><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>'
        )

    def _row(self, row: Sequence[Cell]) -> str:
        cells = [_cell(cell, column) for cell, column in zip(row, self.columns, strict=True)]
        cells[0] = cells[0].replace("<td", '<th scope="row"').replace("</td>", "</th>")
        return f"<tr>{''.join(cells)}</tr>"


def _head(column: Column) -> str:
    title = f' title="{escape(column.meaning)}"' if column.meaning else ""
    return f'<th scope="col"{_kind(column)}{title}><button>{escape(column.title)}</button></th>'


def _cell(cell: Cell, column: Column) -> str:
    key = "" if cell.key is None else escape(str(cell.key))
    detail = f" <small>{escape(cell.detail)}</small>" if cell.detail else ""
    return f'<td{_kind(column)} data-key="{key}">{escape(cell.text)}{detail}</td>'


def _kind(column: Column) -> str:
    kinds = " ".join(
        name for name, has in (("number", column.numeric), ("folded", column.folded)) if has
    )
    return f' class="{kinds}"' if kinds else ""
