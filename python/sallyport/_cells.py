"""Cells between Python and the C library."""

from typing import List, Sequence, Tuple

from ._library import CCell, CCells
from ._values import CellValue

_EMPTY, _NUMBER, _TEXT, _BOOLEAN = range(4)


def cells_of(values: Sequence[Sequence[CellValue]]) -> CCells:
    """For a call; raises ValueError for rows that are not equally long."""
    columns = len(values[0]) if values else 0
    if columns == 0 or any(len(row) != columns for row in values):
        raise ValueError("cells are rows of equal length, none empty")
    entries = (CCell * (columns * len(values)))()
    for at, value in enumerate(cell for row in values for cell in row):
        _put(entries[at], value)
    return CCells(entries=entries, columns=columns, rows=len(values))


def _put(cell: CCell, value: CellValue) -> None:
    if value is None:
        cell.kind = _EMPTY
    elif isinstance(value, bool):
        cell.kind, cell.value.boolean = _BOOLEAN, int(value)
    elif isinstance(value, str):
        text = value.encode()
        if b"\0" in text:
            raise ValueError("a cell holds no NUL")
        cell.kind, cell.value.text = _TEXT, text
    else:
        cell.kind, cell.value.number = _NUMBER, float(value)


def values_of(cells: CCells) -> List[Tuple[CellValue, ...]]:
    columns = cells.columns
    return [
        tuple(_value(cells.entries[row * columns + column]) for column in range(columns)) for row in range(cells.rows)
    ]


def _value(cell: CCell) -> CellValue:
    if cell.kind == _TEXT:
        return (cell.value.text or b"").decode()
    if cell.kind == _NUMBER:
        return float(cell.value.number)
    return bool(cell.value.boolean) if cell.kind == _BOOLEAN else None
