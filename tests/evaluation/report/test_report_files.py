"""What a report writes for papers: LaTeX tables, vector plots with intervals, and pictures of its sets."""

from __future__ import annotations

import base64
import errno
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.container import ErrorbarContainer
from PIL import Image
from scipy.stats import binomtest

from hyponet.evaluation import plots
from hyponet.evaluation.pictures.labelled_images import LabelledImages, labelled
from hyponet.evaluation.pictures.memory import ArrayPictures
from hyponet.evaluation.pictures.samples import keep_samples, kept_samples
from hyponet.evaluation.report.build import build_report
from hyponet.evaluation.report.charts import Plot, accuracy_plots, curve_plots
from hyponet.evaluation.report.html_page import Sample, report_html
from hyponet.evaluation.report.latex import latex_text, report_latex
from hyponet.evaluation.report.write import _images, write_report
from hyponet.evaluation.results import Measurement, read_results, write_result

from ..accuracy_figures import accuracy_entry, write_test
from .test_report import HOSTILE, Elements, a_test, hostile_report, measured

KOREAN = "\uba38\uadf8\ucef5"


# ---- LaTeX ----------------------------------------------------------------------------------------------------------


def body(latex: str) -> list[str]:
    """Its lines without comments."""
    return [line for line in latex.splitlines() if not line.startswith("%")]


def columns_of(row: str) -> int:
    """How many columns of the table a row fills."""
    spanned = sum(int(width) - 1 for width in re.findall(r"\\multicolumn\{(\d+)\}", row))
    return len(re.findall(r"(?<!\\)&", row)) + 1 + spanned


def check_latex(latex: str) -> None:
    """Braces and environments close, each row has the columns that its table states, no sign is left bare."""
    text = "\n".join(body(latex))
    bare = re.sub(r"\\[\\{}$&#%_]", "", text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    opened: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if what == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    assert not re.search(r"[$#%_^~]", re.sub(r"\\label\{[^}]*\}", "", bare)), "a sign that LaTeX reads"
    assert set(re.findall(r"\\([A-Za-z]+)", bare)) <= KNOWN
    for table in re.findall(r"\\begin\{tabular\}(.*?)\\end\{tabular\}", text, re.S):
        stated = len(re.match(r"\{(l?r*)\}", table)[1])
        rows = [line for line in table.splitlines() if line.endswith(r" \\")]
        assert rows
        assert {columns_of(row) for row in rows} == {stated}
        assert [rule for rule in re.findall(r"\\(\w+rule)\b", table) if rule != "cmidrule"] == [
            "toprule",
            "midrule",
            "bottomrule",
        ]


KNOWN = {
    *("begin", "end", "caption", "label", "centering", "toprule", "midrule", "bottomrule", "cmidrule", "multicolumn"),
    *("emph", "footnotesize", "par", "pm", "textbackslash", "textasciicircum", "textasciitilde", "textless"),
    *("textgreater", "textbar", "textquotedbl", "textquotesingle", "textasciigrave"),
}


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("50 % of A&B_C #1", r"50 \% of A\&B\_C \#1"),
        (r"a\b {c} $d$ ~e^f", r"a\textbackslash{}b \{c\} \$d\$ \textasciitilde{}e\textasciicircum{}f"),
        (KOREAN, KOREAN),
        ("[1.0, 2.0] \u00b1 3*", r"{[}1.0, 2.0{]} \(\pm\) 3{*}"),
        ("two\nlines\tand\x00a tab", "two lines anda tab"),
    ],
)
def test_every_sign_of_latex_is_printed_as_it_is(text: str, latex: str) -> None:
    """The commands are those of Lamport, LaTeX (2nd ed.), 3.2.2, and of the encoding T1's `textcomp` names."""
    assert latex_text(text) == latex


