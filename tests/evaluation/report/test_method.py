"""The method of a paper says what the result files state, no more, and cites what was used alone."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hyponet.evaluation.intervals import mcnemar
from hyponet.evaluation.metrics.conventions import (
    CONVENTIONS,
    INCEPTION_CONVENTIONS,
    TRANSFORMER_CONVENTIONS,
    Preparation,
    network_input,
)
from hyponet.evaluation.metrics.inception_weights import FID_NETWORK, NETWORKS
from hyponet.evaluation.metrics.vision_weights import VISION_NETWORKS, VisionNetwork
from hyponet.evaluation.paired import paired_test
from hyponet.evaluation.pictures.making import Making
from hyponet.evaluation.report import method, references, thesis
from hyponet.evaluation.report.build import build_report
from hyponet.evaluation.report.method import method_text
from hyponet.evaluation.report.read_figures import METRIC_KEYS
from hyponet.evaluation.results import Measurement, Result, read_results, write_result
from hyponet.evaluation.training.comparison_figures import Comparison, OverSeeds
from hyponet.evaluation.training.learning_curve import CurvePoint, curve_measurement
from hyponet.evaluation.training.model import ARCHITECTURES
from hyponet.evaluation.training.ratio import ratio_measurement, ratios_to_real
from hyponet.evaluation.training.settings import Settings
from tools.dev.places import ROOT

from ..accuracy_figures import CLASSES, accuracy_entry, training_figures, write_test
from ..sample_pictures import colours
from .test_report import measured

PAGE = ROOT / "docs" / "method.md"
MAKING = Making(
    name="mugs",
    pictures=2500,
    is_generated=True,
    is_mixed=False,
    tools=("HypoNet 1.0.0", "ComfyUI 0.3.75"),
    models=("sd15.safetensors",),
    seed="7",
    template="a photo of a {color} {class}",
    plan_sha256="5f" * 32,
    origins=(),
    passed=2410,
    failed=90,
)
TRAINED_ON: dict[str, Any] = {
    "name": "mugs",
    "pictures": 2500,
    "synthetic": 2500,
    "counts": dict.fromkeys(CLASSES, 500),
    "content_key": "0" * 40,
    "makings": [MAKING.to_json()],
}


def a_test_of_mugs(folder: Path, **settings: Any) -> Result:
    """A test on 1,000 photos, of which 620 are right and two are of the training set."""
    entries = [accuracy_entry("photos of mugs", 0.62, shared=2)]
    tested_on = [{"name": "photos of mugs", "pictures": 1000, "synthetic": 0, "content_key": "1" * 40}]
    return write_test(folder, "mugs", entries, {"seed": 3, **settings}, TRAINED_ON, tested_on)


def method_of(folder: Path, *new: Result) -> str:
    report = build_report(read_results(folder), "Mugs", new_runs={result.run for result in new})
    return method_text(replace(report, created="2026-11-26 21:00 UTC"))


def cited(text: str) -> set[str]:
    return set(re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE))


def test_the_page_shows_what_a_run_gives(tmp_path: Path) -> None:
    """docs/method.md, word for word: 2,500 generated pictures, two seeds, one test set, one FID."""
    new = [a_test_of_mugs(tmp_path, held_out=0.1), a_test_of_mugs(tmp_path, held_out=0.1, seed=4)]
    new.append(measured(tmp_path, "mugs", "fid", {"fid": 41.25}, 2500, convention="clean-fid"))
    (shown,) = re.findall(r"````markdown\n(.*?)````", PAGE.read_text("utf-8"), re.DOTALL)
    assert method_of(tmp_path, *new) == shown


def test_only_what_was_used_is_cited(tmp_path: Path) -> None:
    test = a_test_of_mugs(tmp_path)
    assert cited(method_of(tmp_path, test)) == {"yu2024dataset", "wilson1927probable", "he2016deep"}
    fid = measured(tmp_path, "mugs", "fid", {"fid": 41.25}, 2500, convention="clean-fid")
    metric = {"yu2024dataset", "heusel2017gans", "parmar2022aliased", "szegedy2016rethinking", "krizhevsky2009learning"}
    assert cited(method_of(tmp_path, fid)) == metric  # its reference is CIFAR-10; the test is of another run
    assert cited(method_of(tmp_path)) == metric | {"wilson1927probable", "he2016deep"}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("convention", INCEPTION_CONVENTIONS)
def test_the_paper_of_clean_fid_is_cited_where_pictures_are_resized_by_it(
    tmp_path: Path, network: str, convention: str
) -> None:
    """Whether they are is seen by the network's input; the names are those that results are written with."""
    is_fid, picture = network == FID_NETWORK, torch.arange(3 * 20 * 20, dtype=torch.uint8).reshape(1, 20, 20, 3)
    inputs = [network_input(picture, name, is_fid=is_fid) for name in (convention, "clean-fid")]
    settings = {"network": NETWORKS[network].key, **Preparation(convention, 32).to_json()}
    found = cited(method_of(tmp_path, measured(tmp_path, "mugs", "fid", {"fid": 41.25}, 2500, **settings)))
    assert ("parmar2022aliased" in found) == torch.equal(*inputs)
    assert "szegedy2016rethinking" in found


