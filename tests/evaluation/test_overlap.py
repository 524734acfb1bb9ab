"""Pictures that two sets share: counted exactly, whatever file they lie in, and said beside every figure."""

from __future__ import annotations

import io
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.metrics.feature_statistics import statistics_of
from hyponet.evaluation.metrics.features import ImageFeatures
from hyponet.evaluation.metrics.fid import measure_fid
from hyponet.evaluation.metrics.kid import measure_kid
from hyponet.evaluation.metrics.precision_recall import measure_precision_recall
from hyponet.evaluation.metrics.statistics_files import load_statistics, save_statistics
from hyponet.evaluation.pictures.draws import limited
from hyponet.evaluation.pictures.labelled_images import labelled, merged
from hyponet.evaluation.pictures.memory import ArrayPictures
from hyponet.evaluation.pictures.pixels import count_repeated, count_shared
from hyponet.evaluation.pictures.sources.folders import read_folder
from hyponet.evaluation.pictures.split import split, split_indices
from hyponet.evaluation.report.build import build_report
from hyponet.evaluation.report.text import report_csv, report_markdown
from hyponet.evaluation.results import Measurement, read_results, write_result
from hyponet.evaluation.training import accuracy as testing
from hyponet.evaluation.training import comparison, records
from hyponet.evaluation.training.accuracy_table import accuracy_table
from hyponet.evaluation.training.checkpoint import load_checkpoint
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.train import train
from hyponet.tests.evaluation.report_tables import table_of

from .metrics.inception_fixtures import made_up
from .sample_pictures import MemoryPictures, colours

CPU = torch.device("cpu")
TINY = Settings(size=16, epochs=1, batch_size=8)


def noise(count: int, seed: int, side: int = 6) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), np.uint8))


def in_memory(pictures, name="set"):
    return labelled(name, ("a", "b"), np.arange(len(pictures)) % 2, MemoryPictures(pictures))


def encoded(picture: np.ndarray, form: str) -> bytes:
    out = io.BytesIO()
    options = {"png": {"compress_level": 1}, "bmp": {}, "webp": {"lossless": True, "exact": True}, "tiff": {}}[form]
    Image.fromarray(picture).save(out, form, **options)
    return out.getvalue()


def as_folder(root, pictures, draw: random.Random):
    """The pictures as files of random lossless formats: other bytes, equal pixels."""
    for number, picture in enumerate(pictures):
        form = draw.choice(["png", "bmp", "webp", "tiff"])
        folder = root / ("a" if number % 2 else "b")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:03d}.{form}").write_bytes(encoded(picture, form))
    return read_folder(root)


