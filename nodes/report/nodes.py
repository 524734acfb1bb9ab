"""The node of the report room.

Reads output/hyponet/results; writes output/hyponet/reports/<name>.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from comfy_api.latest import io

from ...evaluation.report.build import build_report, parse_rows
from ...evaluation.report.text import SOURCES
from ...evaluation.report.write import write_report
from ...evaluation.results import Result, read_results
from .. import paths, sockets
from ..checks import checked
from ..engine import answer
from ..widgets import schema

MAX_SHOWN = 4  # plots of each kind in the node; all of them are in the report
LINKS = 8  # inputs for results; a judgement: any number more comes by name, through `results`


def results_matching(pattern: str) -> tuple[list[Result], dict[str, str]]:
    """The results on disk whose name matches, and what of them cannot be read, with why; none for no pattern."""
    pattern = pattern.strip()
    if not pattern:
        return [], {}
    folder = paths.results_dir()
    left_out: dict[Path, str] = {}
    results = [result for result in read_results(folder, left_out) if fnmatchcase(result.name, pattern)]
    lost = {path.relative_to(folder): why for path, why in left_out.items()}
    names = {path: path.as_posix() if path.name else folder.name for path in lost}
    return results, {names[path]: why for path, why in lost.items() if _may_match(path, pattern)}


def _may_match(path: Path, pattern: str) -> bool:
    """Whether a file that is no result, or a folder that cannot be listed, may be of a name that matches."""
    if path.suffix == ".json":
        return fnmatchcase(path.parent.as_posix(), pattern)
    start, below = re.split(r"[*?\[]", pattern)[0], "".join(f"{part}/" for part in path.parts)
    return start.startswith(below) or below.startswith(start) or fnmatchcase(path.as_posix(), pattern)


class HypoNetWriteReport(io.ComfyNode):
    """One page with what was measured, and where each number came from."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        links = [
            sockets.Result.Input(
                f"result_{number}",
                display_name=f"result {number}",
                optional=True,
                tooltip="A result to report; linking it makes the report wait for it.",
            )
            for number in range(1, LINKS + 1)
        ]
        return schema(
            node_id="HypoNetWriteReport",
            display_name="Report (HTML, CSV, LaTeX)",
            category="HypoNet/Report",
            description=(
                "One page with what was measured, pictures of the sets, tables, plots, and where each number came "
                "from. What is a row of the thesis's tables (5-9 to 5-12) stands in them, with its figure beside ours "
                "where both were made alike. Writes HTML, Markdown, CSV, LaTeX tables, the method in sentences for a "
                "paper (method.md) and the plots as PNG, SVG and PDF to output/hyponet/reports."
            ),
            search_aliases=["table", "results", "html", "csv", "markdown", "latex", "pdf"],
            is_input_list=True,
            inputs=[
                *links,
                io.String.Input(
                    "name", default="report", tooltip="Folder below output/hyponet/reports; an earlier one is replaced."
                ),
                io.String.Input("title", default="HypoNet report", tooltip="Heading of the page."),
                io.String.Input(
                    "results",
                    default="*",
                    tooltip=(
                        "Which results on disk to add to the linked ones, by name: * for all, sd15* for some, empty "
                        "for none. Only what is finished when this node runs is found: link what runs in this graph."
                    ),
                ),
                io.String.Input(
                    "thesis_rows",
                    default="",
                    multiline=True,
                    dynamic_prompts=False,
                    tooltip=(
                        "Which of our names is which row or test set of the thesis, one a line: my set = SD1.5 "
                        "HypoNet, my test = CIFAR-10 test. Names such as sd15-hyponet are recognised without it; "
                        "CIFAR-10 Train + 1000 means Table 5-10."
                    ),
                ),
            ],
            outputs=[
                io.String.Output("markdown", display_name="markdown", tooltip="The whole report as text."),
                io.Image.Output("accuracy", display_name="accuracy", tooltip="Accuracies with their intervals."),
                io.Image.Output("curves", display_name="curves", tooltip="Training and distortion curves."),
                io.Image.Output("confusion", display_name="confusion", tooltip="Confusion matrices."),
            ],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, results: Sequence[str | None] = (None,), **_: object) -> str | float:
        pattern = results[0]
        if not isinstance(pattern, str):  # it comes through a link
            return float("nan")
        folder = paths.results_dir()
        if not pattern.strip() or not folder.is_dir():
            return ""
        names = "\n".join(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json")))
        return hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest()

    @classmethod
    @checked
    def execute(
        cls,
        name: list[str],
        title: list[str],
        results: list[str],
        thesis_rows: list[str],
        result_1: list[Result] | None = None,
        result_2: list[Result] | None = None,
        result_3: list[Result] | None = None,
        result_4: list[Result] | None = None,
        result_5: list[Result] | None = None,
        result_6: list[Result] | None = None,
        result_7: list[Result] | None = None,
        result_8: list[Result] | None = None,
    ) -> io.NodeOutput:
        links = (result_1, result_2, result_3, result_4, result_5, result_6, result_7, result_8)
        linked = [result for link in links for result in link or [] if result is not None]
        on_disk, left_out = results_matching(results[0])
        by_run = {result.run: result for result in [*on_disk, *linked]}
        new_runs = {result.run for result in linked}
        report = build_report(list(by_run.values()), title[0], parse_rows(thesis_rows[0]), left_out, new_runs)
        folder = paths.confine(paths.hyponet_dir() / "reports", name[0], what="name")
        written = write_report(folder, report, paths.samples_dir())
        subfolder = folder.relative_to(paths.hyponet_dir().resolve()).as_posix()
        figures = sum(cell.value is not None for table in report.tables for row in table.rows for cell in row.cells)
        plots = [kind[:MAX_SHOWN] for kind in written.drawn]
        summary = (
            f"{subfolder}/report.html: {figures} figure{'s' * (figures != 1)} from {len(report.sources)} "
            f"result{'s' * (len(report.sources) != 1)}"
        )
        figures_part = written.markdown.partition(SOURCES)[0]  # settings and hashes are in the page, and in `markdown`
        page = {"filename": "report.html", "subfolder": f"hyponet/{subfolder}", "type": "output"}
        return io.NodeOutput(
            written.markdown,
            written.accuracy,
            written.curves,
            written.confusion,
            ui=answer(f"{summary}\n\n{figures_part}", *plots) | {"hyponet_report": [page]},
        )


NODES: list[type[io.ComfyNode]] = [HypoNetWriteReport]