@pytest.mark.parametrize("network", VISION_NETWORKS.values(), ids=str)
@pytest.mark.parametrize("convention", TRANSFORMER_CONVENTIONS)
def test_the_papers_of_a_transformer_and_of_its_preparation_are_cited(
    tmp_path: Path, network: VisionNetwork, convention: str
) -> None:
    """Both sides by bicubic on 8-bit pictures is the way of Stein et al., whose paper DINOv2's features come with."""
    settings = {"network": network.key, **Preparation(convention).to_json()}
    found = cited(method_of(tmp_path, measured(tmp_path, "mugs", "fid", {"fid": 41.25}, 2500, **settings)))
    expected = {"radford2021learning"} if network.is_clip else {"oquab2024dinov2", "stein2023exposing"}
    expected |= {"parmar2022aliased"} if convention == "clean-fid" else set()
    expected |= {"stein2023exposing"} if convention == "dgm_eval" else set()
    assert found == expected | {"yu2024dataset", "heusel2017gans", "krizhevsky2009learning"}


def test_no_paper_waits_for_a_name_that_no_result_has() -> None:
    """Every name by which a paper is found is one that a node writes: of kinds, conventions, networks, test sets."""
    networks = [network.key for network in (*NETWORKS.values(), *VISION_NETWORKS.values())]
    for name in references._OF_NETWORKS:
        assert any(name in key for key in (*networks, *ARCHITECTURES)), name
    assert all(any(name in key for name in references._OF_NETWORKS) for key in (*networks, *ARCHITECTURES))
    assert set(references._OF_CONVENTIONS) <= set(CONVENTIONS)
    assert {*references._OF_KINDS, *method._METRICS, *method._TRAINED} <= set(kinds_that_are_written())
    assert set(references._OF_TEST_SETS) == set(thesis.TEST_SETS)


def kinds_that_are_written() -> set[str]:
    """The kinds of `Measurement` in the pack's own code: its second argument, or `kind=`."""
    kinds: set[str] = set()
    texts = [path.read_text("utf-8") for part in ("evaluation", "nodes") for path in (ROOT / part).rglob("*.py")]
    for text in (text for text in texts if "Measurement(" in text):
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Measurement":
                named = [keyword.value for keyword in call.keywords if keyword.arg == "kind"]
                kinds |= {part.value for part in [*call.args[1:2], *named] if isinstance(part, ast.Constant)}
    return kinds


