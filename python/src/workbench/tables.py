"""Tables as Arrow, polars or pandas: with instants that know their zone, integers, and nulls for what is unknown."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .errors import MissingExtra, UsageError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

#: The type of a column in memory: "int", "float", "text", or the time zone of its instants.
ColumnType = str


def _library(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise MissingExtra(
            f"This needs {name.partition('.')[0]}, which is not installed: "
            f"pip install 'model-analytics-workbench[{extra}]'"
        ) from problem


class Table:
    """A table that is read when it is asked for in one of three forms."""

    def __init__(
        self,
        source: Path | Mapping[str, Sequence[Any]],
        *,
        columns: Sequence[str] | None = None,
        types: Mapping[str, ColumnType] | None = None,
    ) -> None:
        self._source = source
        self._columns = list(columns) if columns is not None else None
        self._types = types or {}

    def __repr__(self) -> str:
        name = self._source.stem if isinstance(self._source, Path) else ", ".join(self._types)
        return f"<Table {name}: .arrow(), .polars() or .pandas()>"

    def arrow(self) -> pyarrow.Table:
        """As a `pyarrow.Table`. Needs the extra `arrow`."""
        return self._arrow("arrow")

    def polars(self) -> polars.DataFrame:
        """As a `polars.DataFrame`. Needs the extra `polars`."""
        pl: Any = _library("polars", "polars")
        if isinstance(self._source, Path):
            # The name of a file, not a pattern.
            frame = pl.scan_parquet(self._source, glob=False)
            if self._columns is not None:
                self._require(frame.collect_schema().names())
                frame = frame.select(self._columns)
            return cast("polars.DataFrame", frame.collect())
        kinds = {"int": pl.Int64, "float": pl.Float64, "text": pl.String}
        schema = {n: kinds.get(t) or pl.Datetime("us", t) for n, t in self._types.items()}
        return cast("polars.DataFrame", pl.DataFrame(dict(self._source), schema=schema))

    def pandas(self) -> pandas.DataFrame:
        """As a `pandas.DataFrame`, with nullable integers (`Int64`) and Arrow's texts. Needs the extra `pandas`."""
        pd: Any = _library("pandas", "pandas")
        table = self._arrow("pandas")
        pa: Any = _library("pyarrow", "pandas")
        kinds = {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(), pa.string(): pd.ArrowDtype(pa.string())}
        return cast("pandas.DataFrame", table.to_pandas(types_mapper=kinds.get))

    def _arrow(self, extra: str) -> pyarrow.Table:
        pa: Any = _library("pyarrow", extra)
        if isinstance(self._source, Path):
            file = _library("pyarrow.parquet", extra).ParquetFile(self._source)
            if self._columns is not None:
                self._require(file.schema_arrow.names)
            table = file.read(columns=self._columns)
            return table if self._columns is None else table.select(self._columns)
        kinds = {"int": pa.int64(), "float": pa.float64(), "text": pa.string()}
        schema = pa.schema([(n, kinds.get(t) or pa.timestamp("us", t)) for n, t in self._types.items()])
        return pa.table(dict(self._source), schema=schema)

    def _require(self, names: Sequence[str]) -> None:
        for column in self._columns or ():
            if column not in names:
                raise UsageError(f'There is no column "{column}". There are: {", ".join(names)}.')


def rows(items: Sequence[object], types: Mapping[str, ColumnType]) -> Table:
    """A table of values with the named attributes."""
    return Table({name: [getattr(item, name) for item in items] for name in types}, types=types)