def test_the_tables_are_whole_latex_with_booktabs(tmp_path: Path) -> None:
    for name in ("sd15-hyponet", KOREAN, "50 % & more_of #1"):
        a_test(tmp_path, name, {"CIFAR-10 test": 0.71, "a_b & c": 0.5})
    measured(tmp_path, "mugs", "kid", {"kid": 0.01, "kid_sd_over_subsets": 0.002}, 100, subsets=5)
    report = build_report(read_results(tmp_path), "50 % {")
    latex = report_latex(report)
    check_latex(latex)
    assert latex.count(r"\begin{table}") == len(report.tables) == 3
    assert KOREAN in latex
    # 3,550 of 5,000 beside Table 5-9's figure
    assert r"HypoNet & 71.00 {\footnotesize {[}69.73, 72.24{]}, N = 5,000}" in latex
    assert " & 74.42 &" in latex


def test_hostile_names_stay_names_in_latex(tmp_path: Path) -> None:
    report = hostile_report(tmp_path)
    check_latex(report_latex(report))
    check_latex(latex_text(HOSTILE + "\\input{/etc/passwd}\n% comment"))


# ---- plots ----------------------------------------------------------------------------------------------------------


def intervals(figure) -> list[tuple[float, float]]:
    """The lowest and highest value of each line across a bar's end, in order of the bars."""
    axes = figure.axes[0]
    drawn = [container for container in axes.containers if isinstance(container, ErrorbarContainer)]
    segments = [segment for container in drawn for lines in container[2] for segment in lines.get_segments()]
    return [(float(segment[0][1]), float(segment[1][1])) for segment in segments]


def test_bars_have_their_intervals(tmp_path: Path) -> None:
    a_test(tmp_path, "mugs", {"photos": 0.71}, count=200)
    (plot,) = accuracy_plots(build_report(read_results(tmp_path), "r"))
    wilson = binomtest(142, 200).proportion_ci(method="wilson")
    assert intervals(plot.figure) == [pytest.approx((100 * wilson.low, 100 * wilson.high))]
    for seed, accuracy in ((1, 0.7), (2, 0.8)):
        a_test(tmp_path, "bowls", {"photos": accuracy}, seed, count=200)
    (plot,) = accuracy_plots(build_report(read_results(tmp_path), "r"))
    # mean of 70 and 80, and their standard deviation of sqrt(50)
    assert intervals(plot.figure)[1] == pytest.approx((75 - 50**0.5, 75 + 50**0.5))


def test_ours_beside_the_theses_has_its_interval_and_the_theses_has_none(tmp_path: Path) -> None:
    a_test(tmp_path, "sd15-hyponet", {"CIFAR-10 test": 0.71})
    (plot,) = accuracy_plots(build_report(read_results(tmp_path), "r"))
    assert [legend.get_text() for legend in plot.figure.axes[0].get_legend().get_texts()] == ["ours", "thesis"]
    assert len(intervals(plot.figure)) == 1


def test_a_lora_has_its_curve(tmp_path: Path) -> None:
    write_result(tmp_path, Measurement("mug lora", "lora_training", {"epoch_losses": [0.5, 0.25]}, {}, {"rank": 8}))
    (plot,) = curve_plots(build_report(read_results(tmp_path), "r"))
    assert (plot.file, plot.title) == ("lora-1", "LoRA: mug lora [1]")
    assert [float(tick) for tick in plot.figure.axes[0].get_xticks() if tick % 1] == [], "there is no half epoch"