def test_bibtex_is_whole() -> None:
    """Every entry that there is: braces close, and each has an author, a title and a year."""
    for key in references._ENTRIES:
        entry = references._entry(key)
        assert entry.count("{") == entry.count("}")
        assert all(f"{name} = {{" in entry for name in ("author", "title", "year"))
        assert f"year = {{{re.findall('[0-9]{4}', key)[0]}}}" in entry, "the key's year is the entry's"
    for keys in (
        *references._OF_KINDS.values(),
        *references._OF_NETWORKS.values(),
        *references._OF_CONVENTIONS.values(),
    ):
        assert set(keys) <= set(references._ENTRIES)
    assert set(references._OF_TEST_SETS.values()) <= set(references._ENTRIES)


def test_what_no_file_states_is_unknown(tmp_path: Path) -> None:
    """Results of hands: settings and sets that are missing, or texts where numbers are."""
    write_result(tmp_path, Measurement("x", "test", {"test_sets": [accuracy_entry("t", 0.5, shared=None)]}, {}, {}))
    settings = {"held_out": "much", "seed": "five", "architecture": 3}
    write_result(tmp_path, Measurement("x", "test", {"test_sets": [accuracy_entry("t", 0.5)]}, {}, settings))
    text = method_of(tmp_path)
    assert "an unknown number of them are of the training set" in text
    assert "unknown epochs" in text


def test_top_ups_and_near_copies_are_told_of(tmp_path: Path) -> None:
    """Reviewers ask whether the test set steered the set, and whether its pictures are in it."""
    top_up = {"before": 2000, "added": 500, "weak": ["cat", "ship"], "worst_accuracy": 0.4, "per_class": {}}
    inputs = {"steering": {"name": "photos, steering part", "pictures": 400}, "classifiers": ["mugs, round 1"]}
    write_result(tmp_path, Measurement("mugs", "top_up", top_up, inputs, {}))
    by_hash = {"by_hash": {"0": 2, "8": 5}, "near_by_hash": 5}
    copies = {"equal": 2, "near": 5, **by_hash, "near_by_features": None, "pairs": []}
    sets = {"images": {"name": "mugs", "pictures": 2500}, "reference": {"name": "photos", "pictures": 1000}}
    write_result(tmp_path, Measurement("mugs", "contamination", copies, sets, {"cosine": 0.9}))
    text = method_of(tmp_path)
    assert (
        "The plan was topped up by 500 pictures after 2,000, for cat, ship, by a test of mugs, round 1 on photos, "
        "steering part, which is not reported." in text
    )
    assert "5 of 2,500 pictures of mugs have a near copy in photos, 2 of them equal pixel by pixel." in text


def test_the_pictures_that_were_held_out_are_counted(tmp_path: Path) -> None:
    figures = training_figures(0.5, held_out=0.5, count=250)
    trained = Measurement("mugs", "training", figures, {"training": TRAINED_ON}, {"held_out": 0.1})
    assert "kept from training, to choose the epoch. These are 250 pictures." in method_of(
        tmp_path, write_result(tmp_path, trained)
    )


def test_a_part_of_a_set_is_told_as_a_part(tmp_path: Path) -> None:
    """A split keeps how its set was made, with the numbers of the whole set."""
    part = {**TRAINED_ON, "name": "mugs, 0.8 of it", "pictures": 2000, "synthetic": 2000}
    part |= {"counts": dict.fromkeys(CLASSES, 400), "makings": [replace(MAKING, is_part=True).to_json()]}
    write_test(tmp_path, "mugs", [accuracy_entry("photos", 0.62)], {}, part)
    assert (
        "mugs, 0.8 of it: 2,000 pictures in 5 classes of 400, all of them generated. Out of mugs (2,500 pictures): "
        "Made by HypoNet 1.0.0" in method_of(tmp_path)
    )


def test_a_merge_tells_of_each_set_in_it(tmp_path: Path) -> None:
    makings = [MAKING.to_json(), replace(MAKING, name="cups", pictures=100, is_part=True).to_json()]
    merged = {**TRAINED_ON, "name": "mugs and cups", "pictures": 2550, "makings": makings}
    write_test(tmp_path, "both", [accuracy_entry("photos", 0.62)], {}, merged)
    text = method_of(tmp_path)
    assert "Of it mugs, 2,500 pictures: Made by" in text
    assert "Out of cups (100 pictures): Made by" in text