@pytest.mark.parametrize("seed", range(200))
def test_planted_overlaps_are_counted_exactly(tmp_path, seed):
    """The truth is what was planted: pictures of the second set out of the first, some of them twice.

    Beside them pictures that differ from one of the first in a single value, or in their shape alone: none is shared.
    """
    draw = random.Random(seed)
    first = noise(draw.randint(1, 30), seed)
    planted = [draw.choice(first).copy() for _ in range(draw.randint(0, 12))]
    near = {number: first[number].copy() for number in draw.sample(range(len(first)), min(3, len(first)))}
    for picture in near.values():
        picture[draw.randrange(6), draw.randrange(6), draw.randrange(3)] ^= 1 << draw.randrange(8)
    turned = [first[0].reshape(4, 9, 3)]
    second = [*noise(draw.randint(1, 12), 1000 + seed), *near.values(), *turned, *planted]
    draw.shuffle(second)
    trained_on, tested = in_memory(first), in_memory(second)
    if seed % 4 == 0:
        tested = as_folder(tmp_path, second, draw)
    if seed % 3 == 0:  # behind merges, parts and other orders
        trained_on = merged([trained_on.select(range(len(first) // 2 + 1)), trained_on], "again")
        tested = tested.select(np.random.default_rng(seed).permutation(len(second)))
    assert count_shared(tested.pixel_digests(), trained_on.pixel_digests()) == len(planted)
    assert count_repeated(tested.pixel_digests()) == len(planted) - len({picture.tobytes() for picture in planted})


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(10))
def test_no_split_parts_equal_pictures(seed, share):
    """Sets with pictures up to five times, in other classes too; both parts together are the whole set."""
    draw = np.random.default_rng(seed)
    pictures = noise(40, seed)
    copies = [pictures[i] for i in draw.integers(0, 20, 40)]
    data = in_memory([*pictures, *copies])
    chosen, rest = split_indices(data, share, seed)
    pixels = data.pixel_digests()
    assert count_shared(pixels[chosen], pixels[rest]) == 0
    assert sorted([*chosen, *rest]) == list(range(80))
    counts = np.bincount(data.labels[chosen], minlength=2)
    most = max(np.unique(pixels, return_counts=True)[1])
    assert all(abs(count - share * 40) <= 2 * most for count in counts), "near the share, but for copies"


def test_a_set_without_copies_is_split_as_ever():
    """By hand: the first fifth of each class's draw, which is a limit's draw too."""
    data = colours(each=10)
    first, _ = split(data, 0.2, seed=3)
    assert np.array_equal(first.indices, limited(data, 2, seed=3).indices)


def test_a_merge_says_what_the_second_set_repeats():
    real, made = colours(), colours(seed=9)
    made = replace(made, synthetic=np.ones(24, dtype=bool))
    mixed = merged([real, made.select(range(12)), replace(real, synthetic=np.ones(24, dtype=bool)).select([0, 5])], "x")
    assert (mixed.summary()["repeated"], mixed.summary()["generated_in_real"]) == (2, 2)
    assert merged([real, real], "control").summary()["repeated"] == 24


def test_digests_are_kept_with_the_small_copies_and_nothing_is_decoded_again(tmp_path):
    data = colours(cache=tmp_path)
    first = data.pixel_digests()
    again = colours(cache=tmp_path)
    assert np.array_equal(again.pixel_digests(), first)
    assert again.source.reads == 0
    (kept,) = tmp_path.glob("*-pixels.u64")
    kept.write_bytes(b"torn")
    third = colours(cache=tmp_path)
    assert np.array_equal(third.pixel_digests(), first)


def test_a_picture_that_was_read_is_not_read_again():
    data = colours()
    for i in range(len(data)):
        data.read(i)
    assert len(merged([data, data], "twice").pixel_digests()) == 48
    assert data.source.reads == 24


def test_shape_is_part_of_a_picture():
    flat = [np.zeros((2, 8, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)]
    assert count_repeated(labelled("s", ("a",), [0, 0], ArrayPictures(flat)).pixel_digests()) == 0


# -- the snippets of an audit, and siblings of each --------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Trained on 24 pictures, eight of each of three classes."""
    return train(colours().named("CIFAR-10 train"), TINY, tmp_path_factory.mktemp("run"))


def result_of(folder, checkpoint, data):
    accuracy = testing.measure_accuracy(checkpoint, data, CPU).figures
    return records.test_result(folder, "CIFAR-10 Train", checkpoint, [data], [accuracy]), accuracy


PARTS = {
    "half": (lambda data: limited(data, 4, seed=1), 12),  # 4 of each of 3 classes
    "shuffled": (lambda data: data.select(np.random.default_rng(1).permutation(24)), 24),
    "one": (lambda data: merged([colours(seed=8), data.select([5])], "mixed"), 1),
    "none": (lambda data: colours(seed=8), 0),
}


@pytest.mark.parametrize(("part", "shared"), PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("name", ["CIFAR-10 test", "STL-10 test", "my own"])
def test_a_test_figure_with_overlap_is_marked_on_the_node_in_the_file_and_in_the_report(
    trained, tmp_path, part, shared, name
):
    data = part(colours()).named(name)
    result, accuracy = result_of(tmp_path, trained.last, data)
    mark = f"{shared} of {len(data)} test pictures are of its training set"
    assert result.figures["test_sets"][0]["shared"] == accuracy.shared == shared
    assert (f"{name}: {mark}" in result.warnings) == bool(shared)
    assert (mark in accuracy_table([[accuracy]], [trained.last.provenance])) == bool(shared)
    report = build_report(read_results(tmp_path), "r")
    cells = [cell for table in report.tables for row in table.rows for cell in row.cells if cell.value is not None]
    assert cells
    assert all((mark in cell.note) == bool(shared) for cell in cells)
    assert (mark in report_markdown(report)) == (mark in report_csv(report)) == bool(shared)


@pytest.mark.parametrize("shared", [0, 5])
def test_test_pictures_that_a_lora_was_trained_on_are_said_beside_the_accuracies(trained, tmp_path, shared):
    """As LoRA Training counts them in its result; of another set, and by a count that came later, nothing is said."""
    data, other = colours(seed=8).named("CIFAR-10 test"), colours(seed=9).named("STL-10 test")
    for tested in (data, other):
        result_of(tmp_path, trained.last, tested)
    for count in (24, shared):
        counted = {"test_images": {**data.summary(), "shared": count}}
        write_result(tmp_path, Measurement("ships", "lora_training", {"steps": 1}, counted, {}))
    table = table_of(build_report(read_results(tmp_path), "r"), "5-9")
    notes = {
        table.columns[place]: cell.note for row in table.rows for place, cell in enumerate(row.cells) if cell.sources
    }
    said = "5 of 24 test pictures are among the pictures of the LoRA ships"
    assert (said in notes["CIFAR-10"]) == bool(shared)
    assert "LoRA" not in notes["STL-10"]
    assert ("LoRA" in notes["CIFAR-10"]) == bool(shared)


def test_a_checkpoint_on_disk_knows_its_pictures_held_out_ones_included(tmp_path):
    settings = replace(TINY, held_out=0.25)
    run = train(colours(), settings, tmp_path)
    for file in ("last", "best"):
        opened = load_checkpoint(tmp_path / f"{file}.safetensors")
        assert opened.shared_with(colours()) == 24
        assert opened.shared_with(colours(seed=1)) == 0
    assert set(opened.model().state_dict()) == set(run.last.model().state_dict())


def test_a_classifier_that_does_not_name_its_pictures_says_so(trained, tmp_path):
    result, accuracy = result_of(tmp_path, replace(trained.last, trained_on=None), colours())
    assert accuracy.shared is None
    assert [warning for warning in result.warnings if records.UNKNOWN_OVERLAP in warning]


def test_a_comparison_counts_the_test_pictures_of_both_sides(trained, tmp_path):
    other = train(colours(seed=3), TINY, tmp_path / "other").last
    data = merged([colours(seed=7), colours().select([0, 1]), colours(seed=3).select([2, 3, 4])], "test")
    pairs = comparison.compare([trained.last], [other], data, CPU)
    result = records.comparison_result(tmp_path / "r", "pair", [trained.last], [other], data, pairs)
    assert result.inputs["images"]["shared"] == 5
    assert [warning.split(": ")[1] for warning in result.warnings] == [
        "2 of 29 test pictures are of its training set",
        "3 of 29 test pictures are of its training set",
    ]
    table = table_of(build_report(read_results(tmp_path / "r"), "r"), "comparisons")
    assert "5 of 29 test pictures are of a training set" in table.rows[0].cells[0].note


@pytest.mark.parametrize("held_out", [0.1, 0.2, 0.4])
def test_pictures_of_a_doubled_set_are_held_out_with_their_equals(tmp_path, held_out):
    """The audit: of a merge of a set with itself, 32 of 40 held-out pictures were trained on."""
    twice = merged([colours(), colours()], "twice")
    settings = replace(TINY, held_out=held_out)
    result = records.training_result(tmp_path, "a", twice, settings, train(twice, settings, tmp_path / "run"))
    kept_out, kept = split_indices(twice, held_out, settings.held_out_draw)
    pixels = twice.pixel_digests()
    assert count_shared(pixels[kept_out], pixels[kept]) == 0
    assert result.inputs["training"]["repeated"] == 24
    assert "24 of 48 training pictures are there before, pixel by pixel" in result.warnings


def features_of(data, seed):
    made = made_up(np.random.default_rng(seed).normal(size=(len(data), 8)))
    return replace(made, name=data.name, pixels=data.pixel_digests())


MEASURES = {"fid": measure_fid, "kid": measure_kid, "precision_recall": measure_precision_recall}


@pytest.mark.parametrize("kind", MEASURES)
@pytest.mark.parametrize("planted", [0, 1, 9])
def test_both_sides_of_a_metric_are_held_against_each_other(tmp_path, kind, planted):
    reference = in_memory(noise(20, 1)).named("the reference")
    pictures = [*noise(20 - planted, 2), *(reference.read(i) for i in range(planted))]
    features = features_of(in_memory(pictures).named("judged"), 3)
    measured = MEASURES[kind](features, features_of(reference, 4))
    assert measured.inputs["reference"]["shared"] == planted
    said = f"{planted} of 20 pictures are in the reference too"
    assert any(said.replace("the reference", "the reference") in warning for warning in measured.warnings) == bool(
        planted
    )
    result = write_result(tmp_path, replace(measured, name="judged"))
    assert f"pictures that are in the reference too: {planted}" in result.summary()
    report = build_report(read_results(tmp_path), "r")
    cells = [cell for row in table_of(report, kind).rows for cell in row.cells]
    assert all((f"{planted} of its pictures are in the reference too" in cell.note) == bool(planted) for cell in cells)


def test_statistics_on_disk_know_their_pictures(tmp_path):
    data = in_memory(noise(6, 1)).named("reference")
    features = made_up(np.random.default_rng(0).normal(size=(6, 2048)))
    save_statistics(tmp_path / "s.npz", statistics_of(replace(features, pixels=data.pixel_digests())))
    opened = load_statistics(tmp_path / "s.npz", preparation=Preparation())
    assert count_shared(data.pixel_digests(), opened.pixels) == 6
    save_statistics(tmp_path / "t.npz", statistics_of(features))
    assert load_statistics(tmp_path / "t.npz", preparation=Preparation()).pixels is None


def test_the_pictures_of_a_class_keep_their_digests():
    data = in_memory(noise(6, 1))
    features: ImageFeatures = replace(features_of(data, 0), labels=data.labels, class_names=data.class_names)
    assert np.array_equal(features.of_class(1).pixels, data.pixel_digests()[data.labels == 1])
