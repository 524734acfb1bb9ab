"""A report as one HTML page that needs nothing else: no script, no other file; light, dark and print."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from .headlines import headlines
from .tables import Cell, Report, Source, Table, extent_parts, figure_text, footnotes, value_text

_STYLE = """
:root { color-scheme: light dark; --ink: #1d232b; --dim: #5d6875; --page: #ffffff; --line: #d9dee5; --band: #f4f6f9;
  --mark: #1f5fbf; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --dim: #9aa5b3; --page: #14181d; --line: #323a44;
  --band: #1c2229; --mark: #7fb2ff; --warn: #e2b25a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 66rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, "Noto Sans", "Noto Sans KR", "Malgun Gothic", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p, li { max-width: 48rem; } .dim, small { color: var(--dim); } small { font-size: .78rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
table.narrow { max-width: 40rem; }
th, td { padding: .32rem .6rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; }
th:first-child, td:first-child { text-align: left; } thead th { font-weight: 600; border-bottom-color: var(--dim); }
thead th.sub { text-align: right; font-weight: 400; color: var(--dim); font-size: .82rem; }
tr.group th { text-align: left; background: var(--band); font-weight: 600; font-size: .88rem; }
td b { font-weight: 650; } td small { display: block; white-space: nowrap; }
table.many td small { white-space: normal; } td.published { color: var(--dim); }
sup a { color: var(--mark); text-decoration: none; font-size: .7rem; padding-left: .1rem; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; flex: 1 1 28rem; min-width: 0; max-width: 100%; }
figure.wide { flex-basis: 100%; } figure svg { display: block; width: 100%; height: auto; max-height: 34rem; }
figure.tall svg { max-height: none; }
.sources { padding: 0; list-style: none; } .sources li { max-width: none; border-top: 1px solid var(--line);
  padding: .6rem 0; overflow-wrap: anywhere; } .sources code { font-size: .78rem; color: var(--dim); }
.headlines { padding-left: 1.1rem; } .headlines li { margin: .15rem 0; }
.samples figure { flex: 0 1 auto; } .samples img { display: block; max-width: 100%; height: auto; border-radius: 4px; }
figcaption { font-size: .86rem; color: var(--dim); margin: .2rem 0 .3rem; }
.facts span { display: inline-block; margin-right: .9rem; font-size: .8rem; color: var(--dim); }
.warn { color: var(--warn); font-size: .86rem; }
.notes { margin: .4rem 0 0; padding-left: 1.1rem; font-size: .86rem; color: var(--dim); }
:target { background: var(--band); }
@media print { :root { --ink: #000; --dim: #444; --page: #fff; --line: #bbb; --band: #f0f0f0; --mark: #000;
  --warn: #000; color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10pt; } figure, tr, .sources li { break-inside: avoid; }
  h2 { break-after: avoid; } .scroll { overflow: visible; } thead { display: table-header-group; } }
"""


@dataclass(frozen=True)
class Sample:
    """A sheet of a set's pictures, as JPEG; how many are known to be generated (None: nobody knows)."""

    name: str
    count: int | None
    synthetic: int | None
    sheet: bytes


def report_html(report: Report, plots: Mapping[str, str], samples: Sequence[Sample] = ()) -> str:
    """The page.

    Args:
        report: what it says.
        plots: title -> inline SVG, in order.
        samples: pictures of the sets, in order.
    """
    body = [
        f"<h1>{_text(report.title)}</h1>",
        f'<p class="dim">{_text(report.created)}. {_legend(report)}</p>',
        *(f"<p>{_text(note)}</p>" for note in report.notes),
    ]
    lines = headlines(report)
    if lines:
        body.append("<h2>What was measured</h2>")
        body.append(f'<ul class="headlines">{"".join(f"<li>{_text(line)}</li>" for line in lines)}</ul>')
    if samples:
        body.append("<h2>Pictures of the sets</h2>")
        body.append(f'<div class="plots samples">{"".join(map(_sample, samples))}</div>')
    for table in report.tables:
        body.append(_table(table))
    if plots:
        body.append("<h2>Plots</h2>")
        body.append(f'<div class="plots">{"".join(_plot(title, svg) for title, svg in plots.items())}</div>')
    if report.sources:
        body.append("<h2>Where each figure comes from</h2>")
        body.append(f'<ol class="sources">{"".join(_source(source) for source in report.sources)}</ol>')
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        f"<title>{_text(report.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _legend(report: Report) -> str:
    if not any(table.compares for table in report.tables):
        return "A blank was not run."
    return "Bold: measured here as the thesis measured. Dim: as it published. A blank was not run."


def _sample(sample: Sample) -> str:
    parts = [sample.name, "" if sample.count is None else f"{sample.count:,} pictures"]
    if sample.synthetic is not None and sample.count:
        all_or_none = {0: "none generated", sample.count: "all generated"}
        parts.append(all_or_none.get(sample.synthetic, f"{sample.synthetic:,} generated"))
    caption = _text(", ".join(filter(None, parts)))
    encoded = base64.b64encode(sample.sheet).decode()
    image = f'<img src="data:image/jpeg;base64,{encoded}" alt="{caption}">'
    return f"<figure><figcaption>{caption}</figcaption>{image}</figure>"


def _plot(title: str, svg: str) -> str:
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    ratio = float(size[1]) / float(size[2]) if size else 1.2
    shape = ' class="wide"' if ratio >= 1.9 else ' class="wide tall"' if ratio < 1 else ""
    return f'<figure{shape} role="img" aria-label="{_text(title)}">{svg}</figure>'


def _table(table: Table) -> str:
    span = ' colspan="2"' if table.compares else ""
    tall = ' rowspan="2"' if table.compares else ""
    head = f"<tr><th scope=col{tall}>{_text(table.first_column)}</th>"
    head += "".join(f"<th scope=col{span}>{_text(column)}</th>" for column in table.columns) + "</tr>"
    if table.compares:
        head += "<tr>" + '<th class="sub">ours</th><th class="sub">thesis</th>' * len(table.columns) + "</tr>"
    width = 1 + len(table.columns) * (2 if table.compares else 1)
    notes = footnotes(table.rows)
    rows = []
    for group, members in groupby(table.rows, key=lambda row: row.group):
        if group:
            rows.append(f'<tr class="group"><th colspan="{width}" scope=rowgroup>{_text(group)}</th></tr>')
        for row in members:
            cells = "".join(_cell(cell, table, notes) for cell in row.cells)
            rows.append(f"<tr><td>{_text(row.label)}</td>{cells}</tr>")
    below = [*(f"{mark} {note}" for note, mark in notes.items()), *table.notes]
    listed = "".join(f"<li>{_text(note)}</li>" for note in below)
    narrow = ' class="narrow"' if len(table.columns) == 1 else ' class="many"' if len(table.columns) > 4 else ""
    return (
        f'<h2 id="{_text(table.key)}">{_text(table.title)}</h2>\n<div class="scroll"><table{narrow}>'
        f'<thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>\n<ul class="notes">{listed}</ul>'
    )


def _cell(cell: Cell, table: Table, notes: Mapping[str, str]) -> str:
    ours = ""
    if cell.value is not None:
        links = "".join(f'<a href="#source-{number}">[{number}]</a>' for number in cell.sources)
        lines = [*extent_parts(cell, table.decimals), *([notes[cell.note]] if cell.note else [])]
        below = "".join(f"<small>{_text(line)}</small>" for line in lines)
        value = _text(value_text(cell, table.decimals))
        ours = f"{value if cell.thesis is None else f'<b>{value}</b>'}<sup>{links}</sup>{below}"
    elif cell.note:
        ours = f"<small>{notes[cell.note]}</small>"
    if not table.compares:
        return f"<td>{ours}</td>"
    published = "" if cell.thesis is None else figure_text(cell.thesis, table.decimals)
    return f'<td>{ours}</td><td class="published">{published}</td>'


def _source(source: Source) -> str:
    result = source.result
    where = "" if result.path is None else f" <code>{_text(result.path.name)}</code>"
    warnings = "".join(f'<div class="warn">{_text(warning)}</div>' for warning in result.warnings)
    facts = "".join(
        f'<div class="facts"><span><b>{name}</b></span>{_facts(part)}</div>'
        for name, part in (("data", result.inputs), ("settings", result.settings), ("versions", result.versions))
    )
    title = f"[{source.number}] {source.row}: {result.kind.replace('_', ' ')}"
    named = "" if result.name == source.row else f" ({result.name})"
    return (
        f'<li id="source-{source.number}"><strong>{_text(title)}</strong>{_text(named)} '
        f'<span class="dim">{_text(result.created)}</span>{where}{facts}{warnings}</li>'
    )


def _facts(part: Mapping[str, object]) -> str:
    return "".join(f"<span>{_text(name)}: {_text(_plain(value))}</span>" for name, value in part.items())


def _plain(value: object) -> str:
    """A value of a result file as people write it: lists and objects without their signs."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "none"
    return "none" if value is None else str(value)


def _text(value: str) -> str:
    return html.escape(value.encode("utf-8", "replace").decode(), quote=True)