def test_a_learning_curve_says_what_smaller_sizes_had(tmp_path: Path) -> None:
    """Not 50 epochs: a tenth of the pictures has about ten times as many. The seeds draw the subsets too."""
    images, test = colours(each=10).named("mugs"), colours(each=4, seed=9).named("photos")
    points = [CurvePoint(size, 3 * size, (3, 4), (6, 7), 12) for size in (2, 5, 10)]
    write_result(tmp_path, curve_measurement("mugs", points, images, test, Settings()))
    text = method_of(tmp_path)
    assert "50 epochs" in text
    assert (
        "augmentation none; also on nested subsets of 2, 5 pictures a class, with about as many updates by more "
        "epochs; 2 runs of the seeds 3, 4." in text
    )
    assert "wilson1927probable" not in cited(text), "its intervals are over the seeds"
    single = [replace(point, seeds=(3,), rights=(6,)) for point in points]
    write_result(tmp_path / "single", curve_measurement("mugs", single, images, test, Settings()))
    assert "by more epochs; seed 3." in method_of(tmp_path / "single")
    assert "wilson1927probable" in cited(method_of(tmp_path / "single"))


@pytest.mark.parametrize(("seeds", "runs"), [((3, 4), "; 2 runs of each side"), ((3,), "")])
def test_a_ratio_to_real_names_both_training_sets(tmp_path: Path, seeds: tuple[int, ...], runs: str) -> None:
    entries = [accuracy_entry("photos of mugs", 0.62)]
    real_set = {"name": "real mugs", "pictures": 500, "synthetic": 0, "content_key": "2" * 40}
    synthetic = [write_test(tmp_path / "s", "mugs", entries, {"seed": seed}, TRAINED_ON) for seed in seeds]
    real = [write_test(tmp_path / "r", "real mugs", entries, {"seed": seed}, real_set) for seed in seeds]
    ratios = ratios_to_real(synthetic, real)
    text = method_of(tmp_path, write_result(tmp_path, ratio_measurement("mugs", ratios, synthetic, real)))
    assert "ResNet-18 (first layer 7x7) was trained on mugs and, alike, on real mugs from random weights" in text
    assert f"augmentation none{runs}." in text
    assert "real mugs: 500 pictures" in text
    assert ("cochran1977sampling" in cited(text)) == (len(seeds) > 1), "an interval over seeds is by its variance"


@pytest.mark.parametrize("network", [NETWORKS[FID_NETWORK].key, "dinov2-vit-l-14", "clip-vit-b-32"])
def test_distances_are_called_as_the_tables_call_them(tmp_path: Path, network: str) -> None:
    """FID and KID are Inception's; of another network the tables and the line of figures say FD and KD."""
    settings = {"network": network, "convention": "clean-fid"}
    measured(tmp_path, "mugs", "fid", {"fid": 41.25}, 2500, **settings)
    measured(tmp_path, "mugs", "kid", {"kid": 0.01, "kid_sd_over_subsets": 0.002}, 2500, subsets=5, **settings)
    distorted = {"strengths": [0.5], "fid": {"blur": [3.0]}}
    measured(tmp_path, "mugs", "distortion", distorted, 2500, **settings)
    text = method_of(tmp_path)
    is_inception = network == NETWORKS[FID_NETWORK].key
    names = ("FID", "KID", "FID of distorted copies") if is_inception else ("FD", "KD", "FD of distorted copies")
    for name in names:
        assert re.search(rf"[ (]{name}\)? of mugs \(2,500 pictures\)", text), name
    assert is_inception or not re.search(r"\b[FK]ID\b", text.partition("**Figures")[0])


def test_every_metric_with_a_table_has_its_sentence() -> None:
    assert {*METRIC_KEYS, "distortion"} == set(method._METRICS)


