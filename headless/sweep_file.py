"""A sweep file: many runs of workflow files, one a row, as CSV or YAML.

CSV: the columns `name`, `workflow`, and where wanted `group` and `weight`; every other column is `node.widget`. An
empty cell leaves the widget as the workflow has it; `''` sets empty text. Lines that begin with # are comments, rows
without any text are skipped. A cell in quotes may have line breaks, which its widget gets.

    name,      group, weight, workflow,                    Dataset Plan.images_per_class
    sd15-none, sd15,  25000,  ../workflows/api/x.json,     5000

YAML: a list `rows` of the same names, with the widgets under `set`; `workflow` and `set` beside `rows` are defaults.

Rows of one group run one after the other on one shard, and a failure holds back the rest of its group. Rows of the
group `last` run when all others have ended, and only without --shard: the place of a report. A row's weight is its
share of the time, for the time left.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.file_names import is_device_name

from .workflow import Graph, graph_digest, read_workflow, with_overrides

LAST = "last"
_OWN_COLUMNS = ("name", "workflow", "group", "weight")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class SweepRow:
    """One run: a graph ready to queue.

    Attributes:
        name: unique in the file.
        group: rows of a group keep their order.
        weight: share of the time, above 0.
        graph: API form with the overrides applied.
        key: changes when anything that runs changes.
        after: names of rows that must be done before, besides those of its group.
    """

    name: str
    group: str
    weight: float
    graph: Graph
    key: str
    after: tuple[str, ...] = ()


def read_sweep(path: Path | str) -> list[SweepRow]:
    """The rows of a sweep file, in order.

    Raises:
        ValueError: the file, a row, a workflow or an override is wrong; the message names the row.
    """
    path = Path(path)
    text = _text(path)
    entries = _yaml_rows(path, text) if path.suffix.lower() in (".yaml", ".yml") else _csv_rows(path, text)
    rows: list[SweepRow] = []
    graphs: dict[Path, Graph] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{path.name}, row {number} ({entry.get('name') or 'without a name'})"
        try:
            rows.append(_row(entry, path.parent, graphs))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    if not rows:
        raise ValueError(f"sweep {path} has no rows")
    names: set[str] = set()
    for row in rows:
        if row.name.lower() in names:
            raise ValueError(f"{path.name}: two rows are called {row.name!r}; give each a name of its own")
        names.add(row.name.lower())
    return rows


def shard(rows: list[SweepRow], index: int, count: int) -> list[SweepRow]:
    """The rows of part `index` (from 1) of `count`: whole groups, about equal in weight; `last` belongs to none."""
    weights: dict[str, float] = {}
    for row in rows:
        if row.group != LAST:
            weights[row.group] = weights.get(row.group, 0.0) + row.weight
    loads, part_of = [0.0] * count, {}
    for group in sorted(weights, key=lambda name: -weights[name]):  # the heaviest first, each to the lightest part
        part_of[group] = loads.index(min(loads))
        loads[part_of[group]] += weights[group]
    return [row for row in rows if part_of.get(row.group) == index - 1]


def _row(entry: Mapping[str, Any], folder: Path, graphs: dict[Path, Graph]) -> SweepRow:
    name = str(entry.get("name") or "")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"name is {name!r}; expected at most 100 letters, digits, '.', '_' and '-', a letter or digit first"
        )
    if is_device_name(name):  # the row's state is a file of that name
        raise ValueError(f"name is {name!r}, a device of Windows; expected another, such as row-{name}")
    if not entry.get("workflow"):
        raise ValueError("it names no workflow; expected the path of a workflow file, relative to the sweep file")
    path = (folder / str(entry["workflow"])).resolve()
    if path not in graphs:
        graphs[path] = read_workflow(path)
    graph = with_overrides(graphs[path], entry["set"])
    try:
        weight = float(entry.get("weight") or 1)
    except (TypeError, ValueError):
        raise ValueError(f"weight is {entry['weight']!r}; expected a number") from None
    if not 0 < weight < float("inf"):
        raise ValueError(f"weight is {weight:g}; expected a number above 0")
    return SweepRow(name, str(entry.get("group") or f"row {name}"), weight, graph, graph_digest(graph))


def _text(path: Path) -> str:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ValueError(f"sweep {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # UTF-16 of letters below 128 passes for UTF-8 with a zero behind each of them
        raise ValueError(f"sweep {path} is no UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)")
    return text


class _CsvTable:
    """The records of a CSV file as (number of the first line, cells), without comments and rows that hold no text."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._lines = io.StringIO(text, newline="\n")  # breaks at U+2028 or a form feed are none
        self._line = self._start = 0
        self._inside = False  # a record: what looks like a comment or a blank line there belongs to a cell

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(self._read_lines(), skipinitialspace=True, strict=True)
        while True:
            self._inside = False
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise ValueError(
                    f"{self._name}: the row that begins in line {self._start} is no CSV ({error}); close its quotes, "
                    'and write a quote within them twice (\'"a ""b"" c"\')'
                ) from None
            cells = [cell.strip(" \t") for cell in cells]
            if any(cells) and not cells[0].startswith("#"):
                yield self._start, cells

    def _read_lines(self) -> Iterator[str]:
        for line in self._lines:
            self._line += 1
            if not self._inside:
                if not line.strip() or line.lstrip().startswith("#"):
                    continue
                self._inside, self._start = True, self._line
            yield line


def _csv_rows(path: Path, text: str) -> list[dict[str, Any]]:
    table = [cells for _, cells in _CsvTable(path.name, text)]
    head = [cell.strip() for cell in table[0]] if table else []
    while head and not head[-1]:  # columns without a head, as spreadsheets leave them
        head.pop()
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(head) == 1 and mark in head[0]:
            raise ValueError(f"{path.name} has {word} between its cells; expected commas; save it as CSV with commas")
    for column in head:
        if column not in _OWN_COLUMNS and "." not in column:
            raise ValueError(f"{path.name}: column {column!r} is neither node.widget nor one of {_OWN_COLUMNS}")
        if head.count(column) > 1:
            raise ValueError(f"{path.name} has the column {column!r} twice")
    if head and "name" not in head:
        raise ValueError(f"{path.name} has no column 'name'; its first row holds: {', '.join(head)}")
    entries = []
    for number, cells in enumerate(table[1:], 1):
        while len(cells) > len(head) and not cells[-1]:
            cells.pop()
        if len(cells) > len(head):
            raise ValueError(f"{path.name}, row {number} has {len(cells)} cells; expected {len(head)}; quote commas")
        values = dict(zip(head, cells, strict=False))
        overrides = {key: cell for key, cell in values.items() if key not in _OWN_COLUMNS and cell}
        settings = {key: "" if cell == "''" else cell for key, cell in overrides.items()}
        entries.append({**{key: values.get(key, "").strip() for key in _OWN_COLUMNS}, "set": settings})
    return entries


def _yaml_rows(path: Path, text: str) -> list[dict[str, Any]]:
    try:
        import yaml
    except ImportError:
        raise ValueError(f"{path.name} is YAML; reading it needs PyYAML; pip install pyyaml, or use CSV") from None
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path.name} is no YAML: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("rows"), list):
        raise ValueError(f"{path.name} has no list 'rows'")
    entries = []
    for row in data["rows"]:
        if not isinstance(row, dict) or not isinstance(row.get("set", {}), dict):
            raise ValueError(f"{path.name}: a row is {row!r}; expected name, workflow and set")
        settings = {**(data.get("set") or {}), **(row.get("set") or {})}
        entries.append({"workflow": data.get("workflow"), **row, "set": settings})
    return entries