def test_the_files_of_equal_reports_are_equal(tmp_path: Path) -> None:
    a_test(tmp_path / "r", KOREAN, {"photos": 0.71})
    report = build_report(read_results(tmp_path / "r"), "r")
    for name in ("first", "second"):
        write_report(tmp_path / name, report)
    files = sorted(path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*.*"))
    assert len(files) == 11  # five of text, and two plots of three forms
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes(), file
    pdf = (tmp_path / "first" / "plots" / "accuracy-own.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"CreationDate" not in pdf
    assert len(pdf) < 200_000, "a whole font was embedded"
    svg = (tmp_path / "first" / "plots" / "accuracy-own.svg").read_text("utf-8")
    assert svg.startswith("<svg xmlns") or 'xmlns="http://www.w3.org/2000/svg"' in svg.partition(">")[0]


# ---- pictures of the sets -------------------------------------------------------------------------------------------


def pictures(name: str, classes: int, each: int, synthetic: bool = True) -> LabelledImages:
    """`each` pictures a class, a colour a class."""
    labels = np.repeat(np.arange(classes), each)
    colours = np.stack([np.full((24, 24, 3), 20 + 200 * label // classes, np.uint8) for label in labels])
    colours[:, 0, 0, 0] = np.arange(len(labels)) % 256
    names = [f"class {label}" for label in range(classes)]
    return labelled(name, names, labels, ArrayPictures(colours), synthetic=synthetic)


@pytest.mark.parametrize(("classes", "each", "shown"), [(2, 20, 16), (5, 3, 15), (10, 50, 40), (100, 2, 40)])
def test_a_sheet_shows_whole_rows_of_each_class(tmp_path: Path, classes: int, each: int, shown: int) -> None:
    data = pictures("x", classes, each)
    keep_samples(data, tmp_path)
    sheet = kept_samples(tmp_path, data.content_key)
    assert sheet is not None
    width, height = Image.open(io.BytesIO(sheet)).size
    across, down = width // 98, height // 112  # 96 px and a gap; a line of a caption below
    assert across <= 8
    assert across * (down - 1) < shown <= across * down
    assert len(sheet) < 100_000


def test_a_folder_that_the_disk_does_not_give_costs_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: object, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    data = pictures("x", 2, 2)
    key = data.content_key
    with monkeypatch.context() as patch:
        patch.setattr("hyponet.evaluation.files.os.stat", denied)
        keep_samples(data, tmp_path)
    assert kept_samples(tmp_path, key) is None


def test_the_page_shows_pictures_of_each_set_that_a_figure_is_of(tmp_path: Path) -> None:
    trained, photos = pictures("mugs", 2, 4), pictures("photos", 2, 3, synthetic=False)
    for data in (trained, photos, photos):
        keep_samples(data, tmp_path / "samples")
    entry = accuracy_entry("photos", 0.5, 10)
    stated = [{"name": "photos", "content_key": photos.content_key, "pictures": 6, "synthetic": 0}]
    training = {"content_key": trained.content_key, "pictures": 8, "synthetic": 8}
    for _ in range(2):
        write_test(tmp_path / "r", "mugs", [entry], {}, training, stated)
    report = build_report(read_results(tmp_path / "r"), "r")
    write_report(tmp_path / "report", report, tmp_path / "samples")
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert captions == ["mugs, 8 pictures, all generated", "photos, 6 pictures, none generated"]
    kept = [kept_samples(tmp_path / "samples", data.content_key) for data in (trained, photos)]
    assert [base64.b64decode(text) for text in re.findall(r"data:image/jpeg;base64,([^\"]+)", page)] == kept
    elements = Elements()
    elements.feed(page)
    assert elements.open == []
    write_report(tmp_path / "without", report, tmp_path / "none")
    assert "Pictures of the sets" not in (tmp_path / "without" / "report.html").read_text("utf-8")


@pytest.mark.parametrize("key", ["../secret", "", "A" * 40, "0" * 39, f"{'0' * 40}/x", "0" * 40])
def test_a_key_in_a_result_file_leads_nowhere_else(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "samples").mkdir()
    assert kept_samples(tmp_path / "samples", key) is None


def test_names_of_sets_are_escaped_below_their_pictures() -> None:
    page = report_html(build_report([], "r"), {}, [Sample(HOSTILE, 3, None, b"x")])
    assert "<script" not in page


def test_plots_of_several_sizes_are_one_batch(tmp_path):
    """The regression: with a table of few rows and one of many, Report ended in "Sizes of tensors must match"."""
    few = [plots.bar_chart(["a"], {"t": [50.0]}, "few", "%", (800, 480))]
    many = [plots.bar_chart(list("abcdef"), {"t": [50.0] * 6}, "many", "%", (1200, 600))]
    images = _images([Plot("x", "x", figure) for figure in few + many], "none", (800, 480))
    assert images.shape == (2, 600, 1200, 3)
    assert images[0, 480:].min() == 1
    assert images[0, :, 800:].min() == 1
    assert torch.equal(images[:1, :480, :800], _images([Plot("x", "x", few[0])], "none", (800, 480)))