def test_a_test_set_that_steered_is_said_not_to_be_reported(tmp_path: Path) -> None:
    """Of one page: it told of a test set and of a top-up by it that is not reported, as if they were two."""
    top_up = {"before": 2000, "added": 500, "weak": ["cat"], "worst_accuracy": 0.4, "per_class": {}}
    steering = {"name": "photos of mugs", "pictures": 1000, "content_key": "1" * 40}
    write_result(tmp_path, Measurement("round 1", "top_up", top_up, {"steering": steering}, {}))
    text = method_of(tmp_path, a_test_of_mugs(tmp_path))
    assert (
        "photos of mugs was a test set (1,000 pictures); 2 of them are of the training set, compared pixel by pixel; "
        "not to be reported: 1,000 of 1,000 test pictures steered the top-up round 1." in text
    )
    assert "62.00" not in text
    entry = {**accuracy_entry("more photos", 0.71), "steered": {"round 1": 40}}
    part = write_test(tmp_path, "mugs", [entry], {}, TRAINED_ON)
    assert "pixel by pixel; not to be reported: 40 of 1,000 test pictures steered" in method_of(tmp_path, part)


def test_curves_and_ratios_name_their_test_sets(tmp_path: Path) -> None:
    images, test = colours(each=10).named("mugs"), colours(each=4, seed=9).named("photos")
    points = [CurvePoint(size, 3 * size, (3,), (6,), 12, shared=size - 2) for size in (2, 10)]
    write_result(tmp_path, curve_measurement("mugs", points, images, test, Settings()))
    said = "photos was a test set (12 pictures); 8 of them are of the training set"
    assert said in method_of(tmp_path)
    entries = [accuracy_entry("photos of mugs", 0.62, shared=5)]
    real_set = {"name": "real mugs", "pictures": 500, "synthetic": 0, "content_key": "2" * 40}
    sides = [write_test(tmp_path / "t", name, entries, {}, stated) for name, stated in (("a", {}), ("b", real_set))]
    ratios = ratios_to_real(sides[:1], sides[1:])
    ratio = write_result(tmp_path, ratio_measurement("mugs", ratios, sides[:1], sides[1:]))
    said = "photos of mugs was a test set (1,000 pictures); 5 of them are of the training set"
    assert said in method_of(tmp_path, ratio)


def test_the_paired_tests_over_seeds_are_cited(tmp_path: Path) -> None:
    images = colours(seed=1).summary()
    pair = Comparison("a", "b", 0.5, 0.6, mcnemar(3, 5), 0.7).to_json()
    expected = {"mcnemar1947note", "holm1979simple", "yu2024dataset"}
    for test, more in ((None, set()), (paired_test([1, 2, 4]), {"wilcoxon1945individual"})):
        figures = {"pairs": [pair], "over_seeds": OverSeeds("a", "b", 24, test, "").to_json()}
        result = write_result(tmp_path, Measurement("pair", "comparison", figures, {"images": images}, {}))
        assert cited(method_of(tmp_path, result)) == expected | more


def test_nothing_measured_says_so(tmp_path: Path) -> None:
    assert "Nothing was measured yet." in method_of(tmp_path)


def test_real_pictures_are_not_called_generated(tmp_path: Path) -> None:
    making = replace(MAKING, is_generated=False, passed=0, failed=0)
    trained_on = {**TRAINED_ON, "synthetic": 0, "makings": [making.to_json()]}
    write_test(tmp_path, "mugs", [accuracy_entry("photos", 0.62)], {"seed": 3}, trained_on)
    text = method_of(tmp_path)
    assert "none of them generated" in text
    assert "from pictures that were loaded from files" in text
    assert "judged none of them" in text


@pytest.mark.parametrize("makings", [[{}], [3], "x", [{**MAKING.to_json(), "passed": "many"}]])
def test_a_result_whose_making_is_damaged_is_left_out_and_named(tmp_path: Path, makings: Any) -> None:
    write_test(tmp_path, "mugs", [accuracy_entry("photos", 0.62)], {}, {**TRAINED_ON, "makings": makings})
    report = build_report(read_results(tmp_path), "Mugs")
    assert "Left out: mugs" in report.notes[0]
